"""The names in a folder of an FTP server: NLST, and the handle that gives them."""

from __future__ import annotations

from collections.abc import Iterator

from php_streams._core import ini, notification
from php_streams._core.diagnostics import warn
from php_streams._core.directory import DirectoryRaw
from php_streams._core.stream import Stream
from php_streams._core.values import to_text
from php_streams._transports.connect import ConnectError, open_client
from php_streams._wrappers.ftp_control import OPENING, Control, Refused, begin_tls

# So much is one line of a list of names at most.
_NAME_MAX = 4095


class FtpFolder(DirectoryRaw):
    """The names that NLST gives; they come once."""

    label = "ftpdir"
    seek_allowed = False

    def __init__(self, control: Control, data: Stream) -> None:
        self.control = control
        self.data = data
        super().__init__()

    def entries(self) -> Iterator[str]:
        """The names, without the folders in front of them."""
        return _names(self.data)  # which does not hold on to the folder: dropped, it hangs up at once

    def restart(self) -> None:
        """They cannot be had again."""
        warn("Stream does not support seeking")

    def close(self) -> None:
        """Hangs up."""
        if not self.closed:
            super().close()
            self.control.close()
            self.data.close()


def _names(data: Stream) -> Iterator[str]:
    """Line by line, as they come."""
    while not data.at_end():
        line = data.readline(_NAME_MAX) or data.next_line(_NAME_MAX)
        if not line:
            return
        yield _name(line)


def _name(line: bytes) -> str:
    """The name in a line of the list, which may be a path; blanks after it do not count."""
    name = line.rstrip(b"/").rpartition(b"/")[2].rstrip(b"\n\r\t ")
    return to_text(name.partition(b"\0")[0])


def list_names(control: Control) -> FtpFolder:
    """Asks for the names; Refused when the server does not give them."""
    control.wanted("TYPE A")
    control.line = ""
    place = control.passive()
    try:
        data = open_client(f"tcp://{place}", ini.socket_timeout(), None)
    except ConnectError as error:
        warn(f"connect() failed: {error.text or 'Unspecified error'}")
        raise Refused from None
    try:
        if control.ask(f"NLST {control.url.path}") not in OPENING:
            raise Refused
        notification.watch(data, control.context)
        if control.protects_data and not begin_tls(data, control.context):
            raise Refused("Unable to activate SSL mode")
    except BaseException:
        data.close()
        raise
    return FtpFolder(control, data)

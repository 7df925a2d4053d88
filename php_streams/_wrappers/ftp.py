"""ftp:// and ftps:// (= ext/standard/ftp_fopen_wrapper.c).

A stream is the data connection; the control connection lives beside it and says QUIT when the stream is
closed, after it has heard, when something was written, that all arrived.
"""

from __future__ import annotations

import calendar
import os
import stat
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

from php_streams._core import ini, notification
from php_streams._core.context import Context
from php_streams._core.diagnostics import warn
from php_streams._core.directory import DirectoryRaw
from php_streams._core.raw import Raw
from php_streams._core.stream import Stream
from php_streams._core.values import to_text, truth
from php_streams._core.wrapper import Wrapper, WrapperError
from php_streams._transports.connect import ConnectError, open_client
from php_streams._wrappers.ftp_control import Control, Refused, begin_tls
from php_streams._wrappers.options import NOT_SET, option
from php_streams._wrappers.url import Url, parse
from php_streams.constants import STREAM_NOTIFY_FAILURE

VERBS = {"r": "RETR", "w": "STOR", "a": "APPE"}
BLOCK = 4096


class Ftp(Wrapper):
    """ftp://... and ftps://..."""

    label = "ftp"
    remote = True
    can_unlink = can_rename = can_make_directories = can_list = True

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """A file's data connection."""
        kind = _kind(mode)
        if option(context, "ftp", "proxy") is not NOT_SET:
            if kind != "r":
                raise WrapperError("FTP proxy may only be used in read mode")
            from php_streams._wrappers.http import wrapper as http

            return http().open(path, mode, options, context)
        control = _connect(path, context)
        try:
            return _Transfer(control, kind, mode).begin()
        except Refused:
            control.close()
            raise WrapperError(f"FTP server reports {control.line}" if control.line else "") from None
        except BaseException:
            control.close()
            raise

    def open_directory(self, path: str, context: Context | None) -> DirectoryRaw:
        """NLST."""
        control = _connect(path, context)
        try:
            return _list(control)
        except Refused:
            notification.error(context, STREAM_NOTIFY_FAILURE, control.line, control.code)
            control.close()
            raise WrapperError(f"FTP server reports {control.line}" if control.line else "") from None
        except BaseException:
            control.close()
            raise

    def stat(self, path: str, follow: bool, flags: int = 0, context: Context | None = None) -> os.stat_result:
        """What CWD, SIZE and MDTM tell."""
        try:
            control = _connect(path, context)
        except WrapperError:
            raise OSError from None
        try:
            return _status(control)
        except Refused:
            raise OSError from None
        finally:
            control.close()

    def unlink(self, path: str, context: Context | None) -> bool:
        """DELE."""
        return _change(path, context, _delete, "Error Deleting file: ")

    def rmdir(self, path: str, context: Context | None) -> bool:
        """RMD."""
        return _change(path, context, _remove, "")

    def rename(self, old: str, new: str, context: Context | None) -> bool:
        """RNFR and RNTO, on one server."""
        source, target = parse(old), parse(new)
        if source is None or target is None or not _same_server(source, target):
            return False

        def act(control: Control) -> None:
            control.wanted(f"RNFR {source.path}", 3)
            control.wanted(f"RNTO {target.path}")

        return _change(old, context, act, "Error Renaming file: ", source.host)

    def mkdir(self, path: str, mode: int, parents: bool, context: Context | None) -> bool:
        """MKD, of the folders on the way, too, if that is wanted."""
        return _change(path, context, _make_parents if parents else _make, None)


def _kind(mode: str) -> Literal["r", "w", "a"]:
    reads, writes = bool(set(mode) & set("r+")), bool(set(mode) & set("wa+"))
    if reads and writes:
        raise WrapperError("FTP does not support simultaneous read/write connections")
    if not reads and not writes:
        raise WrapperError("Unknown file open mode")
    return "r" if reads else "a" if "a" in mode else "w"


def _connect(path: str, context: Context | None) -> Control:
    url = parse(path)
    if url is None or url.path is None:
        raise WrapperError
    return Control(url, context)


class _Transfer:
    """The opening of a file."""

    def __init__(self, control: Control, kind: Literal["r", "w", "a"], mode: str) -> None:
        self.control = control
        self.kind = kind
        self.mode = mode
        self.size = 0

    def begin(self) -> Stream:
        """The dialogue up to the transfer; Refused with the server's words in the control connection."""
        control = self.control
        try:
            control.wanted("TYPE I")
            self._look()
            place = control.passive()
            self._resume()
        except (Refused, WrapperError):
            notification.error(control.context, STREAM_NOTIFY_FAILURE, control.line, control.code)
            raise
        control.send(f"{VERBS[self.kind]} {control.url.path}")
        return self._open_data(place)

    def _look(self) -> None:
        """SIZE: what is read has to be there, what is written must not, unless it may be overwritten."""
        control = self.control
        there = control.ask(f"SIZE {control.url.path}") // 100 == 2
        if self.kind == "r":
            if not there:
                raise Refused
            _, space, size = control.line.partition(" ")
            if space:
                self.size = _atoi(size)
                notification.file_size(control.context, self.size, control.line)
        elif self.kind == "w" and there:
            if not truth(option(control.context, "ftp", "overwrite", False)):
                raise WrapperError("Remote file already exists and overwrite context option not specified")
            control.wanted(f"DELE {control.url.path}")

    def _resume(self) -> None:
        position = option(self.control.context, "ftp", "resume_pos", 0)
        resumes = self.kind == "r" and type(position) is int and position > 0
        if resumes and self.control.ask(f"REST {position}") // 100 != 3:
            raise WrapperError(f"Unable to resume from offset {position}")

    def _open_data(self, place: str) -> Stream:
        control = self.control
        try:
            data = open_client(f"tcp://{place}", ini.socket_timeout(), control.context)
        except ConnectError as error:
            notification.error(control.context, STREAM_NOTIFY_FAILURE, "", control.code)
            raise WrapperError(f"Failed to set up data channel: {error.text}") from None
        try:
            if control.reply() not in (150, 125):
                notification.error(control.context, STREAM_NOTIFY_FAILURE, control.line, control.code)
                raise Refused
            notification.watch(data, control.context)
            notification.begin(control.context, self.size)
            if control.protects_data and not begin_tls(data, control.context):
                raise WrapperError("Unable to activate SSL mode")
        except BaseException:
            data.close()
            raise
        data.mode = self.mode
        raw = data.raw
        raw.stat = _no_status  # type: ignore[method-assign]
        raw.close = partial(_finish, weakref.ref(raw), control, self.kind != "r")  # type: ignore[method-assign]
        return data


def _finish(raw: weakref.ref[Raw], control: Control, written: bool) -> None:
    """The end of a transfer: at the end of the data the server says whether it has all."""
    target = raw()
    if target is None or target.closed:
        return
    type(target).close(target)
    try:
        if written and control.reply() not in (226, 250):
            warn(f"FTP server error {control.code}:{control.line}")
        control.send("QUIT")
    finally:
        control.close()


def _no_status() -> None:
    """PHP tells nothing of the connection's."""


# --- folders and names ---------------------------------------------------------------------------------


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
        while not self.data.at_end():
            line = self.data.readline() or self.data.next_line()
            if not line:
                return
            yield to_text(line).rstrip("\r\n\t ").rstrip("/").rpartition("/")[2]

    def restart(self) -> None:
        """They cannot be had again."""

    def close(self) -> None:
        """Hangs up."""
        if not self.closed:
            super().close()
            self.control.close()
            self.data.close()


def _list(control: Control) -> FtpFolder:
    control.wanted("TYPE A")
    control.line = ""
    place = control.passive()
    try:
        data = open_client(f"tcp://{place}", ini.socket_timeout(), None)
    except ConnectError:
        control.line = ""
        raise Refused from None
    try:
        if control.ask(f"NLST {control.url.path}") not in (150, 125):
            raise Refused
        if control.protects_data and not begin_tls(data, control.context):
            raise WrapperError("Unable to activate SSL mode")
    except BaseException:
        data.close()
        raise
    return FtpFolder(control, data)


def _status(control: Control) -> os.stat_result:
    path = control.url.path
    folder = control.ask(f"CWD {path}") // 100 == 2
    mode = 0o644 | (stat.S_IFDIR | 0o111 if folder else stat.S_IFREG)
    control.wanted("TYPE I")
    size = 0
    if control.ask(f"SIZE {path}") // 100 == 2:
        size = _atoi(control.line[4:])
    elif not folder:
        raise Refused
    changed = _time(control.line) if control.ask(f"MDTM {path}") == 213 else -1
    more = {"st_rdev": -1, "st_blksize": BLOCK, "st_blocks": (BLOCK - 1 + size) // BLOCK}
    nanoseconds = {"st_atime_ns": -(10**9), "st_mtime_ns": changed * 10**9, "st_ctime_ns": -(10**9)}
    return os.stat_result((mode, 0, 0, 1, 0, 0, size, -1, changed, -1), {**more, **nanoseconds})


def _time(line: str) -> int:
    """A time as MDTM tells it: 20261122093000, in UTC."""
    digits = "".join(letter for letter in line[4:] if letter.isdigit())[:14]
    if len(digits) < 14:
        return -1
    parts = [int(digits[:4]), *(int(digits[place : place + 2]) for place in range(4, 14, 2))]
    return calendar.timegm((*parts, 0, 0, 0))


def _atoi(text: str) -> int:
    digits = text.lstrip(" \t\n\r\v\f")
    end = next((place for place, letter in enumerate(digits) if not letter.isdigit()), len(digits))
    return int(digits[:end] or 0)


def _same_server(source: Url, target: Url) -> bool:
    ports = {source.port or 21, target.port or 21}
    alike = source.scheme == target.scheme and source.host == target.host
    return alike and len(ports) == 1 and source.path is not None and target.path is not None


def _delete(control: Control) -> None:
    control.wanted(f"DELE {control.url.path}")


def _remove(control: Control) -> None:
    control.wanted(f"RMD {control.url.path}")


def _make(control: Control) -> None:
    control.wanted(f"MKD {control.url.path}")


def _make_parents(control: Control) -> None:
    """From the last folder that is there on."""
    path = control.url.path or ""
    missing = [path]
    while "/" in missing[0]:
        above = missing[0].rpartition("/")[0]
        if control.ask(f"CWD {above or '/'}") // 100 == 2:
            break
        missing.insert(0, above)
    for folder in missing:
        if folder:
            control.wanted(f"MKD {folder}")


def _change(
    path: str, context: Context | None, act: Callable[[Control], None], text: str | None, shown: str = ""
) -> bool:
    """Does something on the server; False, after PHP's warning (with `text` in front), when it refuses."""
    try:
        control = _connect(path, context)
    except WrapperError:
        return warn(f"Unable to connect to {shown or path}")
    try:
        act(control)
    except Refused:
        return False if text is None else warn(f"{text}{control.line}")
    finally:
        control.close()
    return True


def wrapper() -> Ftp:
    """The wrapper, for the table."""
    return Ftp()

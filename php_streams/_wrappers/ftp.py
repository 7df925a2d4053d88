"""ftp:// and ftps:// (= ext/standard/ftp_fopen_wrapper.c).

A stream is the data connection; the control connection lives beside it and says QUIT when the stream is
closed, after it has heard, when something was written, that all arrived.
"""

from __future__ import annotations

import calendar
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from php_streams._core import ini, notification
from php_streams._core.context import Context
from php_streams._core.diagnostics import warn
from php_streams._core.directory import DirectoryRaw
from php_streams._core.stream import Stream
from php_streams._core.wrapper import Wrapper, WrapperError
from php_streams._transports.connect import ConnectError, open_client
from php_streams._wrappers.ftp_control import (
    DEFAULT_PORT,
    OPENING,
    Control,
    Refused,
    begin_tls,
    leading_number,
)
from php_streams._wrappers.ftp_data import become_transfer
from php_streams._wrappers.ftp_names import list_names
from php_streams._wrappers.options import NOT_SET, flag, option, string_option
from php_streams._wrappers.url import Url, parse
from php_streams.constants import STREAM_NOTIFY_FAILURE

VERBS = {"r": "RETR", "w": "STOR", "a": "APPE"}
BLOCK = 4096
# The calendar repeats itself after so many years; Python's begins with the year 1.
CYCLE = 400
CYCLE_SECONDS = 146_097 * 86_400

# As sscanf takes it apart: each number takes all the digits that it may have.
_STAMP = re.compile(
    r"[^0-9]*([0-9]{4}|[0-9]{1,3}(?![0-9]))" + r"\s*([+-][0-9]|[0-9]{2}|[0-9](?![0-9]))" * 5,
)


class Ftp(Wrapper):
    """ftp://... and ftps://..."""

    label = "ftp"
    remote = True
    can_unlink = can_rename = can_make_directories = can_list = True

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """A file's data connection."""
        kind = _kind(mode)
        if option(context, "ftp", "proxy") is not NOT_SET:
            return _by_proxy(path, kind, mode, options, context)
        with notification.deferred() as raised:
            control = _connect(path, context)
            with _telling(control):
                stream = _Transfer(control, kind).begin()
            if raised:
                stream.close()
        return stream

    def open_directory(self, path: str, context: Context | None) -> DirectoryRaw:
        """NLST."""
        with notification.deferred() as raised:
            control = _connect(path, context)
            with _telling(control):
                folder = list_names(control)
            if raised:
                folder.close()
        return folder

    def stat(self, path: str, follow: bool, flags: int, context: Context | None) -> os.stat_result:
        """What CWD, SIZE and MDTM tell."""
        with notification.deferred():
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
        return _change(path, context, lambda control: _ask(control, "DELE", "Error Deleting file: "))

    def rmdir(self, path: str, context: Context | None) -> bool:
        """RMD."""
        return _change(path, context, lambda control: _ask(control, "RMD", ""))

    def rename(self, old: str, new: str, context: Context | None) -> bool:
        """RNFR and RNTO, on one server; what goes wrong after connecting is not told."""
        source, target = parse(old), parse(new)
        if source is None or target is None or not _same_server(source, target):
            return False

        def act(control: Control) -> bool:
            return control.ask(f"RNFR {source.path}") // 100 == 3 and (
                control.ask(f"RNTO {target.path}") // 100 == 2
            )

        return _change(old, context, act, report=False)

    def mkdir(self, path: str, mode: int, parents: bool, context: Context | None) -> bool:
        """MKD, of the folders on the way, too, if that is wanted."""
        return _change(path, context, _make_parents if parents else _make)


def _kind(mode: str) -> Literal["r", "w", "a"]:
    reads, writes = bool(set(mode) & set("r+")), bool(set(mode) & set("wa+"))
    if reads and writes:
        raise WrapperError("FTP does not support simultaneous read/write connections")
    if not reads and not writes:
        raise WrapperError("Unknown file open mode")
    return "r" if reads else "a" if "a" in mode else "w"


def _by_proxy(path: str, kind: str, mode: str, options: int, context: Context | None) -> Stream:
    """The proxy speaks http to us, and ftp to the server."""
    if kind != "r":
        raise WrapperError("FTP proxy may only be used in read mode")
    if not string_option(context, "ftp", "proxy"):
        raise WrapperError("FTP proxy must be an address")  # PHP asks itself again until it crashes
    from php_streams._wrappers.http import Http

    return Http("ftp").open(path, mode, options, context)


def _connect(path: str, context: Context | None) -> Control:
    url = parse(path)
    if url is None or url.path is None:
        raise WrapperError
    return Control(url, context)


@contextmanager
def _telling(control: Control) -> Iterator[None]:
    """Hangs up when the dialogue inside goes wrong; what the server said last becomes the reason."""
    try:
        yield
    except Refused as refused:
        try:
            notification.error(control.context, STREAM_NOTIFY_FAILURE, control.line, control.code)
        finally:
            control.close()
        said = f"FTP server reports {control.line}" if control.line else ""
        reasons = [text for text in (str(refused), said) if text]
        raise WrapperError("\n".join(reasons), control.number) from None
    except BaseException:
        control.close()
        raise


class _Transfer:
    """The opening of a file."""

    def __init__(self, control: Control, kind: Literal["r", "w", "a"]) -> None:
        self.control = control
        self.kind = kind
        self.size = 0

    def begin(self) -> Stream:
        """The dialogue up to the transfer."""
        control = self.control
        control.wanted("TYPE I")
        self._look()
        place = control.passive()
        self._resume()
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
                self.size = as_int(size)
                notification.file_size(control.context, self.size, control.line, control.code)
        elif self.kind == "w" and there:
            if not flag(control.context, "ftp", "overwrite"):
                raise Refused("Remote file already exists and overwrite context option not specified")
            control.wanted(f"DELE {control.url.path}")

    def _resume(self) -> None:
        position = option(self.control.context, "ftp", "resume_pos", 0)
        resumes = self.kind == "r" and type(position) is int and position > 0
        if resumes and self.control.ask(f"REST {position}") // 100 != 3:
            raise Refused(f"Unable to resume from offset {position}")

    def _open_data(self, place: str) -> Stream:
        control = self.control
        try:
            data = open_client(f"tcp://{place}", ini.socket_timeout(), control.context)
        except ConnectError as error:
            control.line = ""
            raise Refused(f"Failed to set up data channel: {error.text}") from None
        try:
            if control.reply() not in OPENING:
                raise Refused
            notification.watch(data, control.context)
            notification.begin(control.context, self.size)
            if control.protects_data and not begin_tls(data, control.context):
                control.line = ""
                raise Refused("Unable to activate SSL mode")
        except BaseException:
            data.close()
            raise
        become_transfer(data, control)
        return data


# --- names ----------------------------------------------------------------------------------------------


def _status(control: Control) -> os.stat_result:
    path = control.url.path
    folder = control.ask(f"CWD {path}") // 100 == 2
    mode = 0o644 | (stat.S_IFDIR | 0o111 if folder else stat.S_IFREG)
    control.wanted("TYPE I")
    size = 0
    if control.ask(f"SIZE {path}") // 100 == 2:
        size = as_int(control.line[4:])
    elif not folder:
        raise Refused
    changed = _time(control.line) if control.ask(f"MDTM {path}") == 213 else -1
    more = {"st_rdev": -1, "st_blksize": BLOCK, "st_blocks": (BLOCK - 1 + size) // BLOCK}
    nanoseconds = {"st_atime_ns": -(10**9), "st_mtime_ns": changed * 10**9, "st_ctime_ns": -(10**9)}
    return os.stat_result((mode, 0, 0, 1, 0, 0, size, -1, changed, -1), {**more, **nanoseconds})


def _time(line: str) -> int:
    """A time as MDTM tells it: 20261122093000, in UTC; -1 for what is none."""
    match = _STAMP.match(line, 4)
    if match is None:
        return -1
    year, month, *rest = (int(part) for part in match.groups())
    # Months and years that the calendar does not have count as mktime counts them.
    years, month = divmod(month - 1, 12)
    return calendar.timegm((year + years + CYCLE, month + 1, *rest, 0, 0, 0)) - CYCLE_SECONDS


def as_int(text: str) -> int:
    """The number that a text begins with, in C's int: PHP does this to the sizes of files."""
    return (leading_number(text) + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000


def _same_server(source: Url, target: Url) -> bool:
    """Whether PHP takes them for that: ports are alike also when a URL has none, or they make 21 together."""
    ports = source.port == target.port or not source.port * target.port
    ports = ports or source.port + target.port == DEFAULT_PORT
    alike = source.scheme == target.scheme and source.host == target.host
    return alike and ports and source.path is not None and target.path is not None


def _ask(control: Control, verb: str, text: str) -> bool:
    """A command about the path; PHP's warning, with `text` in front, when the server refuses."""
    return control.ask(f"{verb} {control.url.path}") // 100 == 2 or warn(text + control.line)


def _make(control: Control) -> bool:
    return control.ask(f"MKD {control.url.path}") // 100 == 2


def _make_parents(control: Control) -> bool:
    """From the last folder that is there on; the slashes of the others are cut out as PHP cuts them."""
    path = control.url.path or ""
    text = path

    def shown() -> str:
        return text.partition("\0")[0] or "/"

    at, found = 0, False
    while not found and "/" in text.partition("\0")[0]:
        at = text.partition("\0")[0].rfind("/")
        text = f"{text[:at]}\0{text[at + 1 :]}"
        found = control.ask(f"CWD {shown()}") // 100 == 2
    if found:
        text = f"{text[:at]}/{text[at + 1 :]}"
    if control.ask(f"MKD {shown()}") // 100 != 2:
        return False
    for place in range(at, len(path)):
        if text[place] == "\0" and text[place + 1 : place + 2] not in ("", "\0"):
            text = f"{text[:place]}/{text[place + 1 :]}"
            if control.ask(f"MKD {shown()}") // 100 != 2:
                return warn(control.line)
    return True


def _change(
    path: str, context: Context | None, act: Callable[[Control], bool], *, report: bool = True
) -> bool:
    """Does something on the server; report: warn when it cannot be reached."""
    with notification.deferred():
        try:
            control = _connect(path, context)
        except WrapperError:
            return warn(f"Unable to connect to {path}") if report else False
        try:
            return act(control)
        finally:
            control.close()


_ftp = Ftp()


def wrapper() -> Ftp:
    """The wrapper, for the table: one for both schemes, as rename compares them."""
    return _ftp

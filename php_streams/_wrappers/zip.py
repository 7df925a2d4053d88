"""zip://archive#entry: an entry of a zip archive, to be read (= zip_stream.c of ext/zip)."""

from __future__ import annotations

import os
from typing import Any, Literal

from php_streams._core.buffer import CHUNK_SIZE
from php_streams._core.context import Context
from php_streams._core.diagnostics import warn
from php_streams._core.raw import Raw
from php_streams._core.signals import from_system
from php_streams._core.stream import Stream
from php_streams._core.wrapper import Wrapper, WrapperError
from php_streams._core.zipio import ZipEntry, ZipError
from php_streams._wrappers.options import NOT_SET, option

SCHEME = "zip://"
PATH_MAX = 4096


class ZipRaw(Raw):
    """An entry.  What is written goes nowhere; PHP does this."""

    label = "zip"

    def __init__(self, entry: ZipEntry, is_folder: bool) -> None:
        super().__init__()
        self.entry = entry
        self.is_folder = is_folder
        self.seek_allowed = entry.seekable

    def readinto(self, buffer: Any) -> int | None:
        """What unpacking gives."""
        if self.raised is not None:
            return None
        try:
            data = self.entry.read(len(buffer))
        except ZipError as error:
            self.eof = self.failed = True
            self._tell(error)
            return 0
        except BaseException as error:  # the reader above must not lose its half line
            self.raised = error
            return None
        self.failed = False
        self.eof = self.eof or len(data) < len(buffer)
        memoryview(buffer).cast("B")[: len(data)] = data
        return self.count(len(data))

    def _tell(self, error: ZipError) -> None:
        try:
            warn(f"Zip stream error: {error}")
        except BaseException as raised:  # from a handler
            self.raised = raised

    def readall(self) -> bytes:
        """Everything until the end, in PHP's steps: what an error takes with it depends on it."""
        parts = []
        room = memoryview(bytearray(CHUNK_SIZE))
        while size := self.readinto(room):
            parts.append(bytes(room[:size]))
        return b"".join(parts)

    def write(self, data: Any) -> int | Literal[False]:
        """Says that it was written."""
        self.written += len(data)
        return len(data)

    def move(self, offset: int, whence: int) -> bool:
        """Only where nothing is packed."""
        self.place = self.entry.seek(offset, whence)
        return self.place >= 0

    def stat(self) -> os.stat_result | None:
        """What PHP makes up for an entry."""
        when = self.entry.modified()
        times = {f"st_{name}_ns": when * 1_000_000_000 for name in ("atime", "mtime", "ctime")}
        more = {"st_rdev": -1, "st_blksize": -1, "st_blocks": -1, **times}
        mode, size = (0o40000, 0) if self.is_folder else (0o100000, self.entry.size)
        return os.stat_result((mode, -1, 0, 1, 0, 0, size, when, when, when), more)

    def set_blocking(self, enable: bool) -> bool:
        """It never waits, and does not mind."""
        return True

    def close(self) -> None:
        """Closes the archive."""
        if not self.closed:
            super().close()
            self.entry.close()


class Zip(Wrapper):
    """zip://"""

    label = "zip wrapper"

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """A stream on the entry whose name stands behind the first # of the URL."""
        archive, mark, name = path[len(SCHEME) :].partition("#")
        if not mark or mode[:1] != "r" or len(os.fsencode(path)) >= PATH_MAX + len(SCHEME):
            raise WrapperError("operation failed")
        try:
            entry = ZipEntry(archive, name, _password(context))
        except from_system(OSError):
            raise WrapperError("operation failed") from None
        return Stream(ZipRaw(entry, name.endswith("/")), mode, path, context)


def _password(context: Context | None) -> bytes | None:
    password = option(context, "zip", "password")
    if password is NOT_SET:
        return None
    if not isinstance(password, (str, bytes)):
        warn("Can't set zip password")
        return None
    return password.encode() if isinstance(password, str) else password


def wrapper() -> Zip:
    """The wrapper, for the table."""
    return Zip()

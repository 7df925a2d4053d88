"""compress.zlib:// and compress.bzip2://, and what gzopen and bzopen open (= ext/zlib, ext/bz2).

One stream reads or writes compressed data through another one's descriptor, never both.  Data that are not
compressed at all are read as they are by zlib's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from php_streams._core.buffer import CHUNK_SIZE
from php_streams._core.bzio import BzipError, BzipFile
from php_streams._core.context import Context
from php_streams._core.copy import copy_stream
from php_streams._core.diagnostics import warn
from php_streams._core.gzio import GzipError, GzipReader, GzipWriter
from php_streams._core.raw import Descriptor, Raw
from php_streams._core.signals import from_system
from php_streams._core.stream import Stream
from php_streams._core.temporary import make_temporary, temporary_folder
from php_streams._core.wrapper import Wrapper, WrapperError
from php_streams._wrappers.open import open_url
from php_streams._wrappers.options import NOT_SET, double, option
from php_streams._wrappers.plain import FileRaw

OPEN_FAILED = "operation failed"


class PackedRaw(Raw):
    """Compressed data behind a descriptor of our own; `below` is the stream that the descriptor is of."""

    asks_for_end = True
    finished = False

    def __init__(self, held: Descriptor, below: Stream | None) -> None:
        super().__init__()
        self.held, self.fd, self.below = held, held.fd, below

    def finish(self) -> None:
        """Writes what ends the compressed data."""
        raise NotImplementedError

    def readall(self) -> bytes:
        """Everything until the end, in PHP's steps: what damaged data take with them depends on it."""
        parts = []
        room = memoryview(bytearray(CHUNK_SIZE))
        while size := self.readinto(room):
            parts.append(bytes(room[:size]))
        return b"".join(parts)

    def set_blocking(self, enable: bool) -> bool:
        """It is as it is; PHP does not mind."""
        return True

    def _put(self, buffer: Any, data: bytes) -> int:
        memoryview(buffer).cast("B")[: len(data)] = data
        return self.count(len(data))

    def close(self) -> None:
        """Ends the compressed data, and closes the stream below."""
        try:
            if not self.finished:
                self.finished = True
                self.finish()
        finally:
            self.held.close()
            if self.below is not None:
                self.below.close()
            super().close()


class GzipRaw(PackedRaw):
    """zlib's gzip files."""

    label = "ZLIB"
    seek_allowed = True

    def __init__(self, held: Descriptor, below: Stream, mode: str) -> None:
        super().__init__(held, below)
        way = [letter for letter in mode if letter in "rwa"][-1:]
        if not way or (way == ["r"] and "T" in mode):
            raise ValueError(mode)
        self.reader = GzipReader(self.fd) if way == ["r"] else None
        self.writer = GzipWriter(self.fd, mode) if self.reader is None else None
        self.was_written = False

    def set_level(self, level: int) -> bool:
        """The context's level in the place of the mode's; False where nothing is packed."""
        if self.writer is None:
            return False
        self.writer.level, self.writer.strategy = level, 0
        return True

    def readinto(self, buffer: Any) -> int | None:
        """What unpacking gives.  Damaged data are no end: PHP's feof stays false for ever."""
        if self.reader is None:
            self.failed = True
            return 0
        if self.raised is not None:
            return None
        try:
            data = self.reader.read(len(buffer))
        except GzipError:
            self.failed = True
            return 0
        except BaseException as error:  # the reader above must not lose its half line
            self.raised = error
            return None
        self.failed = False
        self.eof = self.eof or self.reader.past
        return self._put(buffer, data)

    def write(self, data: Any) -> int | Literal[False]:
        """Packs; 0 when that cannot be done."""
        self.was_written = True
        if self.writer is None:
            return 0
        try:
            self.writer.write(bytes(data))
        except GzipError:
            return 0
        self.written += len(data)
        return len(data)

    def flush_written(self) -> bool:
        """What was written so far can be unpacked from the file."""
        self.was_written = False
        try:
            if self.writer is not None:
                self.writer.flush()
        except GzipError:
            return False
        return self.writer is not None

    def finish(self) -> None:
        """PHP flushes what was written before it closes."""
        if self.was_written:
            self.flush_written()
        try:
            if self.writer is not None:
                self.writer.finish()
        except GzipError:
            pass  # as silent as every close here

    def move(self, offset: int, whence: int) -> bool:
        """Reading: from the beginning again, if need be.  Writing: forward, over NULs."""
        self.place = None
        if whence == os.SEEK_END:
            return warn("SEEK_END is not supported")
        file = self.reader or self.writer
        assert file is not None  # it is one of the two
        done = file.seek(offset, whence)
        if done:
            self.place = file.tell()
        return done


class BzipRaw(PackedRaw):
    """libbz2's files."""

    label = "BZip2"

    def __init__(self, held: Descriptor, below: Stream | None, mode: str) -> None:
        super().__init__(held, below)
        self.file = BzipFile(self.fd, mode)

    def readinto(self, buffer: Any) -> int | None:
        """What unpacking gives; all that was unpacked in one read is lost when the data are damaged in it."""
        if self.raised is not None:
            return None
        room = min(len(buffer), CHUNK_SIZE)
        try:
            data = self.file.read(room)
        except BzipError:
            self.eof = self.failed = True
            return 0
        except BaseException as error:
            self.raised = error
            return None
        self.failed = False
        self.eof = self.eof or len(data) < room
        return self._put(buffer, data)

    def write(self, data: Any) -> int | Literal[False]:
        """Compresses."""
        try:
            self.file.write(data)
        except BzipError:
            return False
        self.written += len(data)
        return len(data)

    def finish(self) -> None:
        """The last block."""
        self.file.finish()


def _descriptor(below: Stream) -> Descriptor | None:
    """One of our own for the stream's; None, after PHP's warning, where it has none; OSError for no more."""
    below.flush()
    below.go_back()
    try:
        fd = below.raw.fileno()
    except from_system(OSError):
        warn(f"Cannot represent a stream of type {below.raw.label} as a File Descriptor")
        return None
    return Descriptor(os.dup, fd)


def _seekable(below: Stream) -> Stream:
    """The stream, or where none can seek in it (http) a temporary file with all it has."""
    if below.raw.seek_allowed or below.raw.label in ("STDIO", "user-space"):
        return below
    raw, path = make_temporary(temporary_folder(), "php", partial(FileRaw, os.open))
    os.unlink(path)
    copied = Stream(raw, "r+b")
    with below:
        copy_stream(below, copied)
    copied.seek(0)
    return copied


def _over(below: Stream, make: Callable[[Descriptor], Raw]) -> Raw | None:
    """The raw on the stream's descriptor; without one the stream is closed."""
    try:
        held = _descriptor(below)
        if held is not None:
            return make(held)
    except BaseException:
        below.close()
        raise
    below.close()
    return None


def _stream(raw: Raw, mode: str, context: Context | None = None) -> Stream:
    """A stream that reads no further ahead than PHP does."""
    stream = Stream(raw, mode, None, context)
    stream.set_chunk_size(CHUNK_SIZE)
    return stream


def open_gzip(
    path: str, mode: str, context: Context | None, *, report: bool = True, search: bool = False
) -> Stream | None:
    """A stream on a gzip file; None after PHP's warning about the file (report)."""
    if "+" in mode:
        if report:
            warn("Cannot open a zlib stream for reading and writing at the same time!")
        return None
    for scheme in ("compress.zlib://", "zlib:"):
        if path[: len(scheme)].lower() == scheme:
            path = path[len(scheme) :]
            break
    below = open_url(path, mode, context, search=search, report=report)
    if below is None:
        return None
    below = _seekable(below)
    try:
        raw = _over(below, lambda held: GzipRaw(held, below, mode))
    except from_system(OSError, ValueError):
        if report:
            warn("gzopen failed")
        return None
    if raw is None:
        return None
    level = option(context, "zlib", "level")
    stream = _stream(raw, mode, context)
    stream.buffered = False
    if level is not NOT_SET and not raw.set_level(int(double(level))):  # type: ignore[attr-defined]
        warn("failed setting compression level", prefix=False)
    return stream


def open_bzip2(path: str, mode: str, *, report: bool = True) -> Stream | None:
    """A stream on a bzip2 file; None after PHP's warning about the file (report)."""
    if path[:17].lower() == "compress.bzip2://":
        path = path[17:]
    if not mode or (mode[0] not in "rw" and len(mode) > 1):
        return None
    writes = [letter for letter in mode if letter in "rw"][-1:] == ["w"]
    flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY if writes else os.O_RDONLY
    try:
        held = Descriptor(os.open, os.fsencode(path), flags | os.O_CLOEXEC, 0o666)
    except from_system(OSError):  # PHP tries the name first, and wrappers then
        below = open_url(path, mode, report=report)
        return None if below is None else bzip2_over(below, mode)
    return _stream(BzipRaw(held, None, mode), mode)


def bzip2_over(below: Stream, mode: str) -> Stream | None:
    """A bzip2 stream over another stream, which it closes; None after PHP's warning."""
    try:
        held = _descriptor(below)
        return None if held is None else _stream(BzipRaw(held, below, mode), mode)
    except from_system(OSError):
        return None


class Zlib(Wrapper):
    """compress.zlib://"""

    label = "ZLIB"

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """A stream on the gzip file that the rest of the URL names."""
        stream = open_gzip(path, mode, context, report=False)
        if stream is None:
            raise WrapperError(OPEN_FAILED)
        return stream


class Bzip2(Wrapper):
    """compress.bzip2://"""

    label = "BZip2"

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """A stream on the bzip2 file that the rest of the URL names."""
        stream = open_bzip2(path, mode, report=False)
        if stream is None:
            raise WrapperError(OPEN_FAILED)
        return stream


def zlib_wrapper() -> Zlib:
    """The wrapper, for the table."""
    return Zlib()


def bzip2_wrapper() -> Bzip2:
    """The wrapper, for the table."""
    return Bzip2()

"""compress.zlib:// and compress.bzip2://, and what gzopen and bzopen open (= ext/zlib, ext/bz2).

One stream reads or writes compressed data in another one, never both.  Data that are not compressed at all are
read as they are by zlib's.  What is damaged ends the stream there, without a word: PHP does this.
"""

from __future__ import annotations

import bz2
import os
import zlib
from typing import Any, Literal

from php_streams._core.context import Context
from php_streams._core.diagnostics import warn
from php_streams._core.raw import Raw
from php_streams._core.stream import Stream
from php_streams._core.values import cast_string
from php_streams._core.wrapper import Wrapper, WrapperError

GZIP = 16 + zlib.MAX_WBITS
MAGIC = b"\x1f\x8b"
STEP = 65536
STRATEGIES = {"f": zlib.Z_FILTERED, "h": zlib.Z_HUFFMAN_ONLY, "R": zlib.Z_RLE, "F": zlib.Z_FIXED}


class PackedRaw(Raw):
    """Compressed data in a stream that is read or written."""

    local = True
    revives = True

    def __init__(self, below: Stream, writes: bool) -> None:
        super().__init__()
        self.below = below
        self.writes = writes
        self.made = b""  # what was unpacked and not handed up yet
        self.written_since_flush = False

    def unpack(self) -> bytes:
        """Some more of what is in there; b"" at the end."""
        raise NotImplementedError

    def pack(self, data: bytes) -> bytes:
        """The data as they are stored."""
        raise NotImplementedError

    def finish(self) -> bytes:
        """What ends the stored data."""
        raise NotImplementedError

    def readinto(self, buffer: Any) -> int | None:
        """What unpacking gives, as much as there is room for."""
        if self.writes:
            self.failed = True
            return 0
        try:
            while not self.made and (self.made or not self.eof):
                self.made = self.unpack()
                self.eof = not self.made
        except BaseException as error:
            self.raised = error
            return None
        size = min(len(self.made), len(buffer))
        memoryview(buffer).cast("B")[:size] = self.made[:size]
        self.made = self.made[size:]
        self.total += size
        return size

    def write(self, data: Any) -> int | Literal[False]:
        """Packs and stores."""
        if not self.writes:
            return 0
        self.written_since_flush = True
        self.store(self.pack(bytes(data)))
        self.written += len(data)
        return len(data)

    def store(self, packed: bytes) -> None:
        """Writes below."""
        if packed:
            self.below.write(packed)

    def close(self) -> None:
        """Ends the stored data, and closes the stream below."""
        if self.closed:
            return
        try:
            if self.writes:
                if self.written_since_flush:
                    self.flush_written()
                self.store(self.finish())
        finally:
            self.below.close()
            super().close()


class GzipRaw(PackedRaw):
    """zlib's gzip files."""

    label = "ZLIB"
    seek_allowed = True

    def __init__(self, below: Stream, mode: str, level: int = -1) -> None:
        super().__init__(below, mode[0] != "r")
        digits = [int(letter) for letter in mode if letter.isdigit()]
        strategy = next((STRATEGIES[letter] for letter in mode if letter in STRATEGIES), 0)
        self.level = digits[-1] if digits else level
        self.packer = zlib.compressobj(self.level, zlib.DEFLATED, GZIP, 8, strategy) if self.writes else None
        self.unpacker: Any = None
        self.held = b""  # what was read below and not looked at yet
        self.plain = False
        self.started = self.damaged = False

    def unpack(self) -> bytes:
        """Unpacks member after member; data without gzip's magic number come as they are."""
        while True:
            data = self.held or self.below.read(STEP)
            self.held = b""
            if not self.started and len(data) == 1:
                data += self.below.read(STEP)
            if self.damaged:
                return b""
            if not data or self.plain:
                return data
            if self.unpacker is None:
                if not data.startswith(MAGIC):
                    self.plain = not self.started
                    return data if self.plain else b""  # behind a member: no more than padding
                self.unpacker, self.started = zlib.decompressobj(GZIP), True
            before = self.unpacker.copy()
            try:
                made: bytes = self.unpacker.decompress(data)
            except zlib.error:
                self.damaged = True
                return salvage(before, data)
            if self.unpacker.eof:
                self.held, self.unpacker = self.unpacker.unused_data, None
            if made:
                return made

    def pack(self, data: bytes) -> bytes:
        """Deflates."""
        return self.packer.compress(data)  # type: ignore[union-attr]

    def flush_written(self) -> bool:
        """Z_SYNC_FLUSH."""
        if self.writes:
            self.written_since_flush = False
            self.store(self.packer.flush(zlib.Z_SYNC_FLUSH))  # type: ignore[union-attr]
        return True

    def finish(self) -> bytes:
        """The end of the deflated data, their checksum and length."""
        return self.packer.flush()  # type: ignore[union-attr]

    def move(self, offset: int, whence: int) -> bool:
        """Reading: from the beginning again, if need be.  Writing: forward, over NULs."""
        self.place = None
        if whence == os.SEEK_END:
            return warn("SEEK_END is not supported")
        if self.writes:
            gap = offset - self.written
            if gap < 0:
                return False
            self.write(bytes(gap))
            self.place = offset
            return True
        position = self.total
        if offset < position:
            if not self.below.seek(0):
                return False
            self.unpacker, self.made, self.held = None, b"", b""
            self.started = self.plain = self.damaged = self.eof = False
            position = self.total = 0
        room = bytearray(STEP)
        while position < offset:
            got = self.readinto(memoryview(room)[: min(STEP, offset - position)])
            if not got:
                break
            position += got
        self.place = offset
        return True


def salvage(unpacker: Any, data: bytes) -> bytes:
    """What can be had of damaged data, which zlib gives only bit by bit."""
    made = b""
    for number in range(len(data)):
        try:
            made += unpacker.decompress(data[number : number + 1])
        except zlib.error:
            break
    return made


class BzipRaw(PackedRaw):
    """libbz2's files."""

    label = "BZip2"

    def __init__(self, below: Stream, mode: str) -> None:
        super().__init__(below, mode[0] == "w")
        self.packer = bz2.BZ2Compressor(9)
        self.unpacker = bz2.BZ2Decompressor()
        self.errno = 0

    def unpack(self) -> bytes:
        """Unpacks the first of the compressed streams; PHP reads no further."""
        made = b""
        while not made and not self.unpacker.eof:
            data = self.below.read(STEP)
            if not data:
                break
            try:
                made = self.unpacker.decompress(data)
            except OSError:
                self.errno, self.failed = -5, True
                return b""
        return made

    def pack(self, data: bytes) -> bytes:
        """Compresses."""
        return self.packer.compress(data)

    def finish(self) -> bytes:
        """The last block."""
        return self.packer.flush()


def open_gzip(
    path: str, mode: str, context: Context | None, *, search: bool = False, options: int = 0
) -> Stream | None:
    """A stream on a gzip file; None after PHP's warning about the file."""
    from php_streams._wrappers.open import open_url

    if "+" in mode or ("r" in mode and any(letter in mode[1:] for letter in "wax")):
        warn("Cannot open a zlib stream for reading and writing at the same time!")
        raise WrapperError("operation failed")
    below = open_url(path, mode, context, options, search=search)
    if below is None:
        return None
    level = -1 if context is None else int(context.option("zlib", "level", -1))
    return Stream(GzipRaw(below, mode, level), mode, None, context)


class Zlib(Wrapper):
    """compress.zlib://"""

    label = "ZLIB"

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """A stream on the gzip file that the rest of the URL names."""
        target = path[16:] if path[:16].lower() == "compress.zlib://" else path
        with quietly():
            stream = open_gzip(target, mode, context)
        if stream is None:
            raise WrapperError("operation failed")
        return stream


class Bzip2(Wrapper):
    """compress.bzip2://"""

    label = "BZip2"

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """A stream on the bzip2 file that the rest of the URL names."""
        target = path[17:] if path[:17].lower() == "compress.bzip2://" else path
        with quietly():
            stream = open_bzip2(target, mode)
        if stream is None:
            raise WrapperError("operation failed")
        return stream


def open_bzip2(path: str, mode: str) -> Stream | None:
    """A stream on a bzip2 file; None after PHP's warning about the file."""
    from php_streams._wrappers.open import open_url

    below = open_url(path, mode)
    return None if below is None else Stream(BzipRaw(below, mode), mode)

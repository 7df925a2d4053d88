"""bzip2 files as libbz2's BZ2_bzread and BZ2_bzwrite see them (= bzlib.c, under PHP's BZip2 streams).

libbz2 reads and writes through stdio, and that shows: what was packed is in the file when 4096 bytes of it
have come together, or at the end, so that an error of the disk is met as late; and an error of reading looks
like the end at first.
"""

from __future__ import annotations

import bz2
import os

from php_streams._core.signals import from_system

# libbz2's BZ_* numbers.
DATA_ERROR, DATA_ERROR_MAGIC, IO_ERROR, UNEXPECTED_EOF = -4, -5, -6, -7
SEQUENCE_ERROR = -1
MAGIC = b"BZh"
INPUT = 8192  # one read below
STDIO = 4096  # what stdio writes at once


class BzipError(Exception):
    """Reading or writing failed; `errno` of the file says why."""


class BzipFile:
    """A file that is read or written.  Of several compressed streams only the first is read, as in PHP."""

    def __init__(self, fd: int, mode: str) -> None:
        self.fd = fd
        writes = [letter for letter in mode if letter in "rw"][-1:] == ["w"]
        digits = [letter for letter in mode if letter.isdigit()]
        size = min(max(int(digits[-1]) if digits else 9, 1), 9)
        self.packer = bz2.BZ2Compressor(size) if writes else None
        self.unpacker = bz2.BZ2Decompressor()
        self.first = b""  # the data's first bytes, which must be libbz2's
        # Of the read that is going on, so that a signal's handler that raises in it loses nothing.
        self.loaded = b""
        self.unpacked: list[bytes] = []
        self.errno = 0
        self.damaged = False
        self.failed = False  # stdio remembers that reading or writing failed
        self.packed = b""  # packed, and not in the file yet

    def _fail(self, number: int) -> BzipError:
        self.errno = number
        return BzipError()

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end."""
        if self.packer is not None:
            raise self._fail(SEQUENCE_ERROR)
        if self.failed:
            raise self._fail(IO_ERROR)
        if self.damaged:
            raise self._ask_again()
        self.errno = 0
        size -= sum(map(len, self.unpacked))
        try:
            while size > 0 and not self.unpacker.eof:
                if self.unpacker.needs_input:
                    self.loaded = self.loaded or self._load()
                part = self._unpack(self.loaded, size)
                self.loaded = b""
                self.unpacked.append(part)
                size -= len(part)
        except BzipError:  # all that was unpacked in this read is lost with it, as in PHP
            self.unpacked.clear()
            raise
        data = b"".join(self.unpacked)
        self.unpacked.clear()
        return data

    def _unpack(self, packed: bytes, size: int) -> bytes:
        try:
            return self.unpacker.decompress(packed, size)
        except from_system(OSError):
            magic = all(a == b for a, b in zip(self.first, MAGIC, strict=False))
            level = self.first[3:4]
            known = magic and (not level or b"1" <= level <= b"9")
            self.damaged = True
            raise self._fail(DATA_ERROR if known else DATA_ERROR_MAGIC) from None

    def _ask_again(self) -> BzipError:
        """libbz2 does not get over damaged data; when it has seen their end it has another word for it."""
        try:
            self.unpacker.decompress(b"", 0)
        except RuntimeError:
            self.errno = SEQUENCE_ERROR
        except from_system(OSError, ValueError):  # the latter from Python 3.13.4 on, which does not ask
            pass
        return BzipError()

    def _load(self) -> bytes:
        try:
            packed = os.read(self.fd, INPUT)
        except from_system(OSError):
            self.failed = True
            packed = b""
        if not packed:
            raise self._fail(UNEXPECTED_EOF)
        self.first = self.first or packed[:4]
        return packed

    def write(self, data: bytes) -> None:
        """Packs all of it."""
        if self.packer is None:
            raise self._fail(SEQUENCE_ERROR)
        if self.failed:
            raise self._fail(IO_ERROR)
        self.errno = 0
        self.packed += self.packer.compress(data)
        self._store(len(self.packed) - len(self.packed) % STDIO)

    def _store(self, size: int) -> None:
        """Writes so much of what is packed; what the disk does not take is gone."""
        view, self.packed = memoryview(self.packed)[:size], self.packed[size:]
        while view:
            try:
                view = view[os.write(self.fd, view) :]
            except from_system(OSError):
                self.failed = True
                raise self._fail(IO_ERROR) from None

    def finish(self) -> None:
        """The last block; libbz2 leaves it out after an error, also after a read that it refused."""
        if self.packer is None:
            return
        if not self.errno:
            self.packed += self.packer.flush()
        try:
            self._store(len(self.packed))
        except BzipError:
            pass  # as silent as every close here

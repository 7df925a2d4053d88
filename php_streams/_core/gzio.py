"""gzip files as zlib's gzread and gzwrite see them (= gzread.c, gzwrite.c, under PHP's ZLIB streams).

Two machines over a descriptor.  Both keep zlib's units, because they show: damaged data take with them what
was unpacked in the same step of 16 KiB, and what was written is in the file a buffer of 8 KiB later.
"""

from __future__ import annotations

import os
import re
import zlib
from typing import Any

from php_streams._core.signals import from_system

GZIP = 16 + zlib.MAX_WBITS
MAGIC = b"\x1f\x8b"
INPUT = 8192  # one read below
STEP = 16384  # what is unpacked at once
STRATEGIES = {"f": zlib.Z_FILTERED, "h": zlib.Z_HUFFMAN_ONLY, "R": zlib.Z_RLE, "F": zlib.Z_FIXED}
_ERROR = re.compile(r"Error (-?\d+)")


class GzipError(Exception):
    """The compressed data are damaged, or could not be read or written."""


def error_number(error: zlib.error) -> int:
    """zlib's Z_* number of what Python raised."""
    match = _ERROR.match(str(error))
    return int(match[1]) if match else zlib_data_error


zlib_data_error = -3


class GzipReader:
    """Unpacks member after member; data that do not begin as gzip come as they are."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        try:
            self.start = os.lseek(fd, 0, os.SEEK_CUR)
        except from_system(OSError):
            self.start = -1
        self.position = 0
        self.skip = 0  # bytes to be passed over before the next read
        self.damaged = False
        self._restart()

    def _restart(self) -> None:
        self.input = b""
        self.made = b""  # what was unpacked and not asked for yet
        # Of the step that is going on, so that a signal's handler that raises in it loses nothing.
        self.loaded: list[bytes] = []
        self.unpacked: list[bytes] = []
        self.ended = False  # the descriptor has no more
        self.past = False  # a read went beyond the end: gzeof
        self.direct = True  # no member was met so far
        self.plain = False
        self.unpacker: Any = None

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end; GzipError for damaged data."""
        if self.damaged:
            raise GzipError
        if self.skip:
            self._pass_over()
        parts: list[bytes] = []
        try:
            while size > 0:
                if not self.made:
                    if self.ended and not self.input:
                        self.past = True
                        break
                    self._fetch(size)
                    continue
                part, self.made = self.made[:size], self.made[size:]
                parts.append(part)
                size -= len(part)
                self.position += len(part)
        except GzipError:
            raise
        except BaseException:  # a signal's handler's: what came is read by the next call
            self.made = b"".join(parts) + self.made
            self.position -= sum(map(len, parts))
            raise
        return b"".join(parts)

    def _pass_over(self) -> None:
        distance, self.skip = self.skip, 0
        while distance and not (self.ended and not self.input and not self.made):
            if not self.made:
                self._fetch(STEP)
            distance -= self._drop(distance)

    def _drop(self, size: int) -> int:
        dropped = min(size, len(self.made))
        self.made = self.made[dropped:]
        self.position += dropped
        return dropped

    def _fetch(self, wanted: int) -> None:
        """Unpacks a step, if there is anything; all that is wanted, if that is more."""
        size = max(wanted, STEP) if self.unpacker is not None else STEP
        try:
            while not self.made and (self.input or not self.ended):
                if self.plain:
                    self.made = self._load(STEP)
                elif self.unpacker is not None:
                    self.made = self._unpack(size)
                elif not self._look():
                    return
        except from_system(GzipError, zlib.error, OSError):
            self.damaged = True
            raise GzipError from None

    def _look(self) -> bool:
        """What comes next: a member, data that are not packed, or nothing."""
        if len(self.input) < len(MAGIC):
            self.input += self._load(INPUT - len(self.input))
        if not self.input:
            return False
        if self.input.startswith(MAGIC):
            self.unpacker, self.direct = zlib.decompressobj(GZIP), False
        elif self.direct:
            self.plain = True
            self.made, self.input = self.input, b""
        else:  # behind a member: zlib takes it for padding
            self.input, self.ended = b"", True
        return True

    def _unpack(self, size: int) -> bytes:
        """At most `size` bytes of the member; fewer at its end, or where the file breaks off."""
        while size and not self.unpacker.eof:
            self.input = self.input or self._load(INPUT)
            came = bool(self.input)
            part = self.unpacker.decompress(self.input, size)
            self.input = self.unpacker.unconsumed_tail or self.unpacker.unused_data
            if not came and not part:
                break
            self.unpacked.append(part)
            size -= len(part)
        if self.unpacker.eof:
            self.unpacker = None
        made = b"".join(self.unpacked)
        self.unpacked.clear()
        return made

    def _load(self, size: int) -> bytes:
        """So many bytes of the file, fewer at its end."""
        size -= sum(map(len, self.loaded))
        while size > 0 and not self.ended:
            part = os.read(self.fd, size)
            self.ended = not part
            self.loaded.append(part)
            size -= len(part)
        data = b"".join(self.loaded)
        self.loaded.clear()
        return data

    def seek(self, offset: int, whence: int) -> bool:
        """gzseek: back by beginning anew, forward when the next read comes."""
        if self.damaged:
            return False
        ahead = offset - self.position if whence == os.SEEK_SET else offset + self.skip
        self.skip = 0
        if self.plain and self.position + ahead >= 0:
            return self._go(ahead)
        if ahead < 0:
            ahead += self.position
            if ahead < 0 or self.start < 0:
                return False
            os.lseek(self.fd, self.start, os.SEEK_SET)
            self.position = 0
            self._restart()
        self.skip = ahead - self._drop(ahead)
        return True

    def _go(self, ahead: int) -> bool:
        """Within data that are not packed the descriptor itself moves."""
        try:
            os.lseek(self.fd, ahead - len(self.made), os.SEEK_CUR)
        except from_system(OSError):
            return False
        self.made, self.ended, self.past = b"", False, False
        self.position += ahead
        return True

    def tell(self) -> int:
        """gztell."""
        return self.position + self.skip


class GzipWriter:
    """Packs what is written into one member."""

    def __init__(self, fd: int, mode: str) -> None:
        self.fd = fd
        digits = [letter for letter in mode if letter.isdigit()]
        self.level = int(digits[-1]) if digits else -1
        self.strategy = next((STRATEGIES[letter] for letter in reversed(mode) if letter in STRATEGIES), 0)
        self.direct = "T" in mode  # as it is, without packing
        self.packer: Any = None
        self.position = 0
        self.skip = 0  # NULs that go before what is written next
        self.failed = False
        self.waiting: list[bytes] = []  # not packed yet
        self.waiting_size = 0
        self.packed = b""  # packed, and not in the file yet

    def write(self, data: bytes) -> None:
        """Takes all of it; GzipError when that could not be done."""
        self._ready()
        self._fill_gap()
        self.position += len(data)
        if len(data) >= INPUT:
            self._pack()
            self._deflate(data)
            return
        room = INPUT - self.waiting_size
        self._wait(data[:room])
        if len(data) > room:
            self._pack()
            self._wait(data[room:])

    def _wait(self, data: bytes) -> None:
        """Small pieces are gathered until they fill zlib's buffer."""
        self.waiting.append(data)
        self.waiting_size += len(data)

    def _fill_gap(self) -> None:
        if self.skip:
            self._pack()
        while self.skip:
            size = min(self.skip, INPUT)
            self.skip -= size
            self.position += size
            self._deflate(bytes(size))

    def _ready(self) -> None:
        if self.failed:
            raise GzipError
        if self.packer is None and not self.direct:
            try:
                self.packer = zlib.compressobj(self.level, zlib.DEFLATED, GZIP, 8, self.strategy)
            except ValueError:
                self.failed = True
                raise GzipError from None

    def _pack(self) -> None:
        if self.waiting:  # with nothing to pack zlib would forget that it has been flushed
            data = b"".join(self.waiting)
            self.waiting, self.waiting_size = [], 0
            self._deflate(data)

    def _deflate(self, data: bytes) -> None:
        self._store(data if self.direct else self.packer.compress(data), INPUT)

    def _store(self, packed: bytes, unit: int) -> None:
        """Writes whole buffers below, and keeps the rest."""
        packed = self.packed + packed
        whole = len(packed) - len(packed) % unit
        self.packed = packed[whole:]
        view = memoryview(packed)[:whole]
        while view:
            try:
                view = view[os.write(self.fd, view) :]
            except from_system(OSError):
                self.failed = True
                raise GzipError from None

    def flush(self) -> None:
        """Z_SYNC_FLUSH: what was written so far can be unpacked from the file."""
        self._ready()
        self._fill_gap()
        self._pack()
        self._store(b"" if self.direct else self.packer.flush(zlib.Z_SYNC_FLUSH), 1)

    def finish(self) -> None:
        """The end of the member."""
        self._ready()
        self._fill_gap()
        self._pack()
        self._store(b"" if self.direct else self.packer.flush(), 1)

    def seek(self, offset: int, whence: int) -> bool:
        """gzseek: forward, over NULs that are written with what comes next."""
        if self.failed:
            return False
        ahead = offset - self.position if whence == os.SEEK_SET else offset + self.skip
        self.skip = 0
        if ahead < 0:
            return False
        self.skip = ahead
        return True

    def tell(self) -> int:
        """gztell."""
        return self.position + self.skip

"""bzip2.compress, bzip2.decompress (= ext/bz2/bz2_filter.c)."""

from __future__ import annotations

import bz2
from typing import Any

from php_streams._core.buffer import CHUNK_SIZE
from php_streams._core.diagnostics import notice, warn
from php_streams._core.filters import ByteFilter, Filter, FilterFailed, Outcome
from php_streams._core.signals import from_system
from php_streams._core.values import cast_int, truth
from php_streams._filters.parameters import entries
from php_streams.constants import PSFS_PASS_ON

BLOCKS = 4  # of 100 kB, unless told otherwise
MOST_WORK = 250


class Compress(ByteFilter):
    """Compresses, block by block: fflush gives nothing that is not a whole one."""

    __slots__ = ("_bzip2", "_over")
    waits = True

    def __init__(self, name: str, blocks: int) -> None:
        super().__init__(name)
        self._bzip2 = bz2.BZ2Compressor(blocks)
        self._over = False

    def filter(self, data: bytes, closing: bool) -> bytes:
        """The blocks that are complete; all when closing."""
        if self._over:
            if data:
                raise FilterFailed
            return b""
        self._over = closing
        return self._bzip2.flush() if closing else self._bzip2.compress(data)


class Decompress(ByteFilter):
    """Decompresses one file, or as many as come."""

    __slots__ = ("_bzip2", "_concatenated", "_ended", "_kept")
    waits = True

    def __init__(self, name: str, concatenated: bool) -> None:
        super().__init__(name)
        self._bzip2 = bz2.BZ2Decompressor()
        self._concatenated = concatenated
        self._ended = False  # a file's end came, and nothing else
        self._kept: list[
            bytes
        ] = []  # what was made of a bucket before its data went wrong: it comes at the end

    def run(self, buckets: list[bytes], flags: int) -> Outcome:
        """What is a file's end and nothing else does not count as taken; PHP does this."""
        self._ended = False
        status, made, taken = super().run(buckets, flags)
        return (PSFS_PASS_ON, made, 0) if self._ended else (status, made, taken)

    def filter(self, data: bytes, closing: bool) -> bytes:
        """What can be told by now.  What is missing at the end is not missed; PHP does this."""
        if closing and self._kept:
            kept, self._kept = self._kept, []
            return b"".join(kept)
        made: list[bytes] = []
        while data:
            if self._bzip2.eof:
                if not self._concatenated:
                    break
                self._bzip2 = bz2.BZ2Decompressor()
            try:
                more = self._decompress(data, made)
            except from_system(OSError, ValueError, RuntimeError):  # the last: it failed before
                self._kept += made
                notice("bzip2 decompression failed")
                raise FilterFailed from None
            self._ended = self._bzip2.eof and not more
            data = self._bzip2.unused_data
        return b"".join(made)

    def _decompress(self, data: bytes, made: list[bytes]) -> bool:
        """Adds what these data give, step by step; whether that is anything."""
        before = len(made)
        part = self._bzip2.decompress(data, CHUNK_SIZE)
        while part:
            made.append(part)
            part = b"" if self._bzip2.eof else self._bzip2.decompress(b"", CHUNK_SIZE)
        return len(made) > before


def _compress(name: str, params: Any) -> Filter:
    options = entries(params) or {}
    blocks = cast_int(options.get("blocks", BLOCKS))
    if not 1 <= blocks <= 9:
        warn(f"Invalid parameter given for number of blocks to allocate ({blocks})")
        blocks = BLOCKS
    # How much work is done before bzip2 turns to its slower method changes nothing about what comes out.
    work = cast_int(options.get("work", 0))
    if not 0 <= work <= MOST_WORK:
        warn(f"Invalid parameter given for work factor ({work})")
    return Compress(name, blocks)


def make(name: str, params: Any) -> Filter | None:
    """The filter; parameters that are out of range are left out, after a warning."""
    kind = name.lower()
    if kind == "bzip2.compress":
        return _compress(name, params)
    if kind == "bzip2.decompress":
        return Decompress(name, truth((entries(params) or {}).get("concatenated")))
    return None

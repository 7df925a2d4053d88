"""zlib.deflate, zlib.inflate (= ext/zlib/zlib_filter.c); the window says the format: raw, zlib, gzip, any."""

from __future__ import annotations

import zlib
from typing import Any

from php_streams._core.buffer import CHUNK_SIZE
from php_streams._core.diagnostics import notice, warn
from php_streams._core.filters import ByteFilter, Filter, FilterFailed, Outcome
from php_streams._core.values import cast_int, type_name
from php_streams._filters.parameters import entries
from php_streams.constants import PSFS_FLAG_FLUSH_CLOSE, PSFS_FLAG_FLUSH_INC

MAX_MEMORY_LEVEL = 9
GZIP, EITHER = 16, 32  # so much more in the window: gzip; zlib's format or gzip's, as the header says
NEED_DICTIONARY = "Error 2 "


class Deflate(ByteFilter):
    """Compresses; holds back as much as zlib does."""

    __slots__ = ("_flush_with", "_flushed", "_over", "_zlib")
    waits = True

    def __init__(self, name: str, compressor: Any) -> None:
        super().__init__(name)
        self._zlib = compressor
        self._flush_with = zlib.Z_NO_FLUSH
        self._flushed = True
        self._over = False

    def run(self, buckets: list[bytes], flags: int) -> Outcome:
        """Data that come with a flush are flushed on their own; PHP does this."""
        self._flush_with = {
            PSFS_FLAG_FLUSH_CLOSE: zlib.Z_FULL_FLUSH,
            PSFS_FLAG_FLUSH_INC: zlib.Z_SYNC_FLUSH,
        }.get(flags, zlib.Z_NO_FLUSH)
        return super().run(buckets, flags)

    def filter(self, data: bytes, closing: bool) -> bytes:
        """What zlib gives out by now; all when closing."""
        if self._over:
            if data:
                raise FilterFailed
            return b""
        if closing:
            self._over = True
            return bytes(self._zlib.flush(zlib.Z_FINISH))
        made = bytes(self._zlib.compress(data))
        self._flushed = self._flush_with != zlib.Z_NO_FLUSH
        return made + self._zlib.flush(self._flush_with) if self._flushed else made

    def flush(self) -> bytes:
        """All there is, unless that was done already."""
        if self._flushed or self._over:
            return b""
        self._flushed = True
        return bytes(self._zlib.flush(zlib.Z_SYNC_FLUSH))


class Inflate(ByteFilter):
    """Decompresses; what comes after the compressed data is dropped."""

    __slots__ = ("_kept", "_zlib")
    waits = True

    def __init__(self, name: str, decompressor: Any) -> None:
        super().__init__(name)
        self._zlib = decompressor
        self._kept = b""  # what was made of a bucket before its data went wrong: it comes out at the end

    def filter(self, data: bytes, closing: bool) -> bytes:
        """What can be told by now.  What is missing at the end is not missed; PHP does this."""
        if closing and self._kept:
            kept, self._kept = self._kept, b""
            return kept
        if not data or self._zlib.eof:
            return b""
        before = self._zlib.copy()
        try:
            return bytes(self._zlib.decompress(data))
        except zlib.error as error:
            self._kept += inflate_until_error(before, data)
            needs = str(error).startswith(NEED_DICTIONARY)
            notice(f"zlib: {'need dictionary' if needs else 'data error'}")
            raise FilterFailed from None


def inflate_until_error(decompressor: Any, data: bytes) -> bytes:
    """What comes of damaged data before zlib refuses them, which Python hands out in steps only."""
    parts = []
    step = CHUNK_SIZE
    while step:
        before = decompressor.copy()
        try:
            part = decompressor.decompress(data, step)
        except zlib.error:
            decompressor, step = before, step // 2
            continue
        parts.append(part)
        data, step = decompressor.unconsumed_tail, step if part else 0
    return b"".join(parts)


def _window(options: dict[str, Any], most: int) -> int:
    if "window" not in options:
        return -zlib.MAX_WBITS
    window = cast_int(options["window"])
    if -zlib.MAX_WBITS <= window <= zlib.MAX_WBITS + most:
        return window
    warn(f"Invalid parameter given for window size ({window})")
    return -zlib.MAX_WBITS


def _memory(options: dict[str, Any]) -> int:
    if "memory" not in options:
        return MAX_MEMORY_LEVEL
    memory = cast_int(options["memory"])
    if 1 <= memory <= MAX_MEMORY_LEVEL:
        return memory
    warn(f"Invalid parameter given for memory level ({memory})")
    return MAX_MEMORY_LEVEL


def _level(value: Any) -> int:
    level = cast_int(value)
    if zlib.Z_DEFAULT_COMPRESSION <= level <= zlib.Z_BEST_COMPRESSION:
        return level
    warn(f"Invalid compression level specified. ({level})")
    return zlib.Z_DEFAULT_COMPRESSION


def _deflate(name: str, params: Any) -> Filter | None:
    options = entries(params)
    if options is None:
        options = {}
        if type_name(params) in ("int", "float", "string"):
            options["level"] = params
        elif params is not None:
            warn("Invalid filter parameter, ignored")
    memory, window = _memory(options), _window(options, GZIP)
    level = _level(options.get("level", zlib.Z_DEFAULT_COMPRESSION))
    try:
        return Deflate(name, zlib.compressobj(level, zlib.DEFLATED, window, memory))
    except ValueError:
        return None


def _inflate(name: str, params: Any) -> Filter | None:
    try:
        return Inflate(name, zlib.decompressobj(_window(entries(params) or {}, EITHER)))
    except ValueError:
        return None


def make(name: str, params: Any) -> Filter | None:
    """The filter; parameters that are out of range are left out, after a warning."""
    kind = name.lower()
    if kind == "zlib.deflate":
        return _deflate(name, params)
    return _inflate(name, params) if kind == "zlib.inflate" else None

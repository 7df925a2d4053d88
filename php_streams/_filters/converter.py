"""What the convert.* filters have in common (= php_convert_filter of ext/standard/filters.c)."""

from __future__ import annotations

from typing import Any, NamedTuple

from php_streams._core.diagnostics import warn
from php_streams._core.filters import ByteFilter, FilterFailed
from php_streams._core.values import cast_int, cast_string

UNSIGNED = 1 << 32
LEAST = 4  # a line shorter than this is none: no lines are made


class Lines(NamedTuple):
    """line-length and line-break-chars; an ending of None: no lines."""

    length: int
    ending: bytes | None

    @classmethod
    def of(cls, options: dict[str, Any]) -> Lines:
        """As the options say."""
        length = max(cast_int(options.get("line-length", 0)), 0) % UNSIGNED
        if length < LEAST:
            return cls(0, None)
        return cls(length, cast_string(options.get("line-break-chars", b"\r\n")))


class Converter(ByteFilter):
    """A filter that finds fault with some data."""

    __slots__ = ()

    def invalid(self) -> FilterFailed:
        """The error to raise, after PHP's warning."""
        warn(f"Stream filter ({self.name}): invalid byte sequence")
        return FilterFailed()

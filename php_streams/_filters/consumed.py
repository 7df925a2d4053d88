"""consumed: passes everything on, and counts it; when it goes, the stream stands behind what was counted."""

from __future__ import annotations

import os
from typing import Any

from php_streams._core.filtered import FilteredRaw
from php_streams._core.filters import Filter, Outcome
from php_streams.constants import PSFS_FLAG_FLUSH_CLOSE, PSFS_PASS_ON


class Consumed(Filter):
    """= consumed_filter of ext/standard/filters.c."""

    __slots__ = ("_start", "_taken")

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._start: int | None = None
        self._taken = 0

    def run(self, buckets: list[bytes], flags: int) -> Outcome:
        """Counts, and seeks when the filter goes."""
        stream = self.owner() if self.owner is not None else None
        size = sum(map(len, buckets))
        if stream is not None and stream.is_open and isinstance(stream.raw, FilteredRaw):
            if self._start is None:
                self._start = stream.tell()
            if flags == PSFS_FLAG_FLUSH_CLOSE and not stream.raw.receiving:
                stream.seek(self._start + self._taken, os.SEEK_SET)
        self._taken += size
        return PSFS_PASS_ON, buckets, size


def make(name: str, params: Any) -> Filter | None:
    """The filter; it has no parameters."""
    return Consumed(name)

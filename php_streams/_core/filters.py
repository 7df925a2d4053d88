"""Filters: what each of them is, and how a chain of them works (= main/streams/filter.c).

A filter gets buckets (bytes) and flags, and says with a status what to do: PASS_ON what it made, FEED_ME with
more, or ERR_FATAL.  How a chain stands in a stream: filtered.py.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

from php_streams._core.resource import Resource
from php_streams.constants import (
    PSFS_ERR_FATAL,
    PSFS_FEED_ME,
    PSFS_FLAG_FLUSH_CLOSE,
    PSFS_FLAG_FLUSH_INC,
    PSFS_FLAG_NORMAL,
    PSFS_PASS_ON,
)

if TYPE_CHECKING:
    from php_streams._core.stream import Stream

# The status, the buckets that go on, and how many bytes were taken from those that came.
Outcome = tuple[int, list[bytes], int]


class FilterFailed(Exception):
    """The data are not what the filter can work on: PSFS_ERR_FATAL."""


class Filter(Resource):
    """A resource of type (stream filter)."""

    __slots__ = ("chain", "name", "owner")
    type_name = "stream filter"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.chain: list[Filter] | None = None
        self.owner: weakref.ref[Stream] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is still in a stream."""
        return self.chain is not None

    def run(self, buckets: list[bytes], flags: int) -> Outcome:
        """Works on the buckets; flags are PSFS_FLAG_*."""
        raise NotImplementedError

    def close(self) -> None:
        """The filter leaves its stream."""


class ByteFilter(Filter):
    """A filter that has no use for buckets: bytes in, bytes out."""

    __slots__ = ()
    waits = False  # says FEED_ME while it has made nothing: the filters after it are not asked then
    in_place = False  # it changes buckets, also into empty ones, where others make new ones

    def filter(self, data: bytes, closing: bool) -> bytes:
        """What becomes of the bytes, of none when closing; FilterFailed when nothing can."""
        raise NotImplementedError

    def flush(self) -> bytes:
        """What it can give of what it holds back, and still go on (fflush)."""
        return b""

    def run(self, buckets: list[bytes], flags: int) -> Outcome:
        """Filters bucket after bucket: what one becomes must not depend on the next ones."""
        try:
            if len(buckets) == 1 and flags == PSFS_FLAG_NORMAL:
                one = self.filter(buckets[0], False)
                status = PSFS_PASS_ON if one or not self.waits else PSFS_FEED_ME
                return status, [one] if one or self.in_place else [], len(buckets[0])
            made = [self.filter(bucket, False) for bucket in buckets]
            if self.in_place:
                return PSFS_PASS_ON, made, sum(map(len, buckets))
            if flags == PSFS_FLAG_FLUSH_CLOSE:
                made.append(self.filter(b"", True))
            elif flags == PSFS_FLAG_FLUSH_INC:
                made.append(self.flush())
        except FilterFailed:
            return PSFS_ERR_FATAL, [], 0
        made = [bucket for bucket in made if bucket]
        status = PSFS_FEED_ME if self.waits and not made else PSFS_PASS_ON
        return status, made, sum(map(len, buckets))


def run_chain(filters: Sequence[Filter], buckets: list[bytes], flags: int) -> Outcome:
    """Sends buckets through the filters, one after the other, as long as each passes something on."""
    taken = 0
    for number, one in enumerate(filters):
        status, buckets, consumed = one.run(buckets, flags)
        if not number:
            taken = consumed
        if status != PSFS_PASS_ON:
            return status, [], taken
    return PSFS_PASS_ON, buckets, taken

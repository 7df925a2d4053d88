"""Filters in a stream: chains of them between the raw and the stream (= main/streams/filter.c).

A filter gets buckets (bytes) and flags, and says with a status what to do: PASS_ON what it made, FEED_ME with
more, or ERR_FATAL.  FilteredRaw takes the place of the stream's raw while there are filters, so that nothing
above knows of them: what it receives has gone through the read chain, what it writes goes through the write
chain.  As PHP, it reads until it has the bytes that were asked for or nothing more comes, which on a socket
means a wait.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from php_streams._core.buffer import CHUNK_SIZE
from php_streams._core.diagnostics import warn
from php_streams._core.raw import REFILLED, Raw
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
                return status, [one] if one else [], len(buckets[0])
            made = [self.filter(bucket, False) for bucket in buckets]
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


# What a FilteredRaw has in common with the raw below it.
STATE = (
    "greedy blocking timed_out eof failed raised written unpushed line_end local lockable encrypts revives"
)
STATE += " seek_allowed label place datagrams asks_for_end descriptor_moves buffering_is_fixed"
STATE += " closed_by_fclose pollers asks_for_chunks refused held"
CALLS = "at_end set_blocking set_timeout set_write_buffer enable_crypto require_tls socket_name shutdown push"
CALLS += " meta fileno truncate_to stat sync lock flush_written set_read_buffer receive_from"
CALLS += " send_to"


class FilteredRaw(Raw):
    """A raw under its filters."""

    filtered = True

    def __init__(self, below: Raw, owner: weakref.ref[Stream]) -> None:
        self.below = below
        self.readers: list[Filter] = []
        self.writers: list[Filter] = []
        self.owner = owner
        self.rest = b""  # what readinto had no room for
        self.receiving = False  # the read chain is at work
        self.total = below.total

    def receive(self, size: int, chunk: int, *, wait: bool = True) -> bytes:
        """At least so many bytes, if they come, as the read chain makes them of `chunk` bytes at a time."""
        if not self.readers:
            return self._below(chunk, wait)
        self.below.failed = False
        parts, done = [self.rest] if self.rest else [], len(self.rest)
        self.rest = b""
        while not self.below.eof and done < size:
            data = self._below(chunk, wait)
            flags = PSFS_FLAG_FLUSH_CLOSE if self.below.eof else PSFS_FLAG_NORMAL
            if not data and not self.below.eof:
                flags = PSFS_FLAG_FLUSH_INC
            status, buckets, _ = self._run(self.readers, [data] if data else [], flags)
            if status == PSFS_ERR_FATAL:
                self.below.eof = self.below.failed = True
                break
            parts += buckets
            done += sum(map(len, buckets))
            if not data:
                break
        made = b"".join(parts)
        self.total += len(made)
        return made

    def _below(self, size: int, wait: bool) -> bytes:
        if not wait:
            return self.below.read_without_waiting(size)
        if self.below.takes:
            return self.below.take(size)
        room = bytearray(size)
        got = self.below.readinto(room)
        return bytes(room[:got]) if got else b""

    def _run(self, filters: list[Filter], buckets: list[bytes], flags: int) -> Outcome:
        """Runs a chain for a read, which must not raise: an exception of the user's waits in `raised`."""
        self.receiving = True
        try:
            return run_chain(list(filters), buckets, flags)
        except BaseException as error:
            self.below.raised = error
            return PSFS_ERR_FATAL, [], 0
        finally:
            self.receiving = False

    def readinto(self, buffer: Any) -> int | None:
        """As receive, for a reader that brings its own room."""
        data = self.receive(len(buffer), CHUNK_SIZE)
        size = min(len(data), len(buffer))
        memoryview(buffer).cast("B")[:size] = data[:size]
        self.rest = data[size:]
        self.total -= len(self.rest)
        return size if size or self.below.eof else None

    def readall(self) -> bytes:
        """Everything until the end, or until nothing more comes."""
        parts = []
        while data := self.receive(CHUNK_SIZE, CHUNK_SIZE):
            parts.append(data)
        return b"".join(parts)

    def read_without_waiting(self, size: int) -> bytes:
        """One read that does not wait for data."""
        return self.receive(size, CHUNK_SIZE, wait=False)

    def write(self, data: Any) -> int | Literal[False]:
        """Sends the data through the write chain; how much of them the first filter took."""
        if not self.writers:
            return self.below.write(data)
        buckets = [data if type(data) is bytes else bytes(data)]
        if len(self.writers) == 1:
            status, buckets, taken = self.writers[0].run(buckets, PSFS_FLAG_NORMAL)
        else:
            status, buckets, taken = run_chain(list(self.writers), buckets, PSFS_FLAG_NORMAL)
        if status == PSFS_ERR_FATAL:
            return False
        return taken if status != PSFS_PASS_ON or self._write_below(buckets) else False

    def _write_below(self, buckets: list[bytes]) -> bool:
        for bucket in buckets:
            done = 0
            while done < len(bucket):
                size = self.below.write(bucket[done:] if done else bucket)
                if self.below.asks_for_chunks:  # it has tried to write the rest; PHP takes that for done
                    if size is False:
                        return False
                    break
                if not size:
                    return False
                done += size
        return True

    def flush_writers(self, closing: bool) -> None:
        """Lets the write chain give what it holds back."""
        if self.writers:
            flags = PSFS_FLAG_FLUSH_CLOSE if closing else PSFS_FLAG_FLUSH_INC
            _, buckets, _ = run_chain(list(self.writers), [], flags)
            self._write_below(buckets)

    def move(self, offset: int, whence: int) -> bool:
        """Seeks below; the filters are not told."""
        self.rest = b""
        return self.below.move(offset, whence)

    def select_descriptor(self) -> int | None:
        """PHP does not wait for what goes through filters."""
        return None

    def why_not_selectable(self) -> str:
        """PHP's words for that."""
        return "Cannot cast a filtered stream on this system"

    why_no_descriptor = why_not_selectable

    def pending(self) -> int:
        """What is ready below."""
        return len(self.rest) + self.below.pending()

    @property
    def closed(self) -> bool:
        """Whether the raw below is."""
        return self.below.closed

    def close(self) -> None:
        """Closes the raw below, then lets the filters go; the stream has flushed them."""
        REFILLED.discard(self)
        try:
            self.below.close()
        finally:
            for chain in (self.readers, self.writers):
                while chain:
                    leave(chain[0])

    def __del__(self) -> None:
        pass  # the raw below may go on without its filters

    def __getattr__(self, name: str) -> Any:
        return getattr(self.below, name)


def _state(name: str) -> property:
    def get(self: FilteredRaw) -> Any:
        return getattr(self.below, name)

    def put(self: FilteredRaw, value: Any) -> None:
        setattr(self.below, name, value)

    return property(get, put)


def _call(name: str) -> Any:
    def call(self: FilteredRaw, *arguments: Any) -> Any:
        return getattr(self.below, name)(*arguments)

    return call


for _name in STATE.split():
    setattr(FilteredRaw, _name, _state(_name))
for _name in CALLS.split():
    setattr(FilteredRaw, _name, _call(_name))


# --- filters come and go -------------------------------------------------------------------------------


def leave(one: Filter) -> None:
    """Takes a filter out of its chain, as it is."""
    if one.chain is not None:
        one.chain.remove(one)
        one.chain = None
        one.close()


def join(stream: Stream, one: Filter, write: bool, first: bool) -> bool:
    """Puts a filter into a stream; one at the end of the read chain chews what is buffered already."""
    raw = stream.raw
    if not isinstance(raw, FilteredRaw):
        raw = FilteredRaw(stream.raw, weakref.ref(stream))
        stream.put_raw(raw)
    chain = raw.writers if write else raw.readers
    chain.insert(0 if first else len(chain), one)
    one.chain, one.owner = chain, raw.owner
    if write or first or not stream.unread():
        return True
    position = stream.tell() - raw.written
    try:
        status, buckets, taken = one.run([stream.peek(stream.unread())], PSFS_FLAG_NORMAL)
    except BaseException:
        leave(one)
        raise
    if status == PSFS_ERR_FATAL or taken > stream.unread():
        leave(one)
        return warn("Filter failed to process pre-buffered data")
    made = b"".join(buckets)
    stream.take()
    raw.total = position + len(made)
    stream.hold(made)
    return True


def remove(one: Filter) -> bool:
    """stream_filter_remove: what the filter holds back goes on to those after it, then it leaves."""
    stream = one.owner() if one.owner is not None else None
    chain = one.chain
    if stream is None or chain is None or not stream.is_open:
        return False
    raw = stream.raw
    assert isinstance(raw, FilteredRaw)
    buckets: list[bytes] = []
    flags = PSFS_FLAG_FLUSH_CLOSE
    for follower in chain[chain.index(one) :]:
        status, buckets, _ = follower.run(buckets, flags)
        flags = PSFS_FLAG_NORMAL
        if status == PSFS_ERR_FATAL:
            return warn("Unable to flush filter, not removing")
        if status == PSFS_FEED_ME:
            buckets = []
            break
    leave(one)
    if chain is raw.writers:
        raw._write_below(buckets)
    elif buckets:
        raw.total += sum(map(len, buckets))
        stream.hold(stream.take() + b"".join(buckets))
    if not raw.readers and not raw.writers:
        raw.below.total = raw.total
        stream.put_raw(raw.below)
    return True

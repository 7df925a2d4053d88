"""Streams under filters: FilteredRaw takes the place of the stream's raw (= main/streams/filter.c).

What it receives has gone through the read chain, what it writes goes through the write chain.  As PHP, it
reads until it has the bytes that were asked for or nothing more comes, which on a socket means a wait.  With
filters for writing alone it reads as the raw below does.

The counts (`total`, `written`) are those of the raw below: so the position is the same whoever counts, and
stays when the filters go.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Literal

from php_streams._core.diagnostics import warn, warn_while_raising
from php_streams._core.filters import Filter, Outcome, run_chain
from php_streams._core.raw import REFILLED, Raw
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


class FilteredRaw(Raw):
    """A raw under its filters; what they do not change is the raw's below (see the end of this module)."""

    mappable = False
    goes_back = True
    broken = False  # a filter failed in the last read
    writers: list[Filter] = []  # noqa: RUF012  (each has its own)

    def __init__(self, below: Raw, owner: weakref.ref[Stream]) -> None:
        self.below = below
        self.readers: list[Filter] = []
        self.writers = []
        self.owner = owner
        self.receiving = False  # the read chain is at work

    @property
    def filtered(self) -> bool:  # type: ignore[override]
        """Only what is read goes another way then."""
        return bool(self.readers)

    def receive(self, size: int, chunk: int, held: int = 0, *, wait: bool = True) -> bytes:
        """What it takes to have so many bytes, with those held already, read `chunk` bytes at a time.

        `broken` says that a filter failed, `failed` that for this or another reason it is no success.
        """
        self.below.failed = self.broken = False
        parts: list[bytes] = []
        done, before = held, self.total
        while not self.below.eof and done < size:
            data = self._below(chunk, wait)
            if not data and self.below.failed and not done:
                break
            self.below.failed = False
            flags = PSFS_FLAG_FLUSH_CLOSE if self.below.eof else PSFS_FLAG_NORMAL
            if not data and not self.below.eof:
                flags = PSFS_FLAG_FLUSH_INC
            status, buckets, _ = self._run([data] if data else [], flags)
            if status == PSFS_ERR_FATAL:
                self.below.eof = self.below.failed = self.broken = True
                break
            parts += buckets
            done += sum(map(len, buckets))
            if not data:
                break
        made = b"".join(parts)
        self.total = before + len(made)
        return made

    def _below(self, size: int, wait: bool) -> bytes:
        if not wait:
            return self.below.read_without_waiting(size)
        if self.below.takes:
            return self.below.take(size)
        room = bytearray(size)
        got = self.below.readinto(room)
        return bytes(room[:got]) if got else b""

    def _run(self, buckets: list[bytes], flags: int) -> Outcome:
        """Runs the chain for a read, which must not raise: an exception of the user's waits in `raised`."""
        self.receiving = True
        try:
            return run_chain(list(self.readers), buckets, flags)
        except BaseException as error:
            self.below.raised = error
            return PSFS_ERR_FATAL, [], 0
        finally:
            self.receiving = False

    def write(self, data: Any) -> int | Literal[False]:
        """Sends the data through the write chain; how much of them the first filter took."""
        if self.below.writes_nothing:
            return self.below.write(data)
        if not self.writers:
            return self._write_one(data, self.owner())
        buckets = [data if type(data) is bytes else bytes(data)]
        if len(self.writers) == 1:
            status, buckets, taken = self.writers[0].run(buckets, PSFS_FLAG_NORMAL)
        else:
            status, buckets, taken = run_chain(list(self.writers), buckets, PSFS_FLAG_NORMAL)
        if status == PSFS_ERR_FATAL:
            return False
        if status == PSFS_PASS_ON and not self._write_below(buckets, self.owner()):
            return False
        return taken if taken >= 0 else False

    def _write_below(self, buckets: list[bytes], stream: Stream | None) -> bool:
        """Writes the buckets; what is left undone of one is lost, and only an error is told: as in PHP."""
        failed = [bucket for bucket in buckets if self._write_one(bucket, stream) is False]
        return not failed

    def _write_one(self, data: Any, stream: Stream | None) -> int | Literal[False]:
        """Writes where the user is; on a stream that cannot be written to it is lost without a word."""
        if self.below.writes_nothing:
            return False
        if stream is not None and self.below.seek_allowed:
            stream.go_back()
        done = 0
        while done < len(data):
            size = self.below.write(data[done:] if done else data)
            if not size:
                return done or size
            done += size
            if self.below.asks_for_chunks:  # it has tried to write the rest itself
                break
        return done

    def flush_writers(self, stream: Stream, closing: bool) -> None:
        """Lets the write chain give what it holds back."""
        if self.writers:
            flags = PSFS_FLAG_FLUSH_CLOSE if closing else PSFS_FLAG_FLUSH_INC
            _, buckets, _ = run_chain(list(self.writers), [], flags)
            self._write_below(buckets, stream)

    def readinto(self, buffer: Any) -> int | None:
        """The raw's below: nobody reads so through filters."""
        return self.below.readinto(buffer)

    def plain_descriptor(self) -> int | None:
        """There is none: the bytes have to pass through the filters."""
        return None

    def select_descriptor(self) -> int | None:
        """PHP does not wait for what goes through filters."""
        return None

    def why_not_selectable(self) -> str:
        """PHP's words for that."""
        return "Cannot cast a filtered stream on this system"

    file_descriptor = select_descriptor
    why_no_descriptor = why_not_selectable

    def is_terminal(self) -> bool:
        """PHP cannot cast it, so it is none."""
        return False

    @property
    def closed(self) -> bool:
        """Whether the raw below is."""
        return self.below.closed

    def close(self) -> None:
        """Closes the raw below, then lets the filters go; the stream has flushed them."""
        REFILLED.discard(self)
        raised: BaseException | None = None
        try:
            self.below.close()
        except BaseException as error:
            raised = error
        for chain in (self.readers, self.writers):
            while chain:
                one = chain.pop(0)
                one.chain = None
                try:
                    if raised is None:  # PHP calls no method while something is thrown
                        one.close()
                except BaseException as error:
                    raised = error
        if raised is not None:
            raise raised

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


for _name, _member in vars(Raw).items():
    if not _name.startswith("_") and _name not in vars(FilteredRaw):
        setattr(FilteredRaw, _name, _call(_name) if callable(_member) else _state(_name))
for _name in ("total", "written"):  # of each raw of its own
    setattr(FilteredRaw, _name, _state(_name))
FilteredRaw.fileno = _call("fileno")  # type: ignore[method-assign]


# --- filters come and go -------------------------------------------------------------------------------


FAILED = "Filter failed to process pre-buffered data"


def leave(stream: Stream, one: Filter, raising: bool = False) -> None:
    """Takes a filter out of its chain, as it is; without filters the stream has its own raw again."""
    raw = stream.raw
    assert isinstance(raw, FilteredRaw)
    if one.chain is not None:
        one.chain.remove(one)
        one.chain = None
        if not raw.readers and not raw.writers:
            stream.put_raw(raw.below)
        if not raising:  # PHP calls no method while something is thrown
            one.close()


def join(stream: Stream, one: Filter, write: bool, first: bool) -> bool:
    """Puts a filter into a stream; one at the end of the read chain chews what is buffered already."""
    raw = stream.raw
    if not isinstance(raw, FilteredRaw):
        raw = FilteredRaw(stream.raw, weakref.ref(stream))
        stream.put_raw(raw)
    chain = raw.writers if write else raw.readers
    one.chain, one.owner = chain, raw.owner
    chain.insert(0 if first else len(chain), one)
    return write or first or not stream.unread() or _chew(stream, one)


def _chew(stream: Stream, one: Filter) -> bool:
    """Sends what is buffered through a filter that has come last."""
    position, held = stream.tell(), stream.peek(stream.unread())
    try:
        status, buckets, taken = one.run([held], PSFS_FLAG_NORMAL)
    except BaseException:
        warn_while_raising(FAILED)
        leave(stream, one, raising=True)
        raise
    if status == PSFS_ERR_FATAL or taken > len(held):
        leave(stream, one)
        return warn(FAILED)
    made = b"".join(buckets) if status == PSFS_PASS_ON else b""
    stream.raw.total = position - stream.raw.written + len(made)
    stream.hold(made)
    return True


def remove(one: Filter) -> bool:
    """stream_filter_remove: what the filter holds back goes on to those after it, then it leaves."""
    stream = one.owner() if one.owner is not None else None
    chain = one.chain
    assert chain is not None
    if stream is None or not stream.is_open:  # an onClose asks, while the stream closes
        chain.remove(one)
        one.chain = None
        one.close()
        return True
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
    if chain is raw.writers:
        raw._write_below(buckets, None)  # where the raw is, not where the user is: PHP does this
    elif buckets:
        raw.total += sum(map(len, buckets))
        stream.hold(stream.take() + b"".join(buckets))
    leave(stream, one)
    return True

"""stream_select's engine: readiness of streams, from buffers first, then from the kernel.

PHP rebuilds its fd_sets at every call and select() walks them.  Event loops pass the same streams again and
again, so for a large set one epoll is kept as long as the caller's lists equal the ones before (comparing
them is an identity walk in C), and no stream was closed.  A small set is cheaper to poll afresh, and is not
kept: a stream that its program drops must be free to close itself.

Python retries a wait that a signal interrupts; PHP's stream_select comes back with a warning, and programs
depend on it to see their signal flags.  So while it waits, the main thread listens on the interpreter's
wakeup descriptor too.
"""

from __future__ import annotations

import atexit
import os
import select as kernel
import signal
from contextvars import ContextVar
from typing import Any

from php_streams._core.diagnostics import warn
from php_streams._core.raw import REFILLED
from php_streams._core.stream import CLOSED, Stream, no_stream

# What is asked for, and which answers count, for the read, write and except sets (select(2) on Linux).
ASKED = (kernel.POLLIN, kernel.POLLOUT, kernel.POLLPRI)
MEANT = (kernel.POLLIN | kernel.POLLHUP | kernel.POLLERR, kernel.POLLOUT | kernel.POLLERR, kernel.POLLPRI)
LARGE = 32

Sets = list[list[Stream] | None]
Found = tuple[list[list[int] | None], int]


class Watch:
    """The kernel's set for one combination of the caller's lists."""

    def __init__(self, sets: Sets) -> None:
        self.sets: Sets = [None if streams is None else list(streams) for streams in sets]
        self.closings = CLOSED[0]
        self.positions: dict[int, list[tuple[int, int]]] = {}
        self.readers: dict[Any, list[int]] = {}
        self.always: list[tuple[int, int]] = []
        self.large = sum(map(len, filter(None, sets))) >= LARGE and hasattr(kernel, "epoll")
        self.poller: Any = None
        masks = self._masks()
        if not masks:
            raise ValueError("No stream arrays were passed")
        self.poller = kernel.epoll() if self.large else kernel.poll()
        for descriptor, mask in masks.items():
            try:
                self.poller.register(descriptor, mask)
            except PermissionError:  # epoll refuses plain files, which select() always finds ready
                self.always += [place for place in self.positions[descriptor] if place[0] < 2]

    def _masks(self) -> dict[int, int]:
        """What to ask of each descriptor; notes where each came from."""
        masks: dict[int, int] = {}
        unfit: list[Any] = []
        for which, streams in enumerate(self.sets):
            for position, stream in enumerate(streams or ()):
                if stream.__class__ is not Stream or not stream.is_open:
                    unfit.append(stream)
                    continue
                raw = stream.raw
                if which == 0:  # even without a descriptor it may have something in its buffer
                    self.readers.setdefault(raw, []).append(position)
                descriptor = raw.select_descriptor()
                if descriptor is None:
                    warn(f"Cannot represent a stream of type {raw.label} as a select()able descriptor")
                if descriptor is None or descriptor < 0:
                    continue
                masks[descriptor] = masks.get(descriptor, 0) | ASKED[which]
                self.positions.setdefault(descriptor, []).append((which, position))
        if unfit and (
            masks or isinstance(unfit[0], tuple)
        ):  # PHP says nothing of them when there is no other
            raise no_stream(unfit[0])
        return masks

    def serves(self, sets: Sets) -> bool:
        """Whether the set may be used again for these lists."""
        return self.closings == CLOSED[0] and self.sets == sets

    def buffered(self) -> Found | None:
        """The answer from buffers: streams to be read that hold unread bytes (streamsfuncs.c)."""
        places: list[int] = []
        for raw in REFILLED & self.readers.keys():
            positions = self.readers[raw]
            if self.sets[0][positions[0]].unread() or raw.pending():  # type: ignore[index]
                places += positions
            else:
                REFILLED.discard(raw)
        if not places:
            return None
        ready: list[list[int] | None] = [None if streams is None else [] for streams in self.sets]
        ready[0] = sorted(places)
        return ready, len(places)

    def push(self) -> None:
        """Lets go what a stream to be read still holds back of its writes."""
        for raw in self.readers:
            raw.push()

    def poll(self, timeout: float | None) -> list[tuple[int, int]] | None:
        """Kernel events; None when a signal came first.  timeout in seconds, None for ever."""
        events = self._ask(0)
        if events or timeout == 0 or self.always:
            return events
        with _Wakeup(self.poller) as wakeup:
            events = self._ask(timeout)
        if wakeup.reader not in (event[0] for event in events):
            return events
        return [event for event in events if event[0] != wakeup.reader] or None

    def _ask(self, timeout: float | None) -> list[tuple[int, int]]:
        if self.large:
            return self.poller.poll(timeout, len(self.positions) + 1)  # type: ignore[no-any-return]
        return self.poller.poll(None if timeout is None else timeout * 1000)  # type: ignore[no-any-return]

    def answer(self, events: list[tuple[int, int]]) -> Found:
        """Kernel events as positions in the caller's lists."""
        ready: list[list[int] | None] = [None if streams is None else [] for streams in self.sets]
        places = [
            place
            for descriptor, mask in events
            for place in self.positions.get(descriptor, ())
            if mask & MEANT[place[0]]
        ]
        places += self.always
        for which, position in sorted(places):
            ready[which].append(position)  # type: ignore[union-attr]
        return ready, len(places)

    def __del__(self) -> None:
        if self.large and self.poller is not None:
            self.poller.close()


class _Wakeup:
    """While it is entered, a signal that Python handles makes the poller return."""

    pipe: tuple[int, int] | None = None

    def __init__(self, poller: Any) -> None:
        self.poller = poller
        self.reader = -1
        self.before = -1

    def __enter__(self) -> _Wakeup:
        if _Wakeup.pipe is None:
            _Wakeup.pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        reader, writer = _Wakeup.pipe
        try:
            self.before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        except ValueError:  # Python runs signal handlers in the main thread only: nothing to hear here
            return self
        self.reader = reader
        self.poller.register(reader, kernel.POLLIN)
        return self

    def __exit__(self, *exception: object) -> None:
        if self.reader < 0:
            return
        signal.set_wakeup_fd(self.before)
        self.poller.unregister(self.reader)
        try:
            numbers = os.read(self.reader, 4096)
        except BlockingIOError:
            return
        if self.before >= 0:
            os.write(self.before, numbers)  # whoever listened before us (asyncio) hears it too


def _forget() -> None:
    # After a fork: the child's signals must not wake the parent, nor share its epoll.
    if _Wakeup.pipe is not None:
        for descriptor in _Wakeup.pipe:
            os.close(descriptor)
        _Wakeup.pipe = None
    _kept.set(None)


_kept: ContextVar[Watch | None] = ContextVar("kept", default=None)
os.register_at_fork(after_in_child=_forget)
atexit.register(_forget)


def select(sets: Sets, timeout: float | None) -> Found | None:
    """Which positions of the three lists are ready, and how many; None after a signal (and PHP's warning)."""
    watch = _kept.get()
    if watch is None or not watch.serves(sets):
        if watch is not None:
            _kept.set(None)
        watch = Watch(sets)
        if watch.large:
            _kept.set(watch)
    found = watch.buffered()
    if found is not None:
        return found
    if timeout != 0:
        watch.push()
    events = watch.poll(timeout)
    if events is None:
        highest = max(watch.positions, default=-1)
        warn(f"Unable to select [4]: Interrupted system call (max_fd={highest})")
        return None
    return watch.answer(events)

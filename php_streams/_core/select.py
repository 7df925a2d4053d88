"""stream_select's engine: readiness of streams, from buffers first, then from the kernel.

PHP rebuilds its fd_sets at every call and select() walks them.  Event loops pass the same streams again and
again, so what was built for one combination of lists (a `Watch`) is kept for the next call of the same
thread, and serves as long as the lists have the same members in the same order and no stream was closed
since.  It knows the lists by a hash of their members' identities and holds no stream: one that its program
drops must be free to close itself.  A small set is polled, a large one has an epoll, whose cost does not
grow with the streams that have nothing to tell.

Python retries a wait that a signal interrupts; PHP's stream_select comes back with a warning, and programs
depend on it to see their signal flags.  So while the main thread waits, it listens on the interpreter's
wakeup descriptor too.
"""

from __future__ import annotations

import atexit
import errno
import os
import select as kernel
import signal
import threading
from collections.abc import Sequence
from typing import Any

from php_streams._core.diagnostics import warn
from php_streams._core.raw import HELD_BACK, REFILLED, Raw
from php_streams._core.stream import CLOSED, Stream, no_stream

# What is asked for, and which answers count, for the read, write and except sets (select(2) on Linux).
ASKED = (kernel.POLLIN, kernel.POLLOUT, kernel.POLLPRI)
MEANT = (kernel.POLLIN | kernel.POLLHUP | kernel.POLLERR, kernel.POLLOUT | kernel.POLLERR, kernel.POLLPRI)
LARGE = 8
LONGEST = 2**31 - 1  # milliseconds that poll(2) can wait; nobody sees the end of it

Sets = tuple[list[Stream] | None, list[Stream] | None, list[Stream] | None]
Ready = tuple[Sequence[int], Sequence[int], Sequence[int]]
Events = list[tuple[int, int]]
NOTHING: tuple[Ready, int] = ((), (), ()), 0


class SelectError(Exception):
    """The wait failed; `errno` says why."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.errno = number


class Watch:
    """What is asked of the kernel for one combination of lists, and how its answers map to them."""

    def __init__(self, sets: Sets) -> None:
        self.closings = CLOSED[0]
        # Of each descriptor: which set asks for it, which answers it means, at which positions it stands.
        self.places: dict[int, list[tuple[int, int, list[int]]]] = {}
        self.readers: dict[Raw, list[int]] = {}
        self.always: Events = []
        self.keepable = True
        self.listens = False
        self._enter(sets)
        self.key = _key(sets)
        self.large = len(self.places) >= LARGE and hasattr(kernel, "epoll")
        self.poller: Any = kernel.epoll() if self.large else kernel.poll()
        for descriptor, places in self.places.items():
            self._register(descriptor, sum({ASKED[which] for which, _, _ in places}))

    def _enter(self, sets: Sets) -> None:
        """Notes where each descriptor comes from; refuses what is no stream."""
        unfit: list[Any] = []
        for which, streams in enumerate(sets):
            for position, stream in enumerate(streams or ()):
                if stream.__class__ is not Stream or not stream.is_open:
                    unfit.append(stream)
                    continue
                raw = stream.raw
                if which == 0:  # even without a descriptor it may have something in its buffer
                    self.readers.setdefault(raw, []).append(position)
                descriptor = raw.select_descriptor()
                if descriptor is None:
                    self.keepable = False  # the warning comes with each call
                    warn(f"Cannot represent a stream of type {raw.label} as a select()able descriptor")
                elif descriptor >= 0:
                    self._place(descriptor, which, position)
        # PHP says nothing of members that are no streams when there is no stream beside them.
        if unfit and (self.places or isinstance(unfit[0], tuple)):
            raise no_stream(unfit[0])
        if not self.places:
            raise ValueError("No stream arrays were passed")

    def _place(self, descriptor: int, which: int, position: int) -> None:
        places = self.places.setdefault(descriptor, [])
        for known, _, positions in places:
            if known == which:
                positions.append(position)
                return
        places.append((which, MEANT[which], [position]))

    def _register(self, descriptor: int, mask: int) -> None:
        try:
            self.poller.register(descriptor, mask)
        except PermissionError:  # epoll refuses plain files, which select() always finds ready
            self.always.append((descriptor, kernel.POLLIN | kernel.POLLOUT))
        except OSError:  # closed behind the stream's back
            self.keepable = False
            self.always.append((descriptor, kernel.POLLNVAL))

    def ready(self, sets: Sets, timeout: float | None) -> tuple[Ready, int]:
        """The positions in each list that are ready, and how many PHP counts; raises SelectError.

        timeout: in seconds, None for ever.
        """
        if REFILLED:
            buffered = self._buffered(sets)
            if buffered:
                return (sorted(buffered), (), ()), len(buffered)
        if timeout != 0 and HELD_BACK:
            for raw in HELD_BACK & self.readers.keys():
                raw.push()
        events = self._events(timeout)
        return self._answer(events) if events else NOTHING

    def _buffered(self, sets: Sets) -> list[int]:
        """The answer from buffers: streams to be read that hold unread bytes (streamsfuncs.c)."""
        found: list[int] = []
        for raw in REFILLED & self.readers.keys():
            positions = self.readers[raw]
            if sets[0][positions[0]].unread() or raw.pending():  # type: ignore[index]
                found += positions
            else:
                REFILLED.discard(raw)
        return found

    def _events(self, timeout: float | None) -> Events:
        """What the kernel says."""
        events = self._ask(0)
        if self.listens and events:
            found = [event for event in events if event[0] in self.places]
            if len(found) < len(events):  # a signal that came between the end of a wait and now
                _pass_on(_pipe()[0], -1)
            events = found
        if self.always:
            events += self.always
        return events if events or timeout == 0 else self._wait(timeout)

    def _ask(self, timeout: float | None) -> Events:
        if self.large:
            return self.poller.poll(timeout, len(self.places) + 1)  # type: ignore[no-any-return]
        return self.poller.poll(None if timeout is None else min(timeout * 1000, LONGEST))  # type: ignore[no-any-return]

    def _wait(self, timeout: float | None) -> Events:
        """Waits, in the main thread for signals too."""
        if threading.get_ident() != threading.main_thread().ident:
            return self._ask(timeout)  # Python runs signal handlers in the main thread only
        reader, writer = _pipe()
        before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            if not self.listens:
                self.poller.register(reader, kernel.POLLIN)
                self.listens = True
            events = self._ask(timeout)
        except BaseException:
            _pass_on(reader, before)
            raise
        finally:
            signal.set_wakeup_fd(before, warn_on_full_buffer=False)
        if len(events) == 1 and events[0][0] != reader:
            return events
        _pass_on(reader, before)
        found = [event for event in events if event[0] != reader]
        if len(found) < len(events) and not found:
            raise SelectError(errno.EINTR)
        return found

    def _answer(self, events: Events) -> tuple[Ready, int]:
        """Events as positions; like select(), counts a descriptor once for each set."""
        ready: tuple[list[int], list[int], list[int]] = ([], [], [])
        count = 0
        for descriptor, mask in events:
            if mask & kernel.POLLNVAL:
                raise SelectError(errno.EBADF)
            for which, meant, positions in self.places[descriptor]:
                if mask & meant:
                    count += 1
                    ready[which].extend(positions)
        for chosen in ready:
            if len(chosen) > 1:
                chosen.sort()
        return ready, count

    def __del__(self) -> None:
        if getattr(self, "large", False) and hasattr(self, "poller"):
            self.poller.close()


def _key(sets: Sets) -> tuple[int | None, ...]:
    """Knows lists again without holding what is in them: a stream's hash is its identity."""
    read, write, except_ = sets
    return (
        None if read is None else hash(tuple(read)),
        None if write is None else hash(tuple(write)),
        None if except_ is None else hash(tuple(except_)),
    )


class _Kept(threading.local):
    """The watch of a thread's last call; one thread's poller is no other's business."""

    watch: Watch | None = None


_kept = _Kept()
_wakeup: list[tuple[int, int]] = []


def _pipe() -> tuple[int, int]:
    """Where the interpreter writes the numbers of signals while the main thread waits."""
    if not _wakeup:
        pipe = os.pipe()
        for descriptor in pipe:
            os.set_blocking(descriptor, False)
        _wakeup.append(pipe)
    return _wakeup[0]


def _pass_on(reader: int, to: int) -> None:
    """Empties the pipe; whoever listened before us (asyncio) hears of the signals too."""
    try:
        numbers = os.read(reader, 4096)
        if to >= 0:
            os.write(to, numbers)
    except OSError:  # empty, or full, or closed by who had it
        pass


def _forget() -> None:
    """After a fork: the child's signals must not wake the parent, nor its waits share the parent's epoll."""
    while _wakeup:
        for descriptor in _wakeup.pop():
            os.close(descriptor)
    _kept.watch = None


os.register_at_fork(after_in_child=_forget)
atexit.register(_forget)


def watching(sets: Sets) -> Watch:
    """The watch for these lists, the thread's last one if it still serves; refuses what PHP refuses."""
    watch = _kept.watch
    try:
        if watch is not None and watch.closings == CLOSED[0] and watch.key == _key(sets):
            return watch
    except TypeError:  # what has no hash is no stream
        pass
    watch = Watch(sets)
    _kept.watch = watch if watch.keepable else None
    return watch


def select(watch: Watch, sets: Sets, timeout: float | None) -> tuple[Ready, int]:
    """Which positions are ready, and how many; the count is False after PHP's warning that waiting failed."""
    try:
        return watch.ready(sets, timeout)
    except SelectError as error:
        return NOTHING[0], warn(f"Unable to select [{error.errno}]: {error} (max_fd={max(watch.places)})")

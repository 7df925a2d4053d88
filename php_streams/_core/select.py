"""stream_select's engine: readiness of streams, from buffers first, then from the kernel.

Each thread keeps two watches (watch.py): a small set is polled, a large one has an epoll, whose cost does not
grow with the streams that have nothing to tell.  They follow the lists from call to call.

A signal ends the wait, with a warning, as in PHP (signals.py).
"""

from __future__ import annotations

import atexit
import errno
import os
import select as kernel
import signal
import threading
import time

from php_streams._core.diagnostics import warn
from php_streams._core.poller import Events, Poller
from php_streams._core.raw import HELD_BACK, REFILLED
from php_streams._core.signals import from_system, pass_on, pipe
from php_streams._core.watch import Ready, Sets, Unknown, Watch, check, look_back

LARGE = 8
NOTHING: tuple[Ready, int] = ((), (), ()), 0


class SelectError(Exception):
    """The wait failed; `errno` says why."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.errno = number


def _ready(watch: Watch, sets: Sets, timeout: float | None) -> tuple[Ready, int]:
    """The positions in each list that are ready, and how many PHP counts; raises SelectError.

    timeout: in seconds, None for ever; a negative one is refused.
    """
    if REFILLED:
        buffered = _buffered(watch, sets)
        if buffered:
            return (sorted(buffered), (), ()), len(buffered)
    if timeout is not None and timeout < 0:
        raise SelectError(errno.EINVAL)
    if timeout != 0 and HELD_BACK:
        for raw in HELD_BACK & watch.sides[0].positions.keys():
            raw.push()
    ready = _asked(watch, timeout)
    if watch.mute or watch.moving:
        look_back(sets)
    return ready


def _asked(watch: Watch, timeout: float | None) -> tuple[Ready, int]:
    """The kernel's answer."""
    events = watch.look()
    if watch.poller.ears and events:
        events = _without_signals(events)
    if watch.poller.always:
        events += watch.poller.always.items()
    if not events:
        if timeout == 0:
            return NOTHING
        end = None if timeout is None else time.monotonic() + timeout
        events = _wait(watch, timeout)
        timeout = end and max(0.0, end - time.monotonic())
    try:
        ready = watch.answer(events)
    except from_system(OSError) as error:
        raise SelectError(error.errno or 0) from None
    except Unknown:
        watch.renew()
        return _asked(watch, timeout)
    if ready[1] or not events or timeout == 0 or watch.poller.stale:
        return ready
    return _deaf(watch, events, timeout)


def _deaf(watch: Watch, events: Events, timeout: float | None) -> tuple[Ready, int]:
    """Goes on waiting: poll(2) tells of hang-ups and errors unasked, select(2) where they belong."""
    poller = watch.poller
    masks = {number: poller.masks[number] for number, _ in events if number in poller.masks}
    try:
        for number in masks:
            poller.ask(number, 0)
        return _asked(watch, timeout)
    finally:
        for number, mask in masks.items():
            poller.ask(number, mask)


def _buffered(watch: Watch, sets: Sets) -> list[int]:
    """The answer from buffers: streams to be read that hold unread bytes (streamsfuncs.c)."""
    found: list[int] = []
    side = watch.sides[0]
    for raw in REFILLED.among(side.positions.keys()):
        positions = side.of(raw)
        if sets[0][positions[0]].unread() or raw.pending():  # type: ignore[index]
            found += positions
        else:
            REFILLED.discard(raw)
    return found


def _without_signals(events: Events) -> Events:
    """Forgets a signal that came between the end of a wait and now."""
    found = [event for event in events if event[0] != pipe()[0]]
    if len(found) < len(events):
        pass_on(pipe()[0], -1)
    return found


def _wait(watch: Watch, timeout: float | None) -> Events:
    """Waits, in the main thread for signals too."""
    if threading.get_ident() != threading.main_thread().ident:
        return watch.poller.wait(timeout)  # Python runs signal handlers in the main thread only
    try:
        reader, writer = pipe()
    except from_system(OSError):  # no descriptor is left
        return watch.poller.wait(timeout)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        watch.poller.listen(reader)
        events = watch.poller.wait(timeout)
    except BaseException:
        pass_on(reader, before)
        raise
    finally:
        signal.set_wakeup_fd(before, warn_on_full_buffer=False)
    if len(events) == 1 and events[0][0] != reader:
        return events
    pass_on(reader, before)
    found = [event for event in events if event[0] != reader]
    if len(found) < len(events) and not found:
        raise SelectError(errno.EINTR)
    return found


class _Kept(threading.local):
    """A thread's watches; one thread's pollers are no other's business."""

    small: Watch | None = None
    large: Watch | None = None
    last: Watch | None = None


_kept = _Kept()


def _forget() -> None:
    """After a fork: the child's waits must not share the parent's epoll."""
    Poller.forks += 1
    _drop()


os.register_at_fork(after_in_child=_forget)
atexit.register(_forget)


def watching(sets: Sets) -> Watch:
    """The thread's watch, standing for these lists now; refuses what PHP refuses."""
    read, write, except_ = sets
    try:
        key = (
            None if read is None else hash(tuple(read)),
            None if write is None else hash(tuple(write)),
            None if except_ is None else hash(tuple(except_)),
        )
    except TypeError:  # what has no hash is no stream
        check(sets)
        raise
    watch = _kept.last
    if watch is None or not watch.serves(key):
        watch = _kept.last = _kept_for(sets)
        if not watch.serves(key):
            try:
                watch.follow(sets, key)
            except BaseException:  # it may be half done
                _drop()
                raise
    return watch


def _drop() -> None:
    """The next call begins with a new watch."""
    _kept.small = _kept.large = _kept.last = None


def _kept_for(sets: Sets) -> Watch:
    """The thread's small watch or its large one, as the lists need it."""
    if sum(len(streams) for streams in sets if streams) < LARGE:
        if _kept.small is None:
            _kept.small = Watch(large=False)
        return _kept.small
    if _kept.large is None:
        try:
            _kept.large = Watch(large=hasattr(kernel, "epoll"))
        except from_system(OSError):  # no descriptor is left for it
            return Watch(large=False)
    return _kept.large


def select(watch: Watch, sets: Sets, timeout: float | None) -> tuple[Ready, int]:
    """Which positions are ready, and how many; the count is False after PHP's warning that waiting failed."""
    try:
        return _ready(watch, sets, timeout)
    except SelectError as error:
        failed = error
    except BaseException:  # a signal's handler's
        _drop()
        raise
    text = f"Unable to select [{failed.errno}]: {failed} (max_fd={max(watch.users)})"
    return NOTHING[0], warn(text)

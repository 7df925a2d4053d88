"""Waits that a signal ends.

Python retries a system call that a signal interrupts, once the signal's handler has run.  PHP does not where
it waits for a client or in stream_select: the program gets a warning, and looks at what its handler left.
So while the main thread waits there, it listens on the interpreter's wakeup descriptor too.
"""

from __future__ import annotations

import atexit
import errno
import os
import select
import signal
import sys
import threading
from types import FrameType
from typing import TypeVar

LONGEST = 2**31 - 1  # milliseconds that poll(2) can wait

Kind = TypeVar("Kind", bound=BaseException)

OURS = __name__.partition(".")[0] + "."
# What says whether a signal's handler raised it of an exception that has lost its frames (raw.later).
MARK = "_php_streams_by_signal"
_made: list[tuple[int, int]] = []
_pipes: list[tuple[int, int]] = []  # those that do not block


def pipe() -> tuple[int, int]:
    """Where the interpreter writes the numbers of signals while the main thread waits: one end to read."""
    if not _pipes:
        if not _made:
            _made.append(os.pipe())
        for descriptor in _made[0]:
            os.set_blocking(descriptor, False)
        _pipes.append(_made[0])
    return _pipes[0]


def pass_on(reader: int, to: int) -> None:
    """Empties the pipe; whoever listened before us (asyncio) hears of the signals too."""
    try:
        numbers = os.read(reader, 4096)
        if to >= 0:
            os.write(to, numbers)
    except from_system(OSError):  # empty, or full, or closed by who had it
        pass


def is_handlers(error: BaseException) -> bool:
    """Whether a signal's handler raised it: TimeoutError, for one, may be that or the system's.

    Or an error handler, where the exception has been kept until the reader has what came before it.
    """
    return MARK in vars(error) or is_by_signal(error)


def is_by_signal(error: BaseException) -> bool:
    """Whether a signal's handler raised it.

    Its frames tell: a handler, and nobody else, is given the frame that it interrupts.
    """
    if MARK in vars(error):
        return bool(vars(error)[MARK])
    trace = error.__traceback__
    while trace is not None:
        if _is_handlers(trace.tb_frame):
            return True
        trace = trace.tb_next
    return False


def _is_handlers(frame: FrameType) -> bool:
    """Whether the frame has its caller's among its variables, and is none of ours."""
    if frame.f_back is None or frame.f_globals.get("__name__", "").startswith(OURS):
        return False
    held = frame.f_locals.values()
    return any(one is frame.f_back for value in held for one in (value if type(value) is tuple else (value,)))


def from_system(*kinds: type[Kind]) -> tuple[type[Kind], ...]:
    """For an except clause: these kinds of exceptions, unless it is a signal's handler that raised.

    A handler runs wherever the program is, and may raise what the system's calls raise, too (TimeoutError,
    by an alarm): the clause does not take that for the call's failure, and it goes on to the caller.
    """
    error = sys.exception()
    return kinds if error is None or not is_handlers(error) else ()


def _forget() -> None:
    """After a fork: the child's signals must not wake the parent."""
    _pipes.clear()
    while _made:
        for descriptor in _made.pop():
            os.close(descriptor)


os.register_at_fork(after_in_child=_forget)
atexit.register(_forget)


def wait_for_data(descriptor: int, timeout: float | None) -> bool:
    """Whether there is something to read, or to accept, before the timeout; InterruptedError after a signal.

    timeout: seconds, counted in whole milliseconds; None for ever.  A negative descriptor is just a wait.
    """
    poll = select.poll()
    if descriptor >= 0:  # poll(2) passes over a negative one
        poll.register(descriptor, select.POLLIN)
    if poll.poll(0):
        return True
    limit = None if timeout is None or timeout * 1000 > LONGEST else int(timeout * 1000)
    if threading.get_ident() != threading.main_thread().ident:
        return bool(poll.poll(limit))  # Python runs signal handlers in the main thread only
    try:
        reader, writer = pipe()
    except from_system(OSError):  # no descriptor is left
        return bool(poll.poll(limit))
    poll.register(reader, select.POLLIN)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        ready = {number for number, _ in poll.poll(limit)}
    finally:
        signal.set_wakeup_fd(before, warn_on_full_buffer=False)
        pass_on(reader, before)
    if ready == {reader}:
        raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))
    return bool(ready)

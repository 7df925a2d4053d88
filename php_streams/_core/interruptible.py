"""A wait that a signal ends.

Python retries a system call that a signal interrupts, once the signal's handler has run.  PHP does not where
it waits for a client (and in stream_select): the program gets a warning, and looks at what its handler left.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import threading

from php_streams._core.select import _pass_on, _pipe

LONGEST = 2**31 - 1  # milliseconds that poll(2) can wait


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
    if limit == 0:
        return False
    if threading.get_ident() != threading.main_thread().ident:
        return bool(poll.poll(limit))  # Python runs signal handlers in the main thread only
    try:
        reader, writer = _pipe()
    except OSError:  # no descriptor is left
        return bool(poll.poll(limit))
    poll.register(reader, select.POLLIN)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        ready = {number for number, _ in poll.poll(limit)}
    finally:
        signal.set_wakeup_fd(before, warn_on_full_buffer=False)
        _pass_on(reader, before)
    if ready == {reader}:
        raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))
    return bool(ready)

"""A signal that arrives while the main thread waits in a system call."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def signal_soon(handler: Callable[[], object], seconds: float = 0.05) -> Iterator[None]:
    """Has `handler` called, as a signal's, so many seconds after the block was entered.

    The signal is sent to the main thread itself, so that the call it waits in is interrupted; and it is not
    SIGALRM, which belongs to pytest-timeout.
    """
    before = signal.signal(signal.SIGUSR1, lambda number, frame: handler())
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(seconds, signal.pthread_kill, (main, signal.SIGUSR1))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGUSR1, before)

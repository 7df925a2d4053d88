"""What the kernel is asked about: a poll object for a few descriptors, an epoll for many.

Both count milliseconds.  What they would round up is waited for by select(2), which counts microseconds; it
does not see descriptors from 1024 on, but sees an epoll as one descriptor.
"""

from __future__ import annotations

import errno
import select as kernel
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from php_streams._core.raw import Raw
from php_streams._core.signals import from_system

# What is asked for, for the read, write and except sets (select(2) on Linux).
ASKED = (kernel.POLLIN, kernel.POLLOUT, kernel.POLLPRI)
LONGEST = 2**31 - 1  # milliseconds that poll(2) can wait; nobody sees the end of it

Events = list[tuple[int, int]]


class Poller:
    """A poll or epoll object, and whether a raw that it watches was closed since its watch last looked."""

    forks = 0  # of which this process is the child

    def __init__(self, large: bool) -> None:
        self.large = large
        self.kernel: Any = kernel.epoll() if large else kernel.poll()
        self.masks: dict[int, int] = {}
        self.always: dict[int, int] = {}  # what the kernel cannot be asked about, and the answer
        self.ears: list[int] = []  # what is listened to besides
        self.stale = False
        self.generation = Poller.forks

    def ask(self, descriptor: int, mask: int) -> None:
        """From now on these events are of interest; 0 for none."""
        known = self.masks.get(descriptor, 0)
        if mask == known:
            return
        self.always.pop(descriptor, None)
        if mask:
            self.masks[descriptor] = mask
            self._register(descriptor, mask, known)
        else:
            del self.masks[descriptor]
            self._unregister(descriptor)

    def _register(self, descriptor: int, mask: int, known: int) -> None:
        try:
            if known:
                try:
                    self.kernel.modify(descriptor, mask)
                    return
                except from_system(OSError):  # closed behind the stream's back, and opened again
                    pass
            self.kernel.register(descriptor, mask)
        except from_system(PermissionError):  # epoll refuses plain files, which select() always finds ready
            self.always[descriptor] = kernel.POLLIN | kernel.POLLOUT
        except from_system(OSError) as error:
            if error.errno in (errno.ENOSPC, errno.ENOMEM):
                raise
            self.always[descriptor] = kernel.POLLNVAL  # closed behind the stream's back

    def _unregister(self, descriptor: int) -> None:
        try:
            self.kernel.unregister(descriptor)
        except from_system(KeyError, OSError, ValueError):  # it was out of it already
            pass

    def listen(self, descriptor: int) -> None:
        """Its being readable ends a wait, too."""
        if descriptor not in self.ears:
            self.kernel.register(descriptor, kernel.POLLIN)
            self.ears.append(descriptor)

    def looking(self) -> Callable[[], Events]:
        """What says which are ready now, at once."""
        if self.large:
            return partial(self.kernel.poll, 0, len(self.masks) + 1)
        return partial(self.kernel.poll, 0)

    def wait(self, timeout: float | None) -> Events:
        """Which are ready, when the first one is; timeout: in seconds, None for ever."""
        if timeout is None or timeout > LONGEST / 1000 or not timeout * 1000 % 1:
            return self._wait(timeout)
        end = time.monotonic() + timeout
        try:
            readers, writers, excepted = self._lists()
            found = kernel.select(readers, writers, excepted, timeout)
        except from_system(OSError):  # closed behind its stream's back, as poll(2) will tell
            return self._wait(0)
        except ValueError:  # a descriptor that select(2) does not see
            events = self._wait(int(timeout * 1000) / 1000)
            time.sleep(0 if events else max(0.0, end - time.monotonic()))
            return events or self._wait(0)
        events = self._wait(0)
        if events or not any(found):
            return events
        return self._wait(max(0.0, end - time.monotonic()))  # another thread was quicker

    def _wait(self, timeout: float | None) -> Events:
        """By whole milliseconds."""
        if self.large:
            return self.kernel.poll(timeout, len(self.masks) + 1)  # type: ignore[no-any-return]
        most = None if timeout is None else min(timeout * 1000, LONGEST)
        return self.kernel.poll(most)  # type: ignore[no-any-return]

    def _lists(self) -> list[list[int]]:
        """The three sets of select(2)."""
        if self.large:
            return [[self.kernel.fileno()], [], []]
        sets = [[number for number, mask in self.masks.items() if mask & asked] for asked in ASKED]
        sets[0] += self.ears
        return sets

    def forget(self, raw: Raw) -> None:
        """The raw is about to close (in any thread)."""
        self.stale = True
        if self.large and self.generation == Poller.forks and not raw.descriptor_moves:
            descriptor = raw.select_descriptor()
            if descriptor is not None:
                self._unregister(descriptor)

    def close(self) -> None:
        """Gives back the epoll's descriptor."""
        if self.large:
            self.kernel.close()

"""Pipes to processes: what popen opens, and proc_open's ends of pipes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, starmap
from typing import Any, Literal

from php_streams._core.process import Child
from php_streams._core.raw import Descriptor
from php_streams._core.signals import from_system
from php_streams._core.stream import Stream
from php_streams._wrappers.plain import FileRaw
from php_streams._wrappers.plain_watched import watched


class Pair:
    """Two descriptors that are made together, and closed with this object unless somebody takes them."""

    def __init__(self, opens: Callable[[], tuple[int, int]] = os.pipe) -> None:
        self.ends: list[int] = []
        # Stored by what calls it: a signal's handler could raise before what a call gave is stored.
        self.ends.extend(chain.from_iterable(starmap(opens, ((),))))

    def close(self) -> None:
        """Closes those that nobody has taken."""
        while self.ends:
            os.close(self.ends.pop())

    def __del__(self) -> None:
        try:
            self.close()
        except from_system(Exception):
            pass


class PipeRaw(FileRaw):
    """An end of a pipe; closing one that popen made waits for its process."""

    private = True
    child: Child | None = None
    status = -1

    def begin(self, child: Child) -> None:
        """This is popen's: it counts from 0, and waits for the process when it is closed."""
        self.child = child
        self.total = 0

    def set_write_buffer(self, size: int) -> int:
        """What popen made has a buffer in PHP, which changes nothing."""
        return 0 if self.child is not None else -1

    def close(self) -> None:
        """Closes the descriptor, then waits for the process."""
        super().close()
        child = self.child
        if child is not None and child.pid is not None:
            status = child.wait()
            child.pid = None
            if status is not None:
                self.status = os.WEXITSTATUS(status) if os.WIFEXITED(status) else status


def pipe_to(command: str, mode: str) -> Stream:
    """popen: a stream that reads what a shell command writes, or writes what it reads."""
    pair = Pair()
    theirs = Descriptor(pair.ends.pop, 0 if mode[0] == "w" else 1)
    raw = watched(PipeRaw)(pair.ends.pop)
    child = Child()
    try:
        child.start(command, {0 if mode[0] == "w" else 1: theirs.fd})
    except BaseException:
        raw.close()
        raise
    finally:
        theirs.close()
    raw.begin(child)
    return Stream(raw, mode)


@contextmanager
def attended(stream: Stream) -> Iterator[None]:
    """What is raised meanwhile, by a signal's handler for one, does not wait for the stream's process."""
    try:
        yield
    except BaseException:
        stream.owner.raw.child = None  # type: ignore[attr-defined]  # it runs on, and is nobody's
        stream.close()
        raise


def exit_status(stream: Stream) -> int | Literal[0]:
    """pclose: closes the stream; its process's exit status, 0 for a stream without one."""
    raw: Any = stream.raw
    stream.close()
    return raw.status if isinstance(raw, PipeRaw) and raw.child is not None else 0

"""Streams over socket pairs, many at once."""

from __future__ import annotations

import contextlib
import resource
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from php_streams import fclose, stream_select
from php_streams._core import select as engine
from php_streams._core.stream import Stream
from php_streams._transports.socket import LABELS, SocketRaw

SMALL, MANY = 3, engine.LARGE + 8  # polled, and watched by an epoll


class Pair:
    """A stream over one end of a socket pair, and the other end."""

    def __init__(self) -> None:
        mine, self.peer = socket.socketpair()
        self.fp = Stream(SocketRaw(mine, LABELS["unix"], 5.0), "r+")


class Pairs:
    """Makes pairs when called, and closes at its end what is left of them."""

    def __init__(self) -> None:
        self.made: list[Pair] = []

    def __call__(self, count: int) -> list[Pair]:
        new = [Pair() for _ in range(count)]
        self.made += new
        return new

    def __enter__(self) -> Pairs:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes what is left."""
        for pair in self.made:
            pair.peer.close()
            fp: Any = getattr(pair, "fp", None)
            if fp is not None and fp.is_open:
                fclose(fp)


def streams(made: list[Pair]) -> list[Stream]:
    """The streams of these pairs."""
    return [pair.fp for pair in made]


def readable(every: Any, seconds: int | None = 0) -> Any:
    """The read set that comes back from a wait for it alone."""
    return stream_select(every, None, None, seconds)[1]


@contextlib.contextmanager
def enough_descriptors(wanted: int) -> Iterator[None]:
    """So many may be open in this process meanwhile; skips the test where the system does not allow it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this system allows {hard} descriptors, the test needs {wanted}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

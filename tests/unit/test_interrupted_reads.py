"""A signal's handler that raises in the middle of a read: what was received is there for the next one.

Python runs handlers where a call begins and where a call of C code has come back; the tests raise at each of
these places in the modules of the buffer, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from php_streams._core import buffer, held
from php_streams._core.raw import Raw
from php_streams._core.stream import Stream
from tests.tracing import profiled

DATA = b"".join(b"line %d\n" % number + b"x" * (number % 700) for number in range(400))
FILES = {buffer.__file__, held.__file__}


class Interrupted(Exception):
    """What the handler raises."""


class Source(Raw):
    """Gives DATA in pieces; a read of its own cannot be interrupted."""

    label = "test"

    def __init__(self, takes: bool, greedy: bool, seeks: bool) -> None:
        super().__init__()
        self.takes, self.greedy, self.seek_allowed = takes, greedy, seeks

    def take(self, size: int) -> bytes:
        data = DATA[self.total : self.total + min(size, 3000)]
        self.eof = not data
        self.total += len(data)
        return data

    def readinto(self, buffer: Any) -> int | None:
        size = min(len(buffer), 3000, len(DATA) - self.total)
        buffer[:size] = DATA[self.total : self.total + size]
        self.eof = not size
        self.total += size
        return size

    def move(self, offset: int, whence: int) -> bool:
        self.total, self.eof = offset, False
        return True


def interrupted_at(place: int, action: Callable[[], Any]) -> bool:
    """Runs the action, and raises at this place in it; whether it came so far."""
    left = place

    def look(frame: Any, event: str, argument: Any) -> None:
        nonlocal left
        if event in ("call", "c_return") and frame.f_code.co_filename in FILES:
            left -= 1
            if left == 0:
                raise Interrupted

    try:
        with profiled(look):
            action()
    except Interrupted:
        return True
    return False


READS: dict[str, Callable[[Stream], Any]] = {
    "fgets": lambda fp: fp.next_line(),
    "fgets, short": lambda fp: fp.next_line(100),
    "fread": lambda fp: fp.read(5000),
    "fread, short": lambda fp: fp.read(1),
    "stream_get_line": lambda fp: fp.read_record(9000, b"line 30"),
    "stream_get_contents": lambda fp: fp.read_all(),
    "stream_get_contents, a part": lambda fp: fp.read_up_to(20000),
    "stream_copy_to_stream": lambda fp: fp.read_some(20000),
}
# What one call gives out of the buffer has been read, whether or not somebody gets it.
IN_ONE = {"fread, short", "stream_get_line"}
KINDS = {
    "socket": (False, False, False),
    "file": (True, True, True),
    "memory": (False, True, True),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("before", [0, 2500])
def test_nothing_is_lost(kind: str, name: str, before: int) -> None:
    place, came = 0, True
    while came:
        place += 1
        fp = Stream(Source(*KINDS[kind]), "r")
        fp.set_chunk_size(8192)
        assert len(fp.read(before)) == before
        came = interrupted_at(place, lambda fp=fp: READS[name](fp))
        if came:
            at = fp.tell()
            assert DATA[at : at + 50] == fp.read(50), f"place {place}"
            assert fp.read_all() == DATA[at + 50 :], f"place {place}"
            assert at == before or (before and name in IN_ONE), f"place {place}: {at - before} bytes are lost"
    assert place > 3

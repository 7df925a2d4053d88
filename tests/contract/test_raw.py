"""What every Raw keeps (see php_streams/_core/raw.py): no read raises, bytes are counted."""

from __future__ import annotations

import io
import select
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.makers import DATAGRAMS, MAKERS, Made
from tests.signals import signal_soon

with_an_end = pytest.mark.parametrize("made", sorted(MAKERS.keys() - DATAGRAMS), indirect=True)


@pytest.fixture(params=MAKERS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Made]:
    """One of each kind, closed afterwards."""
    with MAKERS[request.param](tmp_path) as thing:
        yield thing
        thing.raw.close()


def read(made: Made, size: int = 100) -> bytes | int | None:
    """What readinto did: the bytes, or 0 for the end, or None for nothing now."""
    buffer = bytearray(size)
    result = made.raw.readinto(buffer)
    return bytes(buffer[:result]) if result else result


def arrived(made: Made) -> None:
    """Waits until the kernel has something for the raw."""
    descriptor = made.raw.select_descriptor()
    assert descriptor is not None and select.select([descriptor], [], [], 5)[0]


# --- rule 1: readinto never raises ---------------------------------------------------------------------


def test_bytes_that_came(made: Made) -> None:
    made.send(b"abc")
    assert read(made) == b"abc"
    assert not (made.raw.timed_out or made.raw.eof or made.raw.failed)


def test_nothing_now_without_waiting(made: Made) -> None:
    made.raw.set_blocking(False)
    assert read(made) is None
    assert not (made.raw.timed_out or made.raw.eof or made.raw.failed)
    made.send(b"x")
    arrived(made)
    assert read(made) == b"x"


def test_nothing_in_time(made: Made) -> None:
    made.raw.set_timeout(0.05)
    start = time.monotonic()
    assert read(made) is None
    assert 0.04 < time.monotonic() - start < 2
    assert made.raw.timed_out and not made.raw.eof
    made.send(b"x")
    assert read(made) == b"x"
    assert not made.raw.timed_out


def test_no_time_at_all(made: Made) -> None:
    made.raw.set_timeout(0.0)
    assert read(made) is None
    assert not made.raw.timed_out and not made.raw.eof


@with_an_end
def test_the_end_and_again(made: Made) -> None:
    assert made.end
    made.send(b"last")
    made.end()
    assert read(made) == b"last"
    assert not made.raw.eof
    assert [read(made), read(made)] == [0, 0]
    assert made.raw.eof and not made.raw.failed and not made.raw.timed_out


def test_an_error_is_an_end_that_failed(made: Made) -> None:
    made.fail()
    time.sleep(0.02)
    assert read(made) == 0
    assert made.raw.eof and made.raw.failed and not made.raw.timed_out


def test_a_descriptor_lost_below(made: Made) -> None:
    made.cut()
    assert read(made) == 0
    assert made.raw.eof and made.raw.failed


def test_a_signal_handler_that_raises(made: Made) -> None:
    class Alarm(Exception):
        pass

    def handler() -> None:
        raise Alarm

    with signal_soon(handler):
        assert read(made) is None
    made.send(b"still here")
    assert isinstance(made.raw.raised, Alarm)
    assert read(made) is None  # the exception has to be heard before anything is waited for
    made.raw.raised = None
    assert read(made) == b"still here"


# --- rule 2: bytes are counted -------------------------------------------------------------------------


def test_what_was_read_is_counted(made: Made) -> None:
    assert made.raw.total == 0
    made.send(b"abc")
    read(made)
    made.send(b"de")
    read(made)
    assert made.raw.total == 5


def test_a_reader_of_pythons_can_stand_above(made: Made) -> None:
    reader = io.BufferedReader(made.raw, 1000)
    made.send(b"one\ntwo\n")
    assert reader.readline() == b"one\n"
    assert made.raw.total == 8
    assert reader.readline() == b"two\n"
    assert made.raw.total == 8
    reader.detach()


def test_what_was_written_is_counted(made: Made) -> None:
    assert made.raw.write(b"abc") == 3
    assert made.received(100) == b"abc"
    assert made.raw.write(memoryview(b"de")) == 2
    assert made.received(100) == b"de"
    assert made.raw.written == 5 and made.raw.total == 0


def test_nothing_read_counts_nothing(made: Made) -> None:
    made.raw.set_blocking(False)
    read(made)
    assert made.raw.total == 0


# --- what is built on it -------------------------------------------------------------------------------


def test_a_read_that_does_not_wait(made: Made) -> None:
    start = time.monotonic()
    assert made.raw.read_without_waiting(10) == b""
    assert time.monotonic() - start < 1
    assert not made.raw.timed_out and made.raw.blocking
    made.send(b"now")
    arrived(made)
    assert made.raw.read_without_waiting(10) == b"now"
    assert made.raw.total == 3
    made.raw.set_timeout(0.05)
    assert read(made) is None and made.raw.timed_out  # it waits again


def test_the_end_is_seen_without_reading(made: Made) -> None:
    assert not made.raw.at_end()
    made.send(b"x")
    arrived(made)
    assert not made.raw.at_end()
    assert read(made) == b"x"
    if made.end is not None:
        made.end()
        arrived(made)
        assert made.raw.at_end() and made.raw.eof


@with_an_end
def test_everything_to_the_end(made: Made) -> None:
    assert made.end
    data = bytes(range(256)) * 600
    made.raw.set_timeout(0.2)
    made.send(data[:100_000])
    assert made.raw.readall() == data[:100_000]
    assert made.raw.timed_out
    made.send(data[100_000:])
    made.end()
    assert made.raw.readall() == data[100_000:]
    assert made.raw.eof and made.raw.total == len(data)


def test_the_state_comes_first_in_the_meta_data(made: Made) -> None:
    meta = made.raw.meta()
    assert list(meta)[:3] == ["timed_out", "blocked", "eof"]
    assert meta == {"timed_out": False, "blocked": True, "eof": False}
    made.raw.set_blocking(False)
    assert made.raw.meta()["blocked"] is False


def test_closing_is_silent_and_may_be_repeated(made: Made) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.raw.close()
        made.raw.close()
    assert made.raw.closed


def test_what_the_kernel_does_not_know_of_is_counted(made: Made) -> None:
    made.send(b"abc")
    arrived(made)
    assert made.raw.pending() == 0

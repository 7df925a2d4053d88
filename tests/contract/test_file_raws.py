"""What every Raw with a position keeps (see php_streams/_core/raw.py), whatever holds the bytes."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.makers import FILES, MadeFile


@pytest.fixture(params=FILES)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MadeFile]:
    """One of each kind, closed afterwards."""
    with FILES[request.param](tmp_path) as thing:
        yield thing
        thing.raw.close()


def read(made: MadeFile, size: int = 100) -> bytes | int | None:
    """What readinto did: the bytes, or 0 for the end."""
    buffer = bytearray(size)
    result = made.raw.readinto(buffer)
    return bytes(buffer[:result]) if result else result


def test_bytes_and_their_end(made: MadeFile) -> None:
    made.grow(b"abcdef")
    assert read(made, 4) == b"abcd"
    assert not (made.raw.eof or made.raw.failed or made.raw.timed_out)
    assert read(made) == b"ef"
    assert [read(made), read(made)] == [0, 0]
    assert made.raw.eof and not made.raw.failed


def test_what_comes_behind_the_end(made: MadeFile) -> None:
    assert read(made) == 0
    made.grow(b"more")
    assert made.raw.eof
    assert read(made) == b"more"


def test_seeking_takes_the_end_back(made: MadeFile) -> None:
    made.grow(b"abc")
    assert read(made) == b"abc" and read(made) == 0
    assert made.raw.move(1, os.SEEK_SET) and made.raw.place == 1
    assert read(made) == b"bc"
    assert made.raw.move(-1, os.SEEK_END) and made.raw.place == 2
    assert not made.raw.move(-1, os.SEEK_SET)


def test_what_was_read_and_written_is_counted(made: MadeFile) -> None:
    made.grow(b"abc")
    read(made, 2)
    assert (made.raw.total, made.raw.written) == (2, 0)
    assert made.raw.write(b"XY") == 2
    assert made.raw.write(memoryview(b"Z")) == 1
    assert (made.raw.total, made.raw.written) == (2, 3)
    assert made.content() == b"abXYZ"


def test_everything_to_the_end(made: MadeFile) -> None:
    data = bytes(range(256)) * 600
    made.grow(data)
    assert read(made, 10) == data[:10]
    assert made.raw.readall() == data[10:]
    assert made.raw.eof and made.raw.total == len(data)
    assert made.raw.readall() == b""


def test_cut_and_made_longer(made: MadeFile) -> None:
    made.grow(b"abcdef")
    assert made.raw.truncate_to(3)
    assert made.content() == b"abc"
    assert made.raw.truncate_to(5)
    assert made.content() == b"abc\0\0"
    status = made.raw.stat()
    assert status is not None and status.st_size == 5


def test_a_reader_of_pythons_can_stand_above(made: MadeFile) -> None:
    made.grow(b"one\ntwo\n")
    reader = io.BufferedReader(made.raw, 1000)
    assert [reader.readline(), reader.readline(), reader.readline()] == [b"one\n", b"two\n", b""]
    reader.detach()


def test_closing_is_silent_and_may_be_repeated(made: MadeFile) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.raw.close()
        made.raw.close()
    assert made.raw.closed

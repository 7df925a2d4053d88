"""Signals that arrive while a file is read or written: nothing is lost, and handlers' exceptions come out."""

from __future__ import annotations

import bz2
import gzip
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import php_streams as php
from tests.signals import signal_soon

MIB = 1 << 20


class Stop(Exception):
    """What the handlers raise."""


def stop() -> None:
    """A signal's handler."""
    raise Stop


def test_a_write_that_a_signal_cuts_short_goes_on() -> None:
    """The system tells how much it took before the signal: it is Python that calls write(2) again."""
    came: list[bytes] = []
    below, above = os.pipe()
    fp = php.fopen(f"php://fd/{above}", "w")
    assert fp is not False
    os.close(above)

    def read_all() -> None:
        with os.fdopen(below, "rb") as file:
            came.append(file.read())

    reader = threading.Thread(target=read_all)  # begins when the pipe is full and the signal has come
    data = os.urandom(MIB)
    with signal_soon(reader.start):
        assert php.fwrite(fp, data) == MIB
    assert php.ftell(fp) == MIB - 1  # PHP counts from -1 on what cannot seek
    php.fclose(fp)
    reader.join()
    assert came == [data]


@pytest.mark.parametrize(
    ("opens", "pack"),
    [(php.gzopen, lambda data: gzip.compress(data, 1)), (php.bzopen, lambda data: bz2.compress(data, 1))],
    ids=["gzip", "bzip2"],
)
def test_a_handler_that_raises_while_packed_data_are_awaited(
    opens: Callable[[str, str], Any], pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    """The exception comes at once, and what came of the line is kept."""
    path = str(tmp_path / "packed")
    os.mkfifo(path)
    below = os.open(path, os.O_RDWR)
    try:
        fp = opens(path, "r")
        line = bytes(random.choices(b"ab", k=250_000))  # several blocks, and little enough for a pipe
        packed = pack(line)
        assert os.write(below, packed[:-100]) == len(packed) - 100
        with signal_soon(stop, 0.3), pytest.raises(Stop):
            php.fgets(fp)
        assert php.stream_get_meta_data(fp)["unread_bytes"] > 0
        os.write(below, packed[-100:])
    finally:
        os.close(below)
    assert php.fgets(fp) == line


def test_a_write_that_finds_no_room_waits_for_it() -> None:
    """Where no byte can go at once: what was written before has filled the connection."""
    near, far = php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_STREAM, 0) or (None, None)
    php.stream_set_blocking(near, False)
    before = 0
    while size := php.fwrite(near, bytes(MIB)):
        before += size
    php.stream_set_blocking(near, True)
    came: list[bytes] = []
    reader = threading.Timer(0.1, lambda: came.append(php.stream_get_contents(far)))
    reader.start()
    assert php.fwrite(near, b"the rest") == 8
    php.fclose(near)
    reader.join()
    assert len(came[0]) == before + 8 and came[0].endswith(b"the rest")

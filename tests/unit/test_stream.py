"""Stream speaks Python: with, iteration, fileno; and keeps PHP's idea of a resource."""

from __future__ import annotations

import csv
import io
import select
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import php_streams as php
from php_streams._core.stream import Stream
from php_streams._transports.socket import LABELS, SocketRaw

Pair = tuple[Stream, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    near, far = socket.socketpair()
    with near, far:
        yield Stream(SocketRaw(near, LABELS["unix"], 5.0), "r+"), far


def test_lines_are_iterated(pair: Pair) -> None:
    fp, far = pair
    far.sendall(b"one\ntwo\nlast")
    far.close()
    assert list(fp) == [b"one\n", b"two\n", b"last"]
    assert php.feof(fp)


def test_the_lines_of_a_file_that_is_longer_than_what_is_read_ahead(tmp_path: Path) -> None:
    lines = [b"%d\n" % number * (number % 7 + 1) for number in range(40_000)]
    path = tmp_path / "lines"
    path.write_bytes(b"".join(lines) + b"no end")
    single = b"".join(lines).splitlines(keepends=True)
    with php.fopen(path, "r") as fp:
        assert list(fp) == [*single, b"no end"]
    with php.fopen(path, "r") as fp:
        got = []
        for line in fp:
            got += [line, php.fgets(fp)]
        assert got == [*single, b"no end", *[False] * (len(single) % 2 == 0)]
    path.write_bytes(b"x" * 200_000 + b"\n" + b"y" * 200_000)
    with php.fopen(path, "r") as fp:
        assert list(fp) == [b"x" * 200_000 + b"\n", b"y" * 200_000]


@pytest.mark.parametrize("other", [php.fgets, lambda fp: php.stream_get_line(fp, 1000, "\n") + b"\n"])
def test_whoever_else_reads_in_a_loop_over_lines_takes_some_of_them(pair: Pair, other: Any) -> None:
    fp, far = pair
    got = []
    more = {b"1\n": b"2\n3\n4\n", b"4\n": b"5\n6\n7\n"}
    far.sendall(b"1\n")
    for line in fp:
        got.append(line)
        if line in more:
            far.sendall(more[line])
            got.append(other(fp))
        elif line == b"7\n":
            far.close()
    assert got == [b"%d\n" % number for number in range(1, 8)]


def test_a_loop_that_is_left_leaves_the_stream_open(pair: Pair) -> None:
    fp, far = pair
    far.sendall(b"one\ntwo\nthree\n")
    for line in fp:
        assert line == b"one\n"
        break
    assert php.fgets(fp) == b"two\n"
    lines = iter(fp)
    assert next(lines) == b"three\n"
    del lines
    assert php.fwrite(fp, "still open") == 10
    assert far.recv(100) == b"still open"


def test_a_timeout_ends_an_iteration(pair: Pair) -> None:
    fp, far = pair
    php.stream_set_timeout(fp, 0, 20_000)
    far.sendall(b"one\npart")
    assert list(fp) == [b"one\n", b"part"]
    assert php.stream_get_meta_data(fp)["timed_out"] and not php.feof(fp)


def test_with_closes(pair: Pair) -> None:
    fp, far = pair
    with fp as same:
        assert same is fp and not fp.closed
    assert fp.closed and not php.is_resource(fp)
    assert far.recv(1) == b""
    for use in (iter, select.select, Stream.fileno):
        with pytest.raises(ValueError, match="closed"):
            use(fp) if use is not select.select else select.select([fp], [], [], 0)


def test_what_the_close_raises_comes_out_of_with_unless_something_was_raised_within() -> None:
    class Closes:
        context = None

        def stream_open(self, *arguments: object) -> bool:
            return True

        def stream_close(self) -> None:
            raise RuntimeError("in the close")

    php.stream_wrapper_register("closes", Closes)
    try:
        fp = php.fopen("closes://", "r")
        with pytest.raises(RuntimeError, match="in the close"), fp:
            pass
        assert not php.is_resource(fp)
        with pytest.raises(ValueError, match="within"), php.fopen("closes://", "r"):
            raise ValueError("within")
    finally:
        php.stream_wrapper_unregister("closes")


def test_the_standard_library_takes_it(pair: Pair) -> None:
    fp, far = pair
    assert select.select([fp], [fp], [], 0) == ([], [fp], [])
    far.sendall(b"a,b\r\n1,2\r\n")
    far.close()
    assert list(csv.reader(line.decode() for line in fp)) == [["a", "b"], ["1", "2"]]


def test_what_is_buffered_survives_any_mixture_of_reads(pair: Pair) -> None:
    fp, far = pair
    data = b"".join(b"line %d\n" % n for n in range(5000))
    far.sendall(data)
    far.close()
    reads = [
        lambda: php.fgets(fp),
        lambda: php.fread(fp, 7),
        lambda: php.fgetc(fp),
        lambda: (php.stream_get_line(fp, 100, "\n") or b"") + b"\n",
        lambda: php.stream_get_contents(fp, 11),
        lambda: php.fgets(fp, 4),
    ]
    found = io.BytesIO()
    for number, size in enumerate([8192, 1, 3, 64, 100_000] * 40):
        php.stream_set_chunk_size(fp, size)
        php.stream_set_read_buffer(fp, number % 3)
        for read in reads:
            before = php.ftell(fp)
            found.write(read())
            assert php.ftell(fp) == found.tell() > before
    found.write(php.stream_get_contents(fp))
    assert found.getvalue() == data
    assert php.ftell(fp) == len(data)


def test_bytes_can_be_copied_out_of_it(pair: Pair) -> None:
    fp, far = pair
    far.sendall(b"x" * 100_000)
    far.close()

    class Readable:
        def read(self, size: int) -> bytes:
            return php.fread(fp, size) or b""

    target = io.BytesIO()
    shutil.copyfileobj(Readable(), target)
    assert target.getvalue() == b"x" * 100_000


# --- where Python is not PHP: compat_matrix/decisions.toml ---------------------------------------------


def test_a_length_is_only_a_limit(pair: Pair) -> None:  # length-is-a-limit
    fp, far = pair
    far.sendall(b"one\ntwo\nthree")
    assert php.fgets(fp, 1 << 40) == b"one\n"
    assert php.fread(fp, 1 << 40) == b"two\nthree"
    far.sendall(b"more")
    php.stream_set_read_buffer(fp, 0)
    assert php.fread(fp, php.PHP_INT_MAX) == b"more"


def test_64_kib_are_read_ahead_until_a_chunk_size_is_set(pair: Pair) -> None:  # read-ahead
    fp, far = pair
    far.sendall(b"x" * 100_000)
    assert php.fgetc(fp) == b"x"
    assert php.stream_get_meta_data(fp)["unread_bytes"] == 65535
    assert len(php.fread(fp, 100_000)) == 8192
    assert php.stream_set_chunk_size(fp, 8192) == 8192
    assert len(php.stream_get_contents(fp, 65535 - 8192)) == 65535 - 8192
    assert php.fgetc(fp) == b"x"
    assert php.stream_get_meta_data(fp)["unread_bytes"] == 8191


def test_a_chunk_size_holds_from_the_next_read_on(pair: Pair) -> None:  # chunk-size-at-once
    fp, far = pair
    far.sendall(b"first\n")
    assert php.fgets(fp) == b"first\n"
    php.stream_set_chunk_size(fp, 4)
    far.sendall(b"0123456789")
    assert php.fgetc(fp) == b"0"
    assert php.stream_get_meta_data(fp)["unread_bytes"] == 3
    assert php.fread(fp, 100) == b"1234567"


def test_a_whole_result_in_place_of_a_stream_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        result = php.fsockopen(*server.getsockname())
        for call in (php.fgets, php.feof, php.fclose, php.stream_get_meta_data, php.ftell):
            with pytest.raises(
                TypeError, match=r"type resource, array given\. It is the function's whole result"
            ):
                call(result)
        with pytest.raises(TypeError, match="unpack it"):
            php.fwrite(result, "text")

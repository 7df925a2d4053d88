"""stream_copy_to_stream: who moves the bytes, and what is counted; terminals and pipes opened as files."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

import php_streams as php
from php_streams._core import copy
from php_streams._core.stream import Stream
from tests import terminals

DATA = bytes(range(256)) * 4000


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Stream]:
    """A file of a megabyte."""
    (tmp_path / "source").write_bytes(DATA)
    with php.fopen(tmp_path / "source", "r") as fp:
        yield fp


@pytest.fixture
def by_kernel() -> Iterator[list[str]]:
    """The system calls that moved bytes."""
    calls: list[str] = []
    real = {name: getattr(os, name) for name in ("copy_file_range", "sendfile")}

    def spy(name: str) -> object:
        def call(*arguments: object) -> int:
            moved: int = real[name](*arguments)
            calls.append(name)
            return moved

        return call

    with mock.patch.multiple(copy.os, **{name: spy(name) for name in real}):  # type: ignore[attr-defined]
        yield calls


def test_from_file_to_file(source: Stream, tmp_path: Path, by_kernel: list[str]) -> None:
    with php.fopen(tmp_path / "target", "w") as target:
        assert php.stream_copy_to_stream(source, target, 1000) == 1000
        assert by_kernel == ["copy_file_range"]
        assert (php.ftell(source), php.ftell(target)) == (1000, 1000)
        assert php.fread(source, 2) == DATA[1000:1002]
        assert php.stream_copy_to_stream(source, target) == len(DATA) - 1002
        assert php.fwrite(target, b"end") == 3
    assert (tmp_path / "target").read_bytes() == DATA[:1000] + DATA[1002:] + b"end"


def test_over_what_was_read_ahead(source: Stream, tmp_path: Path, by_kernel: list[str]) -> None:
    (tmp_path / "target").write_bytes(b"one\ntwo\nthree\n")
    with php.fopen(tmp_path / "target", "r+") as target:
        assert php.fgets(target) == b"one\n"
        assert php.stream_copy_to_stream(source, target, 3) == 3
        assert php.fgets(target) == b"\n"
    assert (tmp_path / "target").read_bytes() == b"one\n\0\1\2\nthree\n"


def test_a_file_behind_itself(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"abc" * 1000)
    with php.fopen(path, "r") as source, php.fopen(path, "a") as target:
        assert php.stream_copy_to_stream(source, target) == 3000
        assert not php.feof(source)
    assert path.read_bytes() == b"abc" * 2000


def test_from_file_to_pipe(source: Stream, by_kernel: list[str]) -> None:
    reader, writer = os.pipe()
    received = bytearray()

    def drain() -> None:
        with open(reader, "rb") as file:
            received.extend(file.read())

    thread = threading.Thread(target=drain)
    thread.start()
    fp = php.from_file(open(writer, "wb", closefd=False))
    os.close(writer)
    assert php.stream_copy_to_stream(source, fp) == len(DATA)
    php.fclose(fp)
    thread.join(10)
    assert bytes(received) == DATA and set(by_kernel) == {"sendfile"}


@pytest.mark.parametrize("target", ["php://memory", "php://temp"])
def test_from_file_to_memory(source: Stream, target: str, by_kernel: list[str]) -> None:
    with php.fopen(target, "w+") as fp:
        assert php.stream_copy_to_stream(source, fp) == len(DATA)
        php.rewind(fp)
        assert php.stream_get_contents(fp) == DATA
    assert by_kernel == []


def test_filters_see_every_byte(source: Stream, tmp_path: Path, by_kernel: list[str]) -> None:
    with php.fopen(tmp_path / "target", "w") as target:
        php.stream_filter_append(target, "string.rot13", php.STREAM_FILTER_WRITE)
        assert php.stream_copy_to_stream(source, target) == len(DATA)
    expected = bytes(
        b + 13 if 65 <= (b & 0xDF) <= 77 and b < 128 else b - 13 if 78 <= (b & 0xDF) <= 90 and b < 128 else b
        for b in range(256)
    )
    assert (tmp_path / "target").read_bytes() == expected * 4000
    assert by_kernel == []


def test_a_target_that_takes_no_more(source: Stream) -> None:
    near, far = socket.socketpair()
    with near, far:
        fp = php.from_socket(near)
        php.stream_set_blocking(fp, False)
        assert php.stream_copy_to_stream(source, fp) is False


def test_a_kernel_that_cannot(source: Stream, tmp_path: Path) -> None:
    error = OSError(18, "Invalid cross-device link")
    with (
        php.fopen(tmp_path / "target", "w") as target,
        mock.patch.object(copy.os, "copy_file_range", side_effect=error),  # type: ignore[attr-defined]
        mock.patch.object(copy.os, "sendfile", side_effect=OSError(22, "Invalid argument")),  # type: ignore[attr-defined]
    ):
        assert php.stream_copy_to_stream(source, target) == len(DATA)
    assert (tmp_path / "target").read_bytes() == DATA


def test_a_terminal_opened_as_a_file() -> None:
    controller, terminal = terminals.make()
    try:
        with php.fopen(os.ttyname(terminal), "r+") as fp:
            assert php.stream_isatty(fp)
            assert php.stream_get_meta_data(fp)["seekable"] is False
            os.write(controller, b"typed\nmore\n")
            assert php.fgets(fp) == b"typed\n"
            assert php.fgets(fp) == b"more\n"
            assert php.ftell(fp) is not None
            assert php.fwrite(fp, b"shown") == 5
            seen = b""
            while not seen.endswith(b"shown"):  # behind the echo of what was typed
                seen += os.read(controller, 100)
            php.stream_set_blocking(fp, False)
            assert php.fgets(fp) is False and not php.feof(fp)
    finally:
        os.close(controller)
        os.close(terminal)

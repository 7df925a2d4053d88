"""Corners of reading, waiting and opening: lines nobody split, streams and descriptors that go in between."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import php_streams as php
from php_streams import filesystem
from php_streams._core import held
from tests.tracing import traced


def test_a_block_that_is_not_split_has_no_line_for_who_asks_it() -> None:
    fp, far = php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_STREAM, 0)
    php.fwrite(far, "one\ntwo\n")
    assert php.fread(fp, 1) == b"o"
    assert fp.readline is held.unsplit and fp.readline(10) == b""
    assert php.fgets(fp) == b"ne\n"
    php.fclose(fp)
    php.fclose(far)


def test_lines_of_a_stream_that_is_closed_between_two() -> None:
    fp = php.fopen("php://memory", "w+")
    php.fwrite(fp, "one\ntwo\nthree\n")
    php.rewind(fp)
    php.fread(fp, 1)
    lines = iter(fp)
    assert next(lines) == b"ne\n"
    php.fclose(fp)
    with pytest.raises(ValueError, match="I/O operation on closed stream"):
        next(lines)


class Throws(php.php_user_filter):
    """Fails at its first data."""

    def filter(self, in_: Any, out: Any, consumed: int, closing: bool) -> int:
        if closing:
            return php.PSFS_PASS_ON
        raise RuntimeError("from the filter")


def test_what_a_filter_raises_comes_before_the_warning_that_is_an_error() -> None:
    php.stream_filter_register("throws", Throws)
    fp = php.fopen("php://memory", "w+")
    php.stream_filter_append(fp, "throws", php.STREAM_FILTER_WRITE)
    with pytest.raises(RuntimeError, match="from the filter"):
        php.fwrite(fp, "x")
    fp.close()


def test_a_line_is_kept_when_an_attribute_error_comes_between() -> None:
    fp = php.fopen("php://memory", "w+")
    php.fwrite(fp, "one\ntwo\n")
    php.rewind(fp)
    lines, first = inspect.getsourcelines(filesystem.fgets)
    place = first + next(i for i, line in enumerate(lines) if line.strip() == "return line")

    def look(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code is not filesystem.fgets.__code__:
            return look if event == "call" else None
        if event == "line" and frame.f_lineno == place:
            raise AttributeError("a handler's")
        return look

    php.fgets(fp)
    with traced(look), pytest.raises(AttributeError, match="a handler's"):
        php.fgets(fp)
    assert php.fgets(fp) == b"two\n"


def test_a_descriptor_that_somebody_closed(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT)
    file = os.fdopen(fd, "rb", buffering=0, closefd=False)
    os.close(fd)
    with pytest.raises(ValueError, match=r"from_file\(\): .*Bad file descriptor"):
        php.from_file(file)
    file.close()

"""to_file: each method as those of Python's own files, on streams of several kinds."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

import php_streams as php
from php_streams._core.stream import Stream


def memory(text: bytes) -> Stream:
    """A stream that holds this text and stands at its beginning."""
    fp = php.fopen("php://memory", "w+")
    php.fwrite(fp, text)
    php.rewind(fp)
    return fp


@pytest.fixture
def pair() -> list[Stream]:
    return php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_STREAM, 0)


@pytest.mark.parametrize(
    ("mode", "reads", "writes"),
    [
        ("r", True, False),
        ("r+", True, True),
        ("w", False, True),
        ("wb", False, True),
        ("w+", True, True),
        ("a", False, True),
        ("c+", True, True),
    ],
)
def test_its_name_and_what_the_mode_allows(mode: str, reads: bool, writes: bool, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.touch()
    with php.to_file(php.fopen(path, mode)) as file:
        assert (file.name, file.mode) == (str(path), mode)
        assert (file.readable(), file.writable(), file.seekable()) == (reads, writes, True)


def test_without_a_name_and_positions(pair: list[Stream]) -> None:
    file = php.to_file(pair[0])
    assert (file.name, file.seekable(), file.isatty()) == ("", False, False)
    with pytest.raises(io.UnsupportedOperation, match=r"^seek$"):
        file.seek(0)
    with pytest.raises(io.UnsupportedOperation, match=r"^truncate$"):
        file.truncate(0)


def test_reads_of_every_size() -> None:
    file = php.to_file(memory(b"abcdef" * 4))
    assert (file.read(0), file.read1(0), file.readline(0)) == (b"", b"", b"")
    assert (file.read(1), file.read(2), file.read1(1), file.read1(2)) == (b"a", b"bc", b"d", b"ef")
    for size in (None, -1, -2):
        file.seek(18)
        assert file.read(size) == b"abcdef"
        file.seek(18)
        assert file.read1(size) == b"abcdef"
    file.seek(18)
    assert file.read() == b"abcdef"
    file.seek(18)
    assert file.read1() == b"abcdef"
    assert (file.read(), file.read(5), file.read1(), file.readline()) == (b"", b"", b"", b"")


def test_one_read_gives_what_is_there(pair: list[Stream]) -> None:
    file = php.to_file(pair[0])
    php.fwrite(pair[1], "some")
    assert file.read1() == b"some"
    php.fwrite(pair[1], "b" * (io.DEFAULT_BUFFER_SIZE + 5))
    assert len(file.read1()) == io.DEFAULT_BUFFER_SIZE
    assert file.read1(100) == b"bbbbb"


def test_lines_and_their_beginnings() -> None:
    file = php.to_file(memory(b"one\ntwo\nthree\nfour"))
    assert file.readline(2) == b"on"
    assert file.readline(-1) == b"e\n"
    assert file.readline(None) == b"two\n"
    assert file.readline(1) == b"t"
    assert [*file] == [b"hree\n", b"four"]


def test_positions(tmp_path: Path) -> None:
    file = php.to_file(memory(b"0123456789"))
    assert (file.seek(4), file.tell(), file.read(1)) == (4, 4, b"4")
    assert (file.seek(2, os.SEEK_CUR), file.read(1)) == (7, b"7")
    assert (file.seek(-1, os.SEEK_END), file.read(1)) == (9, b"9")
    with pytest.raises(OSError, match=r"^cannot seek to -1 \(0\)$"):
        file.seek(-1)
    file.seek(5)
    assert (file.truncate(), file.seek(0), file.read()) == (5, 0, b"01234")
    assert (file.truncate(7), file.seek(0), file.read()) == (7, 0, b"01234\0\0")
    with php.to_file(php.fopen(tmp_path / "f", "w")) as written:
        written.write(bytearray(b"abc"))
        assert written.write(memoryview(b"de")) == 2
        assert (tmp_path / "f").read_bytes() == b"abcde"


def test_a_write_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    fp = memory(b"")
    file = php.to_file(fp)
    sent: list[bytes] = []

    def write(data: bytes) -> int:
        sent.append(data[:3] if len(sent) < 3 else b"")
        return len(sent[-1])

    monkeypatch.setattr(fp, "write", write)
    assert file.write(b"abcdefgh") == 8
    with pytest.raises(OSError, match=r"^0 of 2 bytes written$"):
        file.write(b"xy")
    assert sent == [b"abc", b"def", b"gh", b""]
    sent.clear()
    with pytest.raises(OSError, match=r"^9 of 11 bytes written$"):
        file.write(b"123456789ab")


class Holding:
    """A wrapper whose streams note what they are told."""

    context = None
    heard: list[str]

    def stream_open(self, *arguments: object) -> bool:
        return True

    def stream_flush(self) -> bool:
        self.heard.append("flush")
        return True

    def stream_close(self) -> None:
        self.heard.append("close")


def test_what_a_stream_holds_back_is_handed_on() -> None:
    Holding.heard = heard = []
    php.stream_wrapper_register("holding", Holding)
    try:
        fp = php.fopen("holding://x", "w")
        file = php.to_file(fp)
        file.flush()
        assert heard == ["flush"]
        php.fclose(fp)
        before = list(heard)
        file.flush()
        file.close()
        file.flush()
        assert (heard, heard[-1]) == (before, "close")
    finally:
        php.stream_wrapper_unregister("holding")


def test_an_exception_in_a_read_is_heard() -> None:
    class Raises:
        context = None

        def stream_open(self, *arguments: object) -> bool:
            return True

        def stream_read(self, count: int) -> bytes:
            raise KeyError("read")

        def stream_stat(self) -> bool:
            return False

        def stream_eof(self) -> bool:
            return False

    php.stream_wrapper_register("raises", Raises)
    try:
        for size in (3, None):
            with pytest.raises(KeyError, match="read"):
                php.to_file(php.fopen("raises://x", "r")).read(size)
    finally:
        php.stream_wrapper_unregister("raises")


@pytest.mark.parametrize("by_stream", [False, True])
def test_nothing_goes_once_it_is_closed(by_stream: bool) -> None:
    fp = memory(b"abc")
    file = php.to_file(fp)
    php.fclose(fp) if by_stream else file.close()
    assert not php.is_resource(fp)
    for call in (file.read, file.read1, file.readline, file.tell, file.fileno, file.isatty, file.seekable):
        with pytest.raises(ValueError, match=r"^I/O operation on closed file\.$"):
            call()
    with pytest.raises(ValueError, match="closed"):
        file.write(b"x")

"""Compressed data that become very large: what is held of them at once; and where zlib leaves rubbish."""

from __future__ import annotations

import bz2
import gzip
import os
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

import php_streams
from php_streams._core.gzio import GzipError, GzipReader

LARGE = 100 * 1024 * 1024
HELD = 4 * 1024 * 1024


def bomb(packer: object) -> bytes:
    """A hundred megabytes of NULs, packed."""
    block = bytes(1 << 20)
    parts = [packer.compress(block) for _ in range(LARGE >> 20)]  # type: ignore[attr-defined]
    return b"".join([*parts, packer.flush()])  # type: ignore[attr-defined]


GZIP = bomb(zlib.compressobj(9, zlib.DEFLATED, 31))
BZIP2 = bomb(bz2.BZ2Compressor(9))


def most(work: Callable[[], object]) -> int:
    """The most memory that was held at once."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the compressed data lie."""
    return tmp_path / "file"


@pytest.mark.parametrize("name", ["compress.zlib", "compress.bzip2"])
def test_a_bomb_is_read_in_steps(name: str, file: Path) -> None:
    file.write_bytes(GZIP if name == "compress.zlib" else BZIP2)

    def read() -> None:
        fp = php_streams.fopen(f"{name}://{file}", "r")
        total = 0
        while data := php_streams.fread(fp, 8192):
            total += len(data)
        assert total == LARGE

    assert most(read) < HELD


def test_a_line_of_a_bomb_is_as_long_as_was_asked(file: Path) -> None:
    file.write_bytes(GZIP)
    assert most(lambda: php_streams.gzgets(php_streams.gzopen(str(file), "r"), 1000)) < HELD


def test_seeking_holds_nothing(file: Path) -> None:
    file.write_bytes(GZIP)
    fp = php_streams.gzopen(str(file), "r")

    def seek() -> None:
        assert php_streams.gzseek(fp, LARGE - 10) == 0
        assert php_streams.gzread(fp, 100) == bytes(10)

    assert most(seek) < HELD


@pytest.mark.parametrize("encoding", [-15, 15, 31])
def test_a_limit_holds_for_strings(encoding: int) -> None:
    packed = php_streams.zlib_encode(gzip.decompress(GZIP), encoding)

    def decode() -> None:
        with php_streams.silence():
            assert php_streams.zlib_decode(packed, 100_000) is False
        assert (php_streams.error_get_last() or {})["message"] == "zlib_decode(): insufficient memory"

    assert most(decode) < HELD


def test_a_gap_before_the_first_byte_is_clear(file: Path) -> None:
    fp = php_streams.gzopen(str(file), "w")
    php_streams.gzseek(fp, 20000)
    php_streams.gzwrite(fp, "end")
    php_streams.gzclose(fp)
    assert gzip.decompress(file.read_bytes()) == bytes(20000) + b"end"


def test_the_disk_is_full(file: Path) -> None:
    fp = php_streams.gzopen("/dev/full", "w")
    assert php_streams.gzwrite(fp, "text") == 4
    assert php_streams.fflush(fp) is False
    assert php_streams.gzwrite(fp, "text") == 0
    assert php_streams.gzclose(fp)


def test_an_error_of_reading_stays() -> None:
    """zlib remembers it: what comes later is not read, though it could be."""
    source, sink = os.pipe()
    os.set_blocking(source, False)
    packed = gzip.compress(b"text")
    try:
        reader = GzipReader(source)
        os.write(sink, packed[:5])
        with pytest.raises(GzipError):
            reader.read(10)
        os.write(sink, packed[5:])
        with pytest.raises(GzipError):
            reader.read(10)
        assert os.read(source, 100) == packed[5:]
    finally:
        os.close(source)
        os.close(sink)

"""What goes through whole does not lie in memory whole."""

from __future__ import annotations

import io
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from php_streams import copy, fopen, fpassthru, readfile

SIZE = 64 * 1024 * 1024
LIMIT = 4 * 1024 * 1024


class Nowhere(io.RawIOBase):
    """Takes everything and keeps nothing."""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        assert isinstance(data, bytes | bytearray | memoryview)
        return len(data)


@pytest.mark.parametrize(
    "through",
    [
        pytest.param(readfile, id="readfile"),
        pytest.param(lambda name: fpassthru(fopen(name, "r")), id="fpassthru"),
        pytest.param(lambda name: copy(name, f"{name}.copy") and SIZE, id="copy"),
    ],
)
def test_a_large_file_goes_through_in_pieces(
    through: Callable[[str], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = tmp_path / "large"
    with name.open("wb") as file:
        file.truncate(SIZE)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(Nowhere()), "utf-8"))
    tracemalloc.start()
    try:
        assert through(str(name)) == SIZE
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < LIMIT

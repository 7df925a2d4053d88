"""zip:// over archives that somebody has damaged: bytes or False, PHP's warnings, nothing left open."""

from __future__ import annotations

import io
import os
import random
import warnings
import zipfile
from pathlib import Path

import pytest

import php_streams as php

KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
TEXT = b"".join(b"line %d\n" % number for number in range(2000))


def make_archive() -> bytes:
    """An archive with an entry of each kind."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for kind in KINDS:
            archive.writestr(zipfile.ZipInfo(f"entry{kind}"), TEXT, kind)
    return packed.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_whole(tmp_path: Path, kind: int) -> None:
    (tmp_path / "a.zip").write_bytes(make_archive())
    assert php.file_get_contents(f"zip://{tmp_path}/a.zip#entry{kind}") == TEXT


def test_damaged_archives_end_in_warnings(tmp_path: Path) -> None:
    draw = random.Random(20240717)
    whole = make_archive()
    path = tmp_path / "a.zip"
    before = len(os.listdir("/proc/self/fd"))
    outcomes = {"whole": 0, "refused": 0, "cut": 0}
    for _ in range(600):
        damaged = bytearray(whole)
        start = draw.choice([0, len(whole) - 400])
        for _ in range(draw.choice([1, 3, 10])):
            damaged[draw.randrange(start, len(whole))] = draw.randrange(256)
        path.write_bytes(damaged[: draw.choice([len(whole), len(whole), draw.randrange(len(whole))])])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = php.file_get_contents(f"zip://{path}#entry{draw.choice(KINDS)}")
        assert found is False or isinstance(found, bytes)
        outcomes["refused" if found is False else "whole" if found == TEXT else "cut"] += 1
    assert all(outcomes.values()), outcomes
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_handler_that_raises_on_a_damaged_entry(tmp_path: Path) -> None:
    whole = make_archive()
    start = whole.index(b"line 0\n")
    (tmp_path / "a.zip").write_bytes(whole[:start] + b"X" + whole[start + 1 :])
    fp = php.fopen(f"zip://{tmp_path}/a.zip#entry0", "r")
    assert php.fgets(fp) == b"Xine 0\n"

    def refuse(level: int, message: str, file: str, line: int) -> bool:
        raise RuntimeError(message)

    php.set_error_handler(refuse)
    try:
        with pytest.raises(RuntimeError, match="Zip stream error: CRC error"):
            while php.fread(fp, 8192):
                pass
    finally:
        php.restore_error_handler()
    assert php.feof(fp)
    assert php.fclose(fp)

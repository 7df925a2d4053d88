"""Where the system gives no more: files that may not grow, and no descriptor that is free."""

from __future__ import annotations

import bz2
import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import php_streams as php
from php_streams._transports.tls_authorities import own_locations
from tests.descriptors import open_descriptors

SHARED = Path("/dev/shm")
TOO_LARGE = "File too large"


@contextmanager
def limited(kind: int, most: int) -> Iterator[None]:
    """This process may have no more than `most` of it."""
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))


@contextmanager
def no_descriptor_free() -> Iterator[None]:
    """Nothing can be opened."""
    first = os.dup(0)
    os.close(first)
    with limited(resource.RLIMIT_NOFILE, first):
        yield


def test_memory_that_cannot_become_a_file_stays_memory() -> None:
    before = open_descriptors()
    fp = php.fopen("php://temp/maxmemory:4", "w+")
    assert php.fwrite(fp, "abc") == 3
    with limited(resource.RLIMIT_FSIZE, 0), pytest.warns(php.PhpWarning, match="Unable to create temporary"):
        assert php.fwrite(fp, "defgh") == 0
    assert open_descriptors() == before
    assert php.rewind(fp) and php.fread(fp, 100) == b"abc"
    assert php.fwrite(fp, "defgh") == 5
    assert php.rewind(fp) and php.fread(fp, 100) == b"abcdefgh"


def test_memory_that_has_become_a_file_may_not_grow() -> None:
    fp = php.fopen("php://temp/maxmemory:0", "w+")
    assert php.fwrite(fp, "abc") == 3
    said = f"fwrite.*Write of 3 bytes failed with errno=27 {TOO_LARGE}"
    with limited(resource.RLIMIT_FSIZE, 3), pytest.warns(php.PhpNotice, match=said):
        assert php.fwrite(fp, "def") is False
    assert php.ftell(fp) == 3


@pytest.mark.skipif(not SHARED.is_dir(), reason="no other file system here")
def test_a_file_that_is_too_large_for_the_other_file_system_stays(tmp_path: Path) -> None:
    if os.stat(SHARED).st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("no other file system here")
    with tempfile.NamedTemporaryFile(dir=SHARED) as old:
        old.write(b"too much")
        old.flush()
        new = tmp_path / "new"
        with limited(resource.RLIMIT_FSIZE, 3), pytest.warns(php.PhpDiagnostic) as told:
            assert php.rename(old.name, str(new)) is False
        assert str(told[-1].message) == f"rename({old.name},{new}): {TOO_LARGE}"
        assert Path(old.name).read_bytes() == b"too much"


def test_no_descriptor_for_bzip2_over_a_stream(tmp_path: Path) -> None:
    (tmp_path / "packed").write_bytes(bz2.compress(b"abc"))
    fp = php.fopen(str(tmp_path / "packed"), "r")
    with no_descriptor_free():
        assert php.bzopen(fp, "r") is False
    assert php.bzread(php.bzopen(fp, "r")) == b"abc"


def test_authorities_that_cannot_be_looked_at_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some.0").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert own_locations() == [str(tmp_path)]
    with no_descriptor_free():
        assert own_locations() == []

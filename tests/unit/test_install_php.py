"""install_php.sh where nothing can be installed: a line for each version, the reason, and status 1."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.places import ROOT

SCRIPT = ROOT / "compat_matrix/install_php.sh"
TOOLS = "bash cat sed awk grep head tr mkdir uname seq sort flock find env".split()


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for PATH with what the script calls, but without apt and php."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return folder


def run(tools: Path, cache: Path) -> tuple[int, list[str]]:
    done = subprocess.run(
        [tools / "bash", SCRIPT, cache], env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.splitlines()


def test_a_system_without_apt(tools: Path, tmp_path: Path) -> None:
    assert run(tools, tmp_path / "cache") == (
        1,
        [f"{version} missing: not a Debian system" for version in ("8.4", "8.2", "7.4")],
    )
    assert not (tmp_path / "cache").exists()


def test_what_is_there_is_named_all_the_same(tools: Path, tmp_path: Path) -> None:
    php = tools / "php8.2"
    php.write_text('#!/bin/sh\ncase "$2" in *PHP_VERSION*) echo 8.2.99-dev;; esac\n')
    php.chmod(0o755)
    status, lines = run(tools, tmp_path / "cache")
    assert (status, lines[1]) == (1, f"8.2.99 {php}")
    assert [line.split(":")[0] for line in lines[::2]] == ["8.4 missing", "7.4 missing"]


def test_a_php_without_what_the_cases_need_does_not_count(tools: Path, tmp_path: Path) -> None:
    (tools / "php7.4").write_text("#!/bin/sh\nexit 1\n")
    (tools / "php7.4").chmod(0o755)
    assert run(tools, tmp_path / "cache")[1][2] == "7.4 missing: not a Debian system"


def test_a_cache_that_cannot_be_made(tools: Path, tmp_path: Path) -> None:
    for name in ("apt-get", "dpkg-deb"):
        (tools / name).symlink_to("/bin/true")
    (tools / "uname").unlink()
    (tools / "uname").write_text("#!/bin/sh\necho x86_64\n")
    (tools / "uname").chmod(0o755)
    (tmp_path / "file").write_text("")
    status, lines = run(tools, tmp_path / "file" / "cache")
    assert (status, lines[0]) == (1, f"8.4 missing: cannot write to {tmp_path}/file/cache")

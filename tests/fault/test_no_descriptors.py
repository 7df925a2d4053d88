"""Where no descriptor is left, or too few: PHP's warning and PHP's result, no exception, and nothing leaks.

Each function is called for the first time then, so that what it imports late is missing, too; and with one
more descriptor each time, so that each thing it opens fails in turn.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from php_streams.porting.php_cli import PhpCli
from tests.descriptors import only_where_listed
from tests.places import ROOT
from tests.programs import environment

LIMIT = 48
SENDMAIL = "cat >/dev/null"
# These do without, or say so by what they give.
NEED_NONE = {
    "gethostbyname of an address": "127.0.0.1",
    "gethostbyname": "localhost",
    "fopen data": "abc",
    "fopen memory": 3,
    "fopen glob": "resource",
    "glob": [],
    "rename": True,
    "stream_select": 0,
    "server tls": False,
}
# What PHP says nothing about.
SILENT = {
    "gethostbynamel",
    "dns_get_record",
    "dns_check_record",
    "getservbyname",
    "getprotobyname",
    "tmpfile",
    "glob, errors",
}
# The report of a program that cannot be started comes through a pipe: Python takes two descriptors more.
PROGRAMS = ("popen", "exec", "shell_exec", "passthru", "system", "proc_open", "mail", "error_log by mail")
KEEP_A_PIPE = ("accept", "accept, nobody comes", "stream_select")

SECONDS = 150  # each of the children writes its own data where coverage is measured

pytestmark = [only_where_listed, pytest.mark.timeout(SECONDS)]


def kept_for_the_process(name: str, what: str) -> bool:
    """Opened once, by what listens to signals and by ctypes, whose libffi maps itself (since 3.5)."""
    return (name in KEEP_A_PIPE and what.startswith("pipe:")) or "/libffi.so" in what


def run(*command: str | Path) -> list[Any]:
    """The lines of JSON that it prints under the limit."""
    limited = ["sh", "-c", f'ulimit -n {LIMIT}; exec "$@"', "sh", *map(str, command)]
    done = subprocess.run(
        limited, capture_output=True, text=True, env=environment(), cwd=ROOT, timeout=SECONDS, check=False
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return run(
        sys.executable, "-m", "tests.fault.no_descriptors", tmp_path_factory.mktemp("python"), SENDMAIL
    )


def test_no_exception_and_no_leak(outcomes: list[Any]) -> None:
    assert len(outcomes) > 300
    for name, left, said, result, leaked in outcomes:
        where = (name, left, said, result, leaked)
        assert "Error" not in str(result), where
        assert not [one for one in leaked if not kept_for_the_process(name, one)], where
        if not left:
            assert result == NEED_NONE.get(name, 0 if name == "spilling" else False), where
            assert said or name in NEED_NONE or name in SILENT, where


def test_php_says_the_same(outcomes: list[Any], php: PhpCli, tmp_path: Path) -> None:
    theirs = run(
        php.path, "-d", f"sendmail_path={SENDMAIL}", Path(__file__).with_name("no_descriptors.php"), tmp_path
    )
    assert [line[:2] for line in outcomes] == [line[:2] for line in theirs]
    for (name, left, said, result, _), (_, _, their_words, their_result) in zip(
        outcomes, theirs, strict=True
    ):
        if name.startswith(PROGRAMS) and left and result is False and said:
            continue
        assert (name, left, said, result) == (name, left, their_words, their_result)

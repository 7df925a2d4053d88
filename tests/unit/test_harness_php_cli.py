"""Finding php-cli, and what is said about a file that is none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from php_streams.porting import cli, php_cli
from php_streams.porting.php_cli import PhpCli, PhpError, PhpNotUsable, find_php, open_php, run, settings
from tests.places import ROOT


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without php."""
    monkeypatch.delenv("PHP_STREAMS_PHP", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def test_no_php_is_an_empty_list(nowhere: Path) -> None:
    assert find_php() == []


def test_the_newest_first_and_the_first_found_of_each_version(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = nowhere / "cache" / "php-streams" / "php" / "bin"
    in_cache = program(cache / "php8.2", "echo php:8.2.1:cli")
    in_path = program(nowhere / "path" / "php8.4", "echo php:8.4.1-2ubuntu:cli")
    program(nowhere / "path" / "php8.2", "echo php:8.2.9:cli")
    old = program(nowhere / "path" / "php", "echo php:7.4.33:cli")
    assert find_php() == [PhpCli("8.4.1", in_path), PhpCli("8.2.1", in_cache), PhpCli("7.4.33", old)]
    assert find_php()[0].series == "8.4"

    chosen = program(nowhere / "chosen" / "bin" / "php8.4", "echo php:8.4.7:cli")
    monkeypatch.setenv("PHP_STREAMS_PHP", str(nowhere / "chosen"))
    assert find_php()[0] == PhpCli("8.4.7", chosen)
    assert php_cli.cache_folder() == nowhere / "chosen"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("echo hello", "is not a php-cli that runs: hello"),
        ("exit 3", "is not a php-cli that runs: exit status 3"),
        ("echo php:8.4.1:cgi", "is not a php-cli that runs: it is the cgi build"),
        ("echo no libfoo.so >&2; exit 127", "is not a php-cli that runs: no libfoo.so"),
    ],
)
def test_a_program_that_is_no_php(nowhere: Path, text: str, reason: str) -> None:
    path = program(nowhere / "path" / "php", text)
    for search in (lambda: open_php(path), find_php):
        with pytest.raises(PhpNotUsable) as caught:
            search()
        assert str(caught.value) == f"{path} {reason}"
    notes: list[str] = []
    assert find_php(notes) == []
    assert notes == [f"{path} {reason}"]


def test_files_that_do_not_run(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PhpNotUsable, match="none does not run: No such file"):
        open_php(nowhere / "none")
    monkeypatch.setenv("PHP_STREAMS_PHP", str(nowhere / "empty"))
    with pytest.raises(PhpNotUsable, match=r"PHP_STREAMS_PHP names .*empty, where there is no bin/php"):
        find_php()


def test_settings_are_quoted_for_phps_ini_reader() -> None:
    given = {"a": "1", "error_reporting": "E_ALL", "user_agent": 'x;"$y\\', "from": ""}
    assert settings(given)[1::2] == ["a=1", "error_reporting=E_ALL", 'user_agent="x;\\"\\$y\\\\"', 'from=""']
    for bad in ({"a b": "1"}, {"a": "1\n2"}):
        with pytest.raises(ValueError, match="not a setting"):
            settings(bad)


def test_results_are_read_with_phpserialize(nowhere: Path) -> None:
    php = open_php(
        program(
            nowhere / "php", "case $* in *SAPI*) echo php:8.4.1:cli;; *) printf 'a:1:{i:0;d:0.5;}';; esac"
        )
    )
    assert php.evaluate("[0.5]") == {0: 0.5}
    assert run(php.path, "anything").status == 0
    broken = PhpCli("8.4.1", program(nowhere / "broken", "echo Fatal >&2; exit 255"))
    with pytest.raises(PhpError, match=r"foo.*: Fatal"):
        broken.evaluate("foo()")


@pytest.mark.skipif(not any(map(shutil.which, ["php", "php8.2", "php8.4"])), reason="no php-cli on PATH")
def test_a_real_php() -> None:
    php = find_php([])[0]
    values = 'a;"$b\\c'
    assert php.evaluate("ini_get('user_agent')", ini={"user_agent": values}) == values.encode()
    assert php.run("fwrite(STDERR, 'e'); echo 'o'; exit(3);") == php_cli.PhpResult(b"o", b"e", 3)


def test_one_binary_by_two_names_is_opened_once(nowhere: Path) -> None:
    php = program(nowhere / "path" / "php8.4", "echo php:8.4.1:cli; echo x >> " + str(nowhere / "opened"))
    (nowhere / "path" / "php").symlink_to(php)
    assert find_php() == [PhpCli("8.4.1", php)]
    assert (nowhere / "opened").read_text() == "x\n"


def test_a_program_that_does_not_end_is_no_php(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*arguments: object, **options: object) -> None:
        raise subprocess.TimeoutExpired("php", 20.0)

    monkeypatch.setattr(php_cli, "run", hang)
    with pytest.raises(PhpNotUsable, match="is not php-cli: it did not end within 20 seconds"):
        open_php(nowhere / "php")


def test_the_demo_takes_the_php_that_is_found(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []

    def demo(examples: Path, *, quick: bool, php: PhpCli | None) -> bool:
        chosen.append(php)
        return True

    monkeypatch.setattr("php_streams.porting.demo.run_demo", demo)
    assert cli.main(["demo", "--quick"]) == 0
    php = program(nowhere / "path" / "php8.4", "echo php:8.4.1:cli")
    assert cli.main(["demo", "--quick"]) == 0
    assert chosen == [None, PhpCli("8.4.1", php)]


def test_the_tools_run_as_a_module() -> None:
    command = [sys.executable, "-m", "php_streams.porting.cli", "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("usage: php-streams")

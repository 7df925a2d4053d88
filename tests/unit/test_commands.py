"""The README's two commands on a machine that lacks something: one line, status 2, nothing made."""

from __future__ import annotations

import importlib.util
import socket
import sys
from typing import Any

import pytest

from tests import __main__ as command


@pytest.fixture(autouse=True)
def nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(command, "run_tox", lambda *given: calls.append(given) or 0)
    return calls


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_missing_venv_says_what_to_install(
    missing: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    nothing_is_run: list[Any],
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find(name))
    assert command.main([]) == 2
    assert capsys.readouterr().err == (
        "tests: Python's venv is not installed here; on Debian and Ubuntu: apt install python3-venv\n"
    )
    assert nothing_is_run == []


def test_a_machine_that_does_not_know_localhost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], nothing_is_run: list[Any]
) -> None:
    def fails(*arguments: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    assert command.main([]) == 2
    assert capsys.readouterr().err == (
        "tests: this machine does not know localhost: its /etc/hosts wants a line '127.0.0.1 localhost'\n"
    )
    assert nothing_is_run == []


def test_an_old_python_is_told_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    assert command.main(["demo"]) == 2
    assert capsys.readouterr().err.startswith("tests: Python 3.11 or newer is needed; this is ")


def test_it_says_how_long_it_takes_and_runs_the_environment(
    nothing_is_run: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([]) == 0
    assert "minutes on 2 cores" in capsys.readouterr().out
    assert command.main(["demo", "--", "--no-php"]) == 0
    assert nothing_is_run == [("tests", []), ("demo", ["--", "--no-php"])]


def test_arguments_that_are_none_of_its_own(
    capsys: pytest.CaptureFixture[str], nothing_is_run: list[Any]
) -> None:
    assert command.main(["tests", "--offline"]) == 2
    assert capsys.readouterr().err.startswith("tests: usage: python3 -m tests")
    assert nothing_is_run == []

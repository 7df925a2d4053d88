"""What mail() tells of itself: to the system's log, and in the header X-PHP-Originating-Script."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import php_streams as php
from php_streams._network import syslog
from tests.places import ROOT

SCRIPT = """
import helper
import php_streams as php

php.ini_set("mail.add_x_header", "1")
php.ini_set("sendmail_path", "cat")
assert php.mail("a@b.c", "from the program", "m")
assert helper.send()
"""
HELPER = """
import php_streams as php


def send():
    return php.mail("a@b.c", "from the helper", "m")
"""


@pytest.fixture(autouse=True)
def settings() -> Iterator[None]:
    """A program that takes any letter; nothing stays set."""
    php.ini_set("sendmail_path", "cat > /dev/null")
    yield
    php.ini_restore("sendmail_path")
    php.ini_restore("mail.log")


def test_mail_log_syslog_is_the_log_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, bytes]] = []
    monkeypatch.setattr(syslog, "log_for_php", lambda priority, message: told.append((priority, message)))
    php.ini_set("mail.log", "syslog")
    line = sys._getframe().f_lineno + 1
    assert php.mail("a@b.c", "s\u00e9", "m", "X: 1\r\nY: 2") is True
    text = f"mail() on [{__file__}:{line}]: To: a@b.c -- Headers: X: 1  Y: 2 -- Subject: s\u00e9"
    assert told == [(php.LOG_NOTICE, text.encode())]


def originating(directory: Path, *command: str) -> list[str]:
    """The header of each letter that a program of its own sends."""
    (directory / "helper.py").write_text(HELPER)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{directory}"}
    run = subprocess.run(
        [sys.executable, *command], cwd=directory, env=environment, capture_output=True, text=True, check=True
    )
    return [line for line in run.stdout.splitlines() if line.startswith("X-PHP")]


def test_the_header_names_the_owner_of_the_program_and_the_file_that_called(tmp_path: Path) -> None:
    program = tmp_path / "mailer.py"
    program.write_text(SCRIPT)
    if os.getuid() == 0:
        os.chown(program, 12345, -1)
    owner = program.stat().st_uid
    assert originating(tmp_path, "mailer.py") == [
        f"X-PHP-Originating-Script: {owner}:mailer.py",
        f"X-PHP-Originating-Script: {owner}:helper.py",
    ]


def test_without_a_file_the_header_names_the_user(tmp_path: Path) -> None:
    assert originating(tmp_path, "-c", SCRIPT) == [
        f"X-PHP-Originating-Script: {os.getuid()}:<string>",
        f"X-PHP-Originating-Script: {os.getuid()}:helper.py",
    ]


def test_a_program_that_has_removed_itself_is_the_users(tmp_path: Path) -> None:
    program = tmp_path / "mailer.py"
    program.write_text("import os\nos.unlink(__file__)\n" + SCRIPT)
    if os.getuid() == 0:
        os.chown(program, 12345, -1)
    assert originating(tmp_path, "mailer.py") == [
        f"X-PHP-Originating-Script: {os.getuid()}:mailer.py",
        f"X-PHP-Originating-Script: {os.getuid()}:helper.py",
    ]


@pytest.mark.parametrize(("forced", "arguments"), [("", "<>"), ("-fforced", "<-fforced>")])
def test_forced_parameters_count_from_ini_set_too_even_none(
    forced: str, arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sendmail").write_text('cat > sent; printf "<%s>" "$@" > args')
    php.ini_set("sendmail_path", "sh ./sendmail")
    php.ini_set("mail.force_extra_parameters", forced)
    try:
        assert php.mail("a@b.c", "s", "m", "", "-fgiven") is True
    finally:
        php.ini_restore("mail.force_extra_parameters")
    assert (tmp_path / "args").read_text() == arguments


def test_mail_log_ends_at_a_nul(tmp_path: Path) -> None:
    php.ini_set("mail.log", f"{tmp_path}/log\0 and more")
    assert php.mail("a@b.c", "s", "m") is True
    assert (tmp_path / "log").read_text().endswith("]: To: a@b.c -- Headers:  -- Subject: s\n")

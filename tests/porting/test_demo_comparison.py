"""The demo with two mailers, where there need be no php-cli: a second Python stands for it."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

from php_streams.porting import demo
from php_streams.porting.demo import examples_folder, run_demo
from php_streams.porting.demo_checks import check_twins, in_the_clear
from php_streams.porting.demo_servers import Connection, MailServer, MailServers
from php_streams.porting.demo_sessions import SESSIONS, Run, Session, Twin
from php_streams.porting.demo_view import View, make_console
from php_streams.porting.php_cli import PhpCli

HELLO = bytes.fromhex("160301 0004 01020304")
DATA = bytes.fromhex("170303 0003 616263")
MORE = bytes.fromhex("170303 0001 64")

PLAIN = Session("plain", "plain")
TLS = Session("tls", "implicit", "ssl")
MISTAKE = Session("mistake", "implicit", "ssl", mistake="expired")


def stand_in(folder: Path, mailer: str) -> Path:
    """A program that is called as php-cli is, and runs a mailer in Python with the job, its last argument."""
    path = folder / "php"
    path.write_text(f'#!/bin/sh\nfor job; do :; done\nexec {sys.executable} {mailer} "$job"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def one_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """One session in the clear and one with TLS are enough."""
    some = [
        next(each for each in SESSIONS if not each.security),
        next(each for each in SESSIONS if each.security == "starttls"),
    ]
    monkeypatch.setattr(demo, "SESSIONS", tuple(some))
    monkeypatch.setattr(demo, "MISTAKES", ())


@pytest.mark.usefixtures("one_session")
@pytest.mark.parametrize(
    ("version", "what"),
    [
        ("8.4.1", "dialogue and warnings"),
        ("8.2.1", "dialogue (warnings are worded as in PHP 8.4)"),
        ("7.4.33", "dialogue (warnings are worded as in PHP 8.4)"),
    ],
)
def test_two_mailers_that_are_alike(
    version: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = examples_folder()
    assert run_demo(folder, quick=True, php=PhpCli(version, stand_in(tmp_path, f"{folder}/mailer.py")))
    shown = capsys.readouterr().out
    assert shown.count(f"both: the same {what}, line for line") == 2
    assert shown.count("both: the same bytes on the wire, there and back") == 1
    assert shown.count("both: the same bytes inside TLS") == shown.count("both: the same TLS records") == 1
    assert f"and PHP {version} are one and the same on the wire" in shown


@pytest.mark.usefixtures("one_session")
def test_a_second_mailer_that_says_more_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = (examples_folder() / "mailer.py").read_text("utf-8")
    old = '    if not mailer.hello(job["helo"]):'
    assert old in source
    other = tmp_path / "mailer.py"
    other.write_text(source.replace(old, '    mailer.hello("first." + job["helo"])\n' + old, 1), "utf-8")
    assert not run_demo(examples_folder(), quick=True, php=PhpCli("8.4.1", stand_in(tmp_path, str(other))))
    shown = capsys.readouterr().out
    assert "✗ both: the same dialogue and warnings, line for line" in shown
    assert "✗ both: the same bytes on the wire, there and back" in shown
    assert shown.rstrip().endswith("checks failed.")


@pytest.mark.usefixtures("one_session")
def test_a_second_mailer_that_never_comes_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "silent.py").write_text("print('no, thanks')")
    php = PhpCli("8.4.1", stand_in(tmp_path, f"{tmp_path}/silent.py"))
    assert not run_demo(examples_folder(), quick=True, php=php)
    shown = capsys.readouterr().out
    assert "✗ PHP 8.4.1 never reached the server:" in shown
    assert "0/1" in shown, "one check in the table, and it does not hold"


def run(
    output: list[str], sent: bytes = b"", answered: bytes = b"", heard: bytes = b"", words: bool = True
) -> Run:
    """What a mailer that was run leaves."""
    connection = Connection(bytearray(sent), bytearray(answered), bytearray(heard))
    return Run(Twin("one", (), words), output, 0, connection)


LINES = ["C: QUIT", "S: 221 bye", "E: fgets() failed"]


@pytest.mark.parametrize(
    ("session", "one", "other", "holding"),
    [
        (PLAIN, run(LINES, b"a", b"b"), run(LINES, b"a", b"b"), [True, True]),
        (PLAIN, run(LINES, b"a", b"b"), run(LINES, b"a", b"c"), [True, False]),
        (PLAIN, run(LINES, b"a", b"b"), run(LINES, b"A", b"b"), [True, False]),
        (PLAIN, run(LINES), run(LINES[:2]), [False, True]),
        (PLAIN, run(LINES), run([*LINES[:2], "E: other words"], words=False), [True, True]),
        (PLAIN, run(LINES), run(["C: NOOP", *LINES[1:]], words=False), [False, True]),
        (PLAIN, run(["error:0A1:in one"]), run(["error:0A1:in another"]), [True, True]),
        (TLS, run(LINES, HELLO + DATA, heard=b"x"), run(LINES, HELLO + DATA, heard=b"x"), [True, True, True]),
        (
            TLS,
            run(LINES, HELLO + DATA, heard=b"x"),
            run(LINES, HELLO + MORE, heard=b"x"),
            [True, True, False],
        ),
        (
            TLS,
            run(LINES, HELLO + DATA, heard=b"x"),
            run(LINES, HELLO + DATA, heard=b"y"),
            [True, False, True],
        ),
        (TLS, run(LINES, HELLO + DATA), run(LINES, HELLO + b"QUIT\r\n"), [True, True, False]),
        (MISTAKE, run(LINES, HELLO), run(LINES, HELLO + DATA), [True]),
    ],
)
def test_two_runs_are_compared(session: Session, one: Run, other: Run, holding: list[bool]) -> None:
    assert [check.holds for check in check_twins(session, one, other)] == holding
    assert [check.holds for check in check_twins(session, other, one)] == holding


def test_the_first_lines_that_differ_are_named() -> None:
    (check, _) = check_twins(PLAIN, run(LINES), run(["C: NOOP", *LINES[1:]]))
    assert check.detail == "'C: QUIT' and 'C: NOOP'"
    (check, _) = check_twins(PLAIN, run(LINES), run(LINES[:2]))
    assert check.detail == "3 and 2 lines"


def test_sizes_of_records_are_told_when_they_differ() -> None:
    *_, check = check_twins(TLS, run([], HELLO + DATA), run([], HELLO + DATA + MORE))
    assert (check.holds, check.detail) == (False, "one 1, one 2")
    *_, check = check_twins(TLS, run([], HELLO + b"QUIT\r\n"), run([], HELLO))
    assert (check.holds, check.detail) == (False, "no TLS record after 1 of them")


def test_what_is_no_tls_was_in_the_clear() -> None:
    check = in_the_clear(TLS, run([], HELLO + b"QUIT\r\n"))
    assert (check.holds, check.detail) == (False, "no TLS record after 1 of them")
    check = in_the_clear(TLS, run([], b"EHLO x\r\n"))
    assert (check.holds, check.detail) == (False, "in the clear: b'EHLO x\\r\\n'")


def test_what_the_servers_did_not_foresee_fails_the_demo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "SESSIONS", ())
    monkeypatch.setattr(demo, "MISTAKES", ())
    leave = MailServers.__exit__

    def troubled(self: MailServers, *error: object) -> None:
        failed = RuntimeError("out of order")
        self._loop.call_soon_threadsafe(
            self._loop.call_exception_handler, {"message": "oh", "exception": failed}
        )
        reset = ConnectionResetError("the client hung up")  # what a mistake leads to is no surprise
        self._loop.call_soon_threadsafe(self._loop.call_exception_handler, {"exception": reset})
        leave(self, *error)

    monkeypatch.setattr(MailServers, "__exit__", troubled)
    assert not run_demo(examples_folder(), quick=True)
    shown = capsys.readouterr().out
    assert "✗ the servers were content\n    oh: RuntimeError('out of order')\n" in shown
    assert shown.rstrip().endswith("1 check failed.")


def test_connections_that_nobody_asked_for_are_forgotten(tmp_path: Path) -> None:
    with MailServers(tmp_path) as servers:
        server: MailServer = servers.plain
        server.finished.put(Connection(bytearray(b"old")))
        server.latest = Connection()
        server.forget()
        assert server.latest is None and server.finished.empty()


def test_an_installation_without_the_mailers_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "lib/php_streams/porting/demo.py"))
    monkeypatch.setattr(importlib.metadata, "files", lambda name: [])
    with pytest.raises(FileNotFoundError, match="lacks the examples"):
        examples_folder()


def test_a_failure_is_shown_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    view = View(make_console())
    view.failure("no server")
    view.verdict(2, ["one"])
    assert capsys.readouterr().out == "  ✗ no server\n2 checks failed.\n"

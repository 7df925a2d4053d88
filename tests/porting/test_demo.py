"""The demo holds when all is well, and fails when a mailer, a message or the wire is not as it should be."""

from __future__ import annotations

import importlib.util
import shutil
import smtplib
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from php_streams.porting import cli, demo_sessions
from php_streams.porting.demo import examples_folder, run_demo
from php_streams.porting.demo_checks import difference, first_difference, split_tls
from php_streams.porting.demo_messages import write_messages
from php_streams.porting.demo_servers import HOST, PASSWORD, USER, Delivery, MailServer, MailServers
from php_streams.porting.demo_sessions import MISTAKES, SESSIONS, SessionNotRun, Twin, run_session
from php_streams.porting.php_cli import PhpCli

HELLO = bytes.fromhex("160301 0004 01020304")
DATA = bytes.fromhex("170303 0003 616263")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[MailServers]:
    with MailServers(tmp_path) as running:
        yield running
    assert running.surprises == []


def test_everything_matches(capsys: pytest.CaptureFixture[str], php_alike: PhpCli | None) -> None:
    choice = ["--php", str(php_alike.path)] if php_alike else ["--no-php"]
    assert cli.main(["demo", "--quick", *choice]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "✗" not in shown
    for session in (*SESSIONS, *MISTAKES):
        assert shown.count(f"\n{session.title} ─") == 1, "the heading"
        assert shown.count(f"\n  {session.title}  ") == 1, "the row of the table"
    assert shown.count("T: TLSv1.3") == sum(bool(each.security) for each in SESSIONS)
    assert PASSWORD not in shown
    if php_alike:
        # Each session is compared, and each comparison is shown.
        assert shown.count("both: the same dialogue and warnings") == len(SESSIONS) + len(MISTAKES)
        assert f"and PHP {php_alike.version} are one and the same" in shown
    else:
        assert "php-cli was not there to agree" in shown


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        pytest.param(
            'b"." if line[:1]', 'b"" if line[:1]', r"expected b'.\r\n..\r\n", id="dots are not doubled"
        ),
        pytest.param("stuffing + line +", "stuffing + line.strip() +", "expected b", id="lines are stripped"),
        pytest.param(
            '    if not mailer.hello(job["helo"]):',
            '    if not (mailer.hello(job["helo"]) and (mailer.mail("spy@x.test") or True)):',
            "in the clear: b'EHLO",
            id="the envelope goes out before TLS",
        ),
        pytest.param(
            'return self.set_error("The connection could not be encrypted")',
            'raise SystemExit("E: oh")',
            "exit status 0",
            id="a failure that is no failure",
        ),
        pytest.param(
            "return 0 if sent else 1", "return 1", "exit status 1", id="the exit status is always wrong"
        ),
    ],
)
def test_a_mailer_that_is_wrong_is_found(
    old: str, new: str, finding: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(examples_folder(), tmp_path / "examples"))
    source = (folder / "mailer.py").read_text("utf-8")
    assert old in source
    wrong = source.replace(old, new, 1).replace('"E: oh"', "0")
    (folder / "mailer.py").write_text(wrong, "utf-8")
    assert not run_demo(folder, quick=True)
    shown = capsys.readouterr().out
    assert finding in shown
    assert shown.rstrip().endswith("failed.")


def run_python(code: str, server: MailServer, folder: Path) -> None:
    run_session(Twin("a mailer", (sys.executable, "-c", code)), {}, server, folder)


def test_a_mailer_that_never_connects(servers: MailServers, tmp_path: Path) -> None:
    with pytest.raises(SessionNotRun, match="never reached the server:\nno, thanks"):
        run_python("print('no, thanks')", servers.plain, tmp_path)


def test_a_mailer_that_hangs_is_ended(
    servers: MailServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_sessions, "DEADLINE", 0.5)
    began = time.monotonic()
    with pytest.raises(SessionNotRun, match="was not done"):
        run_python("import time; time.sleep(50)", servers.plain, tmp_path)
    assert time.monotonic() - began < 20


# The servers


def login(servers: MailServers, mechanism: str, password: str) -> tuple[int, bytes]:
    """Logs in with the standard library's client, which is nobody's twin."""
    context = ssl.create_default_context(cafile=str(servers.cafile))
    with smtplib.SMTP(HOST, servers.starttls.port, "client.example.test", timeout=10) as client:
        client.starttls(context=context)
        client.ehlo()
        client.user, client.password = USER, password
        methods: dict[str, Callable[..., object]] = {
            "LOGIN": client.auth_login,
            "PLAIN": client.auth_plain,
            "CRAM-MD5": client.auth_cram_md5,
        }
        return client.auth(mechanism, methods[mechanism], initial_response_ok=mechanism == "PLAIN")


@pytest.mark.parametrize("mechanism", ["LOGIN", "PLAIN", "CRAM-MD5"])
def test_who_knows_the_password_gets_in(servers: MailServers, mechanism: str) -> None:
    assert login(servers, mechanism, PASSWORD)[0] == 235
    with pytest.raises(smtplib.SMTPAuthenticationError):
        login(servers, mechanism, PASSWORD + "!")


def test_the_tap_keeps_what_went_by(servers: MailServers) -> None:
    with smtplib.SMTP(HOST, servers.plain.port, "me", timeout=10) as client:
        client.sendmail("a@x.test", ["b@x.test", "c@x.test"], b"Subject: x\r\n\r\n.\r\n")
    connection = servers.plain.next_connection(10.0)
    assert connection.deliveries == [
        Delivery("a@x.test", ("b@x.test", "c@x.test"), b"Subject: x\r\n\r\n.\r\n", "")
    ]
    assert connection.sent == connection.heard
    assert connection.sent.startswith(b"ehlo me\r\n")
    assert b"\r\n..\r\n.\r\n" in connection.sent
    assert connection.answered.startswith(b"220 ")
    assert connection.answered.endswith(b"221 Bye\r\n")


def test_tls_is_off_in_what_the_server_heard(servers: MailServers) -> None:
    context = ssl.create_default_context(cafile=str(servers.cafile))
    with smtplib.SMTP_SSL(HOST, servers.implicit.port, "me", timeout=10, context=context) as client:
        client.noop()
    connection = servers.implicit.next_connection(10.0)
    assert connection.heard == b"noop\r\nQUIT\r\n"
    clear, records = split_tls(bytes(connection.sent))
    assert clear == b""
    assert len(records) > 2


# What is compared


@pytest.mark.parametrize(
    ("sent", "clear", "records"),
    [
        (b"EHLO x\r\nQUIT\r\n", b"EHLO x\r\nQUIT\r\n", []),
        (b"EHLO x\r\nSTARTTLS\r\n", b"EHLO x\r\nSTARTTLS\r\n", []),
        (b"STARTTLS\r\n" + HELLO + DATA, b"STARTTLS\r\n", [(22, 4), (23, 3)]),
        (HELLO + DATA, b"", [(22, 4), (23, 3)]),
    ],
)
def test_what_is_in_the_clear(sent: bytes, clear: bytes, records: list[tuple[int, int]]) -> None:
    assert split_tls(sent) == (clear, records)


@pytest.mark.parametrize("sent", [HELLO + b"QUIT\r\n", HELLO + DATA[:-1], b"STARTTLS\r\nAUTH PLAIN\r\n"])
def test_what_is_no_tls(sent: bytes) -> None:
    with pytest.raises(ValueError, match="no TLS record"):
        split_tls(sent)


def test_a_difference_is_named() -> None:
    one = Delivery("a", ("b",), b"12345", "")
    assert difference([one], [one]) == ""
    assert difference([one], []) == "0 of 1 arrived"
    assert "from byte 2: expected b'345', arrived b'X45'" in difference(
        [one], [Delivery("a", ("b",), b"12X45", "")]
    )
    assert "envelope" in difference([one], [Delivery("a", ("c",), b"12345", "")])
    assert first_difference(b"12", b"123") == 2


def test_the_messages_are_hard(tmp_path: Path) -> None:
    messages = write_messages(tmp_path, attachment=1024 * 1024)
    files = {name: message.file.read_bytes() for name, message in messages.items()}
    assert "Öl".encode() in files["utf-8"]
    assert b"=?utf-8?" in files["utf-8"]
    assert b"\n.\n" in files["dots"]
    assert b"\n.\r..\n" in files["dots"], "LF and a bare CR"
    assert files["dots"] != messages["dots"].arrives
    assert len(files["attachment"]) > 4 / 3 * 1024 * 1024
    for message in messages.values():
        lines = message.arrives.split(b"\r\n")
        assert not any(b"\r" in line or b"\n" in line or len(line) > 998 for line in lines)


# The command line


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command says when it refuses to work."""
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    return capsys.readouterr().err


def test_what_is_missing_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in ("rich", "trustme") else find_spec(name)
    )
    assert "needs rich, trustme: pip install 'php-streams[tools]'" in refusal(capsys, "demo")


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert "COMMAND" in refusal(capsys)
    assert "is not a php-cli that runs" in refusal(capsys, "demo", "--php", sys.executable)
    assert "not allowed with" in refusal(capsys, "demo", "--php", "php", "--no-php")


def test_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **options: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("php_streams.porting.demo.run_demo", interrupted)
    assert cli.main(["demo", "--no-php"]) == 130

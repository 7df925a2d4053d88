"""examples/mailer.php and examples/mailer.py: line N of one is line N of the other, and both do the same.

The servers here misbehave; those that behave are the demo's.  Where php-cli is found the PHP twin meets the
same server, and has to print the same lines and end with the same status.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from php_streams.porting.demo import PHP_SETTINGS, examples_folder
from php_streams.porting.demo_sessions import environment
from php_streams.porting.peer import Peer
from php_streams.porting.php_cli import PhpCli
from tests.porting.correspondence import faults

EXAMPLES = examples_folder()
PHP = (EXAMPLES / "mailer.php").read_text("utf-8").splitlines()
PYTHON = (EXAMPLES / "mailer.py").read_text("utf-8").splitlines()
PASSWORD = "open sesame"


def test_line_n_is_line_n() -> None:
    assert faults(PHP, PYTHON) == []


def replaced(lines: list[str], old: str, new: str) -> list[str]:
    """The lines with one change, which has to be one."""
    number = next(index for index, line in enumerate(lines) if old in line)
    return [*lines[:number], lines[number].replace(old, new, 1), *lines[number + 1 :]]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("feof(self.conn)", "fgets(self.conn)"),
        ("fgets(self.conn)", "self.conn.readline()"),
        ("STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT", "STREAM_CRYPTO_METHOD_TLSv1_1_CLIENT"),
        ("self.close()", "self.quit()"),
        ("AUTH LOGIN", "AUTH PLAIN"),
        ("            return False", "        return False"),
        ("        else:", "        if True:"),
        ("restore_error_handler()", "pass"),
        ("    # Begins a message.", '    print("Begins a message.")'),
        ('"timed_out"', '"eof"'),
        ("    return True", ""),
    ],
)
def test_a_line_that_does_not_correspond_is_found(old: str, new: str) -> None:
    assert faults(PHP, replaced(PYTHON, old, new)) != []


def test_a_line_too_many_is_found() -> None:
    assert faults(PHP, [*PYTHON[:60], *PYTHON[61:]]) != []
    assert faults([*PHP, "// and on"], PYTHON) != []


Mail = Callable[..., tuple[list[str], int]]

JOB = {
    "host": "127.0.0.1",
    "security": "",
    "ssl": {},
    "connector": "stream_socket_client",
    "helo": "me",
    "timeout": 10,
    "auth": "",
    "user": "ada",
    "password": PASSWORD,
}


def run_twin(twin: list[str], job: dict[str, object], script: str, folder: Path) -> tuple[list[str], int]:
    """One mailer against a scripted server: the lines printed and the exit status."""
    file = folder / "job.json"
    with Peer(script) as peer:
        file.write_text(json.dumps({**job, "port": peer.port}))
        command = [*twin, str(file)]
        done = subprocess.run(command, capture_output=True, env=environment(), timeout=30, check=False)
    assert peer.failures == []
    assert done.stderr == b""
    printed = done.stdout.decode(errors="surrogateescape")
    return printed.replace(str(peer.port), "PORT").splitlines(), done.returncode


@pytest.fixture
def mail(tmp_path: Path, php_alike: PhpCli | None) -> Mail:  # long: what the run that it returns needs
    """Runs a job, changed as the arguments say, against a scripted server; both twins have to agree."""
    message = tmp_path / "message.eml"
    message.write_bytes(b"Subject: x\n\n.\nPAYLOAD\n")
    messages = [{"from": "a@x.test", "to": ["b@x.test"], "file": str(message)}]
    twins = [[sys.executable, "-W", "error", str(EXAMPLES / "mailer.py")]]
    if php_alike:
        twins.append([str(php_alike.path), *PHP_SETTINGS, str(EXAMPLES / "mailer.php")])

    def run(script: str, **changes: object) -> tuple[list[str], int]:
        job = {**JOB, "messages": messages, **changes}
        results = [run_twin(twin, job, script, tmp_path) for twin in twins]
        assert results[-1] == results[0], "PHP, then Python"
        return results[0]

    return run


def errors(lines: list[str]) -> list[str]:
    """What the mailer collected."""
    return [line[3:] for line in lines if line.startswith("E: ")]


GREETING = 'send "220 hello\\r\\n"\nexpect "EHLO me\\r\\n"\n'
ENVELOPE = """
expect "MAIL FROM:<a@x.test>\\r\\n"
send "250 ok\\r\\n"
expect "RCPT TO:<b@x.test>\\r\\n"
"""


def test_a_message_is_delivered(mail: Mail) -> None:
    script = f"""{GREETING}send "250 me\\r\\n"{ENVELOPE}send "251 forwarded\\r\\n"
        expect "DATA\\r\\n"
        send "354 go on\\r\\n"
        expect "Subject: x\\r\\n\\r\\n..\\r\\nPAYLOAD\\r\\n.\\r\\n"
        send "250 ok\\r\\n"
        expect "QUIT\\r\\n"
        send "221 bye\\r\\n"
        close"""
    lines, status = mail(script)
    assert (errors(lines), status) == ([], 0)
    assert lines[-4:] == ["C: (4 lines) .", "S: 250 ok", "C: QUIT", "S: 221 bye"]


@pytest.mark.parametrize("connector", ["stream_socket_client", "fsockopen"])
def test_nobody_listens(mail: Mail, connector: str) -> None:
    lines, status = mail("refuse", connector=connector)
    assert status == 1
    assert errors(lines)[0].startswith(f"{connector}(): Unable to connect to ")
    assert errors(lines)[1] == "Could not connect to 127.0.0.1:PORT: [111] Connection refused"


def test_helo_where_ehlo_is_not_known(mail: Mail) -> None:
    script = f"""{GREETING}send "502 what?\\r\\n"
        expect "HELO me\\r\\n"
        send "250 me\\r\\n"{ENVELOPE}send "550 nobody\\r\\n"
        close"""
    lines, status = mail(script)
    assert status == 1
    assert errors(lines) == ["The server said: 502 what?", "The server said: 550 nobody"]


@pytest.mark.parametrize(
    ("offer", "last"),
    [
        ('send "250 me\\r\\n"', "The server does not offer STARTTLS"),
        (
            'send "250-me\\r\\n250 STARTTLS\\r\\n"\nexpect "STARTTLS\\r\\n"\nsend "454 not now\\r\\n"',
            "The server said: 454 not now",
        ),
    ],
)
def test_no_tls_no_mail(mail: Mail, offer: str, last: str) -> None:
    # `close` fails the peer when anything came that the script does not expect: no login, no envelope.
    lines, status = mail(f"{GREETING}{offer}\nclose", security="starttls", auth="PLAIN")
    assert (errors(lines), status) == ([last], 1)
    assert PASSWORD not in "\n".join(lines)


def test_a_server_that_speaks_plaintext_after_starttls(mail: Mail) -> None:
    script = f"""{GREETING}send "250-me\\r\\n250 STARTTLS\\r\\n"
        expect "STARTTLS\\r\\n"
        never "PAYLOAD"
        never "AUTH"
        send "220 go on\\r\\n"
        wait 0.1
        send "250-me\\r\\n250 AUTH PLAIN\\r\\n"
        silent"""
    lines, status = mail(script, security="starttls", auth="PLAIN")
    assert (errors(lines)[-1], status) == ("The connection could not be encrypted", 1)


def test_a_login_that_is_refused(mail: Mail) -> None:
    script = f"""{GREETING}send "250-me\\r\\n250 AUTH LOGIN\\r\\n"
        expect "AUTH LOGIN\\r\\n"
        send "334 VXNlcm5hbWU6\\r\\n"
        expect "YWRh\\r\\n"
        send "334 UGFzc3dvcmQ6\\r\\n"
        expect "b3BlbiBzZXNhbWU=\\r\\n"
        send "535 no\\r\\n"
        close"""
    lines, status = mail(script, auth="LOGIN")
    assert (errors(lines), status) == (["The server said: 535 no"], 1)
    assert "b3BlbiBzZXNhbWU=" not in "\n".join(lines)


@pytest.mark.parametrize("mechanism", ["GSSAPI", "CRAM-MD5"])
def test_a_mechanism_that_nobody_offers(mail: Mail, mechanism: str) -> None:
    lines, status = mail(f'{GREETING}send "250-me\\r\\n250 AUTH PLAIN\\r\\n"\nclose', auth=mechanism)
    assert (errors(lines), status) == ([f"The server does not offer AUTH {mechanism}"], 1)


def test_the_server_goes_away_within_a_reply(mail: Mail) -> None:
    lines, status = mail(f'{GREETING}send "250-me\\r\\n250-SI"\nclose')
    assert (errors(lines), status) == (["The server hung up"], 1)


def test_a_silent_server(mail: Mail) -> None:
    lines, status = mail("silent", timeout=1)
    assert (errors(lines), status) == (["No whole reply within 1 seconds"], 1)


def test_half_a_line_and_silence(mail: Mail) -> None:
    lines, status = mail('send "220 hel"\nsilent', timeout=1)
    assert (errors(lines), status) == (["No whole reply within 1 seconds"], 1)


def test_the_connection_is_reset(mail: Mail) -> None:
    lines, status = mail(f'{GREETING}send "250 me\\r\\n"{ENVELOPE}reset')
    assert status == 1
    assert errors(lines)[-1] == "The server hung up"


def test_what_is_no_utf8_is_passed_on(mail: Mail) -> None:
    script = f"""{GREETING}send "250-caf\\xe9 \\r\\n250-\\xff STARTTLS\\0\\r\\n250 8bitm\\xe9 8BITMIME\\r\\n"
        expect "MAIL FROM:<a@x.test>\\r\\n"
        send "550 caf\\xe9 \\xc3\\xa9\\0\\r\\n"
        close"""
    lines, status = mail(script)
    assert status == 1
    assert errors(lines) == ["The server said: 550 caf\udce9 é\0"]
    assert lines[2] == "S: 250-caf\udce9 "


@pytest.mark.parametrize(
    "challenge", ["PDEyMz4=", "PDEyMz4", "P D\\xffEy.Mz4=AA", "=PDEyMz4===", "PDEyM", ""]
)
def test_a_challenge_that_is_odd_base64(mail: Mail, challenge: str) -> None:
    script = f"""{GREETING}send "250-me\\r\\n250 AUTH CRAM-MD5\\r\\n"
        expect "AUTH CRAM-MD5\\r\\n"
        send "334 {challenge}\\r\\n"
        expect line
        send "535 no\\r\\n"
        close"""
    lines, status = mail(script, auth="CRAM-MD5")
    assert (errors(lines), status) == (["The server said: 535 no"], 1)

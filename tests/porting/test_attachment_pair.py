"""examples/attachment.php and attachment.py: line by line the same, and the same mail on the wire.

The server is a script of a few lines, so that what arrived can be looked at byte by byte.
"""

from __future__ import annotations

import email
import email.policy
import os
import random
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from php_streams.porting.php_cli import PhpCli
from tests.porting.correspondence import faults
from tests.porting.servers import EXAMPLES, PATIENCE, program

TEXT = b".leading dot\r\n..two\r\nmiddle . dot\r\n.\r\n" + b"line\r\n.x\r\n" * 3000 + b"the end"


def test_line_n_is_line_n() -> None:
    php, python = (
        (EXAMPLES / f"attachment.{ending}").read_text("utf-8").splitlines() for ending in ("php", "py")
    )
    assert faults(php, python) == []


def serve(server: socket.socket, dialogue: list[bytes]) -> None:
    """One SMTP session; the commands, and the mail as it came, go to `dialogue`."""
    connection = server.accept()[0]
    with connection, connection.makefile("rwb") as peer:
        connection.settimeout(PATIENCE)
        peer.write(b"220 ready\r\n")
        peer.flush()
        for line in peer:
            dialogue.append(line)
            if line == b"DATA\r\n":
                peer.write(b"354 go on\r\n")
                peer.flush()
                mail = iter(peer.readline, b".\r\n")
                dialogue.append(b"".join(mail))
                peer.write(b"250 taken\r\n")
            else:
                peer.write(b"221 bye\r\n" if line == b"QUIT\r\n" else b"250-more\r\n250 ok\r\n")
            peer.flush()


def sent_by(language: PhpCli | None, folder: Path) -> tuple[str, list[bytes]]:
    """What the program prints, and the dialogue."""
    dialogue: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        thread = threading.Thread(target=serve, args=(server, dialogue))
        thread.start()
        arguments = [str(server.getsockname()[1]), "a@x.test", "b@y.test", "text", "picture.png"]
        command = [*program("attachment", language), "127.0.0.1", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        thread.join(PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout, dialogue


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A text full of dots, and an attachment that is no multiple of anything."""
    (tmp_path / "text").write_bytes(TEXT)
    (tmp_path / "picture.png").write_bytes(random.Random(1).randbytes(100_001))
    return tmp_path


def test_the_mail_arrives(folder: Path) -> None:
    printed, dialogue = sent_by(None, folder)
    assert printed == "Sent, with an attachment of 100001 bytes\n"
    assert dialogue[:4] == [
        b"EHLO client.example.org\r\n",
        b"MAIL FROM:<a@x.test>\r\n",
        b"RCPT TO:<b@y.test>\r\n",
        b"DATA\r\n",
    ]
    lines = dialogue[4].split(b"\r\n")
    mail = b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)
    text, attachment = email.message_from_bytes(mail, policy=email.policy.SMTP).iter_parts()
    assert text.get_payload(decode=True) == TEXT
    assert attachment.get_payload(decode=True) == (folder / "picture.png").read_bytes()
    assert attachment.get_filename() == "picture.png"
    assert max(map(len, lines)) <= 76


def test_both_send_the_same_bytes(folder: Path, php: PhpCli | None) -> None:
    if php is None:
        pytest.skip("needs php-cli 8.4")
    assert sent_by(None, folder) == sent_by(php, folder)

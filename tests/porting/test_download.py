"""The download with a progress bar: line n is line n, and both draw the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from php_streams.porting.demo_sessions import environment
from php_streams.porting.peer import Peer
from php_streams.porting.php_cli import PhpCli
from tests.porting.correspondence import faults
from tests.porting.servers import EXAMPLES, program

SERVER = """
record until "\\r\\n\\r\\n"
send "HTTP/1.1 302 Found\\r\\nLocation: /p\\xe4ge\\r\\n\\r\\n"
---
record until "\\r\\n\\r\\n"
send "HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\nContent-Length: 80\\r\\n\\r\\n"
wait 0.2
send repeat 40 "x"
wait 0.2
send repeat 40 "y"
"""
MISSING = 'record until "\\r\\n\\r\\n"\nsend "HTTP/1.1 404 Not Found\\r\\n\\r\\n"'


def run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, check=False, capture_output=True, env=environment(), timeout=30)


def test_line_n_is_line_n() -> None:
    php, python = ((EXAMPLES / f"download.{end}").read_text("utf-8").splitlines() for end in ("php", "py"))
    assert faults(php, python) == []


def test_it_draws_what_php_draws(php: PhpCli | None, tmp_path: Path) -> None:
    drawn = []
    for language in (None, php) if php is not None else (None,):
        with Peer(SERVER) as peer:
            target = tmp_path / "page"
            done = run([*program("download", language), f"http://127.0.0.1:{peer.port}/", str(target)])
        assert peer.failures == [] and done.returncode == 0 and done.stderr == b""
        assert target.read_bytes() == b"x" * 40 + b"y" * 40
        drawn.append(done.stdout)
    assert len(set(drawn)) == 1
    half, whole = b"#" * 20 + b"." * 20, b"#" * 40
    assert drawn[0].endswith(b"type: text/plain\n\r[%s] 40 bytes\r[%s] 80 bytes\n" % (half, whole))


def test_what_does_not_open(tmp_path: Path) -> None:
    with Peer(MISSING) as peer:
        command = [sys.executable, str(EXAMPLES / "download.py")]
        done = run([*command, f"http://127.0.0.1:{peer.port}/", str(tmp_path / "page")])
    assert done.returncode == 1 and b"404 Not Found" in done.stderr and not (tmp_path / "page").exists()


def test_the_bar_of_rich(tmp_path: Path) -> None:
    pytest.importorskip("rich")
    target = tmp_path / "page"
    with Peer(SERVER) as peer:
        command = [sys.executable, "-W", "error", str(EXAMPLES / "download_rich.py")]
        done = run([*command, f"http://127.0.0.1:{peer.port}/", str(target)])
    assert done.returncode == 0 and b"80/80 bytes" in done.stdout
    assert target.read_bytes() == b"x" * 40 + b"y" * 40

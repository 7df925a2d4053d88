"""The demo's sessions: what the mailers are told to do, and how they are run.

A session is run by a twin, examples/mailer.py in Python or examples/mailer.php in php-cli, as a process of
its own that reads a job (JSON) and prints the dialogue.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .demo_messages import RECIPIENTS, SENDER, Message
from .demo_servers import HOST, LOOPBACK, PASSWORD, USER, Connection, Delivery, MailServer, MailServers

HELO = "client.example.test"
TIMEOUT = 10  # seconds, for the connect and for each reply
DEADLINE = 60.0  # seconds, for a whole session


@dataclass(frozen=True)
class Session:
    """One connection of a mailer. `mistake`, if any, says why it has to fail."""

    title: str
    server: str  # an attribute of MailServers
    security: str = ""  # "", "ssl", "tls" or "starttls"
    connector: str = "stream_socket_client"
    auth: str = ""
    messages: tuple[str, ...] = ("utf-8",)
    host: str = HOST
    trusting: bool = True  # the job names the authority's certificate
    mistake: str = ""

    def job(self, server: MailServer, cafile: Path, messages: dict[str, Message]) -> dict[str, object]:
        """What the twins read; README.md of the examples explains the keys."""
        return {
            "host": self.host,
            "port": server.port,
            "security": self.security,
            "ssl": {"cafile": str(cafile)} if self.security and self.trusting else {},
            "connector": self.connector,
            "helo": HELO,
            "timeout": TIMEOUT,
            "auth": self.auth,
            "user": USER,
            "password": PASSWORD,
            "messages": [
                {"from": SENDER, "to": RECIPIENTS, "file": str(messages[name].file)} for name in self.messages
            ],
        }

    def deliveries(self, messages: dict[str, Message]) -> list[Delivery]:
        """What the server has to have at the end."""
        names = () if self.mistake else self.messages
        return [Delivery(SENDER, RECIPIENTS, messages[name].arrives, self.auth) for name in names]


SESSIONS = (
    Session("Port 25: no TLS", "plain", messages=("utf-8", "dots")),
    Session("Port 25: no TLS, through fsockopen", "plain", connector="fsockopen", messages=("dots",)),
    Session("Port 465: TLS from the first byte, ssl://", "implicit", "ssl", auth="PLAIN"),
    Session("Port 465: TLS from the first byte, tls://", "implicit", "tls", auth="LOGIN", messages=("dots",)),
    Session(
        "Port 587: STARTTLS, then LOGIN", "starttls", "starttls", auth="LOGIN", messages=("utf-8", "dots")
    ),
    Session("Port 587: STARTTLS through fsockopen, then PLAIN", "starttls", "starttls", "fsockopen", "PLAIN"),
    Session(
        "Port 587: STARTTLS, then CRAM-MD5 and a large attachment",
        "starttls",
        "starttls",
        auth="CRAM-MD5",
        messages=("attachment",),
    ),
)

MISTAKES = (
    Session(
        "Mistake 1: tls:// at the STARTTLS port",
        "starttls",
        "tls",
        auth="PLAIN",
        mistake="The server speaks SMTP first, in the clear; a TLS handshake is the wrong beginning there.",
    ),
    Session(
        "Mistake 2: a certificate that does not verify",
        "starttls",
        "starttls",
        auth="PLAIN",
        trusting=False,
        mistake="The context names no cafile, and the system does not know the demo's authority.",
    ),
    Session(
        "Mistake 2, again: a certificate for another name",
        "starttls",
        "starttls",
        auth="PLAIN",
        host=LOOPBACK,
        mistake=f"The certificate is for {HOST}, the mailer was told to connect to {LOOPBACK}.",
    ),
)


@dataclass(frozen=True)
class Twin:
    """A mailer that can be run: its name for the reader, and the command that a job's file is appended to.

    `words`: its warnings are worded as in PHP 8.4, which php_streams follows.
    """

    name: str
    command: tuple[str, ...]
    words: bool = True


@dataclass(frozen=True)
class Run:
    """What one run of a session left: the lines printed, the exit status, and the server's record."""

    twin: Twin
    output: list[str]
    status: int
    connection: Connection


class SessionNotRun(Exception):
    """A twin hung, or never reached the server; the text says what it printed."""


Watcher = Callable[[str | None, int], None]


def run_session(
    twin: Twin,
    job: dict[str, object],
    server: MailServer,
    folder: Path,
    watch: Watcher = lambda line, size: None,
) -> Run:
    """Runs a twin to its end.

    `watch` is called with each line it prints, and with None ten times a second; its second argument is the
    number of bytes that the server has read so far.
    """
    file = folder / "job.json"
    file.write_text(json.dumps(job))
    server.forget()
    process = start(twin, file)
    output = []
    try:
        for line in lines_of(process):
            watch(line, len(server.latest.heard) if server.latest else 0)
            if line is not None:
                output.append(line)
    finally:
        # Does nothing to a mailer that has come to its end; one that hangs must not stay behind.
        process.kill()
        process.wait()
    try:
        # A connection that was made gets the time to come to its end; one that was not will not come now.
        connection = server.next_connection(10.0 if server.latest else 2.0)
    except queue.Empty:
        raise SessionNotRun(f"{twin.name} never reached the server:\n" + "\n".join(output)) from None
    return Run(twin, output, process.returncode, connection)


def start(twin: Twin, job_file: Path) -> subprocess.Popen[bytes]:
    """The twin at work on the job, both its outputs in one pipe: a stray message is a difference, too."""
    return subprocess.Popen(
        [*twin.command, str(job_file)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(),
    )


def environment() -> dict[str, str]:
    """The twin finds this very php_streams, and prints UTF-8 wherever it runs."""
    here = str(Path(__file__).resolve().parents[2])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"}


def lines_of(process: subprocess.Popen[bytes]) -> Iterator[str | None]:
    """The lines as they come, None after each tenth of a second without one; ends with the process."""
    lines: queue.Queue[str | None] = queue.Queue()
    assert process.stdout is not None
    threading.Thread(target=read_lines, args=(process.stdout, lines), daemon=True).start()
    end = time.monotonic() + DEADLINE
    while True:
        try:
            line = lines.get(timeout=0.1)
        except queue.Empty:
            if time.monotonic() > end:
                raise SessionNotRun(f"a mailer was not done after {DEADLINE:.0f} seconds") from None
            yield None
            continue
        if line is None:
            process.wait()
            return
        yield line


def read_lines(stream: IO[bytes], lines: queue.Queue[str | None]) -> None:
    """Reads to the end in a thread of its own; None marks the end."""
    with stream:
        for line in stream:
            lines.put(line.decode("utf-8", "replace").rstrip("\r\n"))
    lines.put(None)


def server_of(servers: MailServers, session: Session) -> MailServer:
    """The server that the session connects to."""
    chosen: MailServer = getattr(servers, session.server)
    return chosen

"""Reads everything while a signal's handler raises all the time: `python -m tests.fault.interrupted [SEED]`.

One JSON line for each kind of stream and way to read: how often it was interrupted, and whether all bytes
came, each once.  Run by test_interrupted.py, in a process of its own: SIGALRM is pytest-timeout's.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import php_streams as php
import php_streams._core.scan  # fscanf's: importing it takes longer than from one signal to the next
from tests.places import CERTS

SIZE = 200_000
SHORTEST, LONGEST = 0.00002, 0.0004  # seconds from one signal to the next
SOON = 0.000003  # from one that raises to one that finds what was read being put back


class Stop(Exception):
    """What the handler raises."""


class Alarm:
    """The handler: it raises when it is armed, once, and is armed again when reading goes on."""

    armed = False
    count = 0
    again = 0
    factor = 1.0  # it waits longer where nothing has been read since the last time

    def __call__(self, number: int, frame: Any) -> None:
        signal.setitimer(signal.ITIMER_REAL, self.factor * random.uniform(SHORTEST, LONGEST))
        if self.armed:
            self.armed = False
            self.count += 1
            signal.setitimer(signal.ITIMER_REAL, SOON)
            raise Stop
        if frame.f_code.co_name == "_put_back":  # what came is put back, and nobody waits for another one
            self.again += 1
            raise Stop


ALARM = Alarm()


def text() -> bytes:
    """Lines of all lengths, fields of CSV among them."""
    made = bytearray()
    while len(made) < SIZE:
        length = random.choice((0, 1, 5, 30, 70, 200, 9000 if random.random() < 0.02 else 80))
        made += bytes(random.choices(b"abcdefgh,;", k=length)) + b"\n"
    return bytes(made)


# --- what is read --------------------------------------------------------------------------------------


@contextmanager
def child(write: Callable[[], None]) -> Iterator[None]:
    """A process that sends the data."""
    pid = os.fork()
    if not pid:
        try:
            write()
        finally:
            os._exit(0)
    yield
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def send_in_pieces(data: bytes, write: Callable[[bytes], Any]) -> None:
    """Pieces that end anywhere."""
    done = 0
    while done < len(data):
        size = random.choice((1, 100, 1500, 8192, 40_000))
        write(data[done : done + size])
        done += size


@contextmanager
def pair(data: bytes) -> Iterator[Any]:
    near, far = php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_STREAM, 0) or ()
    with child(lambda: send_in_pieces(data, lambda piece: php.fwrite(far, piece))):
        php.fclose(far)
        yield near


def serve(listening: socket.socket, data: bytes, secure: bool) -> None:
    conn, _ = listening.accept()
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTS / "good.pem")
        conn = context.wrap_socket(conn, server_side=True)
    send_in_pieces(data, conn.sendall)
    conn.close()


@contextmanager
def connected(data: bytes, scheme: str) -> Iterator[Any]:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        child(lambda: serve(listening, data, scheme == "tls")),
    ):
        ssl_options = {"cafile": str(CERTS / "ca.pem"), "peer_name": "localhost"}
        context = php.stream_context_create({"ssl": ssl_options})
        address = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"
        yield php.stream_socket_client(address, 5, php.STREAM_CLIENT_CONNECT, context)[0]


@contextmanager
def tcp(data: bytes) -> Iterator[Any]:
    with connected(data, "tcp") as fp:
        yield fp


@contextmanager
def tls(data: bytes) -> Iterator[Any]:
    with connected(data, "tls") as fp:
        yield fp


@contextmanager
def plain(data: bytes) -> Iterator[Any]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        yield php.fopen(file.name, "r")


@contextmanager
def pipe(data: bytes) -> Iterator[Any]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        yield php.popen(f"cat {file.name}", "r")


KINDS = {"pair": pair, "tcp": tcp, "tls": tls, "file": plain, "pipe": pipe}
Read = Callable[[Any], Any]
READS: dict[str, Read] = {
    "fgets": php.fgets,
    "fgets with a length": lambda fp: php.fgets(fp, 64),
    "fgetc": php.fgetc,
    "fread few": lambda fp: php.fread(fp, 100),
    "fread a chunk": lambda fp: php.fread(fp, 8192),
    "fread many": lambda fp: php.fread(fp, 30_000),
    "stream_get_line": lambda fp: php.stream_get_line(fp, 100_000, "\n"),
    "stream_get_contents": lambda fp: php.stream_get_contents(fp, 20_000),
    "all": php.stream_get_contents,
    "fgetcsv": lambda fp: php.fgetcsv(fp, 0, ",", '"', ""),
    "fgetcsv with a length": lambda fp: php.fgetcsv(fp, 64, ",", '"', ""),
    "fscanf": lambda fp: php.fscanf(fp, "%[^\n]"),
}


def read_on(fp: Any, read: Read, got: list[Any]) -> None:
    """Until the end, or the handler raises."""
    ALARM.armed = True
    while True:
        piece = read(fp)
        if piece is not False and (piece or read is READS["stream_get_line"]):
            got.append(piece)
        elif php.feof(fp):
            break


def read_all(fp: Any, read: Read, got: list[Any]) -> None:
    """Goes on after each interruption."""
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    ALARM.factor, going, before = 1.0, True, -1
    while going:
        try:
            read_on(fp, read, got)
            going = False
        except Stop:
            ALARM.factor = 1.0 if len(got) > before else 1.5 * ALARM.factor
            before = len(got)
    ALARM.armed = False
    signal.setitimer(signal.ITIMER_REAL, 0)


def came(name: str, got: list[Any]) -> bytes:
    """The pieces as what was sent."""
    if name == "stream_get_line":
        return b"".join(piece + b"\n" for piece in got)
    if name == "fscanf":
        return b"".join((fields[0] or b"") + b"\n" for fields in got)
    if name == "fgetcsv with a length":
        return b"".join(b",".join(field or b"" for field in fields) for fields in got)
    if name == "fgetcsv":
        return b"".join(b",".join(field or b"" for field in fields) + b"\n" for fields in got)
    return b"".join(got)


def main() -> None:
    """All kinds, all ways to read."""
    random.seed(sys.argv[1] if len(sys.argv) > 1 else 0)
    signal.signal(signal.SIGALRM, ALARM)
    for kind, opened in KINDS.items():
        for name, read in READS.items():
            data = text()[: SIZE // 8 if name in ("fgetc", "fscanf") else SIZE]
            data = data.rstrip(b"\n") + b"\n"
            ALARM.count, got = 0, []
            with opened(data) as fp:
                read_all(fp, read, got)
                position = php.ftell(fp)
                php.fclose(fp)
            found = came(name, got)
            sent = data.replace(b"\n", b"") if name == "fgetcsv with a length" else data  # it tells no ends
            whole = found == sent and position == len(data)
            print(json.dumps([kind, name, ALARM.count, whole, len(sent) - len(found), position]), flush=True)
    # A handler that was due when the timer was stopped has set it once more.
    signal.signal(signal.SIGALRM, signal.SIG_IGN)


if __name__ == "__main__":
    main()

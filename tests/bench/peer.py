"""The other end of a benchmark: one process, one kind of peer.

``python peer.py KIND [--tls connect|starttls --cert PEM] [--quickack]`` prints its port. ``report`` on its
standard input is answered with a line of JSON: what it was sent since the last report. It ends when its
standard input does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import select
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable

PROOF = 1 << 20  # this much of what was received is hashed
TALLY: dict[str, int] = {}
RECEIVED = bytearray()
PATIENCE = 60  # seconds without a byte before a connection is given up
LINES = b"".join(b"line %08d %s\r\n" % (i, b"x" * 46) for i in range(10_000))
LINE = len(LINES) // 10_000
BYTES = random.Random(1).randbytes(1 << 20)

options = argparse.Namespace()
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def count(what: str, n: int = 1) -> None:
    """Add to the evidence."""
    TALLY[what] = TALLY.get(what, 0) + n


def receive(data: bytes | memoryview) -> None:
    """Keep the beginning of what came, for the hash."""
    if len(RECEIVED) < PROOF:
        RECEIVED.extend(data[: PROOF - len(RECEIVED)])


def accept(conn: socket.socket) -> None:
    """Nothing but the connection."""


def greet(conn: socket.socket) -> None:
    """A greeting line, then wait for the end."""
    conn.sendall(b"220 ready\r\n")
    conn.recv(100)


def lines(conn: socket.socket) -> None:
    """The number of lines that the first line asks for."""
    n = int(conn.makefile("rb").readline())
    for _ in range(n // 10_000):
        conn.sendall(LINES)
    conn.sendall(LINES[: n % 10_000 * LINE])


def send_bytes(conn: socket.socket) -> None:
    """The number of MiB that the first line asks for."""
    for _ in range(int(conn.makefile("rb").readline())):
        conn.sendall(BYTES)


def echo(conn: socket.socket) -> None:
    """Whatever comes goes back."""
    while data := conn.recv(65536):
        conn.sendall(data)
        count("echoed", len(data))


def discard(conn: socket.socket) -> None:
    """Take everything, then say how much it was."""
    buffer = memoryview(bytearray(1 << 20))
    total = 0
    while n := conn.recv_into(buffer):
        total += n
        receive(buffer[:n])
    conn.sendall(b"%d\n" % total)
    count("bytes", total)


class Smtp:
    """A mail server that takes everything."""

    def __init__(self, conn: socket.socket) -> None:
        """Greet and serve."""
        self.conn, self.buffer = conn, b""
        self.tls = False
        self.reply(b"220 bench ESMTP\r\n")
        while self.command(self.until(b"\r\n")):
            pass

    def until(self, end: bytes) -> bytes:
        """What comes up to and including ``end``; the rest stays."""
        data, keep = bytearray(self.buffer), len(end) - 1
        at = data.find(end)
        while at < 0:
            if not (more := self.conn.recv(262144)):
                return b""
            if options.quickack:
                self.conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            start = max(0, len(data) - keep)
            data += more
            at = data.find(end, start)
        at += len(end)
        self.buffer = bytes(data[at:])
        return bytes(data[:at])

    def reply(self, text: bytes) -> None:
        """Send a reply."""
        self.conn.sendall(text)

    def command(self, line: bytes) -> bool:
        """Answer one command; false at the end."""
        if not line:  # closed without QUIT
            return False
        verb = line[:4].upper()
        count(verb.decode())
        if verb == b"EHLO":
            more = b"250-STARTTLS\r\n" if options.tls == "starttls" and not self.tls else b""
            self.reply(b"250-bench\r\n" + more + b"250 8BITMIME\r\n")
        elif verb == b"DATA":
            self.reply(b"354 go on\r\n")
            receive(self.until(b"\r\n.\r\n"))
            self.reply(b"250 taken\r\n")
        elif verb == b"STAR":
            self.reply(b"220 go ahead\r\n")
            self.conn = CONTEXT.wrap_socket(self.conn, server_side=True)
            self.tls = True
        elif verb == b"QUIT":
            self.reply(b"221 bye\r\n")
            self.conn.close()  # the plain one was detached when TLS began
        else:
            self.reply(b"250 ok\r\n")
        return verb != b"QUIT"


def many(listener: socket.socket) -> None:
    """Echo on any number of connections at once; the other kinds serve one after the other."""
    conns: dict[int, socket.socket] = {}
    poll = select.poll()
    if hasattr(select, "epoll"):
        poll = select.epoll()  # type: ignore[assignment]
    poll.register(listener, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                conn, _ = listener.accept()
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                conns[conn.fileno()] = conn
                poll.register(conn, select.POLLIN)
            elif data := conns[fd].recv(65536):
                conns[fd].sendall(data)
                count("echoed", len(data))
            else:
                poll.unregister(fd)
                conns.pop(fd).close()


KINDS: dict[str, Callable[[socket.socket], object]] = {
    "accept": accept,
    "greet": greet,
    "lines": lines,
    "bytes": send_bytes,
    "echo": echo,
    "discard": discard,
    "smtp": Smtp,
    "many": many,
}


def serve(listener: socket.socket) -> None:
    """Connection after connection; one that breaks is counted, and shows as work that differs."""
    while True:
        conn, _ = listener.accept()
        try:
            conn.settimeout(PATIENCE)
            # Otherwise what follows TLS 1.3's session tickets waits 40 ms for the other side's delayed ACK.
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if options.tls == "connect":
                conn = CONTEXT.wrap_socket(conn, server_side=True)
            with conn:
                KINDS[options.kind](conn)
            count("connections")
        except OSError as error:
            conn.close()
            count(f"{type(error).__name__}: {error}")


def report() -> str:
    """What was done, once it no longer changes; begins anew."""
    last = None
    while last != (last := (dict(TALLY), len(RECEIVED))):
        time.sleep(0.01)
    digest = hashlib.sha256(RECEIVED).hexdigest()[:16]
    evidence = dict(sorted(TALLY.items())) | ({"sha256": digest} if RECEIVED else {})
    TALLY.clear()
    RECEIVED.clear()
    return json.dumps(evidence)


def control() -> None:
    """Answer ``report`` until standard input ends."""
    for _ in sys.stdin:
        print(report(), flush=True)
    os._exit(0)


def main() -> None:
    """Listen, say where, serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--tls", choices=["connect", "starttls"])
    parser.add_argument("--cert")
    parser.add_argument("--quickack", action="store_true")
    parser.parse_args(namespace=options)
    if options.cert:
        CONTEXT.load_cert_chain(options.cert)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=control, daemon=True).start()
    (many if options.kind == "many" else serve)(listener)


if __name__ == "__main__":
    main()

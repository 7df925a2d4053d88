"""The servers that the scenarios of inject.py talk with, in a process of their own.

They serve whatever a client that breaks off leaves behind, and end when their standard input does.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from typing import Any

from tests.places import CERTS

BODY = b"one\ntwo\nthree\n" * 200
Serve = Callable[[Any], None]


def lines(conn: Any) -> None:
    """A greeting, and then each line comes back."""
    conn.sendall(b"220 ready\r\n")
    with conn.makefile("rb") as file:
        for line in file:
            conn.sendall(line)


def http(conn: Any) -> None:
    """One request: a body of known length, in chunks, or elsewhere."""
    with conn.makefile("rb") as file:
        first = file.readline()
        while file.readline() not in (b"\r\n", b""):
            pass
    if b"/moved" in first:
        conn.sendall(b"HTTP/1.1 302 Found\r\nLocation: /chunked\r\nContent-Length: 0\r\n\r\n")
    elif b"/chunked" in first:
        chunk = b"%x\r\n%s\r\n" % (len(BODY), BODY)
        conn.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n")
    else:
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY))


def ftp(conn: Any) -> None:
    """One file that can be fetched and stored."""
    conn.sendall(b"220 ready\r\n")
    waiting = socket.create_server(("127.0.0.1", 0))
    waiting.settimeout(5)
    with waiting, conn.makefile("rb") as file:
        for line in file:
            word = line.split()[0].upper()
            if word == b"EPSV":
                answer = b"229 here (|||%d|)" % waiting.getsockname()[1]
            elif word in (b"RETR", b"STOR", b"APPE"):
                conn.sendall(b"150 now\r\n")
                with waiting.accept()[0] as data:
                    if word == b"RETR":
                        data.sendall(BODY)
                    else:
                        while data.recv(65536):
                            pass
                answer = b"226 done"
            else:
                answers = {
                    b"USER": b"230 in",
                    b"TYPE": b"200 ok",
                    b"SIZE": b"213 %d" % len(BODY),
                    b"DELE": b"250 gone",
                }
                answer = answers.get(word, b"500 what?") if word != b"QUIT" else b"221 bye"
            conn.sendall(answer + b"\r\n")


def served(conn: socket.socket, serve: Serve, context: ssl.SSLContext | None) -> None:
    """One client, whatever it does."""
    conn.settimeout(10)
    with contextlib.suppress(OSError, ValueError, IndexError), conn:
        if context is None:
            serve(conn)
        else:
            with context.wrap_socket(conn, server_side=True) as secure:
                serve(secure)


def listen(listener: socket.socket, serve: Serve, context: ssl.SSLContext | None) -> None:
    """All clients, each in a thread."""
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=served, args=(conn, serve, context), daemon=True).start()


def main() -> None:
    """Says the ports, serves until nobody listens any more."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTS / "good.pem")
    ports = {}
    kinds: dict[str, tuple[Serve, ssl.SSLContext | None]] = {
        "tcp": (lines, None),
        "tls": (lines, context),
        "http": (http, None),
        "https": (http, context),
        "ftp": (ftp, None),
    }
    for name, (serve, secure) in kinds.items():
        listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        ports[name] = listener.getsockname()[1]
        threading.Thread(target=listen, args=(listener, serve, secure), daemon=True).start()
    print(json.dumps(ports), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()

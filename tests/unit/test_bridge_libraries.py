"""A stream's socket in the hands of others: asyncio, http.client, smtplib, wrap_socket, selectors."""

from __future__ import annotations

import asyncio
import gc
import http.client
import select
import selectors
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from php_streams import (
    fclose,
    fgets,
    from_socket,
    fsockopen,
    fwrite,
    is_resource,
    stream_get_meta_data,
    to_socket,
)
from tests.places import CERTS

pytestmark = pytest.mark.usefixtures("no_socket_left")


@contextmanager
def serving(serve: Callable[[socket.socket], Any]) -> Iterator[Any]:
    """A stream to a server that does this with its one client."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            conn, _ = listener.accept()
            with conn:
                conn.settimeout(10)
                serve(conn)

        thread = threading.Thread(target=run)
        thread.start()
        fp = fsockopen("127.0.0.1", listener.getsockname()[1], 5)[0]
        yield fp
        if fp.is_open:
            fclose(fp)
        thread.join(20)


def echo_lines(conn: socket.socket) -> None:
    """Each line comes back."""
    for line in conn.makefile("rb"):
        conn.sendall(b"got " + line)


def http_server(conn: socket.socket) -> None:
    """Says ok to each request."""
    file = conn.makefile("rb")
    while line := file.readline():
        if line == b"\r\n":
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def smtp_server(conn: socket.socket) -> None:
    """Takes what it is given."""
    conn.sendall(b"220 ready\r\n")
    for line in conn.makefile("rb"):
        conn.sendall(b"221 bye\r\n" if line == b"quit\r\n" else b"250 ok\r\n")


def test_asyncio_takes_it() -> None:
    async def main(fp: Any) -> None:
        fwrite(fp, b"one\ntwo\n")
        assert await asyncio.to_thread(fgets, fp) == b"got one\n"
        assert await asyncio.to_thread(fgets, fp) == b"got two\n"
        reader, writer = await asyncio.open_connection(sock=to_socket(fp))
        writer.write(b"three\n")
        assert await reader.readline() == b"got three\n"
        assert stream_get_meta_data(fp)["blocked"] is False
        writer.close()
        await writer.wait_closed()
        assert not is_resource(fp)

    with serving(echo_lines) as fp:
        asyncio.run(main(fp))


def test_http_client_talks_over_it() -> None:
    with serving(http_server) as fp:
        client = http.client.HTTPConnection("localhost")
        client.sock = to_socket(fp)
        client.request("GET", "/")
        assert client.getresponse().read() == b"ok"
        fwrite(fp, b"GET / HTTP/1.1\r\n\r\n")
        assert fgets(fp) == b"HTTP/1.1 200 OK\r\n"
        client.close()
        assert not is_resource(fp)


def test_smtplib_takes_over_after_the_greeting() -> None:
    with serving(smtp_server) as fp:
        assert fgets(fp) == b"220 ready\r\n"
        client = smtplib.SMTP()
        client.sock = to_socket(fp)
        assert client.noop() == (250, b"ok")
        assert client.quit() == (221, b"bye")
        assert not is_resource(fp)


def test_wrap_socket_takes_it_away() -> None:
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(CERTS / "good.pem")
    client_side = ssl.create_default_context(cafile=CERTS / "ca.pem")

    def serve(conn: socket.socket) -> None:
        with server_side.wrap_socket(conn, server_side=True) as tls:
            tls.sendall(tls.recv(100))

    with serving(serve) as fp, client_side.wrap_socket(to_socket(fp), server_hostname="localhost") as tls:
        assert not is_resource(fp)
        tls.sendall(b"hello\n")
        again = from_socket(tls)
        assert fgets(again) == b"hello\n"
        fclose(again)


def test_plaintext_that_came_before_is_not_taken_for_tls() -> None:
    def serve(conn: socket.socket) -> None:
        conn.sendall(b"220 go ahead\r\n250 injected\r\n")
        conn.recv(1)

    client_side = ssl.create_default_context(cafile=CERTS / "ca.pem")
    with serving(serve) as fp:
        while select.select([fp], [], [], 5)[0] and len(to_socket(fp).recv(100, socket.MSG_PEEK)) < 28:
            pass  # until both lines are there
        assert fgets(fp) == b"220 go ahead\r\n"
        with pytest.raises(ValueError, match="14 bytes were received already and would be lost"):
            client_side.wrap_socket(to_socket(fp), server_hostname="localhost")
        gc.collect()
        assert fgets(fp) == b"250 injected\r\n"
        assert fwrite(fp, b"x") == 1


def test_selectors_wait_for_it() -> None:
    with serving(echo_lines) as fp, selectors.DefaultSelector() as selector:
        selector.register(to_socket(fp), selectors.EVENT_READ, fp)
        fwrite(fp, b"x\n")
        ((key, _),) = selector.select(5)
        assert key.data is fp
        assert fgets(fp) == b"got x\n"

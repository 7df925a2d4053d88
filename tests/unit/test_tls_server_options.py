"""Options of TLS servers where no case can show what holds: decisions, and clients that are out of order."""

from __future__ import annotations

import socket
import sys
import threading
from typing import Any

import pytest

from php_streams import (
    STREAM_SERVER_BIND,
    STREAM_SERVER_LISTEN,
    fclose,
    fwrite,
    silence,
    stream_context_create,
    stream_socket_accept,
    stream_socket_get_name,
    stream_socket_server,
)
from php_streams.porting.peer_client import Client
from tests.descriptors import open_sockets
from tests.places import CERTS
from tests.unit.tls_peers import client_hello, said

GOOD = {"local_cert": str(CERTS / "good.pem")}


def listening(port: int = 0, **options: Any) -> Any:
    context = stream_context_create({"ssl": options})
    return stream_socket_server(
        f"tls://127.0.0.1:{port}", STREAM_SERVER_BIND | STREAM_SERVER_LISTEN, context
    )[0]


def serve(script: str, clients: int, **options: Any) -> Client:
    """Greets so many clients."""
    with Client(script, certs=CERTS) as player:
        server = listening(player.port, **options)
        for _ in range(clients):
            fp, _ = stream_socket_accept(server, 5)
            fwrite(fp, "hello\n")
            fclose(fp)
        fclose(server)
    assert player.failures == []
    return player


@pytest.mark.parametrize(
    ("sent", "name", "certificate"),
    [
        (b"m\xe4il.example.test", "mail.example.test", "cn_only.pem"),
        (b"b\xfccher.example.test", "*.example.test", "wildcard.pem"),
    ],
)
def test_a_name_that_is_not_ascii_is_refused_and_the_server_lives(
    monkeypatch: pytest.MonkeyPatch, sent: bytes, name: str, certificate: str
) -> None:
    """Decision tls-server-names-not-ascii."""
    ignored: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda entry: ignored.append(entry.exc_type))
    options = {**GOOD, "SNI_server_certs": {name: str(CERTS / certificate)}}
    server = listening(**options)
    port = int(stream_socket_get_name(server, False).rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(client_hello(sent))
        with said() as messages:
            assert stream_socket_accept(server, 5)[0] is False
        assert client.recv(7) == b"\x15\x03\x03\x00\x02\x02\x50"  # a fatal alert: internal error
    assert messages[0].endswith("SSL routines::callback failed")
    assert ignored == [UnicodeDecodeError]
    fclose(server)
    script = 'connect\ntls-client sni mail.example.test\nshow peer-subject\nexpect "hello\\n"\nexpect eof'
    assert serve(script, 1, **options).report == [("peer peer-subject", name.encode())]


@pytest.mark.parametrize("options", [{}, {"no_ticket": True}, {"allow_self_signed": True}])
def test_clients_that_vanish_leave_nothing(options: dict[str, Any]) -> None:
    before = open_sockets()
    server = listening(**GOOD, **options)
    address = stream_socket_get_name(server, False).rpartition(":")
    hello = client_hello(b"localhost.example")

    def vanish() -> None:
        for number in range(60):
            with socket.create_connection((address[0], int(address[2])), 5) as client:
                client.sendall((b"", b"GET / HTTP/1.0\r\n\r\n", hello[:40], hello)[number % 4])

    thread = threading.Thread(target=vanish)
    thread.start()
    with silence():
        accepted = [stream_socket_accept(server, 5)[0] for _ in range(60)]
    thread.join()
    assert accepted == [False] * 60
    fclose(server)
    assert open_sockets() == before

"""What the tests of TLS connect to, and what is said to them."""

from __future__ import annotations

import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from php_streams import (
    STREAM_CLIENT_CONNECT,
    STREAM_CRYPTO_METHOD_TLS_CLIENT,
    PhpWarning,
    stream_context_create,
    stream_socket_client,
)
from php_streams.porting.peer import Peer
from tests.places import CERTS

CA = {"cafile": str(CERTS / "ca.pem"), "peer_name": "localhost"}
CLIENT = STREAM_CRYPTO_METHOD_TLS_CLIENT


def client_hello(name: bytes = b"localhost") -> bytes:
    """The ClientHello that asks for this name, which may be none that Python would send."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    sent = ssl.MemoryBIO()
    wanted = b"a" * len(name)
    connection = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=wanted.decode())
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    message = sent.read()
    assert message.count(wanted) == 1
    return message.replace(wanted, name)


def peer(script: str) -> Peer:
    return Peer(script, certs=CERTS)


def connect(port: int, scheme: str = "ssl", timeout: float = 5, **options: Any) -> Any:
    context = stream_context_create({"ssl": {**CA, **options}})
    return stream_socket_client(f"{scheme}://127.0.0.1:{port}", timeout, STREAM_CLIENT_CONNECT, context)[0]


@contextmanager
def said() -> Iterator[list[str]]:
    """All that PHP says in the block."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield messages
    assert all(issubclass(warning.category, PhpWarning) for warning in caught)
    messages += [str(warning.message) for warning in caught]


def told(player: Peer) -> dict[str, bytes]:
    return {name.split()[-1]: value for name, value in player.report}


@contextmanager
def server(serve: Callable[[ssl.SSLSocket], Any], tickets: int = 0) -> Iterator[tuple[int, list[Any]]]:
    """A TLS server for one connection; what `serve` returns, or its error, is noted."""
    results: list[Any] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)  # Python set it until 3.11.3
    context.load_cert_chain(CERTS / "good.pem")
    context.num_tickets = tickets
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        connection, _ = listener.accept()
        connection.settimeout(10)
        try:
            with context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False) as tls:
                results.append(serve(tls))
        except OSError as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname()[1], results
    finally:
        thread.join(15)
        listener.close()
    assert not thread.is_alive()


def read_all(sock: socket.socket, wait: float = 0) -> bytes:
    """Everything until the end, which in TLS is the goodbye; nothing for the first `wait` seconds."""
    threading.Event().wait(wait)
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)

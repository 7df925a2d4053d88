"""Clients that a TLS server does not deserve: nothing is left of them, and the next one is served.

The programs here are careless: they write their secret whenever PHP's own result lets them go on.  The
clients take down every byte that they get.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import php_streams as php
from tests.descriptors import only_where_listed
from tests.places import CERTS
from tests.unit.tls_peers import client_hello, said

SERVER = php.STREAM_CRYPTO_METHOD_TLS_SERVER
SECRET = b"220 the secret of the house"
ALERT, HANDSHAKE = 0x15, 0x16
CONNECTED = "stream_socket_accept(): Failed to enable crypto"
ACCEPTED = "stream_socket_accept(): Accept failed: Cannot enable crypto"

pytestmark = only_where_listed


def reset(far: socket.socket) -> None:
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far.close()


def is_silent(far: socket.socket) -> None:
    """Connects, and says nothing."""


def sends_garbage(far: socket.socket) -> None:
    far.sendall(bytes(range(1, 256)) * 8)


def speaks_http(far: socket.socket) -> None:
    far.sendall(b"GET / HTTP/1.0\r\n\r\n")


def sends_one_byte(far: socket.socket) -> None:
    far.sendall(b"\x16")


def sends_half_a_hello(far: socket.socket) -> None:
    far.sendall(client_hello()[:-20])


def sends_a_hello_and_nothing_more(far: socket.socket) -> None:
    far.sendall(client_hello())


def sends_a_hello_and_plaintext(far: socket.socket) -> None:
    far.sendall(client_hello() + b"MAIL FROM:<injected>\r\n")


def sends_a_huge_record(far: socket.socket) -> None:
    far.sendall(b"\x16\x03\x01\xff\xff" + bytes(1000))


def sends_a_goodbye(far: socket.socket) -> None:
    """A close_notify that nobody protects."""
    far.sendall(b"\x15\x03\x03\x00\x02\x01\x00")


def gives_up(far: socket.socket) -> None:
    """A fatal alert: handshake_failure."""
    far.sendall(client_hello() + b"\x15\x03\x03\x00\x02\x02\x28")


def half_closes(far: socket.socket) -> None:
    far.shutdown(socket.SHUT_WR)


def half_closes_half_way(far: socket.socket) -> None:
    far.sendall(client_hello()[:50])
    far.shutdown(socket.SHUT_WR)


def half_closes_after_its_hello(far: socket.socket) -> None:
    far.sendall(client_hello())
    far.shutdown(socket.SHUT_WR)


def resets_at_once(far: socket.socket) -> None:
    reset(far)


def resets_half_way(far: socket.socket) -> None:
    far.sendall(client_hello()[:50])
    reset(far)


CLIENTS = (
    is_silent,
    sends_garbage,
    speaks_http,
    sends_one_byte,
    sends_half_a_hello,
    sends_a_hello_and_nothing_more,
    sends_a_hello_and_plaintext,
    sends_a_huge_record,
    sends_a_goodbye,
    gives_up,
    half_closes,
    half_closes_half_way,
    half_closes_after_its_hello,
    resets_at_once,
    resets_half_way,
)
clients = pytest.mark.parametrize("bad", CLIENTS)


def listen(scheme: str, **options: Any) -> Any:
    """A server stream whose handshakes may take a fifth of a second."""
    context = php.stream_context_create({"ssl": {"local_cert": str(CERTS / "good.pem"), **options}})
    flags = php.STREAM_SERVER_BIND | php.STREAM_SERVER_LISTEN
    server = php.stream_socket_server(f"{scheme}://127.0.0.1:0", flags, context)[0]
    php.stream_set_timeout(server, 0, 200_000)
    return server


def connect(server: Any) -> socket.socket:
    port = int(php.stream_socket_get_name(server, False).rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), 5)


def serves(server: Any) -> None:
    """A client that behaves gets its secret."""
    php.stream_set_timeout(server, 10)
    far = connect(server)
    heard: list[bytes] = []

    def run() -> None:
        context = ssl.create_default_context(cafile=str(CERTS / "ca.pem"))
        with context.wrap_socket(far, server_hostname="localhost") as tls:
            heard.append(tls.recv(100))
            tls.unwrap()

    thread = threading.Thread(target=run)
    thread.start()
    fp = php.stream_socket_accept(server, 5)[0]
    if "crypto" not in php.stream_get_meta_data(fp):
        assert php.stream_socket_enable_crypto(fp, True, SERVER) is True
    php.fwrite(fp, SECRET)
    php.fclose(fp)
    thread.join(10)
    assert heard == [SECRET]


def received(far: socket.socket) -> bytes:
    """All that a bad client got."""
    data = b""
    try:
        while part := far.recv(65536):
            data += part
    except OSError:  # reset, by whichever side
        pass
    return data


def assert_no_plaintext(far: socket.socket) -> None:
    data = received(far)
    assert SECRET not in data
    assert data[:1] in (b"", bytes([ALERT]), bytes([HANDSHAKE])), "only TLS records may have been sent"


@clients
@pytest.mark.usefixtures("nothing_left")
def test_within_an_accept(bad: Callable[[socket.socket], None]) -> None:
    with listen("ssl") as server, connect(server) as far:
        bad(far)
        start = time.monotonic()
        with said() as messages:
            fp, peer_name = php.stream_socket_accept(server, 5)
        assert time.monotonic() - start < 4
        assert fp is False
        assert messages[-2:] == [CONNECTED, ACCEPTED]
        assert_no_plaintext(far)
        serves(server)


@clients
@pytest.mark.usefixtures("nothing_left")
def test_within_an_accept_whose_handler_raises(bad: Callable[[socket.socket], None]) -> None:
    def handler(level: int, message: str) -> None:
        raise RuntimeError(message)

    with listen("ssl") as server, connect(server) as far:
        bad(far)
        php.set_error_handler(handler)
        try:
            with pytest.raises(RuntimeError, match=r"^stream_socket_accept\(\): "):
                php.stream_socket_accept(server, 5)
        finally:
            php.restore_error_handler()
        assert_no_plaintext(far)
        serves(server)


def write_secret(fp: Any) -> None:
    """What a program does that does not look at the result."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert php.fwrite(fp, SECRET) is False
    php.fclose(fp)


@clients
@pytest.mark.usefixtures("nothing_left")
def test_enable_crypto(bad: Callable[[socket.socket], None]) -> None:
    with listen("tcp") as server, connect(server) as far:
        bad(far)
        fp = php.stream_socket_accept(server, 5)[0]
        with said() as messages:
            assert php.stream_socket_enable_crypto(fp, True, SERVER) is False
        assert all(message.startswith("stream_socket_enable_crypto(): ") for message in messages)
        write_secret(fp)
        assert_no_plaintext(far)
        serves(server)


@clients
@pytest.mark.usefixtures("nothing_left")
def test_enable_crypto_step_by_step(bad: Callable[[socket.socket], None]) -> None:
    with listen("tcp") as server, connect(server) as far:
        bad(far)
        fp = php.stream_socket_accept(server, 5)[0]
        php.stream_set_blocking(fp, False)
        with said():
            for _ in range(20):
                done = php.stream_socket_enable_crypto(fp, True, SERVER)
                assert done == 0
                if done is False:
                    break
                assert php.fwrite(fp, SECRET) is False
                assert php.fgets(fp) is False
                time.sleep(0.005)
        write_secret(fp)
        assert_no_plaintext(far)
        serves(server)


@pytest.mark.parametrize(
    "options",
    [
        {"local_cert": "nowhere.pem"},
        {"local_cert": str(CERTS / "client-cert.pem")},
        {"local_pk": str(CERTS / "client-key.pem")},
        {"local_pk": "nowhere.pem"},
        {"local_pk": str(CERTS)},
        {"local_cert": str(CERTS / "client-encrypted.pem"), "passphrase": "guess"},
        {"local_cert": str(CERTS / "weak.pem")},
        {"cafile": "nowhere.pem"},
        {"ciphers": "nonsense"},
        {"dh_param": "nowhere.pem"},
        {"alpn_protocols": "x" * 256},
        {"SNI_server_certs": {"localhost": "nowhere.pem"}},
        {"SNI_server_certs": {"localhost": str(CERTS / "good.pem"), "other": "nowhere.pem"}},
    ],
    ids=repr,
)
@pytest.mark.usefixtures("nothing_left")
def test_options_that_cannot_be_obeyed(options: dict[str, Any]) -> None:
    with listen("ssl", **options) as server:
        for _ in range(2):
            with connect(server) as far, said() as messages:
                assert php.stream_socket_accept(server, 5)[0] is False
                assert received(far) == b""
            assert messages[-2:] == [CONNECTED, ACCEPTED]
    with listen("tcp", **options) as server, connect(server) as far:
        fp = php.stream_socket_accept(server, 5)[0]
        with said():
            assert php.stream_socket_enable_crypto(fp, True, SERVER) is False
        write_secret(fp)
        assert received(far) == b""


@pytest.mark.usefixtures("nothing_left")
def test_a_key_that_may_not_be_read(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads every file")
    key = tmp_path / "key.pem"
    key.write_bytes((CERTS / "client-key.pem").read_bytes())
    key.chmod(0)
    server = listen("ssl", local_cert=str(CERTS / "client-cert.pem"), local_pk=str(key))
    with server, connect(server), said() as messages:
        assert php.stream_socket_accept(server, 5)[0] is False
    assert messages[0] == f"stream_socket_accept(): Unable to set private key file `{key}'"


@pytest.mark.usefixtures("nothing_left")
def test_crowds_that_vanish() -> None:
    """500 clients connect and are gone; then one comes to stay."""
    with listen("ssl") as server:
        for number in range(500):
            with connect(server) as far:
                if number % 3 == 1:
                    far.sendall(client_hello()[: number % 200])
                elif number % 3 == 2:
                    reset(far)
            with said() as messages:
                assert php.stream_socket_accept(server, 5)[0] is False
            assert messages[-1] == ACCEPTED
        serves(server)


@pytest.mark.usefixtures("nothing_left")
def test_a_client_that_resets_between_two_steps() -> None:
    """Making an SSLSocket of a connection that is gone must not lose the socket."""
    with listen("tcp") as server:
        for send in (b"", client_hello()[:50]):
            far = connect(server)
            far.sendall(send)
            fp = php.stream_socket_accept(server, 5)[0]
            php.stream_set_blocking(fp, False)
            reset(far)
            time.sleep(0.05)
            with said() as messages:
                assert php.stream_socket_enable_crypto(fp, True, SERVER) is False
            assert messages == ["stream_socket_enable_crypto(): SSL: Connection reset by peer"]
            write_secret(fp)

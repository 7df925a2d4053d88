"""TLS on real connections: what cases cannot show, and where it deliberately is not as in PHP."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from php_streams import (
    STREAM_CLIENT_CONNECT,
    STREAM_CRYPTO_METHOD_TLS_CLIENT,
    STREAM_CRYPTO_METHOD_TLS_SERVER,
    STREAM_SHUT_RD,
    STREAM_SHUT_RDWR,
    STREAM_SHUT_WR,
    PhpWarning,
    fclose,
    feof,
    fgets,
    fread,
    fwrite,
    restore_error_handler,
    set_error_handler,
    stream_context_create,
    stream_get_contents,
    stream_get_meta_data,
    stream_select,
    stream_set_blocking,
    stream_set_timeout,
    stream_socket_client,
    stream_socket_enable_crypto,
    stream_socket_shutdown,
)
from php_streams._core.stream import Stream
from php_streams._transports import tls_trust
from php_streams._transports.tls_session import RECORD
from php_streams._transports.tls_trust import first_certificate
from php_streams.porting.peer import Peer

CERTS = Path(__file__).resolve().parents[1] / "conformance" / "certs"
CA = {"cafile": str(CERTS / "ca.pem"), "peer_name": "localhost"}
CLIENT = STREAM_CRYPTO_METHOD_TLS_CLIENT


def open_descriptors() -> list[str]:
    """The sockets that are open; stream_select keeps descriptors of another kind."""
    folder = Path("/proc/self/fd")
    links = (
        [os.readlink(entry) for entry in folder.iterdir() if entry.is_symlink()] if folder.is_dir() else []
    )
    return sorted(link for link in links if link.startswith("socket:"))


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    before = open_descriptors()
    yield
    assert open_descriptors() == before


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


# Certificates that nobody vouches for


def test_without_the_message_callback_self_signed_certificates_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tls_trust, "CALLBACK", "_gone")
    with peer("tls selfsigned") as player, said() as messages:
        assert connect(player.port, allow_self_signed=True) is False
    assert "allow_self_signed needs SSLContext._msg_callback" in messages[0]
    assert "certificate verify failed" in messages[1]


def test_a_self_signed_peer_is_trusted_for_its_connection_only() -> None:
    with peer("tls selfsigned\n---\ntls selfsigned") as player:
        fclose(connect(player.port, allow_self_signed=True))
        with said() as messages:
            assert connect(player.port) is False
    assert "certificate verify failed" in messages[0]


@pytest.mark.parametrize("size", range(40))
def test_a_broken_certificate_message_is_no_certificate(size: int) -> None:
    assert first_certificate(b"\x0b\x00\x00\x24\x00\x00\x00\x20\x00\x00\x1d" + bytes(size), True) is None
    assert first_certificate(bytes(size), False) is None


def test_only_a_self_issued_leaf_counts() -> None:
    def message(name: str) -> tuple[bytes, bytes]:
        text = (CERTS / name).read_text("ascii")
        begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n"
        leaf = ssl.PEM_cert_to_DER_cert(begin + text.partition(begin)[2].partition(end)[0] + end)
        size = len(leaf).to_bytes(3, "big")
        return leaf, b"\x0b\0\0\0" + (len(leaf) + 3).to_bytes(3, "big") + size + leaf

    leaf, body = message("selfsigned.pem")
    assert first_certificate(body, False) == leaf
    assert first_certificate(message("good.pem")[1], False) is None


# What is deliberately not as in PHP (compat_matrix/decisions.toml)


def test_no_address_is_sent_as_server_name() -> None:
    with peer("tls san_ip\nshow sni") as player:
        fclose(connect(player.port, peer_name="127.0.0.1"))
    assert told(player)["sni"] == b"-"


def test_a_server_method_says_that_it_is_none_of_the_clients() -> None:
    with peer("ignore") as player:
        stream = connect(player.port, "tcp")
        with pytest.warns(PhpWarning, match="TLS servers are not supported yet"):
            assert stream_socket_enable_crypto(stream, True, STREAM_CRYPTO_METHOD_TLS_SERVER) is False
        fclose(stream)


def test_a_session_of_other_options_is_not_resumed_and_says_so() -> None:
    script = "tls good tls1.2\nexpect eof\n---\ntls good tls1.2\nshow resumed"
    with peer(script) as player:
        first = connect(player.port)
        second = connect(player.port, "tcp", ciphers="HIGH")
        with pytest.warns(PhpWarning, match="session_stream has other ssl options"):
            assert stream_socket_enable_crypto(second, True, CLIENT, first) is True
        fclose(second)
        fclose(first)
    assert told(player)["resumed"] == b"no"


def test_switched_off_tls_does_not_come_back_on_a_non_blocking_stream() -> None:
    """PHP says true, and every write fails."""
    with peer("tls good tls1.2\nexpect eof") as player:
        stream = connect(player.port)
        stream_set_blocking(stream, False)
        assert stream_socket_enable_crypto(stream, False) is False
        with pytest.warns(PhpWarning, match="SSL/TLS already set-up for this stream"):
            assert stream_socket_enable_crypto(stream, True, CLIENT) is False
        fclose(stream)


def test_payload_between_the_steps_of_a_handshake_is_refused() -> None:
    with peer("wait 0.1\ntls good\nexpect line") as player:
        stream = connect(player.port, "tcp")
        stream_set_blocking(stream, False)
        assert stream_socket_enable_crypto(stream, True, CLIENT) == 0
        with pytest.warns(PhpWarning, match=r"^fwrite\(\): 6 bytes are not sent: the TLS handshake"):
            assert fwrite(stream, "SECRET") is False
        assert fread(stream, 10) == b""
        assert feof(stream) is False
        assert "crypto" not in stream_get_meta_data(stream)
        while (done := stream_socket_enable_crypto(stream, True, CLIENT)) is not True:
            assert done == 0
            ready, _, _, _ = stream_select([stream], None, None, 5)
            assert ready == 1
        assert fwrite(stream, "after\n") == 6
        fclose(stream)
    assert player.failures == []


# Failures leave everything whole


FAILURES: dict[str, tuple[str, dict[str, Any]]] = {
    "plaintext": ('send "220 plain\\r\\n"\nignore', {}),
    "leaves": ("expect bytes 5\nhalf-close\nignore", {}),
    "resets": ("expect bytes 5\nreset", {}),
    "untrusted": ("tls other", {}),
    "wrong name": ("tls wrongname", {}),
    "too deep": ("tls chain", {"verify_depth": 0}),
    "fingerprint": ("tls good", {"peer_fingerprint": "0" * 40}),
    "cafile": ("ignore", {"cafile": "nowhere.pem"}),
    "ciphers": ("ignore", {"ciphers": "NONSENSE"}),
    "local_cert": ("ignore", {"local_cert": "nowhere.pem"}),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_connect_closes_its_socket(failure: str) -> None:
    script, options = FAILURES[failure]
    before = open_descriptors()
    with peer(script) as player, said() as messages:
        result = connect(player.port, **options)
    assert result is False
    assert messages[-2] == "stream_socket_client(): Failed to enable crypto"
    assert open_descriptors() == before


class Heard(Exception):
    """Raised by the handler."""


@contextmanager
def throwing_handler() -> Iterator[None]:
    def handler(level: int, message: str, file: str, line: int) -> bool:
        raise Heard(message)

    set_error_handler(handler)
    try:
        yield
    finally:
        restore_error_handler()


LOUD = [failure for failure in FAILURES if failure not in ("leaves", "ciphers")]


@pytest.mark.parametrize("failure", LOUD)
def test_a_handler_that_raises_from_a_connect(failure: str) -> None:
    script, options = FAILURES[failure]
    before = open_descriptors()
    with peer(script) as player, throwing_handler(), pytest.raises(Heard) as raised:
        connect(player.port, **options)
    assert raised.traceback is not None  # which holds every frame, and what is left open in it
    assert open_descriptors() == before


@pytest.mark.parametrize("failure", [failure for failure in LOUD if failure != "plaintext"])
def test_a_handler_that_raises_from_enable_crypto(failure: str) -> None:
    script, options = FAILURES[failure]
    with peer(script) as player, throwing_handler():
        stream = connect(player.port, "tcp", **options)
        with pytest.raises(Heard):
            stream_socket_enable_crypto(stream, True, CLIENT)
        assert "crypto" not in stream_get_meta_data(stream)
        assert not isinstance(stream.raw.sock, ssl.SSLSocket)
        fclose(stream)


def test_an_exception_from_outside_during_the_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal handler's, say: the plain socket is back."""

    def interrupted(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ssl.SSLSocket, "do_handshake", interrupted)
    with peer("ignore") as player:
        stream = connect(player.port, "tcp")
        with pytest.raises(KeyboardInterrupt):
            stream_socket_enable_crypto(stream, True, CLIENT)
        assert not isinstance(stream.raw.sock, ssl.SSLSocket)
        fclose(stream)


# Reading and writing


def test_feof_looks_ahead_without_taking() -> None:
    with peer('tls good\nsend "all of it"\nexpect eof') as player:
        stream = connect(player.port)
        stream_select([stream], None, None, 5)
        while not stream.raw.crypto.pending():
            assert feof(stream) is False
        assert stream_get_meta_data(stream)["unread_bytes"] == 0
        assert fread(stream, 100) == b"all of it"
        fclose(stream)


def test_a_byte_looked_at_comes_first_even_alone() -> None:
    with peer('tls good\nsend "ab"\nexpect eof') as player:
        stream = connect(player.port)
        while not stream.raw.crypto.pending():
            assert feof(stream) is False
        small = bytearray(1)
        assert stream.raw.sock.recv_into(small) == 1
        assert bytes(small) == b"a"
        assert fread(stream, 10) == b"b"
        fclose(stream)


def test_a_non_blocking_write_takes_whole_records_and_goes_on() -> None:
    payload = os.urandom(RECORD // 2) * 600
    with server(lambda tls: read_all(tls, wait=0.3)) as (port, results):
        stream = connect(port)
        stream_set_blocking(stream, False)
        first = fwrite(stream, payload)
        assert 0 < first < len(payload)
        assert first % RECORD == 0
        sent = first
        while sent < len(payload):
            stream_select(None, [stream], None, 5)
            sent += fwrite(stream, payload[sent:])
        fclose(stream)
    assert results == [payload]


def test_a_write_that_times_out() -> None:
    event = threading.Event()
    with server(lambda tls: event.wait(10)) as (port, _):
        stream = connect(port)
        stream_set_timeout(stream, 0, 100_000)
        written = fwrite(stream, bytes(50_000_000))
        assert 0 < written < 50_000_000
        assert stream_get_meta_data(stream)["timed_out"] is True
        event.set()
        fclose(stream)


def test_switching_off_leaves_the_peers_plaintext_alone() -> None:
    """The peer's next bytes are there already, or come at that very moment."""

    def hurried(tls: ssl.SSLSocket) -> None:
        plain = socket.socket(fileno=os.dup(tls.fileno()))
        plain.sendall(b"plain text\r\n")
        plain.close()
        tls.recv(10)

    for _ in range(20):
        with server(hurried) as (port, _):
            stream = connect(port, max_proto_version=32)
            stream_socket_enable_crypto(stream, False)
            assert fgets(stream) == b"plain text\r\n"
            fclose(stream)


def test_closing_says_goodbye() -> None:
    with server(read_all) as (port, results):
        stream = connect(port)
        fwrite(stream, "x")
        fclose(stream)
    assert results == [b"x"], "an SSLEOFError would have been noted"


@pytest.mark.parametrize("how", [STREAM_SHUT_RD, STREAM_SHUT_WR, STREAM_SHUT_RDWR])
def test_shutting_a_direction_leaves_tls_on(how: int) -> None:
    """Python's SSLSocket would go on in plaintext."""
    with server(lambda tls: (tls.sendall(b"hello\r\n"), read_all(tls))) as (port, results):
        stream = connect(port)
        assert fgets(stream) == b"hello\r\n"
        assert stream_socket_shutdown(stream, how) is True
        assert "crypto" in stream_get_meta_data(stream)
        with said():
            written = fwrite(stream, "SECRET")
        fclose(stream)
    if how == STREAM_SHUT_RD:
        assert (written, results) == (6, [(None, b"SECRET")])
    else:
        assert written == 0
        assert isinstance(results[0], ssl.SSLError)


def test_an_end_after_everything() -> None:
    with peer('tls good\nsend repeat 1000 "0123456789"\nclose') as player:
        stream = connect(player.port)
        assert isinstance(stream, Stream)
        assert stream_get_contents(stream) == b"0123456789" * 1000
        assert feof(stream) is True
        fclose(stream)


@contextmanager
def server(serve: Callable[[ssl.SSLSocket], Any]) -> Iterator[tuple[int, list[Any]]]:
    """A TLS server for one connection; what `serve` returns, or its error, is noted."""
    results: list[Any] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTS / "good.pem")
    context.num_tickets = 0
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


def read_all(tls: ssl.SSLSocket, wait: float = 0) -> bytes:
    """Everything until the goodbye; nothing for the first `wait` seconds."""
    threading.Event().wait(wait)
    parts = []
    while part := tls.recv(65536):
        parts.append(part)
    return b"".join(parts)

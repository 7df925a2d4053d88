"""TLS on real connections: what cases cannot show, and where it deliberately is not as in PHP."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from php_streams import (
    PhpWarning,
    fclose,
    feof,
    fread,
    fwrite,
    restore_error_handler,
    set_error_handler,
    stream_get_meta_data,
    stream_select,
    stream_set_blocking,
    stream_socket_enable_crypto,
)
from php_streams._transports import tls_trust
from php_streams._transports.tls_trust import first_certificate
from tests.descriptors import open_sockets
from tests.places import CERTS
from tests.unit.tls_peers import CLIENT, connect, peer, said, told

pytestmark = pytest.mark.usefixtures("no_socket_left")


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
    def message(name: str, more: int = 0) -> tuple[bytes, bytes]:
        text = (CERTS / name).read_text("ascii")
        begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n"
        leaf = ssl.PEM_cert_to_DER_cert(begin + text.partition(begin)[2].partition(end)[0] + end)
        leaf += bytes(more)
        size = len(leaf).to_bytes(3, "big")
        return leaf, b"\x0b\0\0\0" + (len(leaf) + 3).to_bytes(3, "big") + size + leaf

    leaf, body = message("selfsigned.pem")
    assert first_certificate(body, False) == leaf
    assert first_certificate(body + b"another", False) == leaf
    for asked in (b"", b"what", bytes(255)):  # TLS 1.3 says first which request it answers
        assert first_certificate(body[:4] + bytes([len(asked)]) + asked + body[4:], True) == leaf
    large, body = message("selfsigned.pem", 1 << 16)
    assert first_certificate(body, False) == large
    assert first_certificate(message("good.pem")[1], False) is None


# What is deliberately not as in PHP (compat_matrix/decisions.toml)


def test_no_address_is_sent_as_server_name() -> None:
    with peer("tls san_ip\nshow sni") as player:
        fclose(connect(player.port, peer_name="127.0.0.1"))
    assert told(player)["sni"] == b"-"


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
    before = open_sockets()
    with peer(script) as player, said() as messages:
        result = connect(player.port, **options)
    assert result is False
    assert messages[-2] == "stream_socket_client(): Failed to enable crypto"
    assert open_sockets() == before


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
    before = open_sockets()
    with peer(script) as player, throwing_handler(), pytest.raises(Heard) as raised:
        connect(player.port, **options)
    assert raised.traceback is not None  # which holds every frame, and what is left open in it
    assert open_sockets() == before


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

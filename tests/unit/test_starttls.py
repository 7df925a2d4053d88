"""Rule R8: unread plaintext refuses TLS; a setting brings PHP's behaviour back."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import php_streams as php
from php_streams.porting.peer import Peer
from tests.places import CERTS

TLS = php.STREAM_CRYPTO_METHOD_TLS_CLIENT
REFUSED = r"^stream_socket_enable_crypto\(\): 14 bytes were received in plaintext before the handshake"


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A server whose answer to STARTTLS has a line too many, and that does TLS all the same."""
    script = 'send "220 go\\r\\n250 injected\\r\\n"\nstarttls good\nsend "250 secure\\r\\n"\nignore'
    with Peer(script, certs=CERTS) as player:
        yield player
    assert player.failures == []


def connect(peer: Peer) -> Any:
    options = {"ssl": {"cafile": str(CERTS / "ca.pem"), "peer_name": "localhost", "crypto_method": TLS}}
    context = php.stream_context_create(options)
    address = f"tcp://127.0.0.1:{peer.port}"
    fp = php.stream_socket_client(address, 5, php.STREAM_CLIENT_CONNECT, context).result
    assert php.fgets(fp) == b"220 go\r\n"
    return fp


@pytest.mark.parametrize("method", [(TLS,), ()])
def test_it_refuses_and_the_stream_stays_as_it_is(peer: Peer, method: Any) -> None:
    fp = connect(peer)
    for _ in range(2):
        with pytest.warns(php.PhpWarning, match=REFUSED):
            assert php.stream_socket_enable_crypto(fp, True, *method) is False
    meta = php.stream_get_meta_data(fp)
    assert "crypto" not in meta and meta["unread_bytes"] == 14
    assert php.fgets(fp) == b"250 injected\r\n", "the program can look at it"
    assert php.stream_socket_enable_crypto(fp, True, *method) is True, "and go on, if it wants to"
    assert php.fgets(fp) == b"250 secure\r\n"


def test_error_get_last_tells_under_silence(peer: Peer) -> None:
    fp = connect(peer)
    with php.silence():
        assert php.stream_socket_enable_crypto(fp, True) is False
    last = php.error_get_last()
    assert last is not None and "php_streams.starttls_buffer" in str(last["message"])
    php.fgets(fp)
    assert php.stream_socket_enable_crypto(fp, True) is True


def test_a_handler_that_raises_leaves_the_stream_whole(peer: Peer) -> None:
    def handler(level: int, message: str) -> None:
        raise RuntimeError(message)

    fp = connect(peer)
    php.set_error_handler(handler)
    with pytest.raises(RuntimeError, match=REFUSED):
        php.stream_socket_enable_crypto(fp, True)
    assert php.stream_get_meta_data(fp)["unread_bytes"] == 14
    php.fread(fp, 100)
    assert php.stream_socket_enable_crypto(fp, True) is True


def test_the_setting_keeps_the_bytes_as_php_does(peer: Peer) -> None:
    assert php.ini_get("php_streams.starttls_buffer") == "refuse"
    assert php.ini_set("php_streams.starttls_buffer", "keep") == "refuse"
    fp = connect(peer)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert php.stream_socket_enable_crypto(fp, True) is True
    assert [php.fgets(fp), php.fgets(fp)] == [b"250 injected\r\n", b"250 secure\r\n"]
    php.ini_restore("php_streams.starttls_buffer")
    assert php.ini_get("php_streams.starttls_buffer") == "refuse"


@pytest.mark.parametrize("value", ["", "0", "KEEP", "kept", "refuse"])
def test_nothing_but_keep_keeps(peer: Peer, value: str) -> None:
    php.ini_set("php_streams.starttls_buffer", value)
    fp = connect(peer)
    with pytest.warns(php.PhpWarning, match=REFUSED):
        assert php.stream_socket_enable_crypto(fp, True) is False
    php.fgets(fp)
    assert php.stream_socket_enable_crypto(fp, True) is True


def test_unread_bytes_from_inside_tls_are_no_plaintext() -> None:
    script = 'send "220 go\\r\\n"\nstarttls good\nsend "250 one\\r\\n250 two\\r\\n"\nignore'
    with Peer(script, certs=CERTS) as player:
        fp = connect(player)
        assert php.stream_socket_enable_crypto(fp, True) is True
        assert php.fgets(fp) == b"250 one\r\n"
        with pytest.warns(php.PhpWarning, match="SSL/TLS already set-up for this stream"):
            assert php.stream_socket_enable_crypto(fp, True) is False
        assert php.fgets(fp) == b"250 two\r\n"
        php.fclose(fp)


def test_switching_off_never_asks(peer: Peer) -> None:
    fp = connect(peer)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert php.stream_socket_enable_crypto(fp, False) is False
    php.fgets(fp)
    assert php.stream_socket_enable_crypto(fp, True) is True

"""No path that asks for TLS ever sends payload in plaintext, whatever the peer does instead of TLS.

Each program below is written as a careless one: it sends the secret whenever PHP's own result lets it go
on.  The peers take down every byte that reaches them.
"""

from __future__ import annotations

import socket
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from php_streams import (
    STREAM_CLIENT_ASYNC_CONNECT,
    STREAM_CLIENT_CONNECT,
    STREAM_CRYPTO_METHOD_TLS_CLIENT,
    STREAM_PEEK,
    error_get_last,
    fclose,
    fgets,
    fsockopen,
    fwrite,
    ini_restore,
    ini_set,
    restore_error_handler,
    set_error_handler,
    stream_context_create,
    stream_context_set_option,
    stream_set_blocking,
    stream_socket_client,
    stream_socket_enable_crypto,
    stream_socket_recvfrom,
    stream_socket_sendto,
)
from php_streams._core.stream import Stream

SECRET = b"AUTH PLAIN secret"
TRANSPORTS = ("ssl", "tls", "tlsv1.0", "tlsv1.1", "tlsv1.2", "tlsv1.3")
# Nothing is verified here, so that a refusal comes from the missing TLS and from nothing else.
TRUSTING = {"ssl": {"verify_peer": False, "verify_peer_name": False, "security_level": 0}}

Peer = Callable[[socket.socket], None]


def greets(connection: socket.socket) -> None:
    """A server that speaks plaintext, first."""
    connection.sendall(b"220 plain.example.test ESMTP\r\n")


def answers(connection: socket.socket) -> None:
    """A server that waits for a command and does not understand it."""
    connection.recv(5)
    connection.sendall(b"500 Syntax error\r\n")


def refuses(connection: socket.socket) -> None:
    """TLS stripped by an alert: handshake_failure."""
    connection.recv(5)
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")


def says_goodbye(connection: socket.socket) -> None:
    """TLS stripped by a close_notify that nobody protects."""
    connection.recv(5)
    connection.sendall(b"\x15\x03\x03\x00\x02\x01\x00")


def half_closes(connection: socket.socket) -> None:
    """A peer that ends its side and goes on listening."""
    connection.recv(5)
    connection.shutdown(socket.SHUT_WR)


def half_closes_at_once(connection: socket.socket) -> None:
    """The same before it heard anything."""
    connection.shutdown(socket.SHUT_WR)


def echoes_the_hello(connection: socket.socket) -> None:
    """A peer that sends back what it got."""
    connection.sendall(connection.recv(4096))


def is_silent(connection: socket.socket) -> None:
    """A peer that never answers."""


def resets(connection: socket.socket) -> None:
    """A peer that breaks the connection."""
    connection.recv(5)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


PEERS = (
    greets,
    answers,
    refuses,
    says_goodbye,
    half_closes,
    half_closes_at_once,
    echoes_the_hello,
    is_silent,
    resets,
)


class Listener:
    """A server for one connection: lets `peer` act, then takes down what comes until the client leaves."""

    def __init__(self, peer: Peer, before: bytes = b"") -> None:
        self.peer = peer
        self.before = before
        self.heard = bytearray()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        """One connection."""
        connection, _ = self.socket.accept()
        with connection:
            connection.settimeout(10)
            try:
                self.starttls(connection)
                self.peer(Noted(connection, self.heard))  # type: ignore[arg-type]
                while data := connection.recv(65536):
                    self.heard += data
            except OSError:
                pass

    def starttls(self, connection: socket.socket) -> None:
        """The plaintext part of a STARTTLS dialogue."""
        if self.before:
            connection.sendall(b"220 ready\r\n")
            while not self.heard.endswith(b"\n"):
                self.heard += connection.recv(4096)
            connection.sendall(self.before)


class Noted:
    """A socket whose received bytes are taken down."""

    def __init__(self, connection: socket.socket, heard: bytearray) -> None:
        self.connection = connection
        self.heard = heard

    def recv(self, size: int) -> bytes:
        """Receives, and notes."""
        data = self.connection.recv(size)
        self.heard += data
        return data

    def __getattr__(self, name: str) -> object:
        return getattr(self.connection, name)


@contextmanager
def listening(peer: Peer, before: bytes = b"") -> Iterator[Listener]:
    """A listener that has heard everything when the block is left."""
    listener = Listener(peer, before)
    try:
        yield listener
    finally:
        with socket.socket() as nudge:  # when the client did not even connect
            nudge.connect_ex(("127.0.0.1", listener.port))
        listener.thread.join(15)
        listener.socket.close()
        assert not listener.thread.is_alive()


def send_secret(stream: Stream | bool) -> None:
    """What a careless program does with whatever it got."""
    if isinstance(stream, Stream):
        fwrite(stream, SECRET + b"\r\n")
        fclose(stream)


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_stream_socket_client(transport: str, peer: Peer) -> None:
    with listening(peer) as listener:
        context = stream_context_create(TRUSTING)
        address = f"{transport}://127.0.0.1:{listener.port}"
        stream, errno, errstr = stream_socket_client(address, 0.3, STREAM_CLIENT_CONNECT, context)
        send_secret(stream)
    assert stream is False
    assert SECRET not in listener.heard
    assert listener.heard[:1] in (b"", b"\x16"), "only TLS records may have been sent"


@pytest.mark.parametrize("peer", PEERS)
def test_asynchronous_connect(peer: Peer) -> None:
    with listening(peer) as listener:
        flags = STREAM_CLIENT_CONNECT | STREAM_CLIENT_ASYNC_CONNECT
        address = f"ssl://127.0.0.1:{listener.port}"
        stream, errno, errstr = stream_socket_client(address, 0.3, flags, stream_context_create(TRUSTING))
        send_secret(stream)
    assert stream is False
    assert SECRET not in listener.heard


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_fsockopen(transport: str, peer: Peer) -> None:
    with listening(peer) as listener:
        stream, errno, errstr = fsockopen(f"{transport}://127.0.0.1", listener.port, 0.3)
        send_secret(stream)
    assert stream is False
    assert SECRET not in listener.heard


def starttls(listener: Listener) -> Stream:
    """A connection on which STARTTLS was said and answered."""
    address = f"tcp://127.0.0.1:{listener.port}"
    context = stream_context_create(TRUSTING)
    stream, errno, errstr = stream_socket_client(address, 0.3, STREAM_CLIENT_CONNECT, context)
    assert fgets(stream) == b"220 ready\r\n"
    fwrite(stream, b"STARTTLS\r\n")
    assert fgets(stream) == b"220 go\r\n"
    return stream


@pytest.mark.parametrize("peer", PEERS)
def test_enable_crypto(peer: Peer) -> None:
    """Not even a program that does not look at the result gets anything out."""
    with listening(peer, b"220 go\r\n") as listener:
        stream = starttls(listener)
        done = stream_socket_enable_crypto(stream, True, STREAM_CRYPTO_METHOD_TLS_CLIENT)
        assert stream_socket_sendto(stream, SECRET) == -1
        written = fwrite(stream, SECRET)
        said = error_get_last()
        fclose(stream)
    assert (done, written) == (False, False)
    assert said is not None and "bytes are not sent" in str(said["message"])
    assert SECRET not in listener.heard


def test_enable_crypto_with_options_that_cannot_be_obeyed() -> None:
    """It fails before the handshake: a certificate file that is not there."""
    with listening(is_silent, b"220 go\r\n") as listener:
        stream = starttls(listener)
        stream_context_set_option(stream, "ssl", "local_cert", "nowhere.pem")
        assert stream_socket_enable_crypto(stream, True, STREAM_CRYPTO_METHOD_TLS_CLIENT) is False
        assert fwrite(stream, SECRET) is False
        fclose(stream)
    assert listener.heard == b"STARTTLS\r\n"


def test_an_error_handler_that_raises_in_the_handshake() -> None:
    """The exception is caught, and the mailer goes on as if nothing had happened."""

    def handler(level: int, message: str) -> None:
        raise RuntimeError(message)

    with listening(greets, b"220 go\r\n") as listener:
        stream = starttls(listener)
        set_error_handler(handler)
        try:
            with pytest.raises(RuntimeError):
                stream_socket_enable_crypto(stream, True, STREAM_CRYPTO_METHOD_TLS_CLIENT)
            with pytest.raises(RuntimeError, match="are not sent"):
                fwrite(stream, SECRET)
            with pytest.raises(RuntimeError, match="are not sent"):
                stream_socket_sendto(stream, SECRET)
        finally:
            restore_error_handler()
        fclose(stream)
    assert SECRET not in listener.heard


def test_what_gives_plaintext_back() -> None:
    """PHP's way is a setting; and who switches encryption off wants none."""
    with listening(greets, b"220 go\r\n") as listener:
        stream = starttls(listener)
        assert stream_socket_enable_crypto(stream, True, STREAM_CRYPTO_METHOD_TLS_CLIENT) is False
        assert fwrite(stream, SECRET) is False
        assert stream_socket_sendto(stream, SECRET) == -1
        stream_socket_enable_crypto(stream, False)
        assert fwrite(stream, b"NOOP") == 4
        fclose(stream)
    assert listener.heard.endswith(b"NOOP") and SECRET not in listener.heard
    ini_set("php_streams.failed_tls", "plaintext")
    try:
        with listening(greets, b"220 go\r\n") as listener:
            stream = starttls(listener)
            assert stream_socket_enable_crypto(stream, True, STREAM_CRYPTO_METHOD_TLS_CLIENT) is False
            assert stream_socket_sendto(stream, b"NOOP") == 4
            fclose(stream)
    finally:
        ini_restore("php_streams.failed_tls")
    assert listener.heard.endswith(b"NOOP")


@pytest.mark.parametrize("peer", PEERS)
def test_enable_crypto_step_by_step(peer: Peer) -> None:
    """Between the steps not even a program that does not look at the result gets anything out."""
    with listening(peer, b"220 go\r\n") as listener:
        stream = starttls(listener)
        stream_set_blocking(stream, False)
        for _ in range(3):
            done = stream_socket_enable_crypto(stream, True, STREAM_CRYPTO_METHOD_TLS_CLIENT)
            if done is False:
                break
            assert done == 0
            assert fwrite(stream, SECRET) is False
            assert stream_socket_sendto(stream, SECRET) == -1
            assert stream_socket_recvfrom(stream, 100, STREAM_PEEK) == (False, None)
        fclose(stream)
    assert SECRET not in listener.heard


def test_enable_crypto_after_a_timeout() -> None:
    """The handshake may go on after its timeout, so it counts as unfinished."""
    with listening(is_silent, b"220 go\r\n") as listener:
        stream = starttls(listener)
        assert stream_socket_enable_crypto(stream, True, STREAM_CRYPTO_METHOD_TLS_CLIENT) is False
        assert fwrite(stream, SECRET) is False
        fclose(stream)
    assert SECRET not in listener.heard


def test_starttls_that_is_answered_with_more_than_its_line() -> None:
    """Rule R8: what comes after the answer, before TLS, refuses TLS, and the program learns it."""
    with listening(is_silent, b"220 go\r\n250 injected\r\n") as listener:
        stream = starttls(listener)
        done = stream_socket_enable_crypto(stream, True, STREAM_CRYPTO_METHOD_TLS_CLIENT)
        assert fwrite(stream, SECRET) is False
        fclose(stream)
    assert done is False
    assert listener.heard == b"STARTTLS\r\n"


def test_the_peers_would_notice() -> None:
    """The same program without TLS: the secret arrives."""
    with listening(greets) as listener:
        stream, errno, errstr = stream_socket_client(f"tcp://127.0.0.1:{listener.port}", 5)
        send_secret(stream)
    assert SECRET in listener.heard

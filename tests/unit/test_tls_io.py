"""Reading from, writing to and ending a TLS stream, below what cases can show."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import threading
import time
from pathlib import Path

import pytest

from php_streams import (
    STREAM_CLIENT_ASYNC_CONNECT,
    STREAM_CLIENT_CONNECT,
    STREAM_SHUT_RD,
    STREAM_SHUT_RDWR,
    STREAM_SHUT_WR,
    fclose,
    feof,
    fgets,
    fread,
    fwrite,
    stream_get_contents,
    stream_get_meta_data,
    stream_select,
    stream_set_blocking,
    stream_set_timeout,
    stream_socket_client,
    stream_socket_enable_crypto,
    stream_socket_shutdown,
)
from php_streams._core import der
from php_streams._core.stream import Stream
from php_streams._transports.tls_errors import openssl_line
from php_streams._transports.tls_session import RECORD
from tests.places import CERTS
from tests.unit.tls_peers import CLIENT, connect, peer, read_all, said, server

pytestmark = pytest.mark.usefixtures("no_socket_left")


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


@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_blocking_read_in_a_handshake_waits_for_the_end_alone(hangs_up: bool) -> None:
    """What comes is for the handshake's next step, and does not end the wait either."""
    script = 'send "\\x16\\x03\\x03"\nwait 0.1\n' + ("close" if hangs_up else "silent")
    with peer(script) as player:
        stream = connect(player.port, "tcp")
        stream_set_blocking(stream, False)
        assert stream_socket_enable_crypto(stream, True, CLIENT) == 0
        stream_set_blocking(stream, True)
        stream_set_timeout(stream, 5 if hangs_up else 0, 0 if hangs_up else 150_000)
        begin = time.monotonic()
        assert fread(stream, 10) == (b"" if hangs_up else False)
        assert 0.05 < time.monotonic() - begin < 4
        assert stream_get_meta_data(stream)["timed_out"] is not hangs_up
        assert feof(stream) is hangs_up
        fclose(stream)


def test_plaintext_inside_tls_is_the_end_of_it() -> None:
    """Reading fails with the cause; what follows fails without one, as OpenSSL gives no reason again."""

    def serve(connection: ssl.SSLSocket) -> bytes:
        socket.socket.send(connection, b"421 closing down\r\n")
        return socket.socket.recv(connection, 10)

    with server(serve) as (port, _):
        stream = connect(port)
        stream_select([stream], None, None, 5)
        with said() as messages:
            fgets(stream)
            assert fwrite(stream, "QUIT\r\n") == 0
            assert fread(stream, 10) == b""
        assert "SSL operation failed with code 1" in messages[0]
        assert messages[-2:] == ["fwrite(): SSL: Success", "fread(): SSL: Success"]
        assert feof(stream) is True
        fclose(stream)


def test_unread_tickets_bring_no_reset() -> None:
    """Decision tls-close: what was written last arrives, and a goodbye after it."""
    ends = []

    def serve(connection: ssl.SSLSocket) -> None:
        # Whatever the client reads, it has not read the session tickets.
        time.sleep(0.1)
        while data := connection.recv(100):
            ends.append(data)
        ends.append(data)

    with server(serve, tickets=2) as (port, results):
        stream = connect(port)
        fwrite(stream, "QUIT\r\n")
        fclose(stream)
    assert ends == [b"QUIT\r\n", b""]
    assert results == [None]


def test_after_a_failure_nothing_more_is_handed_out() -> None:
    """Not even what feof has looked at; for PHP's eof flag such bytes are no end, for feof they are."""
    with peer('tls good tls1.2\nsend "0123456789abcdef"\nwait 0.1\nreset') as player:
        stream = connect(player.port)
        while not stream.raw.crypto.pending():
            assert feof(stream) is False
        time.sleep(0.3)
        with said() as messages:
            assert fwrite(stream, "QUIT\r\n") == 0
            assert feof(stream) is False
            assert fwrite(stream, "Q\r\n") == 0
            assert fread(stream, 10) == b""
            assert stream_get_meta_data(stream)["eof"] is False
            assert feof(stream) is True
        assert "Connection reset by peer" in messages[0] and "code 1" in messages[1]
        assert messages[2:] == ["fread(): SSL: Success"]
        fclose(stream)


def test_between_the_steps_nothing_has_timed_out() -> None:
    with peer("silent") as player:
        stream = connect(player.port, "tcp")
        stream_set_blocking(stream, False)
        assert stream_socket_enable_crypto(stream, True, CLIENT) == 0
        meta = stream_get_meta_data(stream)
        assert (meta["timed_out"], meta["eof"], "crypto" in meta) == (False, False, False)
        fclose(stream)


@pytest.mark.parametrize(
    ("library", "line"),
    [
        ("SYS", "error:01000000:system library::x"),
        ("RSA", "error:02000000:rsa routines::x"),
        ("EVP", "error:03000000:digital envelope routines::x"),
        ("PEM", "error:04800000:PEM routines::x"),
        ("X509", "error:05800000:x509 certificate routines::x"),
        ("ASN1", "error:06800000:asn1 encoding routines::x"),
        ("CRYPTO", "error:07800000:common libcrypto routines::x"),
        ("EC", "error:08000000:elliptic curve routines::x"),
        ("SSL", "error:0A000000:SSL routines::x"),
        ("BIO", "error:10000000:BIO routines::x"),
        ("ODD", "error:00000000:lib(ODD)::x"),
    ],
)
def test_openssls_lines(library: str, line: str) -> None:
    assert openssl_line(library, "x") == line


def test_an_idle_connection_is_not_at_its_end() -> None:
    with peer("tls good tls1.2\nexpect eof") as player:
        stream = connect(player.port)
        assert feof(stream) is False
        assert feof(stream) is False
        fclose(stream)


@pytest.mark.parametrize("wait", [True, False])
def test_a_connection_that_does_not_come_about_in_time(wait: bool) -> None:
    """A server that accepts nobody, with as many clients in its queue as it takes."""
    flags = STREAM_CLIENT_CONNECT if wait else STREAM_CLIENT_CONNECT | STREAM_CLIENT_ASYNC_CONNECT
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, said() as messages:
        address = listener.getsockname()
        with socket.create_connection(address, 5):
            target = f"ssl://127.0.0.1:{address[1]}"
            start = time.monotonic()
            assert stream_socket_client(target, 0.8, flags)[0] is False
            assert 0.7 < time.monotonic() - start < 1.5  # it is not waited for twice
    assert any("SSL: Handshake timed out" in message for message in messages) is not wait


def test_looking_for_the_end_between_the_steps_takes_a_reset_for_one() -> None:
    """The handshake is under way: what the peer does below it is all that can be seen."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fp = connect(listener.getsockname()[1], "tcp")
        conn, _ = listener.accept()
        stream_set_blocking(fp, False)
        assert stream_socket_enable_crypto(fp, True, CLIENT) == 0
        assert feof(fp) is False
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        conn.close()
        fp.raw.eof = False
        assert feof(fp) is True


def test_a_peer_whose_certificate_is_in_ber_is_refused(tmp_path: Path) -> None:
    """OpenSSL reads lengths that are left open, which no certificate may have; what we read is DER."""
    pem = (CERTS / "san_mail.pem").read_text()
    encoded = ssl.PEM_cert_to_DER_cert(pem[: pem.index("-----BEGIN PRIVATE")])
    signed, *others = der.children(der.read(encoded).content)
    open_ended = b"0\x80" + signed.content + b"\0\0"
    whole = der.write(der.SEQUENCE, open_ended + b"".join(other.encoded for other in others))
    key = pem[pem.index("-----BEGIN PRIVATE") :]
    (tmp_path / "ber.pem").write_text(ssl.DER_cert_to_PEM_cert(whole) + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ber.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            conn, _ = listener.accept()
            with conn, contextlib.suppress(OSError), context.wrap_socket(conn, server_side=True) as tls:
                tls.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        with said() as messages:
            assert connect(listener.getsockname()[1], verify_peer=False, verify_peer_name=False) is False
        thread.join()
    assert "Could not get peer certificate" in messages[0]

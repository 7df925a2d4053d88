"""to_socket and from_socket while TLS is on: the same connection, never a byte of it in plaintext."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import Any

import pytest

from php_streams import (
    STREAM_CLIENT_CONNECT,
    STREAM_CRYPTO_METHOD_TLS_CLIENT,
    fclose,
    feof,
    fgets,
    fread,
    from_socket,
    fwrite,
    is_resource,
    silence,
    stream_context_create,
    stream_filter_append,
    stream_get_meta_data,
    stream_select,
    stream_set_blocking,
    stream_set_timeout,
    stream_socket_accept,
    stream_socket_client,
    stream_socket_enable_crypto,
    stream_socket_get_name,
    stream_socket_server,
    to_socket,
)
from tests.places import CERTS
from tests.unit.tls_peers import CA, connect, peer, server

pytestmark = pytest.mark.usefixtures("no_socket_left")


def echo(tls: ssl.SSLSocket) -> bytes:
    """Sends back what comes; returns all of it."""
    got = b""
    while data := tls.recv(1 << 16):
        got += data
        tls.sendall(data)
    return got


def context() -> ssl.SSLContext:
    """As clients have it who trust the tests' authority."""
    made = ssl.create_default_context(cafile=CERTS / "ca.pem")
    made.check_hostname = True
    return made


def plain_stream(port: int) -> Any:
    """A connection that can begin TLS later."""
    options = stream_context_create({"ssl": CA})
    return stream_socket_client(f"tcp://127.0.0.1:{port}", 5, STREAM_CLIENT_CONNECT, options)[0]


def test_the_socket_of_a_tls_stream() -> None:
    with server(echo) as (port, results):
        fp = connect(port)
        sock = to_socket(fp)
        assert isinstance(sock, ssl.SSLSocket)
        assert sock is to_socket(fp)
        assert sock.version() == stream_get_meta_data(fp)["crypto"]["protocol"]
        assert ("DNS", "localhost") in sock.getpeercert()["subjectAltName"]  # type: ignore[index]
        sock.sendall(b"one\ntwo\nthree\n")
        assert fgets(fp) == b"one\n"
        assert sock.recv(4) == b"two\n"
        room = bytearray(10)
        assert (sock.recv_into(room, 3), room[:3]) == (3, b"thr")
        assert fgets(fp) == b"ee\n"
        fwrite(fp, b"x" * 100_000)
        with sock.makefile("rb") as file:
            assert file.read(100_000) == b"x" * 100_000
        sock.close()
        assert not is_resource(fp)
    assert results == [b"one\ntwo\nthree\n" + b"x" * 100_000], "and close_notify was sent"


def test_what_feof_decrypted_is_not_lost() -> None:
    with server(echo) as (port, _):
        fp = connect(port)
        fwrite(fp, b"hello")
        assert stream_select([fp], None, None, 5)[0] == 1
        assert feof(fp) is False  # it looks at the next record
        assert to_socket(fp).recv(100) == b"hello"
        fclose(fp)


def test_timeouts_and_modes_are_shared() -> None:
    with server(echo) as (port, _):
        fp = connect(port)
        stream_set_timeout(fp, 0, 50_000)
        sock = to_socket(fp)
        assert sock.gettimeout() == 0.05
        with pytest.raises(TimeoutError):
            sock.recv(1)
        stream_set_timeout(fp, 5)
        sock.setblocking(False)
        assert stream_get_meta_data(fp)["blocked"] is False
        with pytest.raises(ssl.SSLWantReadError):
            sock.recv(1)
        stream_set_blocking(fp, True)
        fwrite(fp, b"x")
        assert sock.recv(1) == b"x"
        fclose(fp)
        assert sock.fileno() == -1
        with pytest.raises(OSError):
            sock.send(b"y")


def test_what_would_end_tls_for_the_stream_is_refused() -> None:
    with server(echo) as (port, results):
        fp = connect(port)
        sock: Any = to_socket(fp)
        with pytest.raises(ValueError, match="end it with stream_socket_enable_crypto"):
            sock.unwrap()
        with pytest.raises(ValueError, match="cannot be taken out"):
            sock.detach()
        fwrite(fp, b"still encrypted")
        assert fread(fp, 20) == b"still encrypted"
        sock.shutdown(socket.SHUT_WR)
        with pytest.raises(OSError):
            sock.sendall(b"never in plaintext")
        fclose(fp)
    assert results[0] == b"still encrypted" or isinstance(results[0], ssl.SSLError)


def test_starttls_cuts_the_plain_socket_off() -> None:
    with peer('expect "go"\nstarttls good\nexpect "hello"\nsend "answer"') as player:
        fp = plain_stream(player.port)
        plain = to_socket(fp)
        plain.sendall(b"go")
        assert stream_socket_enable_crypto(fp, True, STREAM_CRYPTO_METHOD_TLS_CLIENT) is True
        assert plain.fileno() == -1
        with pytest.raises(OSError, match="Bad file descriptor"):
            plain.sendall(b"plaintext")
        sock = to_socket(fp)
        assert isinstance(sock, ssl.SSLSocket)
        sock.sendall(b"hello")
        assert fread(fp, 10) == b"answer"
        fclose(fp)


def test_an_unfinished_handshake_has_no_socket_to_give() -> None:
    with peer("silent") as player:
        fp = stream_socket_client(f"tcp://127.0.0.1:{player.port}", 5, 4, stream_context_create({"ssl": CA}))[
            0
        ]
        stream_set_blocking(fp, False)
        assert stream_socket_enable_crypto(fp, True, STREAM_CRYPTO_METHOD_TLS_CLIENT) == 0
        with pytest.raises(ValueError, match=r"^to_socket\(\): its TLS handshake is not finished$"):
            to_socket(fp)
        fclose(fp)


# --- from_socket ---------------------------------------------------------------------------------------


def test_an_ssl_socket_becomes_a_stream() -> None:
    with server(echo) as (port, results):
        plain = socket.create_connection(("127.0.0.1", port), 5)
        sock = context().wrap_socket(plain, server_hostname="localhost")
        fp = from_socket(sock)
        meta = stream_get_meta_data(fp)
        assert meta["crypto"]["protocol"] == sock.version()
        assert (meta["stream_type"], meta["mode"], meta["blocked"]) == ("tcp_socket/ssl", "r+", True)
        assert "uri" not in meta
        fwrite(fp, b"one\ntwo\n")
        assert fgets(fp) == b"one\n"
        assert to_socket(fp).recv(10) == b"two\n"
        assert to_socket(fp).gettimeout() == 5
        with pytest.warns(UserWarning, match="SSL/TLS already set-up for this stream"):
            assert stream_socket_enable_crypto(fp, True, STREAM_CRYPTO_METHOD_TLS_CLIENT) is False
        fwrite(fp, b"x")
        assert fread(fp, 1) == b"x"
        fclose(fp)
    assert results == [b"one\ntwo\nx"]


def test_bytes_that_openssl_has_decrypted_are_ready() -> None:
    with server(echo) as (port, _):
        sock = context().wrap_socket(
            socket.create_connection(("127.0.0.1", port), 5), server_hostname="localhost"
        )
        sock.sendall(b"abc")
        assert sock.recv(1) == b"a"
        fp = from_socket(sock)
        assert stream_select([fp], None, None, 5)[0] == 1
        assert fread(fp, 10) == b"bc"
        fclose(fp)


def test_the_servers_side_of_a_handshake() -> None:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(CERTS / "good.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        results: list[bytes] = []

        def client() -> None:
            fp = connect(listener.getsockname()[1])
            fwrite(fp, b"hello\n")
            results.append(fgets(fp))
            fclose(fp)

        thread = threading.Thread(target=client)
        thread.start()
        conn, _ = listener.accept()
        fp = from_socket(made.wrap_socket(conn, server_side=True))
        assert fgets(fp) == b"hello\n"
        fwrite(fp, b"answer\n")
        thread.join(10)
        fclose(fp)
    assert results == [b"answer\n"]


def test_ssl_sockets_that_are_not_ready_are_refused() -> None:
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(CERTS / "good.pem")
    with server_side.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True) as listener:
        with pytest.raises(ValueError, match=r"^from_socket\(\): a listening TLS socket has"):
            from_socket(listener)
        plain = socket.create_connection(listener.getsockname(), 5)
        with (
            context().wrap_socket(
                plain, server_hostname="localhost", do_handshake_on_connect=False
            ) as unfinished,
            pytest.raises(ValueError, match="handshake is not finished: call do_handshake"),
        ):
            from_socket(unfinished)
    with (
        context().wrap_socket(socket.socket(), server_hostname="localhost") as unconnected,
        pytest.raises(ValueError, match="its TLS is not on"),
    ):
        from_socket(unconnected)


def test_starttls_on_a_stream_from_a_socket() -> None:
    with peer('starttls good\nexpect "hello"\nsend "answer"') as player:
        plain = socket.create_connection(("127.0.0.1", player.port), 5)
        fp = from_socket(plain, stream_context_create({"ssl": CA}))
        assert stream_socket_enable_crypto(fp, True, STREAM_CRYPTO_METHOD_TLS_CLIENT) is True
        fwrite(fp, b"hello")
        assert fread(fp, 10) == b"answer"
        fclose(fp)


def test_without_a_name_to_check_it_refuses() -> None:
    with peer("starttls good") as player, silence():
        plain = socket.create_connection(("127.0.0.1", player.port), 5)
        fp = from_socket(plain, stream_context_create({"ssl": {"cafile": CA["cafile"]}}))
        assert stream_socket_enable_crypto(fp, True, STREAM_CRYPTO_METHOD_TLS_CLIENT) is False
        fclose(fp)


def test_the_socket_of_a_tls_server_accepts_no_plaintext() -> None:
    options = stream_context_create({"ssl": {"local_cert": str(CERTS / "good.pem")}})
    listening = stream_socket_server("tls://127.0.0.1:0", context=options)[0]
    sock = to_socket(listening)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    stream_filter_append(listening, "string.rot13")  # it changes nothing of this
    with pytest.raises(ValueError, match="has to speak TLS: accept it with stream_socket_accept"):
        sock.accept()
    name = stream_socket_get_name(listening, False)
    clients: list[Any] = []
    thread = threading.Thread(target=lambda: clients.append(connect(int(name.rpartition(":")[2]))))
    thread.start()
    conn = stream_socket_accept(listening, 5)[0]
    thread.join(10)
    assert stream_get_meta_data(conn)["crypto"]
    assert to_socket(conn).getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    for fp in (*clients, conn, listening):
        fclose(fp)

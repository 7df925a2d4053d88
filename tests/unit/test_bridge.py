"""to_socket on plain sockets: one connection with two faces, nothing lost or left open."""

from __future__ import annotations

import gc
import select
import socket
import ssl
import time
import warnings
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

import php_streams
from php_streams import (
    STREAM_CLIENT_CONNECT,
    STREAM_PF_UNIX,
    STREAM_SOCK_STREAM,
    fclose,
    feof,
    fgets,
    fread,
    from_socket,
    fsockopen,
    fwrite,
    is_resource,
    silence,
    stream_context_create,
    stream_get_meta_data,
    stream_set_blocking,
    stream_set_timeout,
    stream_socket_client,
    stream_socket_pair,
    stream_socket_recvfrom,
    to_socket,
)
from php_streams._core.stream import Stream

pytestmark = pytest.mark.usefixtures("no_socket_left")


@pytest.fixture
def connected() -> Iterator[tuple[Any, socket.socket]]:
    """A TCP stream and its peer's socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        fp = fsockopen("127.0.0.1", server.getsockname()[1], 5)[0]
        peer, _ = server.accept()
    with peer:
        yield fp, peer
        if fp.is_open:
            fclose(fp)


def arrived(fp: Any) -> None:
    """Waits until the kernel has something to read."""
    assert select.select([fp], [], [], 5)[0]


# --- to_socket -----------------------------------------------------------------------------------------


def test_options_stay_set_and_the_stream_goes_on(connected: Any) -> None:
    fp, peer = connected
    to_socket(fp).setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    to_socket(fp).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    fwrite(fp, b"one\n")
    fwrite(fp, b"two\n")
    peer.sendall(b"answer\n")
    assert fgets(fp) == b"answer\n"
    for level, name in (socket.SOL_SOCKET, socket.SO_KEEPALIVE), (socket.IPPROTO_TCP, socket.TCP_NODELAY):
        assert to_socket(fp).getsockopt(level, name) == 1


def test_it_is_a_socket_like_any_other(connected: Any) -> None:
    fp, peer = connected
    sock = to_socket(fp)
    assert isinstance(sock, socket.socket)
    assert not isinstance(sock, ssl.SSLSocket)
    assert sock is to_socket(fp)
    assert sock.fileno() == fp.fileno()
    assert sock.getsockname() == peer.getpeername()
    sock.sendall(b"x" * 100_000)
    got = 0
    while got < 100_000:
        got += len(peer.recv(100_000))
    peer.sendall(b"one\ntwo\n")
    with sock.makefile("rb") as file:
        assert [file.readline(), file.readline()] == [b"one\n", b"two\n"]


def test_what_the_stream_has_received_comes_first(connected: Any) -> None:
    fp, peer = connected
    peer.sendall(b"one\ntwo\nthree\nfour\n")
    assert fgets(fp) == b"one\n"
    sock = to_socket(fp)
    assert sock.recv(3, socket.MSG_PEEK) == b"two"
    assert sock.recv(4) == b"two\n"
    room = bytearray(10)
    assert (sock.recv_into(room, 3), room[:3]) == (3, b"thr")
    assert fgets(fp) == b"ee\n"
    assert sock.recvfrom(2) == (b"fo", None)
    assert sock.recvmsg(1) == (b"u", [], 0, None)
    assert (sock.recvmsg_into([room]), room[:2]) == ((2, [], 0, None), b"r\n")
    peer.sendall(b"new")
    assert (sock.recvfrom_into(room), room[:3]) == ((3, None), b"new")
    assert stream_get_meta_data(fp)["unread_bytes"] == 0


def test_bytes_come_in_order_whoever_reads(connected: Any) -> None:
    fp, peer = connected
    sock = to_socket(fp)
    sent = b"".join(b"line %05d\n" % number for number in range(5000))
    peer.sendall(sent)
    peer.shutdown(socket.SHUT_WR)
    got = b""
    while len(got) < len(sent):
        got += (fgets(fp) or b"") + sock.recv(7) + fread(fp, 100) + sock.recv(3)
    assert got == sent


def test_its_timeout_is_the_streams(connected: Any) -> None:
    fp, peer = connected
    stream_set_timeout(fp, 7)
    sock = to_socket(fp)
    assert sock.gettimeout() == 7
    sock.settimeout(0.05)
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        sock.recv(1)
    assert fgets(fp) is False
    assert stream_get_meta_data(fp)["timed_out"] is True
    assert 0.08 < time.monotonic() - start < 3
    peer.send(b"x\n")
    assert fgets(fp) == b"x\n"
    assert stream_get_meta_data(fp)["timed_out"] is False
    stream_set_timeout(fp, 0, 60_000)
    assert sock.gettimeout() == 0.06
    with pytest.raises(TimeoutError):
        sock.recv(1)
    for wrong in (-1, "soon"):
        with pytest.raises((ValueError, TypeError)):
            sock.settimeout(wrong)  # type: ignore[arg-type]
    assert sock.gettimeout() == 0.06


def test_its_blocking_mode_is_the_streams(connected: Any) -> None:
    fp, peer = connected
    sock = to_socket(fp)
    sock.setblocking(False)
    assert stream_get_meta_data(fp)["blocked"] is False
    assert fread(fp, 10) == b""
    with pytest.raises(BlockingIOError):
        sock.recv(10)
    stream_set_blocking(fp, True)
    assert sock.gettimeout() == 60
    stream_set_blocking(fp, False)
    assert sock.gettimeout() == 0
    sock.settimeout(None)
    assert stream_get_meta_data(fp)["blocked"] is True
    assert (sock.gettimeout(), sock.getblocking(), fp.raw.timeout) == (None, True, None)


def test_a_full_peer_makes_both_time_out(connected: Any) -> None:
    fp, peer = connected
    sock = to_socket(fp)
    sock.settimeout(0.05)
    data = b"x" * 10_000_000
    with pytest.warns(php_streams.PhpNotice, match="errno=11 Resource temporarily unavailable"):
        assert 0 < fwrite(fp, data) < len(data)
    with pytest.warns(php_streams.PhpNotice, match="errno=11 Resource temporarily unavailable"):
        assert fwrite(fp, data) is False
    assert stream_get_meta_data(fp)["timed_out"] is True
    with pytest.raises(TimeoutError):
        sock.sendall(data)
    sock.setblocking(False)
    assert 0 <= fwrite(fp, data) < len(data)


def test_the_end_is_seen_without_waiting(connected: Any) -> None:
    fp, peer = connected
    sock = to_socket(fp)
    start = time.monotonic()
    assert feof(fp) is False
    assert time.monotonic() - start < 2
    peer.close()
    arrived(fp)
    assert feof(fp) is True
    assert sock.recv(10) == b""


def test_datagram_calls_wait_past_its_timeout(connected: Any) -> None:
    fp, peer = connected
    sock = to_socket(fp)
    sock.settimeout(0.01)
    peer.send(b"abc")
    assert stream_socket_recvfrom(fp, 10) == (b"abc", "")
    assert sock.gettimeout() == 0.01


def test_when_it_is_dropped_the_kernel_waits_again(connected: Any) -> None:
    fp, peer = connected
    stream_set_timeout(fp, 0, 50_000)
    sock = to_socket(fp)
    assert not fp.raw.kernel_waits
    del sock
    assert fp.raw.kernel_waits
    assert fgets(fp) is False and stream_get_meta_data(fp)["timed_out"]
    peer.send(b"x\n")
    assert fgets(fp) == b"x\n"


# --- who closes ----------------------------------------------------------------------------------------


def test_closing_the_stream_closes_the_socket(connected: Any) -> None:
    fp, peer = connected
    sock = to_socket(fp)
    number = sock.fileno()
    fclose(fp)
    assert sock.fileno() == -1
    assert peer.recv(1) == b""
    other = socket.socket()  # which may well get the number
    with other, pytest.raises(OSError, match="Bad file descriptor"):
        sock.send(b"to nobody")
    assert number >= 0


def test_closing_the_socket_closes_the_stream(connected: Any) -> None:
    fp, peer = connected
    sock = to_socket(fp)
    with sock:
        fwrite(fp, b"bye")
    assert not is_resource(fp)
    assert peer.recv(10) == b"bye"
    assert peer.recv(10) == b""
    with pytest.raises(TypeError, match="supplied resource is not a valid stream resource"):
        fgets(fp)


def test_a_file_of_the_socket_keeps_it_open_as_in_python(connected: Any) -> None:
    fp, peer = connected
    sock = to_socket(fp)
    file = sock.makefile("rb")
    sock.close()
    assert is_resource(fp)
    peer.send(b"line\n")
    assert file.readline() == b"line\n"
    file.close()
    assert not is_resource(fp)


def test_a_dropped_stream_lives_as_long_as_its_socket() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with socket.create_server(("127.0.0.1", 0)) as server:

            def connect() -> socket.socket:
                return to_socket(fsockopen("127.0.0.1", server.getsockname()[1], 5)[0])

            sock = connect()
            peer, _ = server.accept()
        with peer:
            sock.sendall(b"hello")
            assert peer.recv(10) == b"hello"
            gc.disable()
            try:
                del sock
                assert peer.recv(10) == b"", "closed at once, without a collection"
            finally:
                gc.enable()


def test_a_shared_stream_that_is_dropped_leaves_nothing(connected: Any) -> None:
    mine, theirs = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0)
    gone = weakref.ref(mine)
    sock: Any = to_socket(mine)
    sock.send(b"x")
    del mine, sock
    assert gone() is None
    assert (fread(theirs, 10), feof(theirs)) == (b"x", False) or feof(theirs)
    fclose(theirs)


def test_detaching_takes_the_connection_away(connected: Any) -> None:
    fp, peer = connected
    peer.sendall(b"greeting\nmore")
    arrived(fp)
    assert fgets(fp) == b"greeting\n"
    with pytest.raises(ValueError, match="4 bytes were received already and would be lost"):
        to_socket(fp).detach()
    assert fread(fp, 10) == b"more"
    sock = to_socket(fp)
    with socket.socket(fileno=sock.detach()) as own:
        assert not is_resource(fp)
        assert sock.fileno() == -1
        own.sendall(b"still there")
        assert peer.recv(20) == b"still there"
        own.settimeout(None)
        peer.sendall(b"x")
        assert own.recv(1) == b"x"


def test_no_kernel_timeout_is_left_behind(connected: Any) -> None:
    fp, peer = connected
    stream_set_timeout(fp, 3)
    sock = to_socket(fp)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16) == bytes(16)


# --- what has no socket to give ------------------------------------------------------------------------


def test_what_cannot_be_shared(connected: Any) -> None:
    fp, _ = connected
    fclose(fp)
    with pytest.raises(TypeError, match=r"^to_socket\(\): supplied resource is not a valid stream resource$"):
        to_socket(fp)
    with pytest.raises(TypeError, match=r"^to_socket\(\): Argument #1 \(\$stream\) must be of type resource"):
        to_socket(5)  # type: ignore[arg-type]
    unconnected = stream_socket_client("tcp://127.0.0.1:1", 1, 0)[0]
    with pytest.raises(ValueError, match=r"^to_socket\(\): a stream of type tcp_socket/ssl has no socket$"):
        to_socket(unconnected)


def test_a_port_half_done(connected: Any) -> None:
    """One function is ported, its callers are not; another one's callers are."""
    fp, peer = connected

    def ported(sock: socket.socket) -> bytes:
        sock.sendall(b"QUIT\r\n")
        return sock.recv(100)

    def not_ported(stream: Stream) -> bytes:
        fwrite(stream, b"NOOP\r\n")
        return fgets(stream) or b""

    peer.sendall(b"221 bye\r\n")
    assert ported(to_socket(fp)) == b"221 bye\r\n"
    peer.sendall(b"250 ok\r\n")
    assert not_ported(from_socket(to_socket(fp))) == b"250 ok\r\n"
    assert peer.recv(100) == b"QUIT\r\nNOOP\r\n"


def test_tls_asked_for_and_failed_gives_no_plain_socket(connected: Any) -> None:
    fp, peer = connected
    held = to_socket(fp)
    context = stream_context_create({"ssl": {"peer_name": "localhost"}})
    assert context and STREAM_CLIENT_CONNECT
    peer.sendall(b"garbage, and no ServerHello\r\n" * 10)
    with silence():
        assert (
            php_streams.stream_socket_enable_crypto(fp, True, php_streams.STREAM_CRYPTO_METHOD_TLS_CLIENT)
            is False
        )
    with pytest.raises(ValueError, match="TLS was asked for and failed"):
        to_socket(fp)
    with pytest.raises(OSError, match="Bad file descriptor"):
        held.send(b"secret")

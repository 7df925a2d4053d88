"""The scripted peer in trouble: what it reports when a script, a client or the network does not fit."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from php_streams.porting.peer import Peer
from php_streams.porting.peer_base import ScriptedPeer
from php_streams.porting.peer_client import Client
from php_streams.porting.peer_player import Player
from php_streams.porting.peer_script import PeerScriptError, parse
from php_streams.porting.peer_tls import fact, parse_hello, peek_hello
from tests.places import CERTS
from tests.unit.tls_peers import read_all

pytestmark = pytest.mark.usefixtures("no_peer_left")


def failures(script: str, client: Callable[[socket.socket], object], deadline: float = 5.0) -> list[str]:
    """What the peer reports of one connection."""
    with (
        Peer(script, certs=CERTS, deadline=deadline) as peer,
        socket.create_connection((peer.host, peer.port), 5) as sock,
    ):
        client(sock)
    return peer.failures


def secure(sock: socket.socket) -> ssl.SSLSocket:
    """The client's TLS, which takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(sock)


def datagram(script: str, *texts: bytes, deadline: float = 5.0, answers: int = 0) -> tuple[list[bytes], Peer]:
    """Sends these to a udp peer; the answers to them, and the peer."""
    came = []
    with (
        Peer(f"udp\n{script}", deadline=deadline) as peer,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
    ):
        sock.settimeout(5)
        sock.connect((peer.host, peer.port))
        for text in texts:
            sock.send(text)
        for _ in range(answers):
            came.append(sock.recv(100))
    return came, peer


# Datagrams


@pytest.mark.parametrize(
    ("script", "sent", "failure"),
    [
        ('expect "QUIT"', b"QUIX", "expected b'QUIT', got b'QUIX'"),
        ("expect bytes 3", b"ab", "expected bytes, got b'ab'"),
        ("expect line", b"ab", "expected line, got b'ab'"),
        ('send "to nobody"', b"", "nobody to send to: expect a datagram first"),
    ],
)
def test_a_datagram_that_is_not_the_right_one(script: str, sent: bytes, failure: str) -> None:
    _, peer = datagram(script, sent)
    assert len(peer.failures) == 1
    assert failure in peer.failures[0]


def test_a_datagram_that_never_comes() -> None:
    with Peer('udp\nexpect "x"', deadline=0.2) as peer:
        time.sleep(0.6)
    assert len(peer.failures) == 1
    assert "the deadline is over" in peer.failures[0]


def test_datagrams_come_back_and_garbage_does() -> None:
    came, peer = datagram('expect "go"\ngarbage 9\necho', b"go", b"one", b"two", answers=3)
    assert len(came[0]) == 9
    assert came[1:] == [b"one", b"two"]
    assert peer.failures == []


def test_a_silent_datagram_peer_takes_everything() -> None:
    _, peer = datagram("silent", b"one", b"two")
    assert (peer.failures, peer.received) == ([], [])


# Connections


def test_what_is_for_the_clear_is_refused_inside_tls() -> None:
    def client(sock: socket.socket) -> None:
        with secure(sock) as tls:
            read_all(tls)

    found = failures('tls good\nurgent "x"', client)
    assert len(found) == 1
    assert "TLS has nothing out of band" in found[0]


def test_tls_that_never_began_cannot_end() -> None:
    found = failures("untls", read_all)
    assert len(found) == 1
    assert "there is no TLS to end" in found[0]


def test_data_in_the_place_of_the_goodbye_are_reported() -> None:
    def client(sock: socket.socket) -> None:
        with secure(sock) as tls, contextlib.suppress(OSError):  # the peer leaves what it did not want
            tls.sendall(b"still here")
            read_all(tls)

    found = failures("tls good\nuntls", client)
    assert len(found) == 1
    assert "expected close_notify, got b'still here'" in found[0]


@pytest.mark.parametrize("script", ["tls good\nuntls", "tls good\nuntls notify", "tls good"])
def test_a_client_that_neither_speaks_nor_leaves_runs_into_the_deadline(script: str) -> None:
    def client(sock: socket.socket) -> None:
        with secure(sock) if script != "tls good" else sock:
            time.sleep(0.6)

    found = failures(script, client, deadline=0.2)
    assert len(found) == 1
    assert "the deadline is over" in found[0] or "left the connection open" in found[0]


def test_a_client_that_resets_tls_in_the_place_of_its_goodbye() -> None:
    def client(sock: socket.socket) -> None:
        with secure(sock) as tls:
            time.sleep(0.2)  # until the peer's side of the handshake has ended, too
            tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        time.sleep(0.2)

    # How TLS ends badly is the client's to tell; nothing more is played.
    assert failures('tls good tls1.2\nuntls\nsend "never"', client) == []


def test_a_client_that_sends_no_tls_in_the_place_of_its_goodbye() -> None:
    def client(sock: socket.socket) -> None:
        with secure(sock) as tls:
            os.write(tls.fileno(), b"no record of TLS at all")
            with contextlib.suppress(OSError):  # an alert, or the end
                assert read_all(tls) == b""

    assert failures('tls good tls1.2\nuntls\nsend "never"', client) == []


def test_a_client_that_is_gone_when_a_byte_is_to_be_sent_out_of_band() -> None:
    def client(sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    (found,) = failures('wait 0.3\nurgent "x"', client)
    assert 'urgent "x"' in found and "Error: [Errno" in found


def test_a_client_that_is_gone_is_no_failure_of_what_is_sent_to_it() -> None:
    def client(sock: socket.socket) -> None:
        sock.sendall(b"x")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        time.sleep(0.3)

    assert failures('expect "x"\nwait 0.1\nsend repeat 100000 "0123456789"', client) == []


def test_a_client_that_takes_nothing_runs_into_the_deadline() -> None:
    found = failures('send repeat 3000000 "0123456789"', lambda sock: time.sleep(0.8), deadline=0.3)
    assert len(found) == 1
    assert "the deadline is over" in found[0] or "left the connection open" in found[0]


# Clients


def test_a_client_that_cannot_bind_its_name_says_why(tmp_path: Path) -> None:
    client = Client('connect udg\nsend "x"', folder=tmp_path, patience=1.0)
    client.own_path = str(tmp_path / ("x" * 200))
    client.start()
    time.sleep(0.2)
    assert client.finish() == [
        "peer 1: OSError: AF_UNIX path too long",
        f"peer 1: connection 1: nobody listened on {tmp_path}/server1",
    ]


def test_a_client_that_has_reset_its_connection_has_no_name() -> None:
    with Peer('send "hello"') as peer:
        sock = socket.create_connection((peer.host, peer.port), 5)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        time.sleep(0.2)
    assert peer.failures == []


def test_a_server_that_never_answers_a_handshake_runs_into_the_clients_deadline() -> None:
    with (
        Client("connect\ntls-client", certs=CERTS, deadline=0.2) as client,
        socket.create_server(("127.0.0.1", client.port)) as listener,
    ):
        sock, _ = listener.accept()
        with sock:
            time.sleep(0.6)
    assert len(client.failures) == 1
    assert "the deadline is over" in client.failures[0]


# Scripts, and what TLS said


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ('every\nsend "a"\n---\nsend "b"', "`every` plays one script to each connection"),
        ('udp\nexpect "a"\n---\nexpect "b"', "datagrams have no connections"),
    ],
)
def test_scripts_whose_connections_have_no_meaning(script: str, reason: str) -> None:
    with pytest.raises(PeerScriptError, match=reason):
        parse(script)


def test_one_peer_is_one_peer() -> None:
    with pytest.raises(ValueError, match="a script of several peers needs Peers"):
        Peer('send "a"\n=== 2\nsend "b"')


def test_what_every_peer_and_player_has_to_bring() -> None:
    with pytest.raises(NotImplementedError):
        ScriptedPeer._run(None)  # type: ignore[arg-type]
    for method in (Player.abandon, Player.close):
        with pytest.raises(NotImplementedError):
            method(None)  # type: ignore[arg-type]


def test_a_hello_that_comes_in_pieces_is_waited_for() -> None:
    near, far = socket.socketpair()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    half = context.wrap_bio(incoming, outgoing, server_hostname="mail.example.test")
    with pytest.raises(ssl.SSLWantReadError):
        half.do_handshake()
    hello = outgoing.read()

    def send() -> None:
        for start in (0, 3, 200):
            end = {0: 3, 3: 200}.get(start, len(hello))
            far.sendall(hello[start:end])
            time.sleep(0.05)

    thread = threading.Thread(target=send)
    with near, far:
        thread.start()
        found = peek_hello(near, patience=5.0)
        thread.join()
        assert near.recv(65536) == hello, "it is still there for the handshake"
    assert found is not None
    assert found.sni == "mail.example.test"


def test_what_is_no_hello_tells_nothing() -> None:
    assert parse_hello(b"\x02\0\0\0") is None
    near, far = socket.socketpair()
    with near, far:
        far.sendall(b"GET / HTTP/1.1\r\n")
        assert peek_hello(near, patience=0.1) is None
        assert [fact(name, near, None) for name in ("protocol", "sni", "ticket")] == ["-", "-", "-"]

"""Descriptors that somebody else has closed, or given away: nothing is raised where that helps nobody."""

from __future__ import annotations

import gc
import os
import socket
import sys
from typing import Any

import pytest

import php_streams as php
from php_streams._transports.protocols import Socket
from php_streams._wrappers.pipes import Pair
from php_streams.bridge import to_socket


@pytest.fixture
def unraised(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What destructors raised, and Python only tells."""
    told: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    return told


def replace_by_null(descriptor: int) -> None:
    """The number is /dev/null's from now on."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, descriptor)
    os.close(null)


def test_a_socket_that_is_let_go(unraised: list[Any]) -> None:
    sock = Socket()
    os.close(sock.fileno())
    del sock
    gc.collect()
    assert unraised == []


def test_a_pair_of_descriptors_that_is_let_go(unraised: list[Any]) -> None:
    pair = Pair()
    for descriptor in pair.ends:
        os.close(descriptor)
    del pair
    gc.collect()
    assert unraised == []


def test_memory_that_has_become_a_file() -> None:
    fp = php.fopen("php://temp/maxmemory:0", "w+")
    assert php.fwrite(fp, "abc") == 3 and php.fsync(fp)
    replace_by_null(fp.fileno())
    assert php.fsync(fp) is False
    assert php.fdatasync(fp) is False


def test_what_is_held_back_on_what_is_no_socket_any_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        fp, _, _ = php.fsockopen("127.0.0.1", listening.getsockname()[1], 5)
        assert php.fwrite(fp, "a") and php.fwrite(fp, "b")
        replace_by_null(fp.fileno())
        assert php.fgets(fp) is False
        assert not fp.raw.pushes


def test_a_shared_socket_of_a_stream_that_is_closed() -> None:
    near, far = php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_STREAM, 0) or (None, None)
    sock = to_socket(near)
    php.fwrite(far, "abc")
    php.fclose(near)
    with pytest.raises(OSError, match="Bad file descriptor"):
        sock.recv(3)


def test_a_shared_socket_that_is_detached_twice() -> None:
    near, _ = php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_STREAM, 0) or (None, None)
    sock = to_socket(near)
    descriptor = sock.detach()
    assert descriptor >= 0 and sock.detach() == -1
    os.close(descriptor)


def test_the_sender_of_what_was_buffered_is_not_known_of_a_server() -> None:
    server, _, _ = php.stream_socket_server("udp://127.0.0.1:0", php.STREAM_SERVER_BIND)
    name = php.stream_socket_get_name(server, False)
    client, _, _ = php.stream_socket_client(f"udp://{name}", 5)
    php.fwrite(client, "one\ntwo\n")
    assert php.fgets(server) == b"one\n"
    assert to_socket(server).recvfrom(100) == (b"two\n", None)


def test_the_sender_of_what_was_buffered_is_the_peer_of_a_client() -> None:
    server, _, _ = php.stream_socket_server("udp://127.0.0.1:0", php.STREAM_SERVER_BIND)
    name = php.stream_socket_get_name(server, False)
    client, _, _ = php.stream_socket_client(f"udp://{name}", 5)
    php.fwrite(client, "hello")
    _, who = php.stream_socket_recvfrom(server, 100)
    php.stream_socket_sendto(server, "one\ntwo\n", 0, who)
    assert php.fgets(client) == b"one\n"
    host, _, port = str(name).partition(":")
    assert to_socket(client).recvfrom(100) == (b"two\n", (host, int(port)))


def test_a_socket_by_its_number() -> None:
    near, far = socket.socketpair()
    with near, far:
        fp = php.fopen(f"php://fd/{near.fileno()}", "r+")
        assert php.stream_get_meta_data(fp)["stream_type"] == "tcp_socket"
        php.stream_set_timeout(fp, 0, 50000)
        assert php.fread(fp, 10) is False and php.stream_get_meta_data(fp)["timed_out"]
        far.sendall(b"hello")
        assert php.fread(fp, 10) == b"hello"
        assert php.fwrite(fp, "back") == 4 and far.recv(10) == b"back"
        php.fclose(fp)
        assert near.send(b"still open") and far.recv(10) == b"still open"

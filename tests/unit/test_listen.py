"""stream_socket_server and stream_socket_accept: what php-cli cannot show, or does only by chance."""

from __future__ import annotations

import errno
import gc
import math
import os
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from php_streams import (
    STREAM_SERVER_BIND,
    STREAM_SERVER_LISTEN,
    fclose,
    fgets,
    fwrite,
    set_error_handler,
    silence,
    stream_context_create,
    stream_context_set_option,
    stream_get_meta_data,
    stream_set_blocking,
    stream_set_timeout,
    stream_socket_accept,
    stream_socket_client,
    stream_socket_get_name,
    stream_socket_server,
)
from php_streams._core.stream import Stream
from php_streams._transports import listen
from tests.signals import signal_soon

BOTH = STREAM_SERVER_BIND | STREAM_SERVER_LISTEN


@pytest.fixture
def server() -> Iterator[Stream]:
    stream, _, _ = stream_socket_server("tcp://127.0.0.1:0")
    yield stream
    fclose(stream)


def client_of(server: Stream) -> Stream:
    return stream_socket_client(f"tcp://{stream_socket_get_name(server, False)}", 5).result


def descriptor_blocks(stream: Stream) -> bool:
    return os.get_blocking(stream.fileno())


# --- results -------------------------------------------------------------------------------------------


def test_results_are_named_tuples_that_are_true_when_it_worked(server: Stream) -> None:
    result = stream_socket_server("tcp://127.0.0.1:0")
    assert result and result._fields == ("result", "error_code", "error_message")
    client = client_of(server)
    accepted = stream_socket_accept(server, 5)
    assert accepted and accepted._fields == ("result", "peer_name")
    assert accepted.peer_name == stream_socket_get_name(client, False)
    with silence():
        assert not stream_socket_accept(server, 0)
        assert not stream_socket_server("tcp://127.0.0.1")


@pytest.mark.parametrize(
    "call",
    [
        lambda: stream_socket_server("tcp://127.0.0.1:0", 0, ""),  # type: ignore[arg-type]
        lambda: stream_socket_server("tcp://127.0.0.1:0", None, ""),  # type: ignore[arg-type]
        lambda: stream_socket_server("tcp://127.0.0.1:0", 0, "", BOTH),  # type: ignore[arg-type]
        lambda: stream_socket_server("tcp://127.0.0.1:0", BOTH, None, "more"),
    ],
)
def test_php_s_outputs_of_a_server_in_their_old_places(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match=r"server, errno, errstr = stream_socket_server\(address, flags"):
        call()


def test_php_s_output_of_an_accept_in_its_old_place(server: Stream) -> None:
    with pytest.raises(TypeError, match=r"conn, peer_name = stream_socket_accept\(socket, timeout\)"):
        stream_socket_accept(server, 5, "peer")


def test_a_whole_result_is_no_server() -> None:
    with pytest.raises(TypeError, match=r"unpack it \(result, error_code, error_message = \.\.\.\)"):
        stream_socket_accept(stream_socket_server("tcp://127.0.0.1:0"), 0)


# --- options -------------------------------------------------------------------------------------------


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="TCP_INFO tells of a queue on Linux only")
@pytest.mark.parametrize(
    "options, backlog",
    [({}, 32), ({"backlog": 7}, 7), ({"backlog": "9 clients"}, 9), ({"backlog": 2**32 + 3}, 3)],
)
def test_backlog(options: dict[str, Any], backlog: int) -> None:
    context = stream_context_create({"socket": options})
    server, _, _ = stream_socket_server("tcp://127.0.0.1:0", BOTH, context)
    assert queue_of(server) == backlog


def queue_of(server: Stream) -> int:
    """The length of its queue: of a listening socket that is what stands in tcpi_sacked."""
    info = server.raw.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)  # type: ignore[attr-defined]
    return int.from_bytes(info[28:32], sys.byteorder)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="TCP_INFO tells of a queue on Linux only")
def test_a_negative_backlog_is_as_much_as_the_system_has() -> None:
    context = stream_context_create({"socket": {"backlog": -1}})
    server, _, _ = stream_socket_server("tcp://127.0.0.1:0", BOTH, context)
    assert queue_of(server) == int(Path("/proc/sys/net/core/somaxconn").read_text())


def test_nodelay_of_the_moment_holds_for_what_is_accepted() -> None:
    context = stream_context_create({"socket": {"tcp_nodelay": True}})
    server, _, _ = stream_socket_server("tcp://127.0.0.1:0", BOTH, context)
    found = []
    for value in (True, False):
        stream_context_set_option(context, "socket", "tcp_nodelay", value)
        with client_of(server):
            conn, _ = stream_socket_accept(server, 5)
            found.append(conn.raw.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    assert [bool(value) for value in found] == [True, False]


def test_the_address_can_be_used_again_at_once(server: Stream) -> None:
    assert server.raw.sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)  # type: ignore[attr-defined]


# --- names ---------------------------------------------------------------------------------------------


def test_a_unix_client_without_a_name_has_an_empty_one(tmp_path: Path) -> None:
    server, _, _ = stream_socket_server(f"unix://{tmp_path}/socket")
    client, _, _ = stream_socket_client(f"unix://{tmp_path}/socket", 5)
    conn, peer = stream_socket_accept(server, 5)
    assert peer == ""
    assert stream_socket_get_name(conn, True) is False
    fclose(client)


def test_a_unix_client_with_a_name(tmp_path: Path) -> None:
    server, _, _ = stream_socket_server(f"unix://{tmp_path}/socket")
    with socket.socket(socket.AF_UNIX) as client:
        client.bind(f"{tmp_path}/client")
        client.connect(f"{tmp_path}/socket")
        _, peer = stream_socket_accept(server, 5)
    assert peer == f"{tmp_path}/client"


# --- waiting -------------------------------------------------------------------------------------------


def test_a_client_that_comes_while_it_waits(server: Stream) -> None:
    timer = threading.Timer(0.1, lambda: late.append(client_of(server)))
    late: list[Stream] = []
    timer.start()
    conn, _ = stream_socket_accept(server, 10)
    timer.join()
    assert conn
    fwrite(late[0], "hello\n")
    assert fgets(conn) == b"hello\n"


def test_who_comes_too_late_for_a_client_keeps_to_the_timeout(server: Stream) -> None:
    results: list[Any] = []

    def wait() -> None:
        with silence():
            results.append(stream_socket_accept(server, 0.5).result)

    threads = [threading.Thread(target=wait) for _ in range(4)]
    before = time.monotonic()
    for thread in threads:
        thread.start()
    with client_of(server):
        for thread in threads:
            thread.join(20)
    assert time.monotonic() - before < 10
    assert sorted(map(bool, results)) == [False, False, False, True]


@pytest.mark.parametrize(("timeout", "most"), [(None, math.inf), (1000.0, 1000.0), (0.0, 0.0)])
def test_who_was_too_late_waits_for_what_is_left(
    timeout: float | None, most: float, server: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def somebody_comes(descriptor: int, left: float | None) -> bool:
        assert descriptor == server.fileno()
        waits.append(math.inf if left is None else left)
        return len(waits) < 4  # and is another's by then

    monkeypatch.setattr(listen, "wait_for_data", somebody_comes)
    with pytest.raises(TimeoutError) as caught:
        listen._next_client(server.raw, timeout)
    assert caught.value.errno == errno.ETIMEDOUT and caught.value.strerror == "Connection timed out"
    assert waits[0] == most and len(waits) == 4
    assert waits == sorted(waits, reverse=True)
    assert waits[-1] > most - 60 or waits[-1] == most
    assert len(set(waits)) == (4 if timeout else 1)


def test_who_was_too_late_and_does_not_wait_says_so(server: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "wait_for_data", lambda descriptor, left: True)
    stream_set_blocking(server, False)
    with pytest.raises(BlockingIOError):
        listen._next_client(server.raw, 5.0)


def test_nobody_comes_to_a_unix_socket_that_is_shut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, _, _ = stream_socket_server(f"unix://{tmp_path}/s")
    server.raw.sock.shutdown(socket.SHUT_RDWR)
    answers = iter([True, True, False])
    monkeypatch.setattr(listen, "wait_for_data", lambda descriptor, left: next(answers))
    with pytest.raises(OSError, match="Invalid argument"):
        listen._next_client(server.raw, 5.0)
    assert list(answers) == [True, False], "at once"


def test_the_descriptor_of_a_server_never_blocks_and_that_of_a_client_does(server: Stream) -> None:
    with client_of(server):
        conn, _ = stream_socket_accept(server, 5)
        assert not descriptor_blocks(server)
        assert descriptor_blocks(conn)
        stream_set_blocking(server, True)
        assert stream_get_meta_data(server)["blocked"] and not descriptor_blocks(server)


def test_in_another_thread_a_signal_does_not_end_the_wait(server: Stream) -> None:
    results: list[Any] = []
    waiting = threading.Thread(target=lambda: results.append(stream_socket_accept(server, 20)))
    heard: list[bool] = []
    waiting.start()
    with signal_soon(lambda: heard.append(True)):
        time.sleep(0.2)
    with client_of(server):
        waiting.join(20)
    assert heard and results[0]


def test_a_signal_of_which_nobody_wants_to_hear_changes_nothing(server: Stream) -> None:
    """As in PHP a signal that is ignored does not interrupt."""
    import signal

    before = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    try:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR2)).start()
        messages: list[str] = []
        set_error_handler(lambda level, message: messages.append(message))
        stream_socket_accept(server, 0.2)
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert messages == ["stream_socket_accept(): Accept failed: Connection timed out"]


def test_a_timeout_of_days_is_none_too_long(server: Stream) -> None:
    with client_of(server):
        assert stream_socket_accept(server, 10**9)


# --- lives ---------------------------------------------------------------------------------------------


def test_server_and_client_close_themselves(server: Stream) -> None:
    gc.disable()
    try:
        client = client_of(server)
        conn, _ = stream_socket_accept(server, 5)
        gone = weakref.ref(conn.raw)
        del conn
        assert gone() is None
        assert fgets(client) is False
        other, _, _ = stream_socket_server("tcp://127.0.0.1:0")
        stream_set_timeout(other, 1)
        gone = weakref.ref(other.raw)
        del other
        assert gone() is None
    finally:
        gc.enable()


def test_a_server_in_a_with_block() -> None:
    with stream_socket_server("tcp://127.0.0.1:0").result as server:
        host, _, port = stream_socket_get_name(server, False).rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 5)

"""A handler may raise inside any call: the stream stays whole, and no byte is lost."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import php_streams as php
from php_streams._core.stream import Stream
from tests.places import CERTS
from tests.signals import signal_soon


class Stop(Exception):
    """What the handlers here raise."""


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)
        yield listening


@pytest.fixture
def pair(server: socket.socket) -> Iterator[tuple[Stream, socket.socket]]:
    """A stream and the socket on its other side."""
    fp, _, _ = php.fsockopen(*server.getsockname())
    far, _ = server.accept()
    with far, fp:
        php.stream_set_timeout(fp, 5)
        yield fp, far


@pytest.fixture
def throwing() -> Iterator[None]:
    """An error handler that raises each message."""

    def handler(level: int, message: str) -> None:
        raise Stop(message)

    php.set_error_handler(handler)
    yield
    php.restore_error_handler()


def stop() -> None:
    raise Stop


Pair = tuple[Stream, socket.socket]


# --- error handlers ------------------------------------------------------------------------------------


def test_fwrite_that_could_send_nothing(pair: Pair, throwing: None) -> None:
    fp, far = pair
    php.error_clear_last()
    far.sendall(b"one\ntwo\n")
    php.stream_socket_shutdown(fp, php.STREAM_SHUT_WR)
    assert php.fgets(fp) == b"one\n"
    for write in (php.fwrite, php.fputs):
        with pytest.raises(Stop, match=r"^f\w+\(\): Send of 4 bytes failed with errno=32 Broken pipe$"):
            write(fp, "more")
    assert php.error_get_last() is None
    assert php.stream_get_meta_data(fp)["unread_bytes"] == 4
    assert (php.fgets(fp), php.ftell(fp)) == (b"two\n", 8)


def test_fwrite_that_could_send_a_part(pair: Pair, throwing: None) -> None:
    fp, far = pair
    php.stream_set_timeout(fp, 0, 50_000)
    with pytest.raises(Stop, match="errno=11"):
        php.fwrite(fp, b"x" * 20_000_000)
    went = php.ftell(fp)
    assert 0 < went < 20_000_000
    assert php.stream_get_meta_data(fp)["timed_out"] is True
    received = drain(far, went)
    php.stream_set_timeout(fp, 5)
    assert php.fwrite(fp, b"end") == 3
    received += drain(far, 3)
    assert received == b"x" * went + b"end"


def drain(sock: socket.socket, size: int) -> bytes:
    sock.settimeout(5)
    data = b""
    while len(data) < size:
        data += sock.recv(size - len(data))
    return data


def test_a_copy_that_cannot_be_written_can_be_read_again(pair: Pair, throwing: None) -> None:
    fp, far = pair
    source = php.fopen("php://memory", "w+")
    php.fwrite(source, b"x" * 1000)
    php.rewind(source)
    assert php.fread(source, 100) == b"x" * 100
    php.stream_socket_shutdown(fp, php.STREAM_SHUT_WR)
    with pytest.raises(Stop, match="Broken pipe"):
        php.stream_copy_to_stream(source, fp)
    assert php.ftell(source) == 100
    assert php.stream_get_contents(source) == b"x" * 900


@pytest.fixture
def garbled(server: socket.socket) -> Iterator[Stream]:
    """A TLS stream on which a line and a half come, and then something that is no TLS."""

    def serve() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTS / "good.pem")
        with server.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as secure:
            secure.sendall(b"whole\npart")
            os.write(secure.fileno(), b"this is no TLS record")
            secure.settimeout(5)
            with contextlib.suppress(OSError):
                secure.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    context = php.stream_context_create({"ssl": {"cafile": str(CERTS / "ca.pem"), "peer_name": "localhost"}})
    address = f"tls://127.0.0.1:{server.getsockname()[1]}"
    fp, _, _ = php.stream_socket_client(address, 5, php.STREAM_CLIENT_CONNECT, context)
    yield fp
    fp.close()
    thread.join()


def test_fgets_gives_the_part_that_came_and_then_raises(garbled: Stream, throwing: None) -> None:
    assert php.fgets(garbled) == b"whole\n"
    assert php.fgets(garbled) == b"part"
    with pytest.raises(Stop, match=r"^fgets\(\): SSL operation failed with code 1"):
        php.fgets(garbled)
    assert php.fgets(garbled) is False
    assert php.is_resource(garbled) and php.feof(garbled) and php.ftell(garbled) == 10
    assert php.fclose(garbled)


@pytest.mark.parametrize(
    "call",
    [
        lambda fp: php.fread(fp, 0),
        lambda fp: php.fread(fp, "ten"),
        lambda fp: php.fwrite(fp, []),
        lambda fp: php.fwrite(fp, None),
        lambda fp: php.fgets(fp, 1.5),
        lambda fp: php.stream_set_chunk_size(fp, -1),
        lambda fp: php.stream_get_contents(fp, -2),
        lambda fp: php.stream_get_contents(fp, 1, 0),
        lambda fp: php.stream_get_line(fp, 10, []),
        lambda fp: php.stream_set_timeout(fp, 1.5),
        lambda fp: php.stream_set_blocking(fp, []),
        lambda fp: php.fprintf(fp, "%y", 1),
        lambda fp: php.fprintf(fp, "%.60f", 0.5),
    ],
)
def test_a_refused_argument_changes_nothing(pair: Pair, throwing: None, call: Callable[[Any], Any]) -> None:
    fp, far = pair
    far.sendall(b"one\ntwo\n")
    assert php.fgets(fp) == b"one\n"
    before = php.stream_get_meta_data(fp)
    with pytest.raises((Stop, TypeError, ValueError)):
        call(fp)
    assert php.stream_get_meta_data(fp) == before
    assert php.fgets(fp) == b"two\n"
    assert php.fwrite(fp, "answer") == 6
    assert far.recv(100) == b"answer"


def test_a_handler_that_reads_on_the_stream_it_is_called_for(pair: Pair) -> None:
    fp, far = pair
    far.sendall(b"bounce\nnext\n")
    php.stream_socket_shutdown(fp, php.STREAM_SHUT_WR)
    heard = []
    php.set_error_handler(lambda level, message: heard.append(php.fgets(fp)))
    try:
        assert php.fwrite(fp, "more") is False
    finally:
        php.restore_error_handler()
    assert heard == [b"bounce\n"]
    assert php.fgets(fp) == b"next\n"


def test_a_handler_that_closes_the_stream_it_is_called_for(pair: Pair) -> None:
    fp, _ = pair
    php.stream_socket_shutdown(fp, php.STREAM_SHUT_WR)
    php.set_error_handler(lambda level, message: php.fclose(fp))
    try:
        assert php.fwrite(fp, "more") is False
    finally:
        php.restore_error_handler()
    assert not php.is_resource(fp)


# --- signal handlers -----------------------------------------------------------------------------------


def test_a_signal_with_a_part_of_a_line(pair: Pair) -> None:
    fp, far = pair
    far.sendall(b"hel")
    with signal_soon(stop), pytest.raises(Stop):
        php.fgets(fp)
    assert php.ftell(fp) == 0
    far.sendall(b"lo\n")
    assert php.fgets(fp) == b"hello\n"
    assert php.ftell(fp) == 6
    assert php.stream_get_meta_data(fp)["timed_out"] is False


@pytest.mark.parametrize(
    "call",
    [
        php.fgets,
        php.fgetc,
        lambda fp: php.fread(fp, 10),
        php.stream_get_contents,
        lambda fp: php.stream_get_contents(fp, 10),
        lambda fp: php.stream_get_contents(fp, 10, 5),
        lambda fp: php.stream_get_line(fp, 10, "\n"),
        php.fpassthru,
        lambda fp: next(iter(fp)),
    ],
    ids="fgets fgetc fread contents contents_length contents_offset get_line fpassthru iteration".split(),
)
def test_a_signal_without_data_raises_at_once(pair: Pair, call: Callable[[Stream], Any]) -> None:
    fp, far = pair
    with signal_soon(stop), pytest.raises(Stop):
        call(fp)
    far.sendall(b"line\n")
    assert php.fgets(fp) == b"line\n"


def test_a_signal_in_stream_get_line_keeps_the_part(pair: Pair) -> None:
    fp, far = pair
    far.sendall(b"par")
    with signal_soon(stop), pytest.raises(Stop):
        php.stream_get_line(fp, 100, "\n")
    assert php.stream_get_meta_data(fp)["unread_bytes"] == 3
    far.sendall(b"tial\n")
    assert php.stream_get_line(fp, 100, "\n") == b"partial"


def test_a_signal_handler_that_returns_interrupts_nothing(pair: Pair) -> None:
    fp, far = pair
    rung = []
    later = threading.Timer(0.15, far.sendall, (b"lo\n",))
    far.sendall(b"hel")
    with signal_soon(lambda: rung.append(1)):
        later.start()
        assert php.fgets(fp) == b"hello\n"
    later.join()
    assert rung == [1]


def test_a_signal_in_fwrite_leaves_the_stream_open(pair: Pair) -> None:
    fp, far = pair
    with signal_soon(stop), pytest.raises(Stop):
        php.fwrite(fp, b"x" * 20_000_000)
    went = php.ftell(fp)
    assert drain(far, went) == b"x" * went
    assert php.fwrite(fp, b"end") == 3
    assert drain(far, 3) == b"end"


def test_a_signal_handler_that_closes_the_stream(pair: Pair) -> None:
    fp, _ = pair
    with signal_soon(lambda: php.fclose(fp)), pytest.raises(TypeError, match="not a valid stream resource"):
        php.fgets(fp)
    assert not php.is_resource(fp)

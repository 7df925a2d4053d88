"""Servers and proxies that http:// does not deserve: nothing is sent in the clear, filled up or left open."""

from __future__ import annotations

import os
import socket
import threading
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import php_streams as php
from php_streams.porting.peer import Peer
from tests.descriptors import open_descriptors

CERTS = Path(__file__).parents[1] / "conformance" / "certs"
TRUST = {"ssl": {"cafile": str(CERTS / "ca.pem")}}
MIB = 1 << 20

pytestmark = pytest.mark.skipif(
    not os.path.isdir("/proc/self/fd"), reason="descriptors are listed by Linux only"
)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Fails when a descriptor is open at the end that was not at the start."""
    before = open_descriptors()
    yield
    assert open_descriptors() == before


@contextmanager
def server(answer: Callable[[socket.socket], object]) -> Iterator[str]:
    """The URL of a server that takes a request and answers as it pleases, to each client."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                try:
                    connection.recv(65536)
                    answer(connection)
                except OSError:
                    pass  # the client has had enough

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def again(connection: socket.socket, data: bytes, most: int = 100 * MIB) -> None:
    """Sends the same until the client goes away, or it is enough."""
    for _ in range(most // len(data)):
        connection.sendall(data)


def lines(connection: socket.socket) -> None:
    """100 MiB of headers."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    again(connection, b"X-Filler: " + b"x" * 1000 + b"\r\n")


def one_line(connection: socket.socket) -> None:
    """One header of 100 MiB."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Filler: ")
    again(connection, b"x" * 65536)


def folded(connection: socket.socket) -> None:
    """One header of 100 MiB in a million lines."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Filler: x\r\n")
    again(connection, b" x" * 30 + b"\r\n")


def status(connection: socket.socket) -> None:
    """A status line that does not end."""
    connection.sendall(b"HTTP/1.1 200 ")
    again(connection, b"x" * 65536)


def informed(connection: socket.socket) -> None:
    """Responses that announce another, for ever."""
    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    again(connection, b"no status line\r\n" * 4096)


@pytest.mark.parametrize("answer", [lines, one_line, folded, status, informed])
def test_headers_without_end(answer: Callable[[socket.socket], None]) -> None:
    with server(answer) as url, pytest.warns(php.PhpWarning, match="php_streams.http_header_limit"):
        tracemalloc.start()
        try:
            assert php.file_get_contents(url) is False
            assert tracemalloc.get_traced_memory()[1] < 64 * MIB
        finally:
            tracemalloc.stop()


def test_the_limit_is_a_setting() -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2000 + b"\r\n\r\nbody")

    with server(answer) as url:
        assert php.file_get_contents(url) == b"body"
        php.ini_set("php_streams.http_header_limit", "1K")
        try:
            with pytest.warns(php.PhpWarning, match="php_streams.http_header_limit"):
                assert php.file_get_contents(url) is False
            php.ini_set("php_streams.http_header_limit", 0)
            assert php.file_get_contents(url) == b"body"
        finally:
            php.ini_restore("php_streams.http_header_limit")


def test_redirects_for_ever_are_no_recursion() -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n")

    context = php.stream_context_create({"http": {"max_redirects": 1500}})
    with server(answer) as url, pytest.warns(php.PhpWarning, match="Redirection limit reached, aborting$"):
        assert php.file_get_contents(url, False, context) is False
    assert len(php.http_get_last_response_headers() or ()) == 3000


def test_a_body_that_is_chunked_without_end_comes_as_it_is_read() -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n")
        again(connection, b"x" * 65536)

    with server(answer) as url:
        fp: Any = php.fopen(url, "r")
        tracemalloc.start()
        try:
            for _ in range(100):
                assert php.fread(fp, 8192)
            assert tracemalloc.get_traced_memory()[1] < 8 * MIB
        finally:
            tracemalloc.stop()
            php.fclose(fp)


def test_https_in_capital_letters_is_https_too() -> None:
    """PHP 7.4 sends the request in plaintext there."""
    script = 'tls good\nrecord until "\\r\\n\\r\\n"\nsend "HTTP/1.1 200 OK\\r\\n\\r\\nbody"'
    with Peer(script, certs=CERTS) as peer:
        context = php.stream_context_create(TRUST)
        assert php.file_get_contents(f"HTTPS://localhost:{peer.port}/", False, context) == b"body"
    assert peer.failures == []


PROXY = """
record until "\\r\\n\\r\\n"
send "HTTP/1.1 200 OK\\r\\n\\r\\nHTTP/1.1 200 OK\\r\\n\\r\\ninjected"
starttls good
"""


def through(peer: Peer) -> bytes | bool:
    options = {"http": {"proxy": f"tcp://127.0.0.1:{peer.port}"}, **TRUST}
    return php.file_get_contents("https://localhost/", False, php.stream_context_create(options))


def test_a_proxy_puts_nothing_in_front_of_the_page() -> None:
    refused = pytest.warns(php.PhpWarning, match=r"php_streams.starttls_buffer")
    with Peer(PROXY, certs=CERTS) as peer, refused:
        assert through(peer) is False
    assert peer.failures == []


def test_a_proxy_may_do_so_as_in_php() -> None:
    script = PROXY + 'record until "\\r\\n\\r\\n"\nsend "HTTP/1.1 200 OK\\r\\n\\r\\ntrue"\nclose'
    with Peer(script, certs=CERTS) as peer:
        php.ini_set("php_streams.starttls_buffer", "keep")
        try:
            assert b"injected" in bytes(through(peer))
        finally:
            php.ini_restore("php_streams.starttls_buffer")


class Enough(Exception):
    """What a handler raises."""


@pytest.mark.parametrize("code", [php.STREAM_NOTIFY_CONNECT, php.STREAM_NOTIFY_PROGRESS])
def test_a_callback_that_raises(code: int) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nbody")

    def note(number: int) -> None:
        if number == code:
            raise Enough

    with server(answer) as url, pytest.raises(Enough):
        php.file_get_contents(url, False, php.stream_context_create({}, {"notification": note}))


def test_a_callback_that_raises_in_a_read_loses_no_data() -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Event().wait(0.1)
        connection.sendall(b"body")

    def note(code: int, severity: int, message: str, number: int, done: int, most: int) -> None:
        if done:
            raise Enough

    with server(answer) as url:
        fp: Any = php.fopen(url, "r", False, php.stream_context_create({}, {"notification": note}))
        assert php.fread(fp, 100) == b"body"
        with pytest.raises(Enough):
            php.fread(fp, 100)
        php.fclose(fp)


def test_what_is_no_callback() -> None:
    context = php.stream_context_create({}, {"notification": [1, 2]})
    wrong = r"^Invalid callback Array, first array member is not a valid class name or object$"
    with server(lambda connection: None) as url, pytest.raises(TypeError, match=wrong):
        php.file_get_contents(url, False, context)


def test_an_error_handler_that_raises() -> None:
    def handler(level: int, message: str) -> None:
        raise Enough(message)

    post = {"http": {"method": "POST", "content": "a=b"}}
    php.set_error_handler(handler)
    try:
        with server(lambda connection: None) as url:
            with pytest.raises(Enough, match="Content-type not specified"):
                php.file_get_contents(url, False, php.stream_context_create(post))
            with pytest.raises(Enough, match="HTTP request failed!"):
                php.file_get_contents(url)
    finally:
        php.restore_error_handler()


def test_a_stream_that_nobody_refers_to_closes_itself() -> None:
    closed = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        if connection.recv(1) == b"":
            closed.set()

    context = php.stream_context_create({}, {"notification": lambda: None})
    with server(answer) as url:
        fp = php.fopen(url, "r", False, context)
        assert fp is not False
        del fp
        assert closed.wait(5)


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\n", b"HTTP/1.1 200", b"\xff" * 1000, b"HTTP/1.1 200 OK\r\n\0:"]
)
def test_garbage(data: bytes) -> None:
    with server(lambda connection: connection.sendall(data)) as url, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert php.file_get_contents(url) in (False, b"")


def test_a_proxy_that_takes_only_part_of_the_request() -> None:
    """What was not sent whole is no request; TLS is not begun on it."""
    listening = socket.create_server(("127.0.0.1", 0))
    with listening:
        proxy = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        header = f"Proxy-Authorization: {'x' * 16 * MIB}"
        options = {"proxy": proxy, "timeout": 0.2, "header": header}
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            context = php.stream_context_create({"http": options})
            assert php.file_get_contents("https://localhost/", False, context) is False
        sent, failed = (str(one.message) for one in told)
        assert sent.endswith(" failed with errno=11 Resource temporarily unavailable")
        assert failed.endswith(": Cannot connect to HTTPS server through proxy")
        connection, _ = listening.accept()
        with connection:
            connection.settimeout(5)
            came = 0
            while part := connection.recv(MIB):
                came += len(part)
        assert 0 < came < 16 * MIB

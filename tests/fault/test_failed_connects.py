"""After a connect that failed, in whatever way and whoever raised in it, no descriptor is open."""

from __future__ import annotations

import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from php_streams import (
    STREAM_CLIENT_ASYNC_CONNECT,
    STREAM_CLIENT_CONNECT,
    STREAM_CLIENT_PERSISTENT,
    PhpWarning,
    fclose,
    fsockopen,
    pfsockopen,
    restore_error_handler,
    set_error_handler,
    silence,
    stream_context_create,
    stream_socket_client,
)
from php_streams._transports.connect import POOL
from tests.descriptors import only_where_listed, open_descriptors

pytestmark = only_where_listed


class Place:
    """Addresses to fail at."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.closed = self._socket(stack, socket.AF_INET, ("127.0.0.1", 0))
        full = self._socket(stack, socket.AF_INET, ("127.0.0.1", 0))
        full.listen(0)
        self.full = full.getsockname()[1]
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        # Plaintext for those who want TLS.
        plain = self._socket(stack, socket.AF_INET, ("127.0.0.1", 0))
        plain.listen(16)
        self.plain_socket = plain
        self.plain = plain.getsockname()[1]
        self.folder = folder
        self.datagrams = str(folder / "udg")
        self._socket(stack, socket.AF_UNIX, self.datagrams, socket.SOCK_DGRAM)
        self.deaf = str(folder / "deaf")
        self._socket(stack, socket.AF_UNIX, self.deaf)

    @staticmethod
    def _socket(stack: ExitStack, family: int, address: Any, kind: int = socket.SOCK_STREAM) -> socket.socket:
        sock = stack.enter_context(socket.socket(family, kind))
        sock.bind(address)
        return sock

    @property
    def closed_port(self) -> int:
        return int(self.closed.getsockname()[1])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(stack, tmp_path)


def with_context(address: str, **options: Any) -> Any:
    context = stream_context_create({"socket": options})
    return stream_socket_client(address, 5, STREAM_CLIENT_CONNECT, context)


def to_plaintext(place: Place, scheme: str) -> Any:
    """A TLS transport at a server that answers in plaintext and leaves."""

    def serve() -> None:
        conn, _ = place.plain_socket.accept()
        with conn:
            conn.sendall(b"220 no TLS here\r\n")
            conn.recv(4096)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        return fsockopen(f"{scheme}://127.0.0.1", place.plain, 5)
    finally:
        thread.join()


PERSISTENTLY = STREAM_CLIENT_CONNECT | STREAM_CLIENT_PERSISTENT
FAILURES: dict[str, Callable[[Place], Any]] = {
    "refused": lambda place: fsockopen("127.0.0.1", place.closed_port, 5),
    "refused, persistent": lambda place: pfsockopen("127.0.0.1", place.closed_port, 5),
    "refused, client": lambda place: stream_socket_client(f"127.0.0.1:{place.closed_port}", 5),
    "refused, persistent client": lambda place: stream_socket_client(
        f"127.0.0.1:{place.closed_port}", 5, PERSISTENTLY
    ),
    "timed out": lambda place: fsockopen("127.0.0.1", place.full, 0.05),
    "timed out at once": lambda place: stream_socket_client(f"127.0.0.1:{place.full}", 0),
    "unknown host": lambda place: fsockopen("no..host", 25, 5),
    "no port": lambda place: fsockopen("127.0.0.1"),
    "bad brackets": lambda place: fsockopen("[::1", 25, 5),
    "NUL": lambda place: fsockopen("127.0.0.1\0x", 25, 5),
    "unknown transport": lambda place: fsockopen("sslv2://127.0.0.1", 25, 5),
    "no such path": lambda place: fsockopen(f"unix://{place.folder}/none", -1, 5),
    "no such path, not waiting": lambda place: stream_socket_client(
        f"unix://{place.folder}/none", 5, STREAM_CLIENT_ASYNC_CONNECT
    ),
    "nobody listens on the path": lambda place: fsockopen(f"unix://{place.deaf}", -1, 5),
    "a path that is too long": lambda place: fsockopen(f"unix://{place.folder}/{'x' * 120}", -1, 5),
    "a socket of another kind": lambda place: fsockopen(f"unix://{place.datagrams}", -1, 5),
    "no such datagram path": lambda place: fsockopen(f"udg://{place.folder}/none", -1, 5),
    "no broadcasting": lambda place: stream_socket_client("udp://127.255.255.255:9", 5),
    "bindto is no string": lambda place: with_context(f"127.0.0.1:{place.closed_port}", bindto=0),
    "bindto is no address": lambda place: with_context(f"127.0.0.1:{place.closed_port}", bindto="x:0"),
    "bindto is not here": lambda place: with_context(f"127.0.0.1:{place.closed_port}", bindto="192.0.2.7:0"),
    "bindto leaves no address": lambda place: with_context(f"[::1]:{place.closed_port}", bindto="0:0"),
    "tls to plaintext": lambda place: to_plaintext(place, "tls"),
    "tlsv1.2 to plaintext": lambda place: to_plaintext(place, "tlsv1.2"),
    "ssl refused": lambda place: fsockopen("ssl://127.0.0.1", place.closed_port, 5),
}


class Thrown(Exception):
    """What the handlers here raise."""


def throws(level: int, message: str) -> None:
    raise Thrown(message)


@pytest.fixture(autouse=True)
def warmed_up(place: Place) -> None:
    """What is opened once for the whole process (certificates, modules) is opened before the count."""
    with silence():
        to_plaintext(place, "tls")


@pytest.mark.parametrize("fails", FAILURES.values(), ids=FAILURES)
def test_silenced(place: Place, fails: Callable[[Place], Any]) -> None:
    before, pool = open_descriptors(), dict(POOL.streams)
    with silence():
        fp, _, _ = fails(place)
    assert fp is False
    assert open_descriptors() == before
    assert pool == POOL.streams


@pytest.mark.parametrize("fails", FAILURES.values(), ids=FAILURES)
def test_a_handler_that_raises(place: Place, fails: Callable[[Place], Any]) -> None:
    before, pool = open_descriptors(), dict(POOL.streams)
    set_error_handler(throws)
    try:
        with pytest.raises(Thrown) as caught:
            fails(place)
    finally:
        restore_error_handler()
    # The exception, and so every frame that it went through, is still held here.
    assert open_descriptors() == before
    assert pool == POOL.streams
    assert caught.value.args


@pytest.mark.parametrize("fails", FAILURES.values(), ids=FAILURES)
def test_warnings_as_errors(place: Place, fails: Callable[[Place], Any]) -> None:
    before = open_descriptors()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(Warning) as caught:
            fails(place)
    assert open_descriptors() == before
    assert caught.value.args


def test_a_handler_that_raises_only_at_the_second_warning(place: Place) -> None:
    seen: list[str] = []

    def handler(level: int, message: str) -> bool:
        seen.append(message)
        if len(seen) == 2:
            raise Thrown(message)
        return True

    for fails, second in (
        ("unknown host", "Unable to connect to no..host:25"),
        ("tls to plaintext", "Failed to enable crypto"),
        ("bindto is no address", "Unable to connect to"),
    ):
        seen.clear()
        before = open_descriptors()
        set_error_handler(handler)
        try:
            with pytest.raises(Thrown, match=second):
                FAILURES[fails](place)
        finally:
            restore_error_handler()
        assert open_descriptors() == before


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError])
def test_an_exception_in_the_middle_of_connecting(
    place: Place, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    """As a signal's handler may raise one."""

    def interrupted(*arguments: Any) -> Any:
        raise kind

    before = open_descriptors()
    for part in ("_outcome", "_prepare", "SocketRaw"):
        with monkeypatch.context() as patch:
            patch.setattr(f"php_streams._transports.connect.{part}", interrupted)
            with pytest.raises(kind):
                fsockopen("127.0.0.1", place.plain, 5)
        assert open_descriptors() == before


@pytest.mark.parametrize(
    "connect",
    [
        lambda place, wait: stream_socket_client(f"127.0.0.1:{place.closed_port}", 5, wait),
        lambda place, wait: stream_socket_client(f"127.0.0.1:{place.full}", 5, wait),
        lambda place, wait: stream_socket_client("no..host", 5, 0),
    ],
)
def test_streams_that_never_connected(place: Place, connect: Callable[[Place, int], Any]) -> None:
    before = open_descriptors()
    fp, _, _ = connect(place, STREAM_CLIENT_ASYNC_CONNECT)
    fclose(fp)
    assert open_descriptors() == before
    fp, _, _ = connect(place, STREAM_CLIENT_ASYNC_CONNECT)
    del fp
    assert open_descriptors() == before


def test_a_successful_connect_opens_one(place: Place) -> None:
    before = open_descriptors()
    fp, code, text = fsockopen("127.0.0.1", place.plain, 5)
    assert (code, text) == (0, "")
    assert len(open_descriptors()) == len(before) + 1
    fclose(fp)
    assert open_descriptors() == before


def test_the_warning_is_the_category_promised(place: Place) -> None:
    with pytest.warns(PhpWarning, match="Connection refused"):
        FAILURES["refused"](place)

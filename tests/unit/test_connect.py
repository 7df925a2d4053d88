"""Connecting: several addresses in one timeout, signals, exhausted resources, calls written in PHP's way."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from php_streams import (
    STREAM_CLIENT_ASYNC_CONNECT,
    STREAM_CLIENT_CONNECT,
    PhpWarning,
    error_get_last,
    fclose,
    fgets,
    fsockopen,
    gethostbyname,
    gethostbynamel,
    is_resource,
    pfsockopen,
    silence,
    stream_context_create,
    stream_select,
    stream_socket_client,
    stream_socket_get_name,
)
from tests.programs import run_code

REFUSED, TIMED_OUT = "Connection refused", "Connection timed out"


class Loopback:
    """Loopback addresses that all have one port: some listen, some are full, the others refuse."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        first = self.server("127.0.0.2", 0)
        self.port: int = first.getsockname()[1]

    def server(self, address: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = self.stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        sock.bind((address, port))
        sock.listen(16)
        return sock

    def full(self, address: str) -> str:
        """An address whose accept queue is full, so that connecting hangs."""
        sock = self.stack.enter_context(socket.socket())
        sock.bind((address, self.port))
        sock.listen(0)
        for _ in range(4):
            filler = self.stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((address, self.port))
        return address

    def good(self, address: str) -> str:
        self.server(address, self.port)
        return address


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    with ExitStack() as stack:
        yield Loopback(stack)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives the name "many" these addresses."""

    def answer(*addresses: str) -> None:
        def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, *rest: Any) -> Any:
            assert host == b"many"
            return [
                (socket.AF_INET6, type, 0, "", (address, port, 0, 0))
                if ":" in address
                else (socket.AF_INET, type, 0, "", (address, port))
                for address in addresses
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return answer


def client(loopback: Loopback, timeout: float | None = 5, **options: Any) -> Any:
    context = stream_context_create({"socket": options}) if options else None
    with silence():
        return stream_socket_client(f"many:{loopback.port}", timeout, STREAM_CLIENT_CONNECT, context)


# --- several addresses ---------------------------------------------------------------------------------


def test_the_first_address_that_answers(loopback: Loopback, resolver: Any) -> None:
    resolver("127.0.0.9", "127.0.0.8", loopback.good("127.0.0.5"), "127.0.0.2")
    fp, code, text = client(loopback)
    assert stream_socket_get_name(fp, True) == f"127.0.0.5:{loopback.port}"
    assert (code, text) == (0, "")


def test_when_all_refuse_the_last_one_is_told(loopback: Loopback, resolver: Any) -> None:
    resolver("127.0.0.9", "127.0.0.8")
    fp, code, text = client(loopback)
    assert (fp, code, text) == (False, errno.ECONNREFUSED, REFUSED)


def test_one_timeout_for_all(loopback: Loopback, resolver: Any) -> None:
    resolver("127.0.0.9", loopback.full("127.0.0.6"), "127.0.0.2")
    start = time.monotonic()
    fp, code, text = client(loopback, 0.3)
    assert (fp, code, text) == (False, errno.ETIMEDOUT, TIMED_OUT), "nothing is left for the one that listens"
    assert 0.29 <= time.monotonic() - start < 2


def test_what_is_left_is_what_the_next_has(loopback: Loopback, resolver: Any) -> None:
    resolver(loopback.full("127.0.0.6"), loopback.full("127.0.0.7"))
    start = time.monotonic()
    fp, code, _ = client(loopback, 0.2)
    assert (fp, code) == (False, errno.ETIMEDOUT)
    assert time.monotonic() - start < 0.39


def test_a_timeout_of_0_still_tries_what_answers_at_once(loopback: Loopback, resolver: Any) -> None:
    resolver("127.0.0.2")
    assert is_resource(client(loopback, 0)[0])
    resolver(loopback.full("127.0.0.6"), "127.0.0.2")
    fp, code, text = client(loopback, 0)
    assert (fp, code, text) == (False, errno.ETIMEDOUT, TIMED_OUT)


def test_both_families(loopback: Loopback, resolver: Any) -> None:
    resolver("::1", "127.0.0.2")  # nobody listens on ::1
    assert stream_socket_get_name(client(loopback)[0], True) == f"127.0.0.2:{loopback.port}"


def test_an_ipv4_source_leaves_out_ipv6(loopback: Loopback, resolver: Any) -> None:
    loopback.good("::1")
    resolver("::1", "127.0.0.2")
    assert stream_socket_get_name(client(loopback)[0], True) == f"[::1]:{loopback.port}"
    fp = client(loopback, bindto="0:0")[0]
    assert stream_socket_get_name(fp, True) == f"127.0.0.2:{loopback.port}"
    resolver("::1")
    assert client(loopback, bindto="0:0") == (False, 0, "")
    last = error_get_last()
    assert last is not None
    assert str(last["message"]).endswith("(Unknown error)")


def test_async_takes_the_first_that_does_not_refuse_at_once(loopback: Loopback, resolver: Any) -> None:
    resolver(loopback.full("127.0.0.6"), "127.0.0.2")
    fp, code, text = stream_socket_client(f"many:{loopback.port}", 0, STREAM_CLIENT_ASYNC_CONNECT)
    assert (code, text) == (0, "")
    assert stream_select(None, [fp], None, 0, 50_000)[0] == 0
    fclose(fp)


# --- signals and threads -------------------------------------------------------------------------------


def test_a_signal_neither_ends_nor_prolongs_the_wait(loopback: Loopback) -> None:
    full = loopback.full("127.0.0.6")
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    start = time.monotonic()
    try:
        with silence():
            fp, code, _ = fsockopen(full, loopback.port, 0.4)
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    assert (fp, code, seen) == (False, errno.ETIMEDOUT, [signal.SIGUSR1])
    assert 0.39 <= time.monotonic() - start < 3


# --- nothing left to connect with ----------------------------------------------------------------------


def exhausted(*arguments: Any, **named: Any) -> Any:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_without_descriptors(monkeypatch: pytest.MonkeyPatch, loopback: Loopback) -> None:
    monkeypatch.setattr("php_streams._transports.connect.Socket", exhausted)
    with pytest.warns(PhpWarning) as caught:
        assert fsockopen("127.0.0.2", loopback.port) == (False, 0, "")
        assert stream_socket_client("unix:///nowhere")[1:] == (0, "Failed to create unix socket")
    assert [str(one.message) for one in caught] == [
        f"fsockopen(): Unable to connect to 127.0.0.2:{loopback.port} (Unknown error)",
        "stream_socket_client(): Unable to connect to unix:///nowhere (Failed to create unix socket)",
    ]


def test_a_resolver_that_breaks_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", exhausted)
    text = "php_network_getaddresses: getaddrinfo for name failed: System error"
    with pytest.warns(PhpWarning) as caught:
        assert fsockopen("name", 25) == (False, 0, text)
    assert str(caught[0].message) == f"fsockopen(): {text}"


# --- options of the socket -----------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "on"), [(True, True), ("1", True), (False, False), ("0", False)])
def test_tcp_nodelay(loopback: Loopback, value: Any, on: bool) -> None:
    context = stream_context_create({"socket": {"tcp_nodelay": value}})
    fp = stream_socket_client(f"127.0.0.2:{loopback.port}", 5, STREAM_CLIENT_CONNECT, context)[0]
    sock = fp.raw.sock
    assert bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is on
    assert fp.raw.pushes is not on, "what is never held back needs no push"


@pytest.mark.parametrize(("value", "on"), [(True, True), (0, False)])
def test_so_broadcast_is_for_udp(loopback: Loopback, value: Any, on: bool) -> None:
    context = stream_context_create({"socket": {"so_broadcast": value}})
    for scheme, expected in (("udp", on), ("tcp", False)):
        address = f"{scheme}://127.0.0.2:{loopback.port}"
        fp = stream_socket_client(address, 5, STREAM_CLIENT_CONNECT, context)[0]
        sock = fp.raw.sock
        assert bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST)) is expected


# --- written as in PHP ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda: fsockopen("h", 25, None, None),
        lambda: fsockopen("h", 25, 0, ""),
        lambda: fsockopen("h", 25, 0, "", 30),
        lambda: pfsockopen("h", 25, None, "", 30),
        lambda: stream_socket_client("h:25", None, None),
        lambda: stream_socket_client("h:25", 0, ""),
        lambda: stream_socket_client("h:25", 0, "", 30),
        lambda: stream_socket_client("h:25", None, None, 30, STREAM_CLIENT_CONNECT),
        lambda: stream_socket_client("h:25", 0, "", 30, STREAM_CLIENT_CONNECT, None),
    ],
)
def test_errno_and_errstr_in_their_old_places(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match=r"come back as results: fp, errno, errstr = \w+\("):
        call()


def test_bytes_are_never_compared_with_text() -> None:
    code = """
    from php_streams import *
    for function in (stream_socket_client, stream_socket_server, fsockopen):
        for arguments in (["h:25", b"", b""], ["h:25", b"x", "", 30], ["h:25", "1", b"2"], ["h:25", 0, b""]):
            try:
                function(*arguments)
            except TypeError:
                pass
    for value in (b"0", "0", b"", "", bytearray(b"0"), b"1"):
        context = stream_context_create({"socket": {"so_reuseport": value}})
        assert stream_socket_server(b"tcp://127.0.0.1:0", context=context)
    """
    assert run_code(code, "-bb", "-W", "ignore::php_streams.PhpWarning") == (0, "", "")


def test_the_hint_names_the_function_that_was_called() -> None:
    with pytest.raises(TypeError, match=r"= pfsockopen\(hostname, port, timeout\)"):
        pfsockopen("h", 25, 0, "", 30)
    with pytest.raises(TypeError, match=r"= stream_socket_client\(address, timeout, flags, context\)"):
        stream_socket_client("h:25", 0, "", 30)


def test_the_result_is_as_true_as_its_stream(loopback: Loopback) -> None:
    good, bad = ("127.0.0.2", loopback.port), ("127.0.0.9", loopback.port)
    with silence():
        assert fsockopen(*good)
        assert not fsockopen(*bad)
        assert stream_socket_client(f"127.0.0.2:{loopback.port}")
        assert not stream_socket_client(f"127.0.0.9:{loopback.port}")
    with pytest.raises(TypeError, match="unpack it"):
        fgets(fsockopen(*good))


# --- where PHP prints what lay in memory (compat_matrix/decisions.toml) --------------------------------


@pytest.mark.parametrize("scheme", ["http", "sslv2", "sslv3"])
def test_an_unknown_transport_has_no_errno(scheme: str) -> None:
    with silence():
        for fp, code, text in (fsockopen(f"{scheme}://h", 25), stream_socket_client(f"{scheme}://h:25")):
            assert (fp, code) == (False, 0)
            assert text.startswith(f'Unable to find the socket transport "{scheme}"')


# --- lookups -------------------------------------------------------------------------------------------


def test_lookups_pass_on_the_bytes_that_were_given(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def gethostbyname_ex(name: object) -> Any:
        asked.append(name)
        return "", [], ["127.0.0.4", "127.0.0.5"]

    monkeypatch.setattr(socket, "gethostbyname_ex", gethostbyname_ex)
    assert gethostbyname("höst.example") == "127.0.0.4"
    assert gethostbynamel(b"h\xf6st.example") == ["127.0.0.4", "127.0.0.5"]
    assert asked == ["höst.example".encode(), b"h\xf6st.example"], "PHP knows no IDNA"


def test_the_length_of_a_name_is_counted_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostbyname_ex", exhausted)
    name = "ö" * 128
    with pytest.warns(PhpWarning, match="Host name cannot be longer than 255 characters"):
        assert gethostbyname(name) == name

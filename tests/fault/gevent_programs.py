"""What tests/fault/test_gevent.py runs, each in a process of its own: `python gevent_programs.py NAME`.

A ticker greenlet counts as long as nobody blocks the event loop, and beside it a thread of the system's,
which a busy machine slows down as much.  Each program returns what it found, and raises what is wrong; main()
looks whether the greenlet kept up.
"""

# ruff: noqa: E402  (gevent patches before anything else is imported)

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import os
import signal
import socket
import ssl
import sys
import time
from typing import Any

import gevent

from php_streams import (
    STREAM_CRYPTO_METHOD_TLS_CLIENT,
    STREAM_PF_UNIX,
    STREAM_SOCK_STREAM,
    fclose,
    feof,
    fgets,
    fread,
    from_socket,
    fsockopen,
    fwrite,
    silence,
    stream_context_create,
    stream_get_contents,
    stream_get_meta_data,
    stream_select,
    stream_set_blocking,
    stream_set_timeout,
    stream_socket_accept,
    stream_socket_client,
    stream_socket_enable_crypto,
    stream_socket_get_name,
    stream_socket_pair,
    stream_socket_recvfrom,
    stream_socket_server,
    to_socket,
)
from tests.places import CERTS

CLIENT = {"ssl": {"cafile": str(CERTS / "ca.pem"), "peer_name": "localhost"}}
SERVER = {"ssl": {"local_cert": str(CERTS / "good.pem")}}
TICK = 0.01
ticks = possible = 0


def ticker() -> None:
    """Counts while the loop runs."""
    global ticks
    while True:
        gevent.sleep(TICK)
        ticks += 1


def thread() -> None:
    """Counts whatever the loop does."""
    global possible
    sleep = monkey.get_original("time", "sleep")
    while True:
        sleep(TICK)
        possible += 1


def together(*jobs: Any) -> list[Any]:
    """The results of greenlets that run at the same time."""
    greenlets = [gevent.spawn(*job) if isinstance(job, tuple) else gevent.spawn(job) for job in jobs]
    gevent.joinall(greenlets, timeout=20, raise_error=True)
    return [greenlet.value for greenlet in greenlets]


def slow_echo(transport: str = "tcp", delay: float = 0.1) -> str:
    """The address of a server, in streams of ours, that answers each line after a while."""
    listening, _, _ = stream_socket_server(
        f"{transport}://127.0.0.1:0", context=stream_context_create(SERVER)
    )

    def talk(conn: Any) -> None:
        while (line := fgets(conn)) is not False:
            gevent.sleep(delay)
            fwrite(conn, line)
        fclose(conn)

    def serve() -> None:
        while True:
            with silence():
                conn = stream_socket_accept(listening, 10)[0]
            if conn:
                gevent.spawn(talk, conn)

    gevent.spawn(serve)
    return str(stream_socket_get_name(listening, False))


def blocking_reads() -> None:
    """Five greenlets wait in fgets at once."""
    host, port = slow_echo(delay=0.2).split(":")

    def client(number: int) -> Any:
        fp = fsockopen(host, int(port), 5)[0]
        fwrite(fp, f"hello {number}\n")
        line = fgets(fp)
        fclose(fp)
        return line

    start = time.monotonic()
    assert together(*((client, n) for n in range(5))) == [b"hello %d\n" % n for n in range(5)]
    assert time.monotonic() - start < 0.8, "one after the other it takes a second"


def timeouts() -> None:
    """They come, are told, and hold up nobody."""
    host, port = slow_echo(delay=0.3).split(":")
    fp = fsockopen(host, int(port), 5)[0]
    stream_set_timeout(fp, 0, 100_000)
    assert fgets(fp) is False
    assert stream_get_meta_data(fp)["timed_out"] is True
    assert stream_select([fp], None, None, 0, 100_000)[0] == 0
    fwrite(fp, "x\n")
    stream_set_timeout(fp, 5)
    assert fgets(fp) == b"x\n"
    assert stream_get_meta_data(fp)["timed_out"] is False
    here, there = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0)
    stream_set_timeout(here, 0, 100_000)
    with silence():
        assert 0 < fwrite(here, b"x" * 10_000_000) < 10_000_000
    assert there


def what_does_not_wait() -> None:
    """Non-blocking reads, feof, and what fread takes beside the buffer."""
    here, there = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0)
    gevent.spawn_later(0.1, fwrite, there, b"one\ntwo")
    start = time.monotonic()
    stream_set_blocking(here, False)
    assert (fgets(here), fread(here, 10)) == (False, b"")
    stream_set_blocking(here, True)
    assert feof(here) is False
    assert time.monotonic() - start < 0.08
    assert fgets(here) == b"one\n"
    start = time.monotonic()
    assert fread(here, 100) == b"two"
    assert time.monotonic() - start < 0.08
    gevent.spawn_later(0.1, fwrite, there, b"three")
    assert stream_socket_recvfrom(here, 10) == (b"three", "")
    fclose(there)
    assert feof(here) is True


def many_selected() -> None:
    """Sets small and large, in two greenlets at once."""
    pairs = [stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0) for _ in range(40)]

    def wait(first: int, last: int) -> Any:
        every = [here for here, _ in pairs[first:last]]
        gevent.spawn_later(0.1, fwrite, pairs[last - 1][1], b"x")
        n, read, write, _ = stream_select(every, None, None, 5)
        assert (n, read, write) == (1, [every[-1]], None)
        assert stream_select(every, [every[0]], None, 5)[0] == 2
        assert fread(every[-1], 10) == b"x"
        return stream_select(every, None, None, 0, 50_000)[0]

    assert together((wait, 0, 3), (wait, 3, 40)) == [0, 0]


def signals() -> None:
    """A signal ends stream_select, as it does without gevent."""
    here, there = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0)
    seen: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    gevent.spawn_later(0.1, os.kill, os.getpid(), signal.SIGUSR1)
    with silence():
        assert stream_select([here], None, None, 10)[0] is False
    assert seen == [signal.SIGUSR1]
    assert there


def accepting() -> None:
    """An accept waits, and is ended by a client or its time."""
    listening = stream_socket_server("tcp://127.0.0.1:0")[0]
    with silence():
        assert stream_socket_accept(listening, 0.1)[0] is False
    address = f"tcp://{stream_socket_get_name(listening, False)}"
    gevent.spawn_later(0.1, stream_socket_client, address, 5)
    assert stream_socket_accept(listening, 5)[0]


def tls() -> None:
    """Handshakes, large records, timeouts and looks ahead, of four clients and their server at once."""
    address = slow_echo("tls")
    sent = b"x" * 50_000 + b"\n"

    def client() -> Any:
        fp = stream_socket_client(f"tls://{address}", 5, context=stream_context_create(CLIENT))[0]
        for _ in range(3):
            fwrite(fp, sent)
            assert fgets(fp) == sent
        assert feof(fp) is False
        stream_set_timeout(fp, 0, 50_000)
        assert fgets(fp) is False
        assert stream_get_meta_data(fp)["timed_out"] is True
        assert stream_select([fp], None, None, 0, 50_000)[0] == 0
        stream_set_timeout(fp, 5)
        sock = to_socket(fp)
        assert isinstance(sock, ssl.SSLSocket)
        sock.sendall(b"shared\n")
        assert sock.recv(100) == b"shared\n"
        fclose(fp)
        return True

    start = time.monotonic()
    assert together(client, client, client, client) == [True] * 4
    assert time.monotonic() - start < 4


def tls_on_and_off() -> None:
    """STARTTLS and its end on one connection, and a socket of Python's that becomes a stream."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTS / "good.pem")
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        conn, _ = listening.accept()
        assert conn.recv(100) == b"STARTTLS"
        conn.sendall(b"ok\n")
        encrypted = context.wrap_socket(conn, server_side=True)
        assert encrypted.recv(100) == b"hello"
        fp = from_socket(encrypted)
        fwrite(fp, b"answer\n")
        gevent.sleep(0.1)
        fwrite(fp, b"later")
        assert stream_get_contents(fp) == b""

    def client() -> None:
        fp = from_socket(socket.create_connection(listening.getsockname()), stream_context_create(CLIENT))
        fwrite(fp, b"STARTTLS")
        assert fgets(fp) == b"ok\n"
        assert stream_socket_enable_crypto(fp, True, STREAM_CRYPTO_METHOD_TLS_CLIENT) is True
        fwrite(fp, b"hello")
        assert fgets(fp) == b"answer\n"
        assert stream_socket_recvfrom(fp, 100) == (b"later", "")
        assert stream_socket_enable_crypto(fp, False) is False
        assert "crypto" not in stream_get_meta_data(fp)
        fclose(fp)

    together(serve, client)


def sockets() -> None:
    """to_socket and from_socket with gevent's sockets."""
    host, port = slow_echo().split(":")
    fp = fsockopen(host, int(port), 5)[0]
    sock = to_socket(fp)
    sock.sendall(b"one\ntwo\n")
    assert fgets(fp) == b"one\n"
    assert sock.recv(100) == b"two\n"
    sock.settimeout(0.05)
    try:
        sock.recv(1)
        raise AssertionError("nothing was there to be received")
    except TimeoutError:
        pass
    assert fp.raw.timeout == 0.05
    fclose(fp)
    assert sock.fileno() == -1
    here, there = socket.socketpair()
    stream = from_socket(here)
    gevent.spawn_later(0.1, there.sendall, b"abc\n")
    assert fgets(stream) == b"abc\n"
    fclose(stream)
    assert there.recv(1) == b""


def main(name: str) -> None:
    """Runs one of the above, beside the ticker."""
    gevent.spawn(ticker)
    monkey.get_original("_thread", "start_new_thread")(thread, ())
    globals()[name]()
    assert ticks > possible / 3, f"the loop stood still: {ticks} ticks instead of {possible}"
    print("well")


if __name__ == "__main__":
    main(sys.argv[1])

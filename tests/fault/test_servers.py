"""Servers in bad company: no descriptors, no permission, ten thousand clients that vanish.

What is said of it is compared with php-cli, where there is one: both run the same few calls in a process of
their own and print what they get, warnings included.
"""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from php_streams import (
    STREAM_SERVER_BIND,
    fclose,
    fgets,
    fwrite,
    restore_error_handler,
    set_error_handler,
    silence,
    stream_context_create,
    stream_select,
    stream_set_blocking,
    stream_socket_accept,
    stream_socket_get_name,
    stream_socket_server,
)
from php_streams._core.stream import Stream
from php_streams.porting.php_cli import PhpCli
from tests.programs import environment
from tests.signals import signal_soon

NOBODY = 65534
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends a RST, and no port stays in TIME_WAIT
PATIENCE = 30.0

# Both print "warning: text" for a diagnostic and "address: errno errstr" for a server that there is not.
PHP_TWIN = """
set_error_handler(function ($level, $message) { echo "warning: $message\\n"; });
function server($address, $flags = STREAM_SERVER_BIND) {
    $server = stream_socket_server($address, $errno, $errstr, $flags);
    echo $server ? "$address: stands\\n" : "$address: $errno $errstr\\n";
    return $server;
}
function accept($server) {
    $conn = stream_socket_accept($server, 1, $peer);
    echo $conn ? "accepted\\n" : 'nobody ' . json_encode($peer) . "\\n";
    return $conn;
}
function take_the_rest() {
    $held = [];
    set_error_handler(null);
    do {
        $more = @stream_socket_server('udp://127.0.0.1:0', $errno, $errstr, STREAM_SERVER_BIND);
        $held[] = $more;
    } while ($more);
    restore_error_handler();
    return array_filter($held);
}
"""
PYTHON_TWIN = """
import json, os, resource, sys
from php_streams import *
# Nothing can be imported once descriptors are gone, or this user may not read Python's library.
from php_streams._transports import listen, tls
def handler(level, message, file, line):
    print(f"warning: {message}")
set_error_handler(handler)
def server(address, flags=STREAM_SERVER_BIND):
    server, errno, errstr = stream_socket_server(address, flags)
    print(f"{address}: stands" if server else f"{address}: {errno} {errstr}")
    return server
def accept(server):
    conn, peer = stream_socket_accept(server, 1)
    print("accepted" if conn else "nobody " + json.dumps(peer))
    return conn
def take_the_rest():
    held = []
    set_error_handler(None)
    with silence():
        while more := stream_socket_server('udp://127.0.0.1:0', STREAM_SERVER_BIND).result:
            held.append(more)
    restore_error_handler()
    return held
"""


def ran(command: list[str], folder: Path) -> list[str]:
    """What a command printed, line by line; it runs in that folder and finds php_streams where we did."""
    done = subprocess.run(
        command, check=False, cwd=folder, env=environment(), capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def both(php: PhpCli | None, php_code: str, python_code: str, folder: Path) -> list[str]:
    """What the Python twin printed, after a look at whether php-cli prints the same."""
    here = folder / "python"
    here.mkdir()
    lines = ran([sys.executable, "-W", "error", "-c", PYTHON_TWIN + python_code], here)
    if php is not None:
        there = folder / "php"
        there.mkdir()
        assert ran([str(php.path), "-r", PHP_TWIN + php_code], there) == lines
    return lines


# --- what the system refuses ---------------------------------------------------------------------------


def privileged_ports() -> bool:
    """Whether this system keeps port 81 from ordinary users."""
    try:
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) > 81
    except OSError:
        return sys.platform != "darwin"


@pytest.mark.skipif(not privileged_ports(), reason="on this system every user may listen on port 81")
def test_a_privileged_port_is_refused_to_an_ordinary_user(php_alike: PhpCli | None, tmp_path: Path) -> None:
    lines = both(
        php_alike,
        f"if (posix_getuid() === 0) {{ posix_setgid({NOBODY}); posix_setuid({NOBODY}); }}"
        "foreach (['tcp', 'udp', 'tls'] as $transport) server(\"$transport://127.0.0.1:81\");"
        "server('unix:///socket');",
        f"if os.getuid() == 0: os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "for transport in ['tcp', 'udp', 'tls']: server(f'{transport}://127.0.0.1:81')\n"
        "server('unix:///socket')",
        tmp_path,
    )
    assert lines[1::2] == [
        "tcp://127.0.0.1:81: 0 Permission denied",
        "udp://127.0.0.1:81: 0 Permission denied",
        "tls://127.0.0.1:81: 0 Permission denied",
        "unix:///socket: 0 ",
    ]


def test_without_descriptors_nobody_is_accepted_and_nobody_is_lost(
    php_alike: PhpCli | None, tmp_path: Path
) -> None:
    lines = both(
        php_alike,
        "posix_setrlimit(POSIX_RLIMIT_NOFILE, 30, 30);"
        "$both = STREAM_SERVER_BIND | STREAM_SERVER_LISTEN;"
        "$tcp = server('tcp://127.0.0.1:0', $both); $unix = server('unix://socket', $both);"
        "$one = stream_socket_client('tcp://' . stream_socket_get_name($tcp, false));"
        "$two = stream_socket_client('unix://socket');"
        "$held = take_the_rest();"
        "accept($tcp); accept($unix);"
        "foreach (['tcp://127.0.0.1:0', 'unix://more', 'udg://more'] as $address) server($address);"
        "array_pop($held); $conn = accept($tcp);"
        "array_pop($held); $conn2 = accept($unix);",
        "resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))\n"
        "both = STREAM_SERVER_BIND | STREAM_SERVER_LISTEN\n"
        "tcp = server('tcp://127.0.0.1:0', both); unix = server('unix://socket', both)\n"
        "one, _, _ = stream_socket_client('tcp://' + stream_socket_get_name(tcp, False))\n"
        "two, _, _ = stream_socket_client('unix://socket')\n"
        "held = take_the_rest()\n"
        "accept(tcp); accept(unix)\n"
        "for address in ['tcp://127.0.0.1:0', 'unix://more', 'udg://more']: server(address)\n"
        "held.pop(); conn = accept(tcp)\n"
        "held.pop(); conn2 = accept(unix)",
        tmp_path,
    )
    assert lines[-2:] == ["accepted", "accepted"]
    assert lines.count("warning: stream_socket_accept(): Accept failed: Too many open files") == 2
    assert "tcp://127.0.0.1:0: 0 Success" in lines


# --- clients that vanish -------------------------------------------------------------------------------

CLIENTS = 10_000


def burst() -> int:
    """How many may wait to be accepted, on this system."""
    try:
        return min(1_000, int(Path("/proc/sys/net/core/somaxconn").read_text()))
    except OSError:
        return 100


def vanish(address: tuple[str, int], count: int) -> None:
    """So many clients connect, and reset their connections at once; every tenth has said something."""
    for number in range(count):
        with socket.create_connection(address, PATIENCE) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            if number % 10 == 0:
                client.send(b"hello\n")


def answer(conn: Stream) -> None:
    """What a server does for a client, whoever it is."""
    with silence():  # fwrite's notices
        fgets(conn)
        fwrite(conn, b"welcome\n")
        fwrite(conn, b"and goodbye\n")


@pytest.fixture
def server() -> Iterator[Stream]:
    """A server with room for a burst."""
    context = stream_context_create({"socket": {"backlog": burst()}})
    stream, _, _ = stream_socket_server("tcp://127.0.0.1:0", context=context)
    yield stream
    fclose(stream)


def address_of(server: Stream) -> tuple[str, int]:
    host, _, port = stream_socket_get_name(server, False).rpartition(":")
    return host, int(port)


def is_served(server: Stream, address: tuple[str, int]) -> bool:
    """Whether a client of good will gets its answer."""
    with socket.create_connection(address, PATIENCE) as client:
        client.send(b"hello\n")
        conn, _ = stream_socket_accept(server, PATIENCE)
        answer(conn)
        fclose(conn)
        return client.recv(100).startswith(b"welcome\n")


@pytest.mark.usefixtures("nothing_left")
def test_ten_thousand_clients_vanish_from_an_accept_loop(server: Stream) -> None:
    address = address_of(server)
    for count in bursts():
        vanish(address, count)
        for _ in range(count):
            conn, peer = stream_socket_accept(server, PATIENCE)
            assert peer.startswith("127.0.0.1:")
            answer(conn)
            fclose(conn)
    with silence():
        assert stream_socket_accept(server, 0) == (False, None)
    assert is_served(server, address)


@pytest.fixture
def many_selected() -> None:
    """stream_select has what it keeps for many streams: a descriptor."""
    servers = [stream_socket_server("udp://127.0.0.1:0", STREAM_SERVER_BIND).result for _ in range(20)]
    stream_select(servers, None, None, 0)


@pytest.mark.usefixtures("many_selected", "nothing_left")
def test_ten_thousand_clients_vanish_from_an_event_loop(server: Stream) -> None:
    address = address_of(server)
    stream_set_blocking(server, False)
    for count in bursts():
        vanish(address, count)
        assert loop(server) == count
    assert is_served(server, address)


def loop(server: Stream) -> int:
    """Accepts who is there and answers who is ready, until nobody is left; how many there were."""
    streams, accepted = [server], 0
    while True:
        _, ready, _, _ = stream_select(streams, None, None, 0 if len(streams) == 1 else int(PATIENCE))
        if not ready:
            return accepted
        if server in ready:
            while conn := quietly_accepted(server):
                stream_set_blocking(conn, False)
                streams.append(conn)
                accepted += 1
        for stream in ready:
            if stream is not server:
                answer(stream)
                streams.remove(stream)  # that was the last reference but one


def quietly_accepted(server: Stream) -> Stream | Literal[False]:
    with silence():
        return stream_socket_accept(server, 0).result


def bursts() -> list[int]:
    """Ten thousand clients, as many at a time as may wait."""
    most = burst()
    return [most] * (CLIENTS // most) + [CLIENTS % most]


@pytest.mark.usefixtures("nothing_left")
def test_a_handler_that_raises_out_of_an_accept(server: Stream) -> None:
    def handler(level: int, message: str) -> None:
        raise RuntimeError(message)

    set_error_handler(handler)
    try:
        with pytest.raises(RuntimeError, match="Accept failed: Connection timed out"):
            stream_socket_accept(server, 0)
        with pytest.raises(RuntimeError, match="Address already in use"):
            stream_socket_server(f"tcp://{stream_socket_get_name(server, False)}")
    finally:
        restore_error_handler()
    assert is_served(server, address_of(server))


@pytest.mark.usefixtures("nothing_left")
def test_a_signal_handler_that_raises_in_an_accept(server: Stream) -> None:
    def handler() -> None:
        raise KeyboardInterrupt

    with signal_soon(handler), pytest.raises(KeyboardInterrupt):
        stream_socket_accept(server, PATIENCE)
    assert is_served(server, address_of(server))

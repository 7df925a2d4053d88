"""from_socket on plain sockets: what a socket of Python becomes, and who owns it."""

from __future__ import annotations

import select
import socket
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest

import php_streams
from php_streams import (
    fclose,
    fgets,
    fread,
    from_socket,
    fwrite,
    ini_restore,
    ini_set,
    stream_get_meta_data,
    stream_select,
    stream_socket_accept,
    stream_socket_client,
    stream_socket_get_name,
    stream_socket_server,
    to_socket,
)
from tests.conformance.php_found import find, first_where

pytestmark = pytest.mark.usefixtures("no_socket_left")


def arrived(fp: Any) -> None:
    """Waits until the kernel has something to read."""
    assert select.select([fp], [], [], 5)[0]


# --- from_socket ---------------------------------------------------------------------------------------


def test_round_trip() -> None:
    here, there = socket.socketpair()
    number = here.fileno()
    fp = from_socket(here)
    assert here.fileno() == -1, "spent, as after wrap_socket"
    assert fp.fileno() == number
    sock = to_socket(fp)
    assert from_socket(sock) is fp
    there.sendall(b"one\ntwo\n")
    assert (fgets(fp), sock.recv(10)) == (b"one\n", b"two\n")
    fclose(fp)
    assert there.recv(1) == b""
    there.close()


def test_a_dropped_stream_closes_its_socket() -> None:
    here, there = socket.socketpair()
    fp = from_socket(here)
    del fp
    assert there.recv(1) == b""
    there.close()


@pytest.mark.parametrize(
    ("timeout", "kept", "blocked"), [(None, None, True), (2.5, 2.5, True), (0, 33.0, False)]
)
def test_timeouts_are_taken_over(timeout: float | None, kept: float | None, blocked: bool) -> None:
    here, there = socket.socketpair()
    here.settimeout(timeout)
    ini_set("default_socket_timeout", "33")
    try:
        fp = from_socket(here)
    finally:
        ini_restore("default_socket_timeout")
    assert (fp.raw.timeout, stream_get_meta_data(fp)["blocked"]) == (kept, blocked)
    assert to_socket(fp).gettimeout() == timeout
    fclose(fp)
    there.close()


KINDS = [
    ("AF_INET", "SOCK_STREAM"),
    ("AF_INET6", "SOCK_STREAM"),
    ("AF_INET", "SOCK_DGRAM"),
    ("AF_UNIX", "SOCK_STREAM"),
    ("AF_UNIX", "SOCK_DGRAM"),
    ("AF_UNIX", "SOCK_SEQPACKET"),
]
EXPORT = """
    foreach (json_decode($argv[1]) as [$family, $type]) {
        $socket = socket_create(constant($family), constant($type), 0);
        $found[] = stream_get_meta_data(socket_export_stream($socket));
    }
    echo json_encode($found);
"""


def test_the_meta_data_are_those_of_socket_export_stream(php_with_sockets: str) -> None:
    import json

    command = [php_with_sockets, "-r", textwrap.dedent(EXPORT), json.dumps(KINDS)]
    theirs = json.loads(subprocess.check_output(command, text=True))
    ours = []
    for family, kind in KINDS:
        fp = from_socket(socket.socket(getattr(socket, family), getattr(socket, kind)))
        ours.append(stream_get_meta_data(fp))
        fclose(fp)
    assert ours == theirs
    assert [list(one) for one in ours] == [list(one) for one in theirs]


@pytest.fixture
def php_with_sockets(pytestconfig: pytest.Config) -> str:
    """The newest php-cli that has the sockets extension."""
    found = first_where(pytestconfig, "extension_loaded('sockets')")
    if found is None:
        pytest.skip(find(pytestconfig).offline or "no php-cli with the sockets extension is here")
    return str(found.path)


def test_a_listening_socket_is_a_server() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = "{}:{}".format(*listener.getsockname())
    server = from_socket(listener)
    assert stream_socket_get_name(server, False) == address
    client = stream_socket_client(f"tcp://{address}", 5)[0]
    conn, peer = stream_socket_accept(server, 5)
    assert peer == stream_socket_get_name(client, False)
    fwrite(client, b"hello\n")
    assert fgets(conn) == b"hello\n"
    for stream in (client, conn, server):
        fclose(stream)


def test_the_socket_of_a_server_accepts() -> None:
    server = stream_socket_server("tcp://127.0.0.1:0")[0]
    client = stream_socket_client(f"tcp://{stream_socket_get_name(server, False)}", 5)[0]
    sock = to_socket(server)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    conn, _ = sock.accept()
    with conn:
        assert conn.gettimeout() is None
        assert conn.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16) == bytes(16)
        fwrite(client, b"hello\n")
        assert conn.recv(10) == b"hello\n"
    second = stream_socket_client(f"tcp://{stream_socket_get_name(server, False)}", 5)[0]
    third = stream_socket_accept(server, 5)[0]
    assert third, "and the stream accepts, too"
    for stream in (client, second, third, server):
        fclose(stream)


def test_datagrams() -> None:
    a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for one in (a, b):
        one.bind(("127.0.0.1", 0))
    a.connect(b.getsockname())
    fp = from_socket(a)
    fwrite(fp, b"one")
    data, sender = b.recvfrom(100)
    b.sendto(data + b", two", sender)
    assert fread(fp, 3) == b"one"
    assert to_socket(fp).recvfrom(100) == (b", two", b.getsockname())
    fclose(fp)
    b.close()


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_a_connection_on_its_way(kind: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(server.getsockname())
        fp = from_socket(sock)
        assert stream_select(None, [fp], None, 5)[0] == 1
        conn, _ = server.accept()
        conn.sendall(b"x")
        conn.close()
        arrived(fp)
        assert fread(fp, 10) == b"x"
        fclose(fp)


def test_what_is_no_socket_of_use() -> None:
    sock = socket.socket()
    sock.close()
    with pytest.raises(ValueError, match=r"^from_socket\(\): the socket is closed$"):
        from_socket(sock)
    for wrong in (None, 5, "x", select.poll()):
        with pytest.raises(TypeError, match=r"^from_socket\(\): Argument #1 \(\$sock\) must be a socket, "):
            from_socket(wrong)  # type: ignore[arg-type]


def test_both_are_names_of_the_package_and_not_of_its_star() -> None:
    assert not {"to_socket", "from_socket"} & set(php_streams.__all__)

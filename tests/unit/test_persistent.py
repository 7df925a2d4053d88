"""The pool of pfsockopen where a case cannot look: threads, forks, and php-cli beside them."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from php_streams import (
    STREAM_CLIENT_CONNECT,
    STREAM_CLIENT_PERSISTENT,
    fclose,
    fgets,
    fwrite,
    get_resource_type,
    pfsockopen,
    silence,
    stream_socket_client,
    stream_socket_get_name,
)
from php_streams._transports.connect import POOL
from tests.conformance.php_found import first_where


@pytest.fixture(autouse=True)
def empty_pool() -> Iterator[None]:
    """Nothing is left of another test, nor for one."""
    POOL.streams.clear()
    yield
    POOL.streams.clear()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A server that never gets round to answering by itself."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        yield listening


def port(server: socket.socket) -> int:
    """Where it listens."""
    number: int = server.getsockname()[1]
    return number


def local_name(server: socket.socket) -> str | bool:
    """The own address of the persistent connection that a call gives, whose variable is gone afterwards."""
    fp, _, _ = pfsockopen("127.0.0.1", port(server), 5)
    assert get_resource_type(fp) == "persistent stream"
    name: str | bool = stream_socket_get_name(fp, False)
    return name


def test_every_thread_has_its_own(server: socket.socket) -> None:
    """Two threads at once never share a connection; each finds its own again."""
    together = threading.Barrier(3, timeout=10)

    def work() -> tuple[str | bool, str | bool]:
        first = local_name(server)
        together.wait()
        return first, local_name(server)

    with ThreadPoolExecutor(3) as threads:
        found = [future.result(20) for future in [threads.submit(work) for _ in range(3)]]
    assert all(first == second for first, second in found)
    assert len({first for first, _ in found}) == 3
    assert local_name(server) not in {first for first, _ in found}


def test_a_thread_takes_its_connections_with_it(server: socket.socket) -> None:
    """They are closed when it ends, and not before."""
    go_on = threading.Event()
    thread = threading.Thread(target=lambda: (local_name(server), go_on.wait(10)))
    thread.start()
    conn, _ = server.accept()
    with conn:
        conn.settimeout(0.2)
        with pytest.raises(TimeoutError):
            conn.recv(1)
        go_on.set()
        thread.join(10)
        conn.settimeout(10)
        assert conn.recv(1) == b""


def test_a_stream_of_another_thread_can_be_closed(server: socket.socket) -> None:
    """It is gone from its own thread's pool, and nothing of this thread's pool is."""
    mine, _, _ = pfsockopen("127.0.0.1", port(server), 5)
    with ThreadPoolExecutor(1) as threads:
        theirs = threads.submit(pfsockopen, "127.0.0.1", port(server), 5).result(10)[0]
        assert int(theirs) != int(mine)
        fclose(theirs)
        again = threads.submit(pfsockopen, "127.0.0.1", port(server), 5).result(10)[0]
        assert int(again) != int(theirs)
    assert int(pfsockopen("127.0.0.1", port(server), 5)[0]) == int(mine)


def test_persistent_clients_are_in_the_same_pool_under_their_own_keys(server: socket.socket) -> None:
    """stream_socket_client with STREAM_CLIENT_PERSISTENT, thread by thread as well."""
    address, how = f"127.0.0.1:{port(server)}", STREAM_CLIENT_CONNECT | STREAM_CLIENT_PERSISTENT

    def number() -> int:
        return int(stream_socket_client(address, 5, how)[0])

    assert number() == number() != int(pfsockopen("127.0.0.1", port(server), 5)[0])
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(number).result(10) != number()


FORK_PHP = """
$fp = pfsockopen("127.0.0.1", %d, $errno, $errstr, 5);
fwrite($fp, "parent\\n");
unset($fp);
$child = pcntl_fork();
if ($child === 0) {
    fwrite(pfsockopen("127.0.0.1", %d, $errno, $errstr, 5), "child\\n");
    exit;
}
pcntl_waitpid($child, $status);
$fp = pfsockopen("127.0.0.1", %d, $errno, $errstr, 5);
fwrite($fp, "parent again\\n");
fgets($fp);
"""


def python_forks(number: int) -> None:
    """The same in this process."""
    fp, _, _ = pfsockopen("127.0.0.1", number, 5)
    fwrite(fp, "parent\n")
    del fp
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            fwrite(pfsockopen("127.0.0.1", number, 5)[0], "child\n")
        os._exit(0)
    os.waitpid(child, 0)
    fp, _, _ = pfsockopen("127.0.0.1", number, 5)
    fwrite(fp, "parent again\n")
    fgets(fp)


def said(server: socket.socket) -> list[bytes]:
    """What comes over the one connection; it is answered after its last line."""
    conn, _ = server.accept()
    with conn, conn.makefile("rb") as lines:
        conn.settimeout(10)
        heard = []
        for line in lines:
            heard.append(line)
            if line == b"parent again\n":
                conn.sendall(b"ok\n")
                break
    server.settimeout(0.2)
    with pytest.raises(TimeoutError):
        server.accept()
    return heard


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of Python 3.12: there are threads
def test_a_fork_leaves_the_connection_to_both(pytestconfig: pytest.Config, server: socket.socket) -> None:
    """As pcntl_fork does: one connection, and it stands when the child has ended."""
    expected = [b"parent\n", b"child\n", b"parent again\n"]
    with ThreadPoolExecutor(1) as threads:
        heard = threads.submit(said, server)
        python_forks(port(server))
        assert heard.result(20) == expected
        php = first_where(pytestconfig, "function_exists('pcntl_fork')")
        if php is None:
            return
        server.settimeout(10)
        heard = threads.submit(said, server)
        php.run(FORK_PHP % ((port(server),) * 3))
        assert heard.result(20) == expected


def test_a_dead_connection_is_kept_no_longer_when_its_server_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = port(listening)
        local_name(listening)
        listening.accept()[0].close()
        assert len(POOL.streams) == 1
        kept = next(iter(POOL.streams.values()))
    with silence():
        assert pfsockopen("127.0.0.1", number, 5)[0] is False
    assert POOL.streams == {}
    assert not kept.is_open

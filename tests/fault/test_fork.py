"""os.fork does to streams what pcntl_fork does: the same programs in Python and, where there is one, php-cli.

Parent and child have the same connections, each its own copy of what was buffered, and whoever says TLS's
goodbye says it for both.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from tests.conformance.php_found import find, first_where
from tests.places import CERTS
from tests.programs import environment

PHP = """
    function say(...$values) { echo json_encode($values), "\\n"; }
    [$port, $cafile] = json_decode($argv[1]);
    $context = stream_context_create(['ssl' => ['cafile' => $cafile, 'peer_name' => 'localhost']]);
    function opened($scheme) {
        return stream_socket_client("$scheme://127.0.0.1:{$GLOBALS['port']}", $errno, $errstr, 5,
            STREAM_CLIENT_CONNECT, $GLOBALS['context']);
    }
"""
PYTHON = """
    import json, os, sys
    from php_streams import *
    def say(*values):
        values = [value.decode() if isinstance(value, bytes) else value for value in values]
        print(json.dumps(values, separators=(",", ":")), flush=True)
    port, cafile = json.loads(sys.argv[1])
    context = stream_context_create({"ssl": {"cafile": cafile, "peer_name": "localhost"}})
    def opened(scheme):
        return stream_socket_client(f"{scheme}://127.0.0.1:{port}", 5, STREAM_CLIENT_CONNECT, context)[0]
"""


class Program(NamedTuple):
    """One program in both languages; what it prints, and what the server sees of each connection."""

    php: str
    python: str
    prints: list[list[Any]]
    seen: list[str]
    tls: bool = False


def around(scheme: str, child_php: str, child_python: str) -> tuple[str, str]:
    """The parent talks, forks, waits for the child, and talks again."""
    php = f"""
    $fp = opened('{scheme}');
    fwrite($fp, "one\\n");
    say(fgets($fp));
    if (!($pid = pcntl_fork())) {{ {child_php} exit(0); }}
    pcntl_waitpid($pid, $status);
    $sent = fwrite($fp, "two\\n");
    say($sent, fgets($fp), feof($fp));
    """
    python = f"""
    fp = opened('{scheme}')
    fwrite(fp, "one\\n")
    say(fgets(fp))
    pid = os.fork()
    if not pid:
        {child_python}
        sys.exit(0)
    os.waitpid(pid, 0)
    sent = fwrite(fp, "two\\n")
    say(sent, fgets(fp), feof(fp))
    """
    return php, python


GOES_ON: list[list[Any]] = [["one\n"], [4, "two\n", False]]
IS_OVER: list[list[Any]] = [["one\n"], [4, False, True]]
WHOLE, CUT = ["one two, end"], ["one, end"]

SHARED_BUFFER = (
    """
    $fp = opened('tcp');
    fwrite($fp, "one\\ntwo\\nthree\\n");
    say(fgets($fp));
    while (stream_get_meta_data($fp)['unread_bytes'] < 10) { say('not yet'); }
    if (!($pid = pcntl_fork())) { say('child', fgets($fp)); fwrite($fp, "four\\n"); exit(0); }
    pcntl_waitpid($pid, $status);
    say('parent', fgets($fp), fgets($fp), fgets($fp));
    """,
    """
    fp = opened('tcp')
    fwrite(fp, "one\\ntwo\\nthree\\n")
    say(fgets(fp))
    while stream_get_meta_data(fp)['unread_bytes'] < 10: say('not yet')
    pid = os.fork()
    if not pid:
        say('child', fgets(fp)); fwrite(fp, "four\\n"); sys.exit(0)
    os.waitpid(pid, 0)
    say('parent', fgets(fp), fgets(fp), fgets(fp))
    """,
)
PERSISTENT = (
    """
    $fp = pfsockopen('127.0.0.1', $port);
    fwrite($fp, "one\\n");
    say(fgets($fp));
    if (!($pid = pcntl_fork())) {
        $again = pfsockopen('127.0.0.1', $port);
        fwrite($again, "two\\n");
        say($again === $fp, fgets($again));
        exit(0);
    }
    pcntl_waitpid($pid, $status);
    fwrite($fp, "three\\n");
    say(fgets($fp), pfsockopen('127.0.0.1', $port) === $fp);
    """,
    """
    fp = pfsockopen('127.0.0.1', port)[0]
    fwrite(fp, "one\\n")
    say(fgets(fp))
    pid = os.fork()
    if not pid:
        again = pfsockopen('127.0.0.1', port)[0]
        fwrite(again, "two\\n")
        say(again is fp, fgets(again))
        sys.exit(0)
    os.waitpid(pid, 0)
    fwrite(fp, "three\\n")
    say(fgets(fp), pfsockopen('127.0.0.1', port)[0] is fp)
    """,
)
SELECTED = (
    """
    $every = [];
    while (count($every) < 20) { $every[] = opened('tcp'); }
    $read = $every; $write = $except = null;
    say(stream_select($read, $write, $except, 0, 1000));
    if (!($pid = pcntl_fork())) {
        $read = array_slice($every, 0, 12);
        stream_select($read, $write, $except, 0, 1000);
        foreach ($every as $fp) { fclose($fp); }
        exit(0);
    }
    pcntl_waitpid($pid, $status);
    foreach ([3, 17] as $chosen) {
        fwrite($every[$chosen], "x\\n");
        $read = $every;
        $n = stream_select($read, $write, $except, 5);
        say($n, $read[$chosen] === $every[$chosen], fgets($every[$chosen]));
    }
    """,
    """
    every = {}
    while len(every) < 20: every[len(every)] = opened('tcp')
    read = every; write = except_ = None
    say(stream_select(read, write, except_, 0, 1000)[0])
    pid = os.fork()
    if not pid:
        read = list(every.values())[:12]
        stream_select(read, write, except_, 0, 1000)
        for fp in every.values(): fclose(fp)
        sys.exit(0)
    os.waitpid(pid, 0)
    for chosen in [3, 17]:
        fwrite(every[chosen], "x\\n")
        n, read, write, except_ = stream_select(every, write, except_, 5)
        say(n, read[chosen] is every[chosen], fgets(every[chosen]))
    """,
)
FORKING_SERVER = (
    """
    $server = stream_socket_server('tcp://127.0.0.1:0');
    $client = stream_socket_client('tcp://' . stream_socket_get_name($server, false));
    $conn = stream_socket_accept($server, 5);
    if (!($pid = pcntl_fork())) {
        fclose($server);
        fwrite($conn, 'hello ' . fgets($conn));
        exit(0);
    }
    fclose($conn);
    fwrite($client, "you\\n");
    say(fgets($client), fgets($client), feof($client));
    pcntl_waitpid($pid, $status);
    """,
    """
    server = stream_socket_server('tcp://127.0.0.1:0')[0]
    client = stream_socket_client('tcp://' + stream_socket_get_name(server, False))[0]
    conn = stream_socket_accept(server, 5)[0]
    pid = os.fork()
    if not pid:
        fclose(server)
        fwrite(conn, b'hello ' + fgets(conn))
        sys.exit(0)
    fclose(conn)
    fwrite(client, "you\\n")
    say(fgets(client), fgets(client), feof(client))
    os.waitpid(pid, 0)
    """,
)

PROGRAMS = {
    "a child that ends": Program(*around("tcp", "", "pass"), GOES_ON, WHOLE),
    "a child that closes": Program(*around("tcp", "fclose($fp);", "fclose(fp)"), GOES_ON, WHOLE),
    "a child that shuts the connection": Program(
        *around(
            "tcp",
            "stream_socket_shutdown($fp, STREAM_SHUT_RDWR);",
            "stream_socket_shutdown(fp, STREAM_SHUT_RDWR)",
        ),
        [["one\n"], [False, False, True]],
        CUT,
    ),
    "a child that ends, under TLS": Program(*around("tls", "", "pass"), IS_OVER, CUT, tls=True),
    "a child that closes, under TLS": Program(
        *around("tls", "fclose($fp);", "fclose(fp)"), IS_OVER, CUT, tls=True
    ),
    "a child that is killed, under TLS": Program(
        *around("tls", "posix_kill(getmypid(), SIGKILL);", "os.kill(os.getpid(), 9)"),
        GOES_ON,
        WHOLE,
        tls=True,
    ),
    "each has its copy of the buffer": Program(
        *SHARED_BUFFER,
        [["one\n"], ["child", "two\n"], ["parent", "two\n", "three\n", "four\n"]],
        ["one two three four, end"],
    ),
    "persistent streams": Program(
        *PERSISTENT, [["one\n"], [True, "two\n"], ["three\n", True]], ["one two three, end"]
    ),
    "what a child does to its sets": Program(
        *SELECTED, [[0], [1, True, "x\n"], [1, True, "x\n"]], [*[", end"] * 18, "x, end", "x, end"]
    ),
    "a server that forks": Program(*FORKING_SERVER, [["hello you\n", False, True]], []),
}


class Server:
    """Sends back what comes on any connection, and notes it."""

    def __init__(self, tls: bool) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        if self.context is not None:
            self.context.load_cert_chain(CERTS / "good.pem")
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.seen: list[str] = []
        self.threads: list[threading.Thread] = []

    def run(self) -> None:
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self.talk, args=(conn,)))
            self.threads[-1].start()

    def talk(self, conn: Any) -> None:
        got, how = b"", "end"
        conn.settimeout(20)
        try:
            if self.context is not None:
                conn = self.context.wrap_socket(conn, server_side=True, suppress_ragged_eofs=False)
            while data := conn.recv(1000):
                got += data
                conn.sendall(data)
        except ssl.SSLEOFError:
            how = "end"  # without close_notify: of a process that was killed
        except OSError as error:
            how = repr(error)
        conn.close()
        self.seen.append(" ".join(got.decode().split()) + f", {how}")


@contextmanager
def running(tls: bool, connections: int) -> Iterator[Server]:
    """A server, until all its connections are over: so many."""
    server = Server(tls)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        limit = time.monotonic() + 10
        while len(server.threads) < connections and time.monotonic() < limit:
            time.sleep(0.01)  # the program may be done before the last one is accepted
        server.listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        for one in server.threads:
            one.join(25)
        server.listener.close()


def outcome(program: Program, command: list[str]) -> tuple[list[Any], list[str]]:
    """What a program prints, and what the server saw."""
    with running(program.tls, len(program.seen)) as server:
        given = json.dumps([server.listener.getsockname()[1], str(CERTS / "ca.pem")])
        done = subprocess.run(
            [*command, given],
            capture_output=True,
            text=True,
            env=environment(),
            timeout=40,
            check=False,
        )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()], sorted(server.seen)


@pytest.mark.parametrize("name", PROGRAMS)
def test_python(name: str) -> None:
    program = PROGRAMS[name]
    code = textwrap.dedent(PYTHON) + textwrap.dedent(program.python)
    assert outcome(program, [sys.executable, "-W", "ignore::UserWarning", "-c", code]) == (
        program.prints,
        program.seen,
    )


@pytest.fixture
def php_that_forks(pytestconfig: pytest.Config) -> str:
    """The newest php-cli that can fork."""
    found = first_where(pytestconfig, "extension_loaded('pcntl') && extension_loaded('posix')")
    if found is None:
        pytest.skip(find(pytestconfig).offline or "no php-cli with pcntl and posix is here")
    return str(found.path)


@pytest.mark.parametrize("name", PROGRAMS)
def test_php(name: str, php_that_forks: str) -> None:
    program = PROGRAMS[name]
    code = textwrap.dedent(PHP) + textwrap.dedent(program.php)
    assert outcome(program, [php_that_forks, "-d", "display_errors=0", "-r", code]) == (
        program.prints,
        program.seen,
    )

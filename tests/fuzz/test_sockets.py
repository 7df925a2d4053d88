"""Random addresses, ports, timeouts and flags for what opens sockets, and random scalars for the network's
functions, beside php-cli: the same results, error texts, warnings and exceptions.

Only loopback is spoken to, and no name is looked up.  The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses
another one, PHP_STREAMS_FUZZ the number of calls.
"""

from __future__ import annotations

import os
import random
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import phpserialize
import pytest

import php_streams
from php_streams.porting.php_cli import PhpCli

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ", "1500"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20261129"))

# Reads [[function, [argument, ...]], ...]; what opens something comes back with its error and its names.
PHP = r"""
chdir(getenv('FUZZ_FOLDER'));
set_error_handler(function ($level, $message) use (&$said) { $said[] = "$level $message"; return true; });
function names($fp, $errno, $errstr) {
    if (!$fp) return [$fp, $errno, $errstr];
    return [stream_socket_get_name($fp, false), stream_socket_get_name($fp, true)];
}
function client($address, $timeout, $flags) {
    $fp = stream_socket_client($address, $errno, $errstr, $timeout, $flags);
    return names($fp, $errno, $errstr);
}
function server($address, $flags) {
    $fp = stream_socket_server($address, $errno, $errstr, $flags);
    return names($fp, $errno, $errstr);
}
function opened($address, $port, $timeout) {
    $fp = fsockopen($address, $port, $errno, $errstr, $timeout);
    return names($fp, $errno, $errstr);
}
function kept($address, $port, $timeout) {
    $fp = pfsockopen($address, $port, $errno, $errstr, $timeout);
    $answer = names($fp, $errno, $errstr);
    if ($fp) fclose($fp);
    return $answer;
}
function pair_of($domain, $type, $protocol) {
    return is_array(stream_socket_pair($domain, $type, $protocol));
}
function end_of_a_pair() { return stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0)[0]; }
function shut($how) { return stream_socket_shutdown(end_of_a_pair(), $how); }
function name_of($remote) { return stream_socket_get_name(end_of_a_pair(), $remote); }
function blocking($enable) {
    $fp = end_of_a_pair();
    return [stream_set_blocking($fp, $enable), stream_get_meta_data($fp)['blocked']];
}
function timeout($seconds, $micro) { return stream_set_timeout(end_of_a_pair(), $seconds, $micro); }
function chunk($size) {
    $fp = end_of_a_pair();
    return [stream_set_chunk_size($fp, $size), stream_set_chunk_size($fp, 1)];
}
function received($length, $flags) {
    [$fp, $peer] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    fwrite($peer, 'abcdef');
    return [stream_socket_recvfrom($fp, $length, $flags, $address), $address];
}
function sent($data, $flags, $address) {
    $fp = stream_socket_server('udp://127.0.0.1:0', $errno, $errstr, STREAM_SERVER_BIND);
    return stream_socket_sendto($fp, $data, $flags, $address);
}
function selected($sets, $seconds, $microseconds) {
    [$fp, $peer] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    fwrite($peer, 'x');
    $streams = fn ($set) => $set === null ? null : array_map(fn ($own) => $own ? $fp : $peer, $set);
    $sets = array_map($streams, $sets);
    [$read, $write, $except] = $sets;
    $n = stream_select($read, $write, $except, $seconds, $microseconds);
    return [$n, ...array_map(fn ($set) => $set === null ? null : array_keys($set), [$read, $write, $except])];
}
$answers = [];
foreach (unserialize(file_get_contents('calls')) as [$function, $arguments]) {
    $said = [];
    try {
        $answer = $function(...$arguments);
    } catch (Throwable $e) {
        $answer = get_class($e) . ': ' . $e->getMessage();
    }
    $answers[] = [$answer, $said];
}
echo serialize($answers);
"""


def names(fp: Any, errno: int, errstr: str) -> Any:
    if not fp:
        return [fp, errno, errstr]
    return [php_streams.stream_socket_get_name(fp, False), php_streams.stream_socket_get_name(fp, True)]


def end_of_a_pair() -> Any:
    found: Any = php_streams.stream_socket_pair(1, 1, 0)
    return found[0]


def blocking(enable: Any) -> Any:
    fp = end_of_a_pair()
    return [php_streams.stream_set_blocking(fp, enable), php_streams.stream_get_meta_data(fp)["blocked"]]


def chunk(size: Any) -> Any:
    fp = end_of_a_pair()
    return [php_streams.stream_set_chunk_size(fp, size), php_streams.stream_set_chunk_size(fp, 1)]


def kept(address: Any, port: Any, timeout: Any) -> Any:
    found = php_streams.pfsockopen(address, port, timeout)
    answer = names(*found)
    if found:
        php_streams.fclose(found[0])
    return answer


def received(length: Any, flags: Any) -> Any:
    pair: Any = php_streams.stream_socket_pair(1, 1, 0)
    php_streams.fwrite(pair[1], "abcdef")
    return list(php_streams.stream_socket_recvfrom(pair[0], length, flags))


def sent(data: Any, flags: Any, address: Any) -> Any:
    fp = php_streams.stream_socket_server("udp://127.0.0.1:0", 4)[0]
    return php_streams.stream_socket_sendto(fp, data, flags, address)


def selected(sets: Any, seconds: Any, microseconds: Any) -> Any:
    pair: Any = php_streams.stream_socket_pair(1, 1, 0)
    php_streams.fwrite(pair[1], "x")
    given = [
        None if chosen is None else dict(enumerate(pair[0 if own else 1] for own in chosen))
        for chosen in sets
    ]
    n, *found = php_streams.stream_select(*given, seconds, microseconds)
    return [n, *(None if chosen is None else list(chosen) for chosen in found)]


FUNCTIONS = {
    "client": lambda *given: names(*php_streams.stream_socket_client(*given)),
    "server": lambda *given: names(*php_streams.stream_socket_server(*given)),
    "opened": lambda *given: names(*php_streams.fsockopen(*given)),
    "kept": kept,
    "pair_of": lambda *given: isinstance(php_streams.stream_socket_pair(*given), list),
    "shut": lambda how: php_streams.stream_socket_shutdown(end_of_a_pair(), how),
    "name_of": lambda remote: php_streams.stream_socket_get_name(end_of_a_pair(), remote),
    "blocking": blocking,
    "timeout": lambda *given: php_streams.stream_set_timeout(end_of_a_pair(), *given),
    "chunk": chunk,
    "received": received,
    "sent": sent,
    "selected": selected,
}
PLAIN = {
    "long2ip": 1,
    "ip2long": 1,
    "inet_pton": 1,
    "inet_ntop": 1,
    "getservbyname": 2,
    "getservbyport": 2,
    "getprotobyname": 1,
    "getprotobynumber": 1,
    "ini_set": 2,
}
SCALARS = [None, True, False, 0, 1, 2, -1, 7, 80, 65536, 2**31, 2**63 - 1, -(2**63)]
SCALARS += [0.0, 1.0, 1.5, -0.5, 2.0**31, 2.0**63, 1e30, float("inf"), float("nan")]
SCALARS += ["", "0", "1", "6", "80", " 6", "6 ", "6x", "1.5", "1e0", "0x6", "-1", "+6", ".5", "6.", "1e1000"]
SCALARS += [
    b"\xff",
    "6\0",
    "\0",
    "tcp",
    "http",
    "127.0.0.1",
    "::1",
    b"\x7f\0\0\x01",
    "٣",
    "9223372036854775808",
]
# No names: whoever has to look one up asks somebody outside.
HOSTS = [
    "127.0.0.1",
    "127.0.0.1",
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "2130706433",
    "[::1]",
    "::1",
    "",
    "[",
    "[]",
]
HOSTS += ["[::1", "[127.0.0.1]", "127.0.0.1\0x", "\0", "0", "127.0.0.1:1", "[::1]:"]
SCHEMES = [
    "tcp://",
    "tcp://",
    "",
    "udp://",
    "unix://",
    "udg://",
    "TCP://",
    "://",
    "tcp:///",
    "sslv3://",
    "tcp\0://",
]
SCHEMES += ["a" * 40 + "://", "php://", "http://"]
PORTS = [
    "{open}",
    "{open}",
    "{closed}",
    "",
    "0",
    "-1",
    "70000",
    "x",
    "{open}x",
    " {open}",
    "+{open}",
    "65535",
    "65536",
    "99999999999999999999",
    "\0",
]
SEPARATORS = [":", ":", ":", "", "::", " :", "/"]
PATHS = [
    "nobody",
    "calls",
    "listens",
    "listens",
    "listens\0x",
    "",
    ".",
    "no/such/folder",
    "a" * 107,
    "a" * 108,
    "a" * 300,
]
TIMEOUTS = [
    None,
    1,
    2.5,
    "1",
    " 1",
    "1 ",
    "x",
    "1e0",
    True,
    -1,
    -2,
    -0.5,
    [],
    1e14,
    float("inf"),
    float("nan"),
    b"2",
]
FLAGS = [4, 4, 4, 0, 1, 5, 4.0, "4", "4 ", "x", None, True, 12, 8, 4.5, -1, []]


def make(draw: random.Random) -> list[Any]:
    """A function and its arguments."""
    kind = draw.choice(
        ["client", "server", "opened", "kept", "sent", "selected", "scalars", "scalars", "scalars"]
    )
    if kind == "client":
        timeout, flags = draw.choice(TIMEOUTS), draw.choice(FLAGS)
        # Nothing in both places is what a call in PHP's order has there, and refused.
        return [kind, [make_address(draw), timeout, flags if timeout is not None else flags or 4]]
    if kind == "server":
        return [kind, [make_address(draw, server=True), draw.choice([12, 12, 12, *FLAGS])]]
    if kind in ("opened", "kept"):
        port = draw.choice(["{open}", "{open}", "{closed}", *SCALARS, []])
        host = draw.choice(SCHEMES) + draw.choice(HOSTS)
        return [kind, [draw.choice([host, host, make_address(draw)]), port, draw.choice(TIMEOUTS)]]
    if kind == "sent":
        address = draw.choice(HOSTS) + draw.choice(SEPARATORS) + draw.choice(PORTS)
        return [kind, [draw.choice(["", "x", 5, b"\xff"]), draw.choice([0, 0, "0", 2, None]), address]]
    if kind == "selected":
        sets = [draw.choice([None, [], [1], [0], [0, 1], [1, 1]]) for _ in range(3)]
        return [kind, [sets, draw.choice([0, 0, "0", 0.0, *SCALARS]), draw.choice([None, 0, 100, *SCALARS])]]
    function = draw.choice([*PLAIN, "pair_of", "shut", "name_of", "blocking", "timeout", "chunk", "received"])
    size = PLAIN.get(function) or {"pair_of": 3, "timeout": 2, "received": 2}.get(function, 1)
    if function == "ini_set":
        return [function, ["default_socket_timeout", draw.choice([*SCALARS, []])]]
    return [function, [draw.choice([*SCALARS, *SCALARS, []]) for _ in range(size)]]


def make_address(draw: random.Random, server: bool = False) -> Any:
    """Something like an address, perhaps with one byte changed."""
    scheme = draw.choice(SCHEMES)
    if scheme in ("unix://", "udg://"):
        text = scheme + (
            draw.choice(["", "new", "listens", "no/such", "a" * 110]) if server else draw.choice(PATHS)
        )
    else:
        port = draw.choice(["0", "0", "{open}", "x"]) if server else draw.choice(PORTS)
        text = scheme + draw.choice(HOSTS) + draw.choice(SEPARATORS) + port
    return draw.choice([text] * 20 + [None, [], False])


def is_too_much(call: list[Any]) -> bool:
    """What would wait for ever, or for long: everything but the end that has something to read is silent.

    And what PHP has no memory for.
    """
    function, given = call
    if function == "received":
        return isinstance(given[0], (int, float)) and not given[0] <= 65536
    if function != "selected" or (given[0][0] and 1 in given[0][0]) or given[0][1]:
        return False
    return given[1] not in (0, 0.0, "0", False, "") or given[2] not in (None, 0, 100, 0.0, "0", 1, 2, 7, 80)


def with_ports(value: Any, ports: dict[str, int]) -> Any:
    """The ports in the place of their names."""
    if isinstance(value, str):
        if value in ("{open}", "{closed}"):
            return ports[value]
        for name, port in ports.items():
            value = value.replace(name, str(port))
        return value
    return [with_ports(item, ports) for item in value] if isinstance(value, list) else value


def in_python(call: list[Any]) -> Any:
    """What Python answers to it."""
    said: list[str] = []
    php_streams.set_error_handler(lambda level, message: said.append(f"{level} {message}") or True)
    try:
        answer = FUNCTIONS.get(call[0], getattr(php_streams, call[0], None))(*call[1])  # type: ignore[misc]
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    finally:
        php_streams.restore_error_handler()
    return [answer, said]


def settled(answer: Any) -> str:
    """As text, without what the system chose."""
    text = repr(phpserialize.loads(phpserialize.dumps(answer, "utf-8", "surrogateescape")))
    text = re.sub(r"(127\.0\.0\.1|\[::1?\]|0\.0\.0\.0):\d+", r"\1:N", text)
    # PHP never sets errno there (decisions.toml, unknown-transport-errno).
    return re.sub(r"1: \d+, (2: b'Unable to find the socket transport)", r"1: N, \1", text)


@contextmanager
def listening(folder: Path) -> Iterator[dict[str, int]]:
    """A tcp server on both families' loopback, a unix one, and a port where nobody is."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as server, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        path = socket.socket(socket.AF_UNIX)
        with path:
            path.bind(str(folder / "listens"))
            path.listen(4096)
            yield {"{open}": port, "{closed}": closed.getsockname()[1]}


def tidy(folder: Path) -> None:
    """Takes away the paths of servers."""
    for entry in folder.iterdir():
        if entry.name not in ("calls", "listens"):
            entry.unlink()


@pytest.mark.timeout(200)
def test_every_call_is_phps(php: PhpCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answer and the same warnings."""
    draw = random.Random(SEED)
    monkeypatch.chdir(tmp_path)
    with listening(tmp_path) as ports:
        made = (with_ports(make(draw), ports) for _ in range(COUNT))
        calls = [call for call in made if not is_too_much(call)]
        data = phpserialize.dumps(calls, "utf-8", "surrogateescape")
        (tmp_path / "calls").write_bytes(data.replace(b"d:nan;", b"d:NAN;").replace(b"d:inf;", b"d:INF;"))
        result = php.run(PHP, env={**os.environ, "FUZZ_FOLDER": str(tmp_path)}, timeout=100)
        assert result.status == 0 and len(result.value) == len(calls), (
            result.stdout[-1500:] + result.stderr[-500:]
        )
        tidy(tmp_path)
        differ = []
        for call, there in zip(calls, result.value.values(), strict=True):
            here = in_python(call)
            if settled(there) != settled(here):
                differ.append(f"{call}\n  php    {settled(there)}\n  python {settled(here)}")
        php_streams.ini_restore("default_socket_timeout")
    assert not differ, f"{len(differ)} of {len(calls)} (seed {SEED}) differ:\n" + "\n".join(differ[:40])

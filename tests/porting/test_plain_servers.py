"""Servers and clients of both languages with each other: whoever talks to whom, both see the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from php_streams.porting.php_cli import PhpCli
from tests.programs import environment

PATIENCE = 20.0

# Each prints what it sees; the server first the address that it has.
PHP_SERVER = r"""
$server = stream_socket_server($argv[1], $errno, $errstr);
echo stream_socket_get_name($server, false), "\n";
$conn = stream_socket_accept($server, 10, $peer);
echo 'peer: ', preg_replace('/:\d+$/', '', $peer), "\n";
stream_set_timeout($conn, 10);
while (($line = fgets($conn)) !== false) {
    echo "line: $line";
    fwrite($conn, strtoupper($line));
}
echo 'end: ', json_encode([feof($conn), stream_get_meta_data($conn)['timed_out']]), "\n";
echo 'sent: ', fwrite($conn, str_repeat('x', 300000)), "\n";
fclose($conn);
"""
PYTHON_SERVER = r"""
server, errno, errstr = stream_socket_server(sys.argv[1])
print(stream_socket_get_name(server, False), flush=True)
conn, peer = stream_socket_accept(server, 10)
print('peer:', re.sub(r':\d+$', '', peer))
stream_set_timeout(conn, 10)
while (line := fgets(conn)) is not False:
    print('line:', line.decode(), end='')
    fwrite(conn, line.upper())
print('end:', json.dumps([feof(conn), stream_get_meta_data(conn)['timed_out']], separators=(',', ':')))
print('sent:', fwrite(conn, 'x' * 300000))
fclose(conn)
"""
PHP_CLIENT = r"""
$fp = stream_socket_client($argv[1], $errno, $errstr, 10);
stream_set_timeout($fp, 10);
foreach (["hello\n", "and goodbye\n", 'without an end'] as $line) {
    fwrite($fp, $line);
}
echo 'shut: ', json_encode(stream_socket_shutdown($fp, STREAM_SHUT_WR)), "\n";
echo 'answer: ', fgets($fp), 'answer: ', fgets($fp);
$rest = stream_get_contents($fp);
echo 'rest: ', substr($rest, 0, 20), ' ', strlen($rest), ' ', json_encode(feof($fp)), "\n";
"""
PYTHON_CLIENT = r"""
fp, errno, errstr = stream_socket_client(sys.argv[1], 10)
stream_set_timeout(fp, 10)
for line in ["hello\n", "and goodbye\n", 'without an end']:
    fwrite(fp, line)
print('shut:', json.dumps(stream_socket_shutdown(fp, STREAM_SHUT_WR)))
print('answer:', fgets(fp).decode(), end=''); print('answer:', fgets(fp).decode(), end='')
rest = stream_get_contents(fp)
print('rest:', rest[:20].decode(), len(rest), json.dumps(feof(fp)))
"""
PHP_UDP_SERVER = r"""
$server = stream_socket_server($argv[1], $errno, $errstr, STREAM_SERVER_BIND);
echo stream_socket_get_name($server, false), "\n";
for ($i = 0; $i < 3; $i++) {
    $data = stream_socket_recvfrom($server, 100, 0, $peer);
    echo "data: $data from ", preg_replace('/:\d+$/', '', $peer), "\n";
    stream_socket_sendto($server, strtoupper($data), 0, $peer);
}
"""
PYTHON_UDP_SERVER = r"""
server, errno, errstr = stream_socket_server(sys.argv[1], STREAM_SERVER_BIND)
print(stream_socket_get_name(server, False), flush=True)
for i in range(3):
    data, peer = stream_socket_recvfrom(server, 100, 0)
    print('data:', data.decode(), 'from', re.sub(r':\d+$', '', peer))
    stream_socket_sendto(server, data.upper(), 0, peer)
"""
PHP_UDP_CLIENT = r"""
$fp = stream_socket_client($argv[1], $errno, $errstr, 10);
stream_set_timeout($fp, 10);
foreach (['one', 'two', 'three'] as $data) {
    echo 'sent: ', $data === 'two' ? stream_socket_sendto($fp, $data) : fwrite($fp, $data), "\n";
    echo 'answer: ', fread($fp, 100), "\n";
}
"""
PYTHON_UDP_CLIENT = r"""
fp, errno, errstr = stream_socket_client(sys.argv[1], 10)
stream_set_timeout(fp, 10)
for data in ['one', 'two', 'three']:
    print('sent:', stream_socket_sendto(fp, data) if data == 'two' else fwrite(fp, data))
    print('answer:', fread(fp, 100).decode())
"""
PYTHON = "import json, re, sys\nfrom php_streams import *\n"


def program(php: PhpCli | None, php_code: str, python_code: str, address: str) -> list[str]:
    """How the twin is started: the PHP one where php is given."""
    if php is not None:
        return [str(php.path), "-r", php_code, "--", address]
    return [sys.executable, "-W", "error", "-c", PYTHON + python_code, address]


def started(command: list[str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def conversation(server: list[str], client: list[str], scheme: str, folder: Path) -> tuple[str, str]:
    """What the server said, its address aside, and what the client said."""
    with started(server, folder) as listening:
        try:
            assert listening.stdout is not None
            name = listening.stdout.readline().strip()
            with started([*client[:-1], f"{scheme}://{name}"], folder) as talking:
                try:
                    said, _ = talking.communicate(timeout=PATIENCE)
                finally:
                    talking.kill()
            heard, _ = listening.communicate(timeout=PATIENCE)
        finally:
            listening.kill()
    assert (listening.returncode, talking.returncode) == (0, 0), heard + said
    return heard, said


HEARD = "peer: {peer}\nline: hello\nline: and goodbye\nline: without an endend: [true,false]\nsent: 300000\n"
SAID = "shut: true\nanswer: HELLO\nanswer: AND GOODBYE\nrest: WITHOUT AN ENDxxxxxx 300014 true\n"
LANGUAGES = ["php", "python"]


@pytest.fixture
def speaks(php_alike: PhpCli | None) -> dict[str, PhpCli | None]:
    """The php of each language; there is none for Python."""
    if php_alike is None:
        pytest.skip("needs php-cli 8.4 on one of the sides")
    return {"php": php_alike, "python": None}


@pytest.mark.parametrize("client", LANGUAGES)
@pytest.mark.parametrize("server", LANGUAGES)
@pytest.mark.parametrize(
    "address, peer",
    [("tcp://127.0.0.1:0", "127.0.0.1"), ("tcp://[::1]:0", "[::1]"), ("unix://socket", "")],
    ids=["ipv4", "ipv6", "unix"],
)
def test_lines_and_half_closed_streams(
    speaks: dict[str, PhpCli | None], server: str, client: str, address: str, peer: str, tmp_path: Path
) -> None:
    heard, said = conversation(
        program(speaks[server], PHP_SERVER, PYTHON_SERVER, address),
        program(speaks[client], PHP_CLIENT, PYTHON_CLIENT, ""),
        address.partition(":")[0],
        tmp_path,
    )
    assert said == SAID
    # What php calls a unix client without a name is no name (decisions.toml: accept-unnamed-peer).
    if not peer:
        heard = "peer: \n" + heard.partition("\n")[2]
    assert heard == HEARD.format(peer=peer)


@pytest.mark.parametrize("client", LANGUAGES)
@pytest.mark.parametrize("server", LANGUAGES)
@pytest.mark.parametrize(
    "address, peer",
    [("udp://127.0.0.1:0", "127.0.0.1"), ("udp://[::1]:0", "[::1]")],
    ids=["ipv4", "ipv6"],
)
def test_datagrams(
    speaks: dict[str, PhpCli | None], server: str, client: str, address: str, peer: str, tmp_path: Path
) -> None:
    heard, said = conversation(
        program(speaks[server], PHP_UDP_SERVER, PYTHON_UDP_SERVER, address),
        program(speaks[client], PHP_UDP_CLIENT, PYTHON_UDP_CLIENT, ""),
        "udp",
        tmp_path,
    )
    assert heard == f"data: one from {peer}\ndata: two from {peer}\ndata: three from {peer}\n"
    assert said == "sent: 3\nanswer: ONE\nsent: 3\nanswer: TWO\nsent: 5\nanswer: THREE\n"

"""The servers among the examples: PHP and Python line by line, and real clients of either kind.

php-cli is the client of the Python server, Python that of the PHP server, `openssl s_client` that of both.
"""

from __future__ import annotations

import contextlib
import select
import shutil
import socket
import ssl
import struct
import subprocess
from collections.abc import Iterator

import pytest

import php_streams
from php_streams.porting.php_cli import PhpCli
from tests.places import CERTS
from tests.porting.correspondence import faults
from tests.porting.servers import CA, EXAMPLES, PATIENCE, LineClient, Served, program

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
CERTIFICATE = str(CERTS / "good.pem")


@pytest.mark.parametrize("name", ["event_loop", "chat_server", "tls_echo_server"])
def test_line_n_is_line_n(name: str) -> None:
    php, python = (
        (EXAMPLES / f"{name}.{ending}").read_text("utf-8").splitlines() for ending in ("php", "py")
    )
    assert faults(php, python) == []


@pytest.fixture(params=["php", "python"])
def language(request: pytest.FixtureRequest, php_alike: PhpCli | None) -> PhpCli | None:
    """Whose server it is: the PHP twin where php-cli is found, and the Python twin."""
    if request.param == "php" and php_alike is None:
        pytest.skip("the PHP twin of the server needs php-cli 8.4")
    return php_alike if request.param == "php" else None


# --- chat ----------------------------------------------------------------------------------------------


@pytest.fixture
def chat(language: PhpCli | None) -> Iterator[Served]:
    """A chat server that knows no patience worth waiting for."""
    with Served([*program("chat_server", language), "tcp://127.0.0.1:0", "30"]) as server:
        yield server


def joined(server: Served, name: str, *others: LineClient) -> LineClient:
    """Somebody who is in the chat."""
    client = LineClient(server.port)
    assert client.hears() == "What is your name?"
    client.says(name)
    assert client.hears() == f"* {name} joined"
    assert server.log() == "PEER connected"
    assert server.log() == f"PEER is {name}"
    for other in others:
        assert other.hears() == f"* {name} joined"
    return client


def test_people_talk(chat: Served) -> None:
    with joined(chat, "ada") as ada, joined(chat, "grace", ada) as grace:
        ada.says("hello")
        assert grace.hears() == "ada: hello"
        grace.says("one\r\ntwo")
        assert [ada.hears(), ada.hears()] == ["grace: one", "grace: two"]
        grace.says("/who")
        assert grace.hears() == "* ada grace"
        grace.says("/quit\nnever said")
        assert grace.hears() == ""
        assert ada.hears() == "* grace left"
        assert chat.log() == "PEER left"


def test_a_name_that_is_taken(chat: Served) -> None:
    with joined(chat, "ada"), LineClient(chat.port) as other:
        assert other.hears() == "What is your name?"
        for name in ("ada", "two words", "", "x" * 21):
            other.says(name)
            assert other.hears() == "Another name, please."
        other.says("grace")
        assert other.hears() == "* grace joined"


def test_half_a_line_waits_for_its_other_half(chat: Served) -> None:
    with joined(chat, "ada") as ada, joined(chat, "grace", ada) as grace:
        ada.socket.sendall(b"he")
        grace.says("first")
        assert ada.hears() == "grace: first"
        ada.socket.sendall(b"llo\nwor")
        assert grace.hears() == "ada: hello"
        ada.socket.sendall(b"ld\n")
        assert grace.hears() == "ada: world"


def test_too_long_a_line(chat: Served) -> None:
    with joined(chat, "ada") as ada, joined(chat, "grace", ada) as grace:
        grace.socket.sendall(b"x" * 1001)
        assert grace.hears() == ""
        assert ada.hears() == "* grace was sent away: too long a line"


def test_a_reset_is_a_farewell(chat: Served) -> None:
    with joined(chat, "ada") as ada:
        grace = joined(chat, "grace", ada)
        grace.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        grace.close()
        assert ada.hears() == "* grace left"


def test_who_does_not_read_is_sent_away(chat: Served) -> None:
    with joined(chat, "ada") as ada, joined(chat, "deaf", ada):
        for _ in range(40_000):  # what the kernel holds for the deaf one, and a million bytes more
            ada.says("x" * 990)
            if select.select([ada.socket], [], [], 0)[0]:
                break
        assert ada.hears() == "* deaf was sent away: reads too slowly"
        assert chat.log() == "PEER was sent away: reads too slowly"


def test_who_says_nothing_falls_asleep(language: PhpCli | None) -> None:
    with (
        Served([*program("chat_server", language), "tcp://127.0.0.1:0", "0.2"]) as server,
        LineClient(server.port) as silent,
    ):
        assert silent.hears() == "What is your name?"
        assert silent.hears() == ""
        assert [server.log(), server.log()] == ["PEER connected", "PEER fell asleep"]


def test_crowds_leave_nothing_behind(chat: Served) -> None:
    at_most = chat.descriptors() + 3  # a server of many clients may keep a poller and what wakes it
    for _ in range(10):
        crowd = [socket.create_connection(("127.0.0.1", chat.port), PATIENCE) for _ in range(50)]
        for member in crowd:
            member.close()
    with LineClient(chat.port) as late:
        assert late.hears() == "What is your name?"
    assert chat.settles_at(at_most)


PHP_CHATTER = r"""
$fp = stream_socket_client("tcp://127.0.0.1:$argv[1]");
echo fgets($fp);
fwrite($fp, "rasmus\n");
echo fgets($fp);
fwrite($fp, "/who\n");
echo fgets($fp);
"""


def run_php(php: PhpCli, code: str, *arguments: str) -> str:
    """What a PHP script prints."""
    command = [str(php.path), "-d", "display_errors=1", "-r", code, "--", *arguments]
    return subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True).stdout.decode()


def test_php_is_a_client_of_the_python_server(php_alike: PhpCli | None) -> None:
    if php_alike is None:
        pytest.skip("php-cli 8.4 is the client here")
    with Served([*program("chat_server", None), "tcp://127.0.0.1:0"]) as server:
        printed = run_php(php_alike, PHP_CHATTER, str(server.port))
    assert printed == "What is your name?\n* rasmus joined\n* rasmus\n"


def test_php_streams_is_a_client(chat: Served) -> None:
    fp, errno, errstr = php_streams.stream_socket_client(f"tcp://127.0.0.1:{chat.port}", PATIENCE)
    with fp:
        assert php_streams.fgets(fp) == b"What is your name?\n"
        php_streams.fwrite(fp, "guido\n")
        assert php_streams.fgets(fp) == b"* guido joined\n"


@pytest.mark.parametrize("address", ["tcp://127.0.0.1", "tcp://192.0.2.1:0"])
def test_an_address_that_cannot_be_had(language: PhpCli | None, address: str) -> None:
    command = [*program("chat_server", language), address]
    if language is None:
        command.remove("error")
        command.remove("-W")
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert b"stream_socket_server(): Unable to connect to" in done.stdout + done.stderr


# --- TLS echo ------------------------------------------------------------------------------------------


@pytest.fixture
def echo(language: PhpCli | None) -> Iterator[Served]:
    """A TLS echo server."""
    with Served([*program("tls_echo_server", language), "tcp://127.0.0.1:0", CERTIFICATE]) as server:
        yield server


@pytest.mark.parametrize("version", VERSIONS)
def test_python_hears_its_echo(echo: Served, version: str) -> None:
    with LineClient(echo.port, VERSIONS[version]) as client:
        client.says("hello")
        assert client.hears() == "hello"
    assert [echo.log(), echo.log()] == [f"TLSv{version}", "done"]


@pytest.mark.parametrize("version", VERSIONS)
def test_openssl_hears_its_echo(echo: Served, version: str) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl s_client is not installed")
    option = "-tls" + version.replace(".", "_")
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{echo.port}", option, "-quiet", "-no_ign_eof"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as client:
        assert client.stdin is not None and client.stdout is not None
        client.stdin.write(b"hello\n")
        client.stdin.flush()
        assert client.stdout.readline() == b"hello\n"
        client.stdin.close()
        client.wait(PATIENCE)
    assert [echo.log(), echo.log()] == [f"TLSv{version}", "done"]


PHP_SHOUTER = r"""
$context = stream_context_create(['ssl' => ['cafile' => $argv[2], 'peer_name' => 'localhost',
    'crypto_method' => constant("STREAM_CRYPTO_METHOD_TLSv$argv[3]_CLIENT")]]);
$fp = stream_socket_client("tls://127.0.0.1:$argv[1]", $errno, $errstr, 20, STREAM_CLIENT_CONNECT, $context);
fwrite($fp, "hello\n");
echo fgets($fp);
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_php_hears_its_echo_from_python(php_alike: PhpCli | None, version: str) -> None:
    if php_alike is None:
        pytest.skip("php-cli 8.4 is the client here")
    with Served([*program("tls_echo_server", None), "tcp://127.0.0.1:0", CERTIFICATE]) as server:
        printed = run_php(php_alike, PHP_SHOUTER, str(server.port), str(CA), version.replace(".", "_"))
        assert printed == "hello\n"
        assert [server.log(), server.log()] == [f"TLSv{version}", "done"]


@pytest.mark.parametrize("version", VERSIONS)
def test_php_streams_hears_its_echo(echo: Served, version: str) -> None:
    method = getattr(php_streams, f"STREAM_CRYPTO_METHOD_TLSv{version.replace('.', '_')}_CLIENT")
    options = {"cafile": str(CA), "peer_name": "localhost", "crypto_method": method}
    context = php_streams.stream_context_create({"ssl": options})
    fp, errno, errstr = php_streams.stream_socket_client(
        f"tls://127.0.0.1:{echo.port}", PATIENCE, context=context
    )
    with fp:
        php_streams.fwrite(fp, "hello\n")
        assert php_streams.fgets(fp) == b"hello\n"
    assert [echo.log(), echo.log()] == [f"TLSv{version}", "done"]


def test_a_flood_comes_back_whole(echo: Served) -> None:
    data = bytes(range(256)) * 16384  # 4 MiB, more than the server is willing to hold
    received = bytearray()
    with LineClient(echo.port, VERSIONS["1.3"]) as client:
        client.socket.setblocking(False)
        sent = 0
        for _ in range(2_000_000):
            try:
                if sent < len(data):
                    sent += client.socket.send(data[sent : sent + 65536])
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                pass
            try:
                received += client.socket.recv(65536)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            if len(received) == len(data):
                break
    assert bytes(received) == data


def test_nobody_waits_for_a_client_that_says_nothing_or_nonsense(echo: Served) -> None:
    at_most = echo.descriptors() + 2  # it may not have waited yet, and got what wakes it
    with LineClient(echo.port), LineClient(echo.port) as nonsense:
        nonsense.says("GET / HTTP/1.0")
        with LineClient(echo.port, VERSIONS["1.3"]) as client:
            client.says("hello")
            assert client.hears() == "hello"
        with contextlib.suppress(ConnectionResetError):
            nonsense.socket.recv(100)  # an alert, or the end
    logged = [echo.log() for _ in range(6)]
    assert (
        sum(line.startswith("! stream_socket_enable_crypto(): SSL operation failed") for line in logged) == 1
    )
    assert "TLSv1.3" in logged and "done" in logged
    assert echo.settles_at(at_most)

"""Calls that wait until a signal's handler raises, on sockets: see waits.py."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import php_streams as php
from php_streams._network import extra, resolv_conf
from tests.fault.waits import WAITS as WAITS
from tests.fault.waits import Call, each, wait
from tests.places import CERTS

LARGE = b"x" * 20_000_000
LOCAL = ("127.0.0.1", 0)
Peer = tuple[Any, Any]

# --- two ends ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def tcp() -> Iterator[Peer]:
    with socket.create_server(LOCAL) as listening:
        fp, _, _ = php.fsockopen(*listening.getsockname(), timeout=5)
        far = listening.accept()[0]
    with far:
        yield fp, far


@contextlib.contextmanager
def unix() -> Iterator[Peer]:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("")  # a name of the kernel's
        listening.listen()
        fp, _, _ = php.stream_socket_client("unix://" + os.fsdecode(listening.getsockname()))
        far = listening.accept()[0]
    with far:
        yield fp, far


@contextlib.contextmanager
def tls() -> Iterator[Peer]:
    """A stream with TLS, and the other end of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTS / "good.pem")
    ends: list[ssl.SSLSocket] = []
    trusting = php.stream_context_create({"ssl": {"cafile": str(CERTS / "ca.pem"), "peer_name": "localhost"}})
    with socket.create_server(LOCAL) as listening:

        def serve() -> None:
            ends.append(context.wrap_socket(listening.accept()[0], server_side=True))

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"tls://127.0.0.1:{listening.getsockname()[1]}"
        fp, _, _ = php.stream_socket_client(address, 5, php.STREAM_CLIENT_CONNECT, trusting)
        thread.join()
    with ends[0] as far:
        yield fp, far


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """Host and port of a server that says nothing."""
    with socket.create_server(LOCAL) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


KINDS = {"tcp": tcp, "unix": unix, "tls": tls}

# --- reading and writing -------------------------------------------------------------------------------


def across(calls: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Each call on each kind of connection."""
    return {f"{kind} {name}": (KINDS[kind], call) for kind in KINDS for name, call in calls.items()}


@each(
    across(
        {
            "fgets": php.fgets,
            "fgets with a length": lambda fp: php.fgets(fp, 100),
            "fread behind a part": lambda fp: (php.fread(fp, 5), php.fread(fp, 5)),
            "stream_get_contents": php.stream_get_contents,
            "stream_get_line": lambda fp: php.stream_get_line(fp, 100, "\n"),
            "fgetcsv": lambda fp: php.fgetcsv(fp, 0, ",", '"', ""),
            "copy": lambda fp: php.stream_copy_to_stream(fp, php.fopen("php://memory", "w"), 100),
        }
    )
)
def reading(folder: str, how: Any) -> Iterator[Call]:
    opened, call = how
    with opened() as (fp, far):
        far.sendall(b"hal")
        yield lambda: call(fp)
        far.sendall(b"f\n")
        seen = php.ftell(fp)  # what the call's own reads and writes have taken
        assert php.fgets(fp) == b"half\n"[seen:]
        assert php.fclose(fp)


@each(across({"fwrite": lambda fp: php.fwrite(fp, LARGE)}))
def writing(folder: str, how: Any) -> Iterator[Call]:
    opened, call = how
    with opened() as (fp, far):
        yield lambda: call(fp)
        went = php.ftell(fp)
        if opened is not tls:  # there a record is half sent
            assert 0 < went == len(received(far, went))
        assert php.fclose(fp)


@each({"memory": "php://memory", "file": ""})
def copying_to_a_full_socket(folder: str, name: Any) -> Iterator[Call]:
    data = os.urandom(20_000_000)
    source = php.fopen(name or f"{folder}/file", "w+")
    php.fwrite(source, data)
    php.rewind(source)
    with tcp() as (fp, far):
        yield lambda: php.stream_copy_to_stream(source, fp)
        went = php.ftell(fp)
        assert 0 < went == php.ftell(source) < len(data)
        assert received(far, went) + php.stream_get_contents(source) == data
        assert php.fclose(fp)


def received(far: socket.socket, size: int) -> bytes:
    """So much, and what came with it."""
    far.settimeout(5)
    data = bytearray()
    while len(data) < size:
        data += far.recv(1 << 20)
    far.settimeout(0.05)
    with contextlib.suppress(TimeoutError):
        data += far.recv(1 << 20)
    return bytes(data)


@wait
def closing_with_a_filter(folder: str) -> Iterator[Call]:
    with unix() as (fp, far):
        with contextlib.suppress(BlockingIOError):
            while True:
                fp.raw.sock.send(bytes(100_000), socket.MSG_DONTWAIT)
        php.stream_filter_append(fp, "zlib.deflate", php.STREAM_FILTER_WRITE)
        assert php.fwrite(fp, b"held back until the end") == 23
        yield lambda: php.fclose(fp)
        assert not php.is_resource(fp)


# --- datagrams -----------------------------------------------------------------------------------------


@each(
    {
        "fread": lambda fp: php.fread(fp, 10),
        "fgets": php.fgets,
        "recvfrom": lambda fp: php.stream_socket_recvfrom(fp, 10),
        "recvfrom without a timeout": lambda fp: (
            php.stream_set_timeout(fp, -1),
            php.stream_socket_recvfrom(fp, 10),
        ),
        "recvfrom and peek": lambda fp: php.stream_socket_recvfrom(fp, 10, php.STREAM_PEEK),
    }
)
def receiving(folder: str, call: Callable[[Any], Any]) -> Iterator[Call]:
    fp, _, _ = php.stream_socket_server("udp://127.0.0.1:0", php.STREAM_SERVER_BIND)
    host, _, port = php.stream_socket_get_name(fp, False).rpartition(":")
    yield lambda: call(fp)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.sendto(b"one", (host, int(port)))
    assert php.stream_socket_recvfrom(fp, 10)[0] == b"one"
    assert php.fclose(fp)


@each({"tcp": tcp, "tls": tls})
def recvfrom_on_a_connection(folder: str, opened: Any) -> Iterator[Call]:
    with opened() as (fp, far):
        yield lambda: php.stream_socket_recvfrom(fp, 10)
        far.sendall(b"one\n")
        assert php.fgets(fp) == b"one\n"
        assert php.fclose(fp)


@each(
    {
        "fwrite": lambda fp: php.fwrite(fp, b"x" * 1000),
        "sendto": lambda fp: php.stream_socket_sendto(fp, b"x" * 1000),
    }
)
def sending_datagrams(folder: str, call: Callable[[Any], Any]) -> Iterator[Call]:
    near, far = php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_DGRAM, 0) or ()
    yield lambda: [call(near) for _ in range(10_000)]
    assert php.fread(far, 8192) == b"x" * 1000
    assert php.fclose(near) and php.fclose(far)


# --- connecting and accepting --------------------------------------------------------------------------


@contextlib.contextmanager
def full() -> Iterator[str]:
    """Host and port of a server that takes no more clients: a connect waits."""
    with socket.socket() as listening, contextlib.ExitStack() as waiting:
        listening.bind(LOCAL)
        listening.listen(0)
        for _ in range(3):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listening.getsockname())
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def later(at: str) -> Any:
    """TLS on a connection that is on its way."""
    fp, _, _ = php.stream_socket_client(f"tcp://{at}", 30, php.STREAM_CLIENT_ASYNC_CONNECT)
    with fp:
        return php.stream_socket_enable_crypto(fp, True, php.STREAM_CRYPTO_METHOD_TLS_CLIENT)


@each(
    {
        "tcp": lambda at: php.stream_socket_client(f"tcp://{at}", 30),
        "tls": lambda at: php.stream_socket_client(f"tls://{at}", 30),
        "fsockopen": lambda at: php.fsockopen(at.split(":")[0], int(at.split(":")[1]), timeout=30),
        "pfsockopen": lambda at: php.pfsockopen(at.split(":")[0], int(at.split(":")[1]), timeout=30),
        "http": lambda at: php.fopen(f"http://{at}/", "r"),
        "ftp": lambda at: php.file_get_contents(f"ftp://{at}/x"),
        "tls later": later,
    }
)
def connecting(folder: str, call: Callable[[str], Any]) -> Iterator[Call]:
    with full() as at:
        yield lambda: call(at)


@each(
    {
        "tls": lambda at: php.stream_socket_client(f"tls://{at}", 30),
        "https": lambda at: php.file_get_contents(f"https://{at}/"),
        "http": lambda at: php.file_get_contents(f"http://{at}/"),
        "http headers": lambda at: php.get_headers(f"http://{at}/"),
        "ftp": lambda at: php.fopen(f"ftp://{at}/x", "r"),
        "ftps": lambda at: php.opendir(f"ftps://{at}/x"),
        "ftp name": lambda at: php.file_exists(f"ftp://{at}/x"),
        "ftp removal": lambda at: php.unlink(f"ftp://{at}/x"),
        "file": lambda at: php.file(f"http://{at}/"),
        "copy": lambda at: php.copy(f"http://{at}/", "/dev/null"),
    }
)
def waiting_for_an_answer(folder: str, call: Callable[[str], Any]) -> Iterator[Call]:
    with silent() as at:
        yield lambda: call(at)


@wait
def waiting_for_the_rest_of_a_body(folder: str) -> Iterator[Call]:
    with socket.create_server(LOCAL) as listening:

        def serve() -> None:
            with listening.accept()[0] as far:
                far.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
                while far.recv(8192):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield lambda: php.file_get_contents(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        thread.join()


@each({"tcp": "tcp", "unix": "unix"})
def accepting(folder: str, kind: Any) -> Iterator[Call]:
    address = "tcp://127.0.0.1:0" if kind == "tcp" else f"unix://{folder}/sock"
    server, _, _ = php.stream_socket_server(address)
    yield lambda: php.stream_socket_accept(server, 30)
    name = f"{kind}://{php.stream_socket_get_name(server, False)}"
    client, _, _ = php.stream_socket_client(name, 5)
    conn, _ = php.stream_socket_accept(server, 5)
    for fp in (client, conn, server):
        assert php.fclose(fp)


@wait
def accepting_a_client_that_is_silent(folder: str) -> Iterator[Call]:
    served = php.stream_context_create({"ssl": {"local_cert": str(CERTS / "good.pem")}})
    flags = php.STREAM_SERVER_BIND | php.STREAM_SERVER_LISTEN
    server, _, _ = php.stream_socket_server("tls://127.0.0.1:0", flags, served)
    host, _, port = php.stream_socket_get_name(server, False).rpartition(":")
    with socket.create_connection((host, int(port))) as client:
        yield lambda: php.stream_socket_accept(server, 30)
        assert client.recv(10) == b""  # it was closed
    assert php.fclose(server)


@wait
def enabling_crypto(folder: str) -> Iterator[Call]:
    with tcp() as (fp, _):
        yield lambda: php.stream_socket_enable_crypto(fp, True, php.STREAM_CRYPTO_METHOD_TLS_CLIENT)
        assert php.fclose(fp)


# --- selecting, and the name servers -------------------------------------------------------------------


@each(
    {"for ever": (2, None), "by seconds": (2, 30.0), "by microseconds": (2, 30.0001), "many": (20, 30.0001)}
)
def selecting(folder: str, how: Any) -> Iterator[Call]:
    count, seconds = how
    pairs = [
        php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_STREAM, 0) or () for _ in range(count)
    ]
    streams = [near for near, _ in pairs]
    whole, micro = (None, None) if seconds is None else (int(seconds), int(seconds % 1 * 1e6))
    yield lambda: php.stream_select(streams, None, None, whole, micro)
    php.fwrite(pairs[0][1], "x")
    assert php.stream_select(streams, None, None, 1).result == 1
    for fp in (fp for pair in pairs for fp in pair):
        assert php.fclose(fp)


@each({"over UDP": "", "over TCP": "options use-vc\n"})
def asking_a_name_server(folder: str, options: Any) -> Iterator[Call]:
    extra.dns()  # dnspython's import takes what is raised for a module that is not there
    kind = socket.SOCK_STREAM if options else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as server, open(f"{folder}/resolv.conf", "w") as file:
        server.bind(LOCAL)
        if options:
            server.listen()
        file.write(f"nameserver 127.0.0.1\n{options}")
        file.flush()
        with (
            patch.object(resolv_conf, "PATH", file.name),
            patch.object(resolv_conf, "PORT", server.getsockname()[1]),
        ):
            yield lambda: php.dns_get_record("slow.test", php.DNS_MX)

"""What inject.py breaks off at every line: everything that opens something, here with sockets.

Those without are in inject_local.py; the table has both.
"""

from __future__ import annotations

import os
import socket
from typing import Any

import php_streams as php
from tests.fault.inject_local import SCENARIOS as SCENARIOS
from tests.fault.inject_local import Ports as Ports
from tests.fault.inject_local import Scenario as Scenario
from tests.fault.inject_local import scenario
from tests.places import CERTS


def secured() -> Any:
    """A context that trusts the tests' authority."""
    return php.stream_context_create({"ssl": {"cafile": str(CERTS / "ca.pem"), "peer_name": "localhost"}})


def talk(fp: Any) -> None:
    """What a mailer does."""
    php.fgets(fp)
    php.fwrite(fp, "EHLO x\r\n")
    php.fgets(fp, 515)
    php.fwrite(fp, "one\r\n")
    php.fwrite(fp, "two\r\n")
    php.fread(fp, 3)
    php.stream_get_line(fp, 100, "\r\n")
    php.stream_get_meta_data(fp)


@scenario
def tcp(ports: Ports, folder: str) -> None:
    fp, _, _ = php.fsockopen("127.0.0.1", ports["tcp"], 5)
    talk(fp)
    php.feof(fp)
    php.fclose(fp)


@scenario
def tcp_dropped(ports: Ports, folder: str) -> None:
    context = php.stream_context_create({"socket": {"bindto": "127.0.0.1:0", "tcp_nodelay": True}})
    address = f"tcp://127.0.0.1:{ports['tcp']}"
    fp, _, _ = php.stream_socket_client(address, 5, php.STREAM_CLIENT_CONNECT, context)
    talk(fp)


@scenario
def refused(ports: Ports, folder: str) -> None:
    with socket.socket() as taken, php.silence():
        taken.bind(("127.0.0.1", 0))
        php.fsockopen("127.0.0.1", taken.getsockname()[1], 1)


@scenario
def tls(ports: Ports, folder: str) -> None:
    address = f"tls://127.0.0.1:{ports['tls']}"
    fp, _, _ = php.stream_socket_client(address, 5, php.STREAM_CLIENT_CONNECT, secured())
    talk(fp)
    php.fclose(fp)


@scenario
def starttls(ports: Ports, folder: str) -> None:
    address = f"tcp://127.0.0.1:{ports['tls']}"
    fp, _, _ = php.stream_socket_client(address, 5, php.STREAM_CLIENT_CONNECT, secured())
    php.stream_socket_enable_crypto(fp, True, php.STREAM_CRYPTO_METHOD_TLS_CLIENT)
    php.fgets(fp)
    php.stream_socket_enable_crypto(fp, False)
    php.fclose(fp)


@scenario
def tls_refused(ports: Ports, folder: str) -> None:
    context = php.stream_context_create({"ssl": {"peer_name": "elsewhere.test"}})
    address = f"tls://127.0.0.1:{ports['tls']}"
    with php.silence():
        php.stream_socket_client(address, 5, php.STREAM_CLIENT_CONNECT, context)


@scenario
def pair(ports: Ports, folder: str) -> None:
    ends = php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_STREAM, 0)
    assert ends
    near, far = ends
    php.fwrite(near, "one\ntwo\n")
    php.stream_select([far], None, None, 1)
    php.stream_select([far, near], [near], None, 1)
    php.fgets(far)
    php.stream_set_timeout(far, 0, 1000)
    php.stream_set_blocking(near, False)
    php.fread(near, 10)
    php.fclose(near)
    php.fgets(far)
    php.fclose(far)


@scenario
def server(ports: Ports, folder: str) -> None:
    listening, _, _ = php.stream_socket_server("tcp://127.0.0.1:0")
    address = f"tcp://{php.stream_socket_get_name(listening, False)}"
    client, _, _ = php.stream_socket_client(address, 5)
    conn, _ = php.stream_socket_accept(listening, 5)
    php.fwrite(client, "hello\n")
    php.fgets(conn)
    for fp in (client, conn, listening):
        php.fclose(fp)


@scenario
def unix(ports: Ports, folder: str) -> None:
    path = f"{folder}/sock"
    listening, _, _ = php.stream_socket_server(f"unix://{path}")
    client, _, _ = php.stream_socket_client(f"unix://{path}", 5)
    conn, _ = php.stream_socket_accept(listening, 5)
    php.fwrite(conn, "hello\n")
    php.fgets(client)


@scenario
def udp(ports: Ports, folder: str) -> None:
    server, _, _ = php.stream_socket_server("udp://127.0.0.1:0", php.STREAM_SERVER_BIND)
    name = php.stream_socket_get_name(server, False)
    client, _, _ = php.stream_socket_client(f"udp://{name}", 5)
    php.fwrite(client, "ping")
    _, peer = php.stream_socket_recvfrom(server, 100)
    php.stream_socket_sendto(server, "pong", 0, peer)
    php.fread(client, 100)


@scenario
def persistent(ports: Ports, folder: str) -> None:
    fp, _, _ = php.pfsockopen("127.0.0.1", ports["tcp"], 5)
    php.fgets(fp)
    again, _, _ = php.pfsockopen("127.0.0.1", ports["tcp"], 5)
    php.fclose(again)


@scenario
def http(ports: Ports, folder: str) -> None:
    php.file_get_contents(f"http://127.0.0.1:{ports['http']}/moved")
    fp = php.fopen(f"http://127.0.0.1:{ports['http']}/", "r")
    php.fgets(fp)
    php.stream_get_contents(fp)


@scenario
def https(ports: Ports, folder: str) -> None:
    php.file_get_contents(f"https://127.0.0.1:{ports['https']}/", False, secured())


@scenario
def ftp(ports: Ports, folder: str) -> None:
    url = f"ftp://ada:x@127.0.0.1:{ports['ftp']}/file.txt"
    php.file_get_contents(url)
    fp = php.fopen(url, "r")
    php.fgets(fp)
    php.fclose(fp)


@scenario
def ftp_written(ports: Ports, folder: str) -> None:
    def told(*of: Any) -> None:
        """A callback."""

    context = php.stream_context_create({"ftp": {"overwrite": True}}, {"notification": told})
    url = f"ftp://ada:x@127.0.0.1:{ports['ftp']}/new.txt"
    php.file_put_contents(url, "one\ntwo\n", 0, context)
    fp = php.fopen(url, "a", False, context)
    php.fwrite(fp, "three\n")
    fp = None
    php.file_exists(url)


@scenario
def tls_steps(ports: Ports, folder: str) -> None:
    served = php.stream_context_create({"ssl": {"local_cert": str(CERTS / "good.pem")}})
    flags = php.STREAM_SERVER_BIND | php.STREAM_SERVER_LISTEN
    listening, _, _ = php.stream_socket_server("tcp://127.0.0.1:0", flags, served)
    address = f"tcp://{php.stream_socket_get_name(listening, False)}"
    near, _, _ = php.stream_socket_client(address, 5, php.STREAM_CLIENT_CONNECT, secured())
    far, _ = php.stream_socket_accept(listening, 5)
    sides = {near: php.STREAM_CRYPTO_METHOD_TLS_CLIENT, far: php.STREAM_CRYPTO_METHOD_TLS_SERVER}
    for fp in sides:
        php.stream_set_blocking(fp, False)
    done: dict[Any, Any] = {near: 0, far: 0}
    for _ in range(20):
        for fp, method in sides.items():
            done[fp] = done[fp] or php.stream_socket_enable_crypto(fp, True, method)
    assert done == {near: True, far: True}
    php.fwrite(near, "one\n")
    php.stream_set_blocking(far, True)
    php.fgets(far)
    php.fclose(far)
    php.feof(near)


@scenario
def bridge(ports: Ports, folder: str) -> None:
    from php_streams import from_file, from_socket, to_file, to_socket

    sock = socket.create_connection(("127.0.0.1", ports["tcp"]), 5)
    fp = from_socket(sock)
    shared = to_socket(fp)
    shared.recv(5)
    php.fgets(fp)
    with to_file(fp):
        pass
    with open(os.devnull, "rb") as plain:
        php.fgets(from_file(plain))

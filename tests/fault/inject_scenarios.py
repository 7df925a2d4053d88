"""What inject.py breaks off at every line: small programs over everything that opens something.

Each gets the ports of inject_peer.py and a folder of its own, and leaves nothing open when it ends.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import php_streams as php
from tests.places import CERTS

Ports = dict[str, int]
Scenario = Callable[[Ports, str], None]
SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    """A row of the table."""
    SCENARIOS[function.__name__] = function
    return function


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
def file(ports: Ports, folder: str) -> None:
    path = f"{folder}/file"
    fp = php.fopen(path, "w+")
    php.fwrite(fp, "one\ntwo\nthree\n" * 100)
    php.rewind(fp)
    php.fgets(fp)
    php.fread(fp, 10)
    php.fwrite(fp, "X")
    php.ftruncate(fp, 50)
    php.fclose(fp)
    php.file_put_contents(path, "four\n", php.FILE_APPEND | php.LOCK_EX)
    php.file(path)
    php.file_get_contents(path, False, None, 3, 5)


@scenario
def temporary(ports: Ports, folder: str) -> None:
    fp = php.tmpfile()
    php.fwrite(fp, "one\n")
    php.fclose(fp)
    fp = php.tmpfile()
    php.fwrite(fp, "one\n")
    spilt = php.fopen("php://temp/maxmemory:10", "w+")
    php.fwrite(spilt, "more than ten bytes\n")
    php.rewind(spilt)
    php.fgets(spilt)
    name = php.tempnam(folder, "x")
    php.unlink(name)


@scenario
def folders(ports: Ports, folder: str) -> None:
    handle = php.opendir(folder)
    php.readdir(handle)
    php.readdir(handle)
    php.rewinddir(handle)
    while php.readdir(handle) is not False:
        pass
    php.closedir(handle)
    php.dir(folder).read()
    php.scandir(folder)
    php.glob(f"{folder}/*")
    other = php.fopen(folder, "r")
    php.fclose(other)


@scenario
def copying(ports: Ports, folder: str) -> None:
    one, two = f"{folder}/one", f"{folder}/two"
    php.file_put_contents(one, "one\ntwo\n" * 1000)
    php.copy(one, two)
    source, target = php.fopen(one, "r"), php.fopen("php://temp", "w+")
    php.fgets(source)
    php.stream_copy_to_stream(source, target)
    php.touch(f"{folder}/three")
    php.rename(two, f"{folder}/three")
    php.unlink(f"{folder}/three")


@scenario
def gz(ports: Ports, folder: str) -> None:
    path = f"{folder}/file.gz"
    fp = php.gzopen(path, "w")
    php.gzwrite(fp, "one\ntwo\n" * 100)
    php.gzclose(fp)
    fp = php.gzopen(path, "r")
    php.gzgets(fp)
    php.gzread(fp, 10)
    php.gzclose(fp)
    php.file_put_contents(f"compress.bzip2://{folder}/file.bz2", "one\ntwo\n")
    php.file_get_contents(f"compress.bzip2://{folder}/file.bz2")


@scenario
def filters(ports: Ports, folder: str) -> None:
    fp = php.fopen(f"{folder}/filtered", "w+")
    one = php.stream_filter_append(fp, "convert.base64-encode", php.STREAM_FILTER_WRITE)
    php.stream_filter_append(fp, "zlib.deflate", php.STREAM_FILTER_WRITE)
    php.stream_filter_prepend(fp, "string.rot13", php.STREAM_FILTER_WRITE)
    php.fwrite(fp, "something\n" * 10)
    php.fflush(fp)
    php.stream_filter_remove(one)
    php.fclose(fp)
    fp = php.fopen(f"php://filter/read=string.toupper/resource={folder}/filtered", "r")
    php.fgets(fp)
    php.stream_filter_append(fp, "string.tolower", php.STREAM_FILTER_READ)
    php.fread(fp, 10)


class Kept:
    """A wrapper over a file."""

    context = None

    def stream_open(self, path: str, mode: str, options: int, opened: Any = None) -> bool:
        self.fp = php.fopen(path.replace("kept://", ""), mode)
        return bool(self.fp)

    def stream_read(self, count: int) -> Any:
        return php.fread(self.fp, count)

    def stream_write(self, data: bytes) -> Any:
        return php.fwrite(self.fp, data)

    def stream_eof(self) -> bool:
        return php.feof(self.fp)

    def stream_flush(self) -> bool:
        return True

    def stream_close(self) -> None:
        php.fclose(self.fp)

    def stream_stat(self) -> Any:
        return php.fstat(self.fp)


@scenario
def wrapper(ports: Ports, folder: str) -> None:
    if "kept" not in php.stream_get_wrappers():
        php.stream_wrapper_register("kept", Kept)
    url = f"kept://{folder}/kept"
    fp = php.fopen(url, "w")
    php.fwrite(fp, "one\ntwo\n")
    php.fclose(fp)
    fp = php.fopen(url, "r")
    php.fgets(fp)
    php.file_get_contents(url)


@scenario
def popen(ports: Ports, folder: str) -> None:
    fp = php.popen("echo one; echo two", "r")
    php.fgets(fp)
    php.pclose(fp)
    fp = php.popen("cat >/dev/null", "w")
    php.fwrite(fp, "one\n")


@scenario
def programs(ports: Ports, folder: str) -> None:
    php.exec("echo one")
    php.shell_exec("echo two")


@scenario
def mail(ports: Ports, folder: str) -> None:
    php.ini_set("sendmail_path", f"cat >{folder}/letter")
    php.ini_set("mail.log", f"{folder}/log")
    php.mail("ada@a.test", "subject", "one\ntwo\n", {"From": "bob@b.test"}, "-f x")
    php.error_log("three", 1, "ada@a.test")


@scenario
def proc_open(ports: Ports, folder: str) -> None:
    spec = {0: ["pipe", "r"], 1: ["pipe", "w"], 2: ["file", f"{folder}/err", "a"], 3: ["socket"]}
    process, pipes = php.proc_open(["cat"], spec)
    php.fwrite(pipes[0], "one\n")
    php.fclose(pipes[0])
    php.fgets(pipes[1])
    php.proc_close(process)


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


class Upper(php.php_user_filter):
    """A filter that opens a file."""

    def onCreate(self) -> bool:
        self.spill = php.fopen("php://temp/maxmemory:0", "w+")
        return True

    def filter(self, in_: Any, out: Any, consumed: int, closing: bool) -> Any:
        while bucket := php.stream_bucket_make_writeable(in_):
            php.fwrite(self.spill, bucket.data)
            consumed += bucket.datalen
            php.stream_bucket_append(out, bucket)
        return php.PSFS_PASS_ON, consumed

    def onClose(self) -> None:
        php.fclose(self.spill)


@scenario
def user_filter(ports: Ports, folder: str) -> None:
    if "upper" not in php.stream_get_filters():
        php.stream_filter_register("upper", Upper)
    fp = php.fopen(f"{folder}/filtered", "w+")
    php.stream_filter_append(fp, "upper", php.STREAM_FILTER_WRITE)
    php.fwrite(fp, "one\ntwo\n")
    php.fclose(fp)
    fp = php.fopen(f"{folder}/filtered", "r")
    php.fgets(fp)
    taken = php.stream_filter_append(fp, "upper")
    php.fgets(fp)
    php.stream_filter_remove(taken)


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

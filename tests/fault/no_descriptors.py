"""What each function says and gives while so many descriptors are left, at its first use: a JSON line each.

no_descriptors.php is the same in PHP.  Run by test_no_descriptors.py, under a low RLIMIT_NOFILE.
"""

from __future__ import annotations

import io
import json
import os
import sys
from typing import Any

import php_streams as php
from php_streams.directory import _last
from tests.descriptors import open_descriptors


def prepare() -> dict[str, Any]:
    """What is there before the descriptors go."""
    php.file_put_contents("some", "x")
    php.mkdir("folder")
    php.mkdir("elsewhere")
    near, far = php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_STREAM, 0) or (None, None)
    server, _, _ = php.stream_socket_server("tcp://127.0.0.1:0")
    client, _, _ = php.stream_socket_client(f"tcp://{php.stream_socket_get_name(server, False)}")
    idle, _, _ = php.stream_socket_server("tcp://127.0.0.1:0")
    return {"near": near, "far": far, "server": server, "client": client, "idle": idle}


CALLS = {
    "stream_socket_pair": "stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0)",
    "server tcp": "stream_socket_server('tcp://127.0.0.1:0')[0]",
    "server udp": "stream_socket_server('udp://127.0.0.1:0', STREAM_SERVER_BIND)[0]",
    "server unix": "stream_socket_server('unix://socket')[0]",
    "server udg": "stream_socket_server('udg://datagrams', STREAM_SERVER_BIND)[0]",
    "server tls": "stream_socket_server('tls://127.0.0.1:0')[0]",
    "accept": "stream_socket_accept(server, 1)[0]",
    "accept, nobody comes": "stream_socket_accept(idle, 0.01)[0]",
    "client tcp": "stream_socket_client('tcp://127.0.0.1:1', 1)[0]",
    "client tls": "stream_socket_client('tls://127.0.0.1:1', 1)[0]",
    "client unix": "stream_socket_client('unix://missing', 1)[0]",
    "client udp": "stream_socket_client('udp://127.0.0.1:1', 1)[0]",
    "fsockopen": "fsockopen('127.0.0.1', 1, 1)[0]",
    "pfsockopen": "pfsockopen('127.0.0.1', 1, 1)[0]",
    "stream_select": "stream_select([near], None, None, 0, 1000)[0]",
    "gethostbyname": "gethostbyname('localhost')",
    "gethostbyname of an address": "gethostbyname('127.0.0.1')",
    "gethostbynamel": "gethostbynamel('localhost')",
    "dns_get_record": "dns_get_record('example.test', DNS_A)[0]",
    "dns_check_record": "dns_check_record('example.test', 'MX')",
    "net_get_interfaces": "bool(net_get_interfaces())",
    "getservbyname": "bool(getservbyname('smtp', 'tcp'))",
    "getprotobyname": "bool(getprotobyname('tcp'))",
    "fopen": "fopen('some', 'r')",
    "fopen http": "fopen('http://127.0.0.1:1/', 'r')",
    "fopen ftp": "fopen('ftp://127.0.0.1:1/x', 'r')",
    "fopen data": "fread(fopen('data:text/plain,abc', 'r'), 10)",
    "fopen stdin": "fopen('php://stdin', 'r')",
    "fopen fd": "fopen('php://fd/1', 'r')",
    "fopen memory": "fwrite(fopen('php://memory', 'w+'), 'abc')",
    "fopen filter": "fopen('php://filter/read=string.rot13/resource=some', 'r')",
    "fopen glob": "opendir('glob://folder/*')",
    "spilling": "fwrite(fopen('php://temp/maxmemory:3', 'w+'), 'more than three')",
    "gzopen": "gzopen('packed.gz', 'w')",
    "bzopen": "bzopen('packed.bz2', 'w')",
    "compress.zlib": "file_put_contents('compress.zlib://packed.gz', 'abc')",
    "compress.bzip2": "file_put_contents('compress.bzip2://packed.bz2', 'abc')",
    "gzfile": "gzfile('some')",
    "readgzfile": "readgzfile('missing')",
    "file_get_contents": "file_get_contents('some')",
    "file_put_contents": "file_put_contents('other', 'abc')",
    "file": "file('some')",
    "readfile": "readfile('missing')",
    "copy": "copy('some', 'other')",
    "rename": "rename('some', 'some')",
    "touch": "touch('new')",
    "tempnam": "bool(tempnam('elsewhere', 'x'))",
    "tmpfile": "tmpfile()",
    "opendir": "opendir('folder')",
    "readdir": "(d := opendir('folder')) and bool(readdir(d))",
    "scandir": "scandir('folder')",
    "dir": "dir('folder')",
    "glob": "glob('folder/*')",
    "glob, errors": "glob('folder/*', GLOB_ERR)",
    "popen": "popen('true', 'r')",
    "exec": "exec('echo x')[0]",
    "shell_exec": "shell_exec('echo x')",
    "passthru": "passthru('true')[0]",
    "system": "system('true')[0]",
    "proc_open, pipes": "proc_open(['true'], [['pipe', 'r'], ['pipe', 'w']])[0]",
    "proc_open, null": "proc_open(['true'], [['null']])[0]",
    "proc_open, a file": "proc_open(['true'], [['file', 'some', 'r']])[0]",
    "proc_open, numbers in use": "proc_open(['true'], dict.fromkeys((10, 11), ['file', 'some', 'r']))[0]",
    "proc_open, a socket": "proc_open(['true'], [['socket']])[0]",
    "proc_open, a terminal": "proc_open(['true'], [['pty']])[0]",
    "get_meta_tags": "[*t] if isinstance(t := get_meta_tags('some'), dict) else t",
    "error_log": "error_log('x', 3, 'log')",
    "mail": "mail('ada@a.test', 'subject', 'text')",
    "error_log by mail": "error_log('x', 1, 'ada@a.test')",
    "openssl_x509_read": "openssl_x509_read('file://some')",
}


def shown(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, (str, int, type(None))) else "resource"


def outcome(call: str, left: int, names: dict[str, Any]) -> list[Any]:
    """In a child of its own: the messages, the result, and what is open afterwards that was not before."""
    held: list[int] = []
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    before = open_descriptors_without(held)
    for _ in range(left):
        os.close(held.pop())
    said: list[str] = []

    def hear(level: int, message: str) -> bool:
        said.append(message)
        return True

    php.set_error_handler(hear)
    sys.stdout, out = io.StringIO(), sys.stdout
    try:
        result = shown(eval(call, {**vars(php), **names}))
    except BaseException as error:
        result = repr(error)
    sys.stdout = out
    _last.set(None)  # the folder that readdir() without a handle reads
    for fd in held:
        os.close(fd)
    leaked = [name for fd, name in open_descriptors().items() if fd not in before]
    return [said, result, leaked]


def open_descriptors_without(held: list[int]) -> list[int]:
    """Those that are open already; one is lent for the listing."""
    os.close(held.pop())
    found = [fd for fd in open_descriptors() if fd not in held]
    held.append(os.open(os.devnull, os.O_RDONLY))
    return found


def main() -> None:
    """All calls, with 0 to 4 descriptors left."""
    os.chdir(sys.argv[1])
    php.ini_set("sendmail_path", sys.argv[2])
    names = prepare()
    for name, call in CALLS.items():
        for left in range(5):
            pid = os.fork()
            if not pid:
                try:
                    print(json.dumps([name, left, *outcome(call, left, names)]), flush=True)
                finally:
                    os._exit(0)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main()

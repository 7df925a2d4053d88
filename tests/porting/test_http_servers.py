"""http:// and https:// with real servers and proxies: php -S, nginx, tinyproxy; php-cli fetches the same."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import php_streams
from php_streams.porting.demo import PHP_SETTINGS
from php_streams.porting.php_cli import PhpCli
from tests.porting.servers import CA, CERTS, PATIENCE

# What php -S answers with: the request as it came, redirects, chunks, statuses.
ROUTER = r"""<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path == '/redirect') {
    header('Location: /echo?redirected', true, 302);
} elseif ($path == '/again') {
    header('Location: echo', true, 307);
} elseif ($path == '/missing') {
    http_response_code(404);
    echo 'nothing here';
} elseif ($path == '/large') {
    echo str_repeat("0123456789abcdef", 100000);
} else {
    header('X-Folded: one');
    $headers = array_change_key_case(getallheaders());
    unset($headers['host']);
    ksort($headers);
    echo $_SERVER['REQUEST_METHOD'], ' ', $_SERVER['REQUEST_URI'], ' ', $_SERVER['SERVER_PROTOCOL'], "\n";
    foreach ($headers as $name => $value) {
        echo "$name: $value\n";
    }
    echo file_get_contents('php://input');
}
"""
NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; default_type text/plain;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{tls} ssl;
        server_name localhost;
        ssl_certificate {certs}/good.pem; ssl_certificate_key {certs}/good.pem;
        root {folder}/pages;
        location /chunked/ {{ alias {folder}/pages/; ssi on; ssi_types *; }}
        location = /moved {{ return 301 /page.txt; }}
        location = /to-https {{ return 302 https://localhost:{tls}/page.txt; }}
        location = /forbidden {{ return 403 "no\\n"; }}
    }}
}}
"""
TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 20
LogFile "{folder}/log"
LogLevel Error
Allow 127.0.0.1
MaxClients 10
"""
PAGE = "".join(f"line {number}\n" for number in range(5000)).encode()
FETCH = r"""
$context = stream_context_create(json_decode($argv[2], true));
$body = @file_get_contents($argv[1], false, $context);
echo $body === false ? 'failed' : sha1($body), "\n";
foreach (http_get_last_response_headers() ?? [] as $line) {
    echo preg_replace('/^(Date|Last-Modified|ETag): .*/', '$1', $line), "\n";
}
"""


def program(name: str) -> str:
    """The path of a server; it may lie where users have no path to."""
    found = shutil.which(
        name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    )
    if found is None:
        pytest.skip(f"needs {name}")
    return found


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[int]:
    """A server while the block runs, from when it listens on."""
    with (
        (folder / "output").open("wb") as output,
        subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        ) as process,
    ):
        try:
            _wait_for(process, port, folder)
            yield port
        finally:
            process.terminate()


def _wait_for(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    pytest.fail(f"{process.args!r} does not listen: {(folder / 'output').read_text('utf-8', 'replace')}")


@pytest.fixture(scope="module")
def php_server(php: PhpCli | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of php -S."""
    if php is None:
        pytest.skip("needs php-cli 8.4")
    folder = tmp_path_factory.mktemp("php-server")
    router = folder / "router.php"
    router.write_text(ROUTER, "utf-8")
    port = free_port()
    with running([str(php.path), *PHP_SETTINGS, "-S", f"127.0.0.1:{port}", str(router)], port, folder):
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """The ports of nginx: http and https."""
    path, folder = program("nginx"), tmp_path_factory.mktemp("nginx")
    (folder / "pages").mkdir()
    (folder / "pages" / "page.txt").write_bytes(PAGE)
    port, tls = free_port(), free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, tls=tls, certs=CERTS), "utf-8")
    with running([path, "-c", str(config), "-p", str(folder), "-e", str(folder / "error.log")], port, folder):
        yield port, tls


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of tinyproxy."""
    path, folder = program("tinyproxy"), tmp_path_factory.mktemp("tinyproxy")
    port = free_port()
    config = folder / "tinyproxy.conf"
    config.write_text(TINYPROXY.format(folder=folder, port=port), "utf-8")
    with running([path, "-d", "-c", str(config)], port, folder):
        yield port


def fetch(url: str, options: dict[str, Any]) -> str:
    """What FETCH does, here."""
    import hashlib
    import re

    with php_streams.silence():
        body = php_streams.file_get_contents(url, False, php_streams.stream_context_create(options))
    lines = ["failed" if body is False else hashlib.sha1(bytes(body)).hexdigest()]
    lines += php_streams.http_get_last_response_headers() or []
    return "\n".join(re.sub(r"^(Date|Last-Modified|ETag): .*", r"\1", line) for line in lines) + "\n"


def same(php: PhpCli | None, url: str, **options: Any) -> str:
    """What both got, which is the same."""
    import json

    given = {"http": options.pop("http", {}), "ssl": {"cafile": str(CA), "peer_name": "localhost"}, **options}
    here = fetch(url, given)
    if php is not None:
        command = [str(php.path), *PHP_SETTINGS, "-r", FETCH, "--", url, json.dumps(given)]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == here
    return here


POST = {"method": "POST", "content": "a=b&c=d", "header": "Content-Type: text/x\r\nX-A: 1\r\nCookie: a=b"}
REQUESTS: dict[str, dict[str, Any]] = {
    "/echo": {},
    "/echo?a=b%20c#d": {"protocol_version": 1.0, "user_agent": "tests"},
    "/a/b/../c": POST,
    "/redirect": POST,
    "/again": POST,
    "/missing": {},
    "/missing?ignored": {"ignore_errors": True},
    "/large": {"timeout": 10},
    "/echo?head": {"method": "HEAD"},
    "/redirect?not": {"follow_location": 0},
}


@pytest.mark.parametrize("target", REQUESTS)
def test_php_server(php: PhpCli | None, php_server: str, target: str) -> None:
    said = same(php, f"http://me:you@{php_server}{target}", http=REQUESTS[target])
    assert said.startswith("failed") == (target == "/missing")


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("path", ["/page.txt", "/chunked/page.txt", "/moved", "/to-https", "/forbidden"])
def test_nginx(php: PhpCli | None, nginx: tuple[int, int], path: str, secure: bool) -> None:
    said = same(php, f"{'https' if secure else 'http'}://localhost:{nginx[secure]}{path}")
    assert said.startswith("failed") == (path == "/forbidden")


def test_a_chunked_page_line_by_line(nginx: tuple[int, int]) -> None:
    fp: Any = php_streams.fopen(f"http://localhost:{nginx[0]}/chunked/page.txt", "r")
    lines = []
    while (line := php_streams.fgets(fp)) is not False:
        lines.append(line)
    assert b"".join(lines) == PAGE and php_streams.feof(fp)
    php_streams.fclose(fp)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_tinyproxy(php: PhpCli | None, nginx: tuple[int, int], proxy: int, secure: bool) -> None:
    url = f"{'https' if secure else 'http'}://localhost:{nginx[secure]}/page.txt"
    http = {"proxy": f"tcp://127.0.0.1:{proxy}", "request_fulluri": not secure}
    assert not same(php, url, http=http).startswith("failed")


def test_a_proxy_that_may_not_connect(php: PhpCli | None, proxy: int) -> None:
    http = {"proxy": f"tcp://127.0.0.1:{proxy}", "timeout": 5}
    assert same(php, f"https://localhost:{free_port()}/", http=http) == "failed\n"


def test_progress(php_server: str) -> None:
    seen: list[tuple[int, int]] = []

    def note(code: int, severity: int, message: str | None, number: int, done: int, most: int) -> None:
        if code == php_streams.STREAM_NOTIFY_PROGRESS:
            seen.append((done, most))

    context = php_streams.stream_context_create({}, {"notification": note})
    body: Any = php_streams.file_get_contents(f"http://{php_server}/large", False, context)
    assert len(body) == 1_600_000 and seen == sorted(seen) and seen[-1][0] == len(body)

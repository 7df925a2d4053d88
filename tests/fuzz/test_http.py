"""Responses against php-cli: random ones, good and bad, give the same bodies, headers and warnings.

A server gives the n-th response to whoever asks for /n, redirects included, with whatever context options the
program drew.  What is compared: the body, the headers, the warnings, the notifications but those of progress,
which tell how the bytes came; and the requests, byte for byte.

The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one, PHP_STREAMS_FUZZ_PROGRAMS their number.
"""

from __future__ import annotations

import os
import random
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import phpserialize
import pytest

import php_streams
from php_streams.porting.php_cli import PhpCli
from tests.conformance.php_found import find

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ_PROGRAMS", "300"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20240717"))

PHP = r"""
[$url, $options] = unserialize(file_get_contents(getenv('FUZZ_FILE')));
$answers = [];
foreach ($options as $number => $http) {
    $said = [];
    set_error_handler(function ($level, $text) use (&$said) { $said[] = $text; });
    $note = function (...$what) use (&$said) {
        if ($what[0] != STREAM_NOTIFY_PROGRESS && $what[0] != STREAM_NOTIFY_COMPLETED) {
            $said[] = [$what[0], $what[1], $what[2], $what[3], $what[5]];
        }
    };
    $context = stream_context_create(['http' => $http], ['notification' => $note]);
    $body = file_get_contents("$url/$number", false, $context);
    $answers[] = [$body, http_get_last_response_headers(), $said];
}
echo serialize($answers);
"""

STATUS = [
    *("HTTP/1.1 200 OK", "HTTP/1.1 302 Found", "HTTP/1.1 307 T", "HTTP/1.0 204", "HTTP/1.1 404 No"),
    *("HTTP/1.1 500 Oops", "HTTP/1.1 403 F", "http/1.1 200 ok", "HTTP/1.1", "ICY 200 OK", ""),
    *("HTTP/1.1  200 OK", "HTTP/1.1 100 C"),
]
HEADERS = [
    *("A: b", "Content-Length: 5", "Content-Length: x", "content-length:  7 ", "Transfer-Encoding: chunked"),
    *(
        "Content-Type: text/html",
        " folded",
        "\tfolded",
        "   ",
        "Location: /{next}",
        "location: {next}",
        "A:b:c",
    ),
    *(
        "Location: http://{host}/{next}?q#f",
        "Location: http://{other}/{next}",
        "Location: /a%00",
        "Set-Cookie: a=b; c",
        ":",
        "A : b",
        "X:",
    ),
    *("\x0bA: b", "no colon", "A:b:c"),
]
# What the option `header` may be made of: names with a colon and without, values, line ends.
OWN = [
    *("Authorization", "authorization:", "Cookie: c", "COOKIE", "Proxy-Authorization: p", "Content-Type: t"),
    *(
        "content-length",
        "X-A: ",
        "v",
        ":",
        ":",
        " ",
        " ",
        "\t",
        "\r\n",
        "\r\n",
        "\r\n",
        "\r\n",
        "\r",
        "\n",
        "\v",
    ),
]
ENDS = ["\r\n"] * 12 + ["\n", "\r\n\r\n", "\r", " \r\n"]
BODIES = [
    "",
    "body",
    "5\r\nhello\r\n0\r\n\r\n",
    "3;x\r\nabc\r\n2\nde\r\n",
    "zz\r\n",
    "5\r\nhel",
    "\0\xff\n" * 30,
]
OPTIONS: dict[str, list[Any]] = {
    "method": ["GET", "POST", "HEAD", "x y", ""],
    "content": ["", "a=b", "\0\n"],
    "header": [
        "",
        "X: y",
        "Host: h\r\nX: y\r\n",
        "Content-Type: t\r\nX: y",
        "X: y\r\ncontent-length: 3",
        "\r\nConnection: c",
    ],
    "user_agent": ["", "me", "a\r\nb: c"],
    "follow_location": [0, 1],
    "max_redirects": [0, 1, 2, 3],
    "ignore_errors": [False, True],
    "protocol_version": [1.0, "1.1", 2],
    "request_fulluri": [False, True],
    "auto_decode": [False, True],
}


def make_response(draw: random.Random, number: int, host: str) -> bytes:
    """A response, or nearly one."""
    lines = [draw.choices(STATUS, [9, 6, 3, *[1] * (len(STATUS) - 3)])[0]]
    lines += draw.choices(HEADERS, [4, 3, *[1] * (len(HEADERS) - 2)], k=draw.randint(0, 5))
    other = host.replace("127.0.0.1", "localhost")
    text = "".join(
        line.format(next=f"{number}x", host=host, other=other) + draw.choice(ENDS) for line in lines
    )
    text += draw.choice(["\r\n", "\r\n", "\n", ""]) + draw.choice(BODIES)
    raw = text.encode("latin-1")
    if "http://" in text or draw.random() >= 0.1:
        return raw  # half a host is another one
    return raw[: draw.randint(0, len(raw))]


def make_options(draw: random.Random) -> dict[str, Any]:
    """Some options of http."""
    names = draw.sample(list(OPTIONS), draw.randint(0, 4))
    options = {name: draw.choice(OPTIONS[name]) for name in names}
    if draw.random() < 0.5:
        options["header"] = "".join(draw.choices(OWN, k=draw.randint(1, 12)))
    return options


class Server:
    """Gives each its response, and remembers the requests."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listening.getsockname()[1]}"
        self.responses: list[bytes] = []
        self.requests: list[bytes] = []
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            with connection:
                request = self._request(connection)
                self.requests.append(request)
                match = re.search(rb"(?:/|%s/)(\d+)" % self.host.encode(), request)
                number = int(match[1]) if match else -1
                if 0 <= number < len(self.responses):
                    connection.sendall(self.responses[number])

    def _request(self, connection: socket.socket) -> bytes:
        """What comes until the client waits for an answer."""
        connection.settimeout(10)
        data = connection.recv(65536)
        connection.settimeout(0.002)
        try:
            while more := connection.recv(65536):
                data += more
        except TimeoutError:
            pass
        return data

    def taken(self) -> list[bytes]:
        """The requests since the last time."""
        requests, self.requests = self.requests, []
        return requests

    def close(self) -> None:
        """Ends it."""
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join()


@contextmanager
def serving() -> Iterator[Server]:
    """A server while the block runs."""
    server = Server()
    try:
        yield server
    finally:
        server.close()


def fetch(url: str, options: dict[str, Any]) -> list[Any]:
    """What PHP's loop does, here."""
    said: list[Any] = []

    def handler(level: int, text: str) -> None:
        said.append(text)

    def note(code: int, severity: int, message: str | None, number: int, done: int, most: int) -> None:
        if code not in (php_streams.STREAM_NOTIFY_PROGRESS, php_streams.STREAM_NOTIFY_COMPLETED):
            said.append([code, severity, message, number, most])

    php_streams.set_error_handler(handler)
    try:
        context = php_streams.stream_context_create({"http": options}, {"notification": note})
        body = php_streams.file_get_contents(url, False, context)
    finally:
        php_streams.restore_error_handler()
    return [body, php_streams.http_get_last_response_headers(), said]


def plain(value: Any) -> Any:
    """As it is after PHP's serialize, arrays as lists."""
    return lists(phpserialize.loads(phpserialize.dumps(value, errors="surrogateescape")))


def lists(value: Any) -> Any:
    """Arrays as lists."""
    return [lists(item) for item in value.values()] if isinstance(value, dict) else value


@pytest.fixture
def php(pytestconfig: pytest.Config) -> PhpCli:
    """The newest php-cli."""
    php = next((php for php in find(pytestconfig).php if float(php.series) >= 8.4), None)
    if php is None:
        pytest.skip("needs php-cli 8.4")
    return php


def test_responses(php: PhpCli, tmp_path: Path) -> None:
    """The same for every random response."""
    draw = random.Random(SEED)
    differ = []
    with serving() as server:
        server.responses = [make_response(draw, number, server.host) for number in range(COUNT)]
        options = [make_options(draw) for _ in range(COUNT)]
        url = f"http://{server.host}"
        file = tmp_path / "programs"
        file.write_bytes(phpserialize.dumps([url, options]))
        done = php.run(PHP, env={**os.environ, "FUZZ_FILE": str(file)}, timeout=120)
        assert done.status == 0 and done.stdout.startswith(b"a:"), done.stdout[-500:] + done.stderr[-500:]
        requests_there, there = server.taken(), lists(done.value)
        for number, (given, answer) in enumerate(zip(options, there, strict=True)):
            here = plain(fetch(f"{url}/{number}", given))
            if here != answer:
                response = server.responses[number]
                differ.append(f"{response!r} {given}\n    php    {answer}\n    python {here}")
        requests_here = server.taken()
    assert not differ, f"{len(differ)} of {COUNT} (seed {SEED}) differ:\n" + "\n\n".join(
        sorted(differ, key=len)[:4]
    )
    assert requests_here == requests_there

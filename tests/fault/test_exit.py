"""What a program leaves open is closed at its end, without a word, as PHP does; with `-W error` too."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.programs import run_python

START = """
import gc, sys, threading
from php_streams import *
host, port = "127.0.0.1", int(sys.argv[1])
def connected():
    fp, errno, errstr = fsockopen(host, port)
    return fp
"""
# Each says "at once" when nothing of it may be left for the end, nor for the cycle collector.
PROGRAMS = {
    "a global variable": "fp = connected()",
    "a result that is not unpacked": "result = fsockopen(host, port)",
    "a result that nobody takes, at once": "fsockopen(host, port)",
    "many streams": "streams = {n: connected() for n in range(20)}",
    "a cycle": "lines = [connected()]; lines.append(lines)",
    "a cycle that is dropped": "lines = [connected()]; lines.append(lines); del lines",
    "a persistent stream": "fp, errno, errstr = pfsockopen(host, port)",
    "a datagram socket": "fp, errno, errstr = fsockopen('udp://' + host, port); fwrite(fp, 'x')",
    "a function's variable, at once": "def f():\n    fp = connected()\n    fgets(fp)\nf()",
    "unread data": "fp = connected(); fgets(fp)",
    "every kind of read, at once": """
fp = connected()
fgets(fp)
stream_set_chunk_size(fp, 3)
stream_set_timeout(fp, 0, 1000)
fread(fp, 1)
stream_get_line(fp, 100, "|")
stream_get_contents(fp)
stream_get_meta_data(fp)
feof(fp)
del fp
""",
    "a write that could not go, at once": """
fp = connected()
stream_set_timeout(fp, 0, 1000)
with silence():
    fwrite(fp, b"x" * 30_000_000)
    fwrite(fp, b"x" * 30_000_000)
stream_set_blocking(fp, False)
fwrite(fp, b"x" * 30_000_000)
del fp
""",
    "an iterator": "fp = connected(); lines = iter(fp); next(lines)",
    "an iterator, at once": "fp = connected(); lines = iter(fp); next(lines); del fp, lines",
    "stream_select": "fp = connected(); stream_select([fp], [fp], None, 0)",
    "stream_select, at once": "fp = connected(); stream_select([fp], [fp], None, 5); del fp",
    "a datagram socket, at once": "fp, e, s = fsockopen('udp://' + host, port); fwrite(fp, 'x'); del fp",
    "an exception's frames": "fp = connected()\ntry: fgets(fp, 0)\nexcept ValueError as e: kept = e",
    "a reference from another module": "sys.fp = connected()",
    "a thread's variable": "t = threading.Thread(target=lambda: fgetc(connected())); t.start(); t.join()",
    "an exit in the middle": "fp = connected(); fgets(fp); sys.exit()",
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where two lines are sent to everybody who comes, and nothing is read."""
    open_now: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    connection.sendall(b"one\ntwo\n")
                    open_now.append(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in open_now:
            connection.close()


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_is_said(name: str, port: int) -> None:
    program = START + PROGRAMS[name]
    if name.endswith("at once"):
        program = f"""{START}
gc.disable()
{PROGRAMS[name].strip()}
left = [thing for thing in gc.get_objects() if isinstance(thing, Stream) and int(thing) > int(STDERR)]
assert not left, "a stream is left"
"""
        program = program.replace("import *", "import *\nfrom php_streams._core.stream import Stream", 1)
    assert run_python("-X", "dev", "-W", "error", "-c", program, str(port)) == (0, "", "")

"""A signal's handler that raises while something is opened: it is closed though the exception lives on.

Python runs handlers where a call begins, among other places; that is where the tests raise.
"""

from __future__ import annotations

import socket
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import php_streams as php
from php_streams.porting.peer import Peer
from tests.descriptors import only_where_listed, open_sockets
from tests.tracing import profiled

pytestmark = only_where_listed


class Interrupted(BaseException):
    """What the handler raises."""


def interrupted(function: str, action: Callable[[], object], at: int = 1) -> Interrupted:
    """What comes out when this function's call with this number is interrupted; it holds all the frames."""
    left = at

    def look(frame: Any, event: str, argument: Any) -> None:
        nonlocal left
        if event == "call" and frame.f_code.co_qualname == function:
            left -= 1
            if not left:
                raise Interrupted

    with pytest.raises(Interrupted) as caught, profiled(look):
        action()
    return caught.value


def test_connecting_to_a_path(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        before = open_sockets()
        kept = interrupted("_connect", lambda: php.stream_socket_client(f"unix://{tmp_path}/socket", 5))
        assert open_sockets() == before
        del kept


def test_accepting() -> None:
    server, _, _ = php.stream_socket_server("tcp://127.0.0.1:0")
    with socket.create_connection(server.raw.sock.getsockname(), 5) as client:
        before = open_sockets()
        kept = interrupted("SocketRaw.rebind", lambda: php.stream_socket_accept(server, 5))
        assert open_sockets() == before
        client.settimeout(5)
        assert client.recv(1) == b""
        del kept


def test_the_begin_of_a_page() -> None:
    with Peer('record until "\\r\\n\\r\\n"\nsend "HTTP/1.1 200 OK\\r\\n\\r\\n"\nexpect eof') as peer:
        kept = interrupted("Stream.count_from_here", lambda: php.fopen(f"http://127.0.0.1:{peer.port}/", "r"))
    assert peer.failures == []
    del kept


def test_what_came_of_a_line_of_an_archive(tmp_path: Path) -> None:
    """As everywhere: the exception comes at once, and what came is kept for the next read."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("entry", "x" * 20_000)
    fp = php.fopen(f"zip://{tmp_path}/a.zip#entry", "r")
    kept = interrupted("ZipEntry.read", lambda: php.fgets(fp), at=2)
    assert php.ftell(fp) == 0 and php.stream_get_meta_data(fp)["unread_bytes"] == 8192
    del kept
    assert php.stream_get_contents(fp) == b"x" * 20_000
    php.fclose(fp)

"""What another process does between two system calls of ours: here a profiler's function does it there."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import php_streams as php
from tests.tracing import profiled
from tests.unit.tls_peers import CLIENT, connect


def just_before(name: str, function: str, act: Callable[[], object]) -> Callable[..., None]:
    """A profile function that acts when `function`, of Python, is about to call `name`, of C."""

    def look(frame: Any, event: str, argument: Any) -> None:
        if event == "c_call" and argument.__name__ == name and frame.f_code.co_qualname == function:
            act()

    return look


def test_a_folder_that_somebody_else_makes(tmp_path: Path) -> None:
    wanted = tmp_path / "one" / "two"
    look = just_before("mkdir", "mkdir", lambda: wanted.parent.exists() or os.mkdir(wanted.parent))
    with pytest.warns(php.PhpWarning, match=r"mkdir\(\): File exists"), profiled(look):
        assert php.mkdir(str(wanted), 0o777, True) is False
    assert wanted.parent.is_dir() and not wanted.exists()


def test_a_byte_that_somebody_else_takes_while_a_handshake_is_under_way() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fp = connect(listener.getsockname()[1], "tcp")
        conn, _ = listener.accept()
        php.stream_set_blocking(fp, False)
        assert php.stream_socket_enable_crypto(fp, True, CLIENT) == 0
        with conn, socket.socket(fileno=os.dup(fp.fileno())) as other:
            conn.sendall(b"a")
            taken: list[bytes] = []
            look = just_before("recv", "TlsSocket.plain_may_go_on", lambda: taken.append(other.recv(1)))
            with profiled(look):
                assert php.feof(fp) is False
            assert taken == [b"a"]

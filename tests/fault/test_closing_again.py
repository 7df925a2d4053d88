"""What a handler broke off: a close, at any of its lines, is done again; its error is not the system's."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

import php_streams as php
from tests.descriptors import only_where_listed
from tests.fault.inject import PACKAGE, left
from tests.tracing import traced

pytestmark = only_where_listed


class Stop(BaseException):
    """What a signal's handler raises."""


class Late(TimeoutError):
    """The same; what a system's error is taken for, too."""


def raising_at(number: int, error: type[BaseException]) -> Callable[..., Any]:
    """A trace function that raises at so many lines of the package."""
    count = 0

    def lines(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        if event == "line" and count == number:
            raise error
        return lines

    return lambda frame, *_: lines if frame.f_code.co_filename.startswith(PACKAGE) else None


def hangs(number: int, frame: FrameType | None) -> None:
    raise TimeoutError("it waits for a program whose pipe is still open")


@pytest.mark.parametrize("error", [Stop, Late])
@pytest.mark.parametrize("command, mode", [("cat >/dev/null", "w"), ("exec cat", "w"), ("true", "r")])
def test_a_pipe_to_a_program(command: str, mode: str, error: type[BaseException]) -> None:
    before, old = left(), signal.signal(signal.SIGALRM, hangs)
    try:
        broken_off, number = True, 0
        while broken_off:
            number += 1
            fp = php.popen(command, mode)
            raw = fp.raw
            signal.setitimer(signal.ITIMER_REAL, 5)
            try:
                with traced(raising_at(number, error)):
                    raw.close()
                broken_off = False
            except error:
                pass
            raw.close()
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert raw.closed and raw.fd < 0
            assert raw.status == 0 or broken_off  # the status may be lost with the exception
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert number > 15
    assert left() == before


@pytest.mark.parametrize("kind", ["socket", "pipe"])
def test_a_handlers_timeout_in_a_write_is_its_own(kind: str, nothing_left: None) -> None:
    def late(number: int, frame: FrameType | None) -> None:
        raise Late

    if kind == "socket":
        near, far = php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_STREAM, 0) or (None, None)
    else:
        near, far = php.popen("exec sleep 0.5", "w"), None
    old = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(Late):
            php.fwrite(near, b"x" * 10_000_000)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    php.fclose(near)
    del far


def test_a_handlers_timeout_in_a_handshake_is_its_own(nothing_left: None) -> None:
    def late(number: int, frame: FrameType | None) -> None:
        raise Late

    old = signal.signal(signal.SIGALRM, late)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        fp, _, _ = php.fsockopen(*silent.getsockname(), 5)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            with pytest.raises(Late):
                php.stream_socket_enable_crypto(fp, True, php.STREAM_CRYPTO_METHOD_TLS_CLIENT)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, old)
        php.fclose(fp)

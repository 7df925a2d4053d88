"""Whatever fails, no descriptor stays open that was not open before."""

from __future__ import annotations

import socket
import struct
import warnings
from collections.abc import Callable

import pytest

import php_streams as php
from php_streams._core.stream import Stream
from tests.descriptors import only_where_listed

pytestmark = only_where_listed


def connected(listening: socket.socket) -> tuple[Stream, socket.socket]:
    fp, _, _ = php.fsockopen(*listening.getsockname())
    far, _ = listening.accept()
    php.stream_set_timeout(fp, 0, 20_000)
    return fp, far


def reset(far: socket.socket) -> None:
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far.close()


def nothing(far: socket.socket) -> None:
    pass


CALLS: dict[str, Callable[[Stream], object]] = {
    "fgets": php.fgets,
    "fgetc": php.fgetc,
    "fread": lambda fp: php.fread(fp, 100),
    "fwrite": lambda fp: php.fwrite(fp, b"x" * 10_000_000),
    "fprintf": lambda fp: php.fprintf(fp, "%s", "text"),
    "feof": php.feof,
    "stream_get_contents": php.stream_get_contents,
    "stream_get_contents with an offset": lambda fp: php.stream_get_contents(fp, 1, 100),
    "stream_get_line": lambda fp: php.stream_get_line(fp, 100, "\n"),
    "stream_select": lambda fp: php.stream_select([fp], [fp], [fp], 0, 10_000),
    "stream_set_chunk_size": lambda fp: php.stream_set_chunk_size(fp, 10),
    "stream_set_blocking": lambda fp: php.stream_set_blocking(fp, False),
}


@pytest.mark.parametrize("happens", [nothing, socket.socket.close, reset], ids=["silence", "end", "reset"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("by", ["fclose", "dropping"])
def test_a_call_that_fails(
    nothing_left: None, call: Callable[[Stream], object], happens: Callable[[socket.socket], None], by: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        fp, far = connected(listening)
        with far, php.silence():
            happens(far)
            call(fp)
            call(fp)
        if by == "fclose":
            assert php.fclose(fp)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                del fp


def test_a_closed_stream_is_refused(nothing_left: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        fp, far = connected(listening)
        far.close()
        php.fclose(fp)
        for call in CALLS.values():
            with pytest.raises((TypeError, ValueError)):
                call(fp)


def test_a_handler_that_raises(nothing_left: None) -> None:
    def handler(level: int, message: str) -> None:
        raise RuntimeError(message)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        fp, far = connected(listening)
        reset(far)
        php.set_error_handler(handler)
        try:
            with pytest.raises(RuntimeError, match="Send of 1 bytes failed") as caught:
                php.fwrite(fp, "x")
        finally:
            php.restore_error_handler()
        caught.value.__traceback__ = None  # its frames hold the stream
        del fp, caught

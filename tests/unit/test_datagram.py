"""stream_socket_recvfrom and stream_socket_sendto where no case shows them: TLS, signals, wrong use."""

from __future__ import annotations

import os
import resource
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

import php_streams as php
from php_streams._core.raw import HELD_BACK, Raw
from php_streams._core.stream import Stream
from php_streams._transports import datagram
from php_streams._transports.timeouts import kernel_timeout
from tests.pairs import Pairs
from tests.signals import signal_soon
from tests.unit.tls_peers import connect, peer, read_all, said, server

pytestmark = pytest.mark.usefixtures("no_socket_left")


@pytest.fixture
def ends() -> Iterator[list[Stream]]:
    pair = php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_STREAM, 0)
    assert pair
    yield pair
    for end in pair:
        if end.is_open:
            php.fclose(end)


# --- under TLS -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["tls1.2", "tls1.3"])
def test_what_is_received_under_tls_is_decrypted(version: str) -> None:
    """Past the buffer as on a plain socket, and no record is missing afterwards."""
    script = (
        f'tls good {version}\nsend "one\\ntwo\\n"\nexpect "go"\nsend "three\\n"\nexpect "go"\nsend "four\\n"'
    )
    with peer(script + "\nexpect eof") as player:
        stream = connect(player.port)
        assert php.fgets(stream) == b"one\n"
        php.fwrite(stream, "go")
        assert php.stream_socket_recvfrom(stream, 2, php.STREAM_PEEK) == (b"th", "")
        assert php.stream_socket_recvfrom(stream, 100, php.STREAM_PEEK) == (b"three\n", "")
        assert php.stream_socket_recvfrom(stream, 3) == (b"thr", "")
        assert php.fgets(stream) == b"two\n"
        assert php.stream_socket_recvfrom(stream, 100) == (b"ee\n", "")
        php.fwrite(stream, "go")
        assert php.fgets(stream) == b"four\n"
        assert php.stream_get_meta_data(stream)["eof"] is False
        php.fclose(stream)


def test_what_was_peeked_at_under_tls_is_ready_to_be_read() -> None:
    with peer('tls good\nsend "data"\nexpect eof') as player:
        stream = connect(player.port)
        assert php.stream_socket_recvfrom(stream, 1, php.STREAM_PEEK) == (b"d", "")
        assert php.stream_select([stream], None, None, 0)[0] == 1
        assert php.fread(stream, 100) == b"data"
        assert php.stream_select([stream], None, None, 0)[0] == 0
        php.fclose(stream)


def test_the_end_under_tls_and_nothing_for_now() -> None:
    with peer('tls good\nexpect "go"\nsend "last"') as player:
        stream = connect(player.port)
        php.stream_set_blocking(stream, False)
        for flags in (0, php.STREAM_PEEK):
            assert php.stream_socket_recvfrom(stream, 10, flags) == (False, None)
        php.stream_set_blocking(stream, True)
        php.fwrite(stream, "go")
        assert php.stream_socket_recvfrom(stream, 10) == (b"last", "")
        assert php.stream_socket_recvfrom(stream, 10, php.STREAM_PEEK) == (b"", "")
        assert php.stream_socket_recvfrom(stream, 10) == (b"", "")
        assert php.feof(stream)
        php.fclose(stream)


@pytest.mark.parametrize("flags", [0, php.STREAM_PEEK])
@pytest.mark.parametrize("version", ["tls1.2", "tls1.3"])
def test_a_connection_that_breaks_under_tls(version: str, flags: int) -> None:
    """Without a goodbye it is an end, as for fread; a reset is an error, which PHP's TLS tells."""
    with peer(f"tls good {version}\ncut") as player, said() as messages:
        stream = connect(player.port)
        assert php.stream_socket_recvfrom(stream, 10, flags) == (b"", "")
        assert php.feof(stream)
        php.fclose(stream)
    assert messages == []
    with peer(f"tls good {version}\nreset") as player, said() as messages:
        stream = connect(player.port)
        assert php.stream_socket_recvfrom(stream, 10, flags) == (False, None)
        assert php.feof(stream)
        php.fclose(stream)
    assert messages == ["stream_socket_recvfrom(): SSL: Connection reset by peer"]


def test_the_streams_timeout_does_not_count_under_tls_either() -> None:
    with peer('tls good\nexpect "go"\nwait 0.2\nsend "late"\nwait 0.5\nexpect eof') as player:
        stream = connect(player.port)
        php.stream_set_timeout(stream, 0, 50_000)
        php.fwrite(stream, "go")
        assert php.stream_socket_recvfrom(stream, 10) == (b"late", "")
        assert php.stream_get_meta_data(stream)["timed_out"] is False
        start = time.monotonic()
        assert php.fread(stream, 10) is False
        assert time.monotonic() - start < 0.4
        assert php.stream_get_meta_data(stream)["timed_out"] is True
        php.fclose(stream)


def test_out_of_band_data_is_no_part_of_tls() -> None:
    with server(read_all) as (port, results):
        stream = connect(port)
        with said() as messages:
            assert php.stream_socket_recvfrom(stream, 10, php.STREAM_OOB) == (False, None)
            assert php.stream_socket_sendto(stream, "x", php.STREAM_OOB) == -1
        php.fwrite(stream, "whole")
        php.fclose(stream)
    assert [message.partition(":")[0] for message in messages] == [
        "stream_socket_recvfrom()",
        "stream_socket_sendto()",
    ]
    assert results == [b"whole"]


def test_nothing_is_sent_past_tls() -> None:
    """Decision tls-sendto: PHP's plaintext would break the connection, and be read by anybody."""
    with server(read_all) as (port, results):
        stream = connect(port)
        php.fwrite(stream, "before ")
        with said() as messages:
            assert php.stream_socket_sendto(stream, "secret") == -1
            assert php.stream_socket_sendto(stream, "secret", 0, "127.0.0.1:9") == -1
        php.fwrite(stream, "after")
        php.fclose(stream)
    assert len(messages) == 2 and all("6 bytes are not sent" in message for message in messages)
    assert results == [b"before after"]


def test_an_error_handler_that_raises_leaves_tls_whole() -> None:
    def handler(level: int, message: str) -> None:
        raise RuntimeError(message)

    with server(read_all) as (port, results):
        stream = connect(port)
        php.stream_set_timeout(stream, 3)
        php.set_error_handler(handler)
        for call in (php.stream_socket_sendto, lambda fp, text: php.stream_socket_recvfrom(fp, 1, 1)):
            with pytest.raises(RuntimeError, match="TLS"):
                call(stream, "secret")
        php.restore_error_handler()
        assert stream.raw.timeout == 3
        php.fwrite(stream, "whole")
        php.fclose(stream)
    assert results == [b"whole"]


# --- waiting -------------------------------------------------------------------------------------------


def kernels_timeout(stream: Stream) -> float:
    packed = stream.raw.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.calcsize("@ll"))
    seconds, micro = struct.unpack("@ll", packed)
    return seconds + micro / 1_000_000


def test_the_timeout_is_back_after_waiting(ends: list[Stream]) -> None:
    one, two = ends
    php.stream_set_timeout(two, 0, 50_000)
    timer = threading.Timer(0.15, php.fwrite, (one, "late"))
    timer.start()
    assert php.stream_socket_recvfrom(two, 10) == (b"late", "")
    timer.join()
    assert kernels_timeout(two) == pytest.approx(0.05, abs=0.01)
    assert php.fread(two, 10) is False
    assert php.stream_get_meta_data(two)["timed_out"] is True


def test_another_process_may_put_the_timeout_back(
    ends: list[Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers share their parent's socket, and the kernel's timeout is the socket's."""
    one, two = ends
    php.stream_set_timeout(two, 0, 20_000)
    monkeypatch.setattr(datagram, "kernel_timeout", lambda seconds: kernel_timeout(0.02))
    timer = threading.Timer(0.1, php.fwrite, (one, "late"))
    timer.start()
    assert php.stream_socket_recvfrom(two, 10) == (b"late", "")
    timer.join()
    os.set_blocking(two.fileno(), False)
    assert php.stream_socket_recvfrom(two, 10) == (False, None)


def test_the_timeout_is_back_when_a_signal_handler_raises(ends: list[Stream]) -> None:
    class Alarm(Exception):
        pass

    def handler() -> None:
        raise Alarm

    one, two = ends
    php.stream_set_timeout(two, 3)
    with signal_soon(handler), pytest.raises(Alarm):
        php.stream_socket_recvfrom(two, 10)
    assert kernels_timeout(two) == 3
    php.fwrite(one, "still here")
    assert php.stream_socket_recvfrom(two, 100) == (b"still here", "")


def test_a_signal_does_not_end_the_wait(ends: list[Stream]) -> None:
    """As in PHP, where pcntl_signal restarts system calls unless it is told not to."""
    one, two = ends
    with signal_soon(lambda: threading.Timer(0.05, php.fwrite, (one, "after it")).start()):
        assert php.stream_socket_recvfrom(two, 100) == (b"after it", "")


def test_what_a_signal_handler_raised_in_a_read_is_heard_first(ends: list[Stream]) -> None:
    one, two = ends
    php.fwrite(one, "later")
    two.raw.raised = KeyError("held back")
    with pytest.raises(KeyError):
        php.stream_socket_recvfrom(two, 100)
    assert php.stream_socket_recvfrom(two, 100) == (b"later", "")


def test_what_the_kernel_holds_back_is_pushed_first() -> None:
    with peer('expect "one two"\nsend "answer"\nexpect eof') as player:
        stream, _, _ = php.fsockopen("127.0.0.1", player.port, 5)
        assert php.stream_socket_sendto(stream, "one ") == 4
        assert php.stream_socket_sendto(stream, "two") == 3
        assert stream.raw in HELD_BACK
        assert php.stream_socket_recvfrom(stream, 100) == (b"answer", "")
        assert stream.raw not in HELD_BACK
        php.fclose(stream)


# --- wrong use -----------------------------------------------------------------------------------------


def test_where_php_has_the_address_by_reference(ends: list[Stream]) -> None:
    """Rule R3: the message says how to write it."""
    with pytest.raises(TypeError, match=r"data, address = stream_socket_recvfrom\("):
        php.stream_socket_recvfrom(ends[0], 10, 0, None)
    php.fwrite(ends[1], "still there")
    assert php.stream_socket_recvfrom(ends[0], 100) == (b"still there", "")


def test_the_result_is_as_true_as_the_data(ends: list[Stream]) -> None:
    one, two = ends
    php.stream_set_blocking(two, False)
    nothing = php.stream_socket_recvfrom(two, 10)
    assert not nothing and nothing.result is False and nothing.address is None
    php.fwrite(one, "0")
    assert not php.stream_socket_recvfrom(two, 10)  # "0" is false in PHP
    php.fwrite(one, "x")
    assert php.stream_socket_recvfrom(two, 10)


def test_streams_that_are_no_sockets() -> None:
    """As php://memory in PHP: without a word."""
    stream = Stream(Raw(), "r+")
    with said() as messages:
        assert php.stream_socket_recvfrom(stream, 10) == (False, None)
        assert php.stream_socket_sendto(stream, "x") == -1
        assert php.stream_socket_sendto(stream, "x", 0, "127.0.0.1:9") == -1
        assert php.stream_isatty(stream) is False
    assert messages == []
    stream.close()


def test_a_length_is_only_a_limit() -> None:
    """No memory is taken for it; PHP would end the script."""
    with Pairs() as pairs:
        (pair,) = pairs(1)
        pair.peer.send(b"short")
        assert php.stream_socket_recvfrom(pair.fp, php.PHP_INT_MAX) == (b"short", "")


def test_a_pair_without_descriptors(ends: list[Stream]) -> None:
    """None is left, and one is left: nothing stays open of a pair that was not made."""
    free = os.dup(0)
    os.close(free)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with said() as messages:
        for limit in (free, free + 1):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limits[1]))
            try:
                assert php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_STREAM, 0) is False
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert messages == ["stream_socket_pair(): Failed to create sockets: [24]: Too many open files"] * 2


def test_a_read_waits_while_an_urgent_byte_is_unread(ends: list[Stream]) -> None:
    """Decision unread-urgent-byte: the wait is the stream's timeout, where PHP's reads come back at once."""
    one, two = ends
    php.stream_set_timeout(two, 0, 50_000)
    php.stream_socket_sendto(one, "ab!", php.STREAM_OOB)
    assert php.fread(two, 10) == b"ab"
    start = time.monotonic()
    assert php.fread(two, 10) is False
    assert time.monotonic() - start > 0.03
    assert php.stream_get_meta_data(two)["timed_out"] is True

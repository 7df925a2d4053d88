"""stream_select: what it keeps, when that is stale, whom it wakes, and that it keeps nothing alive."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from php_streams import (
    PhpWarning,
    fgets,
    fread,
    fwrite,
    ini_restore,
    ini_set,
    silence,
    stream_select,
)
from php_streams._core.raw import Raw
from php_streams._core.stream import Stream
from php_streams._transports.socket import LABELS, SocketRaw
from tests.pairs import MANY, SMALL, Pairs, enough_descriptors, readable, streams
from tests.programs import run_code

pytestmark = pytest.mark.usefixtures("no_kept_watch")


# --- what it answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_buffers_answer_first_and_only_while_they_hold_something(pairs: Pairs, count: int) -> None:
    made = pairs(count)
    every = streams(made)
    made[2].peer.send(b"one\ntwo\n")
    assert readable(every, 5) == [every[2]]
    assert fgets(every[2]) == b"one\n"
    made[0].peer.send(b"x")
    assert stream_select(every, list(every), [], 5) == (1, [every[2]], [], [])
    assert fgets(every[2]) == b"two\n"
    assert readable(every, 5) == [every[0]]


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_a_descriptor_counts_once_for_each_set(pairs: Pairs, count: int) -> None:
    made = pairs(count)
    every = streams(made)
    made[0].peer.send(b"x")
    twice = [*every, every[0]]
    n, read, write, _ = stream_select(twice, twice, None, 5)
    assert (n, read, write) == (count + 1, [every[0], every[0]], twice)


@pytest.mark.parametrize("count", [1, MANY])
def test_out_of_band_data_is_what_the_except_set_is_for(pairs: Pairs, count: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname(), 5)
        peer, _ = server.accept()
    with peer, Stream(SocketRaw(client, LABELS["tcp"], 5.0), "r+") as fp:
        others = streams(pairs(count - 1))
        assert stream_select(None, None, [*others, fp], 0) == (0, None, None, [])
        peer.send(b"!", socket.MSG_OOB)
        assert stream_select(None, None, [*others, fp], 5) == (1, None, None, [fp])


class FileRaw(Raw):
    """A plain file, which epoll refuses."""

    label = "STDIO"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def readinto(self, buffer: Any) -> int | None:
        return 0

    def write(self, data: Any) -> int:
        return 0

    def select_descriptor(self) -> int | None:
        return self.descriptor

    def close(self) -> None:
        if not self.closed:
            os.close(self.descriptor)
        super().close()


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_plain_files_are_always_ready(pairs: Pairs, tmp_path: Path, count: int) -> None:
    every = streams(pairs(count))
    with Stream(FileRaw(tmp_path / "file"), "r+") as plain:
        start = time.monotonic()
        for _ in range(2):
            n, read, write, except_ = stream_select([*every, plain], [plain], [plain], 5)
            assert (n, read, write, except_) == (2, [plain], [plain], [])
        assert time.monotonic() - start < 2


class NoDescriptorRaw(Raw):
    """A stream that the kernel knows nothing of."""

    label = "MEMORY"

    def readinto(self, buffer: Any) -> int | None:
        buffer[:3] = b"abc"
        return self.count(3)

    def write(self, data: Any) -> int:
        return 0


def test_a_stream_without_a_descriptor_is_named_at_each_call(pairs: Pairs) -> None:
    fp = pairs(1)[0].fp
    with Stream(NoDescriptorRaw(), "r+") as memory:
        for _ in range(2):
            with pytest.warns(PhpWarning) as caught:
                assert stream_select([fp, memory], None, None, 0) == (0, [], None, None)
            assert [str(one.message) for one in caught] == [
                "stream_select(): Cannot represent a stream of type MEMORY as a select()able descriptor"
            ] * 2
        assert fread(memory, 1) == b"a"
        with silence():
            assert readable([fp, memory], 5) == [memory], "its buffer answers all the same"
            with pytest.raises(ValueError, match="No stream arrays were passed"):
                stream_select([memory], None, None, 0)


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_a_descriptor_closed_behind_the_stream_is_an_error_not_a_busy_loop(pairs: Pairs, count: int) -> None:
    made = pairs(count)
    every = streams(made)
    highest = max(stream.fileno() for stream in every)
    os.close(every[1].fileno())
    try:
        with pytest.warns(PhpWarning) as caught:
            n, read, _, _ = stream_select(every, None, None, 0)
        assert (n, read) == (False, every)
        assert str(caught[0].message) == (
            f"stream_select(): Unable to select [9]: Bad file descriptor (max_fd={highest})"
        )
    finally:
        every[1].raw.sock.detach()  # type: ignore[attr-defined]


@pytest.mark.parametrize("timeout", [0, 5])
def test_what_lives_on_behind_the_streams_back_is_no_busy_loop(pairs: Pairs, timeout: int) -> None:
    made = pairs(MANY)
    every = streams(made)
    assert readable(every) == []
    copy = os.dup(every[1].fileno())
    os.close(every[1].raw.sock.detach())  # type: ignore[attr-defined]
    try:
        made[1].peer.send(b"to the copy, which an epoll does not forget")
        made[2].peer.send(b"x")
        assert readable([every[0], *every[2:]], timeout) == [every[2]]
        fread(every[2], 10)
        assert stream_select([every[0], *every[2:]], None, None, 0, 1000)[0] == 0
        made[3].peer.send(b"x")
        assert readable([every[0], *every[2:]], timeout) == [every[3]]
    finally:
        os.close(copy)


# --- what a wait costs others --------------------------------------------------------------------------


def test_what_was_written_is_pushed_before_a_wait() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname(), 5)
        peer, _ = server.accept()
    with peer, Stream(SocketRaw(client, LABELS["tcp"], 5.0), "r+") as fp:
        fwrite(fp, b"one")
        fwrite(fp, b"two")
        assert fp.raw.unpushed == 2
        stream_select([fp], None, None, 0)
        assert fp.raw.unpushed == 2, "who does not wait does not push"
        stream_select([fp], None, None, 0, 1000)
        assert fp.raw.unpushed == 0


def test_waits_are_bounded_by_what_poll_can_count(pairs: Pairs) -> None:
    made = pairs(1)
    timer = threading.Timer(0.1, made[0].peer.send, (b"x",))
    timer.start()
    assert readable([made[0].fp], 10**15) == [made[0].fp]
    timer.join()


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_where_no_descriptor_is_left_it_waits_all_the_same(count: int) -> None:
    code = f"""
    import os, resource, threading
    from php_streams import *
    pairs = [stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0) for _ in range({count})]
    every = [here for here, there in pairs]
    timer = threading.Timer(0.1, fwrite, (pairs[1][1], "x"))
    timer.start()
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 4096))
    try:
        while True: os.dup(0)
    except OSError:
        pass
    assert stream_select(every, None, None, 0)[0] == 0
    assert stream_select(every, None, None, 10)[1] == [every[1]]
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    assert stream_select(every, None, None, 10)[1] == [every[1]]
    timer.join()
    """
    assert run_code(code, seconds=50) == (0, "", "")


@pytest.mark.parametrize("beyond", [False, True], ids=["", "beyond 1024"])
@pytest.mark.parametrize("count", [SMALL, MANY])
def test_waits_are_counted_in_microseconds(pairs: Pairs, count: int, beyond: bool) -> None:
    with enough_descriptors(2048):
        room = [os.dup(0) for _ in range(1024)] if beyond else []
        try:
            every = streams(pairs(count))
            waits = sorted(waited(every, 200) for _ in range(25))
            assert waits[0] >= 0.0002
            assert waits[2] < 0.0009, "poll(2) would round up to a millisecond"
            made = pairs(1)[0]
            timer = threading.Timer(0.05, made.peer.send, (b"x",))
            timer.start()
            assert stream_select([*every, made.fp], None, None, 5, 1)[1] == [made.fp]
            timer.join()
        finally:
            for descriptor in room:
                os.close(descriptor)


def waited(every: list[Stream], microseconds: int) -> float:
    """How long stream_select waits for what does not come, in seconds."""
    start = time.perf_counter()
    assert stream_select(every, None, None, 0, microseconds)[0] == 0
    return time.perf_counter() - start


@pytest.mark.parametrize("count", [1, MANY])
def test_a_hang_up_that_nobody_asked_for_does_not_end_the_wait(pairs: Pairs, count: int) -> None:
    made = pairs(count)
    gone = pairs(1)[0]
    gone.peer.close()
    start = time.monotonic()
    assert stream_select(None, None, [*streams(made), gone.fp], 0, 50_000)[0] == 0
    assert time.monotonic() - start >= 0.05
    timer = threading.Timer(0.05, made[0].peer.send, (b"x",))
    timer.start()
    assert stream_select(streams(made), None, [gone.fp], None) == (1, [made[0].fp], None, [])
    timer.join()
    assert stream_select([gone.fp], None, [gone.fp], None) == (1, [gone.fp], None, []), "asked for again"


def test_lists_that_keep_their_keys(pairs: Pairs) -> None:
    every = streams(pairs(3))
    ini_set("php_streams.select_lists", "keys")
    assert stream_select(None, every[:2], [], 0) == (2, None, {0: every[0], 1: every[1]}, {})
    assert stream_select({"a": every[0]}, None, None, 0) == (0, {}, None, None)
    ini_restore("php_streams.select_lists")
    assert stream_select(None, every[:1], [], 0) == (1, None, every[:1], [])


def test_another_socket_in_the_place_of_one_that_is_watched(pairs: Pairs) -> None:
    """Put there behind the stream's back: the kernel has forgotten the number, and is told of it anew."""
    made = pairs(MANY)
    every = streams(made)
    assert readable(every) == []
    mine, other = socket.socketpair()
    with mine, other:
        os.dup2(mine.fileno(), every[0].fileno())
        n, read, write, _ = stream_select(every, every[:1], None, 0)
        assert (n, read, write) == (1, [], every[:1])
        other.send(b"x")
        assert readable(every, 5) == every[:1]
        assert fread(every[0], 5) == b"x"


def test_a_list_of_a_class_of_its_own(pairs: Pairs) -> None:
    class Streams(list[Any]):
        pass

    made = pairs(2)
    made[1].peer.send(b"x")
    every = Streams(streams(made))
    n, read, write, except_ = stream_select(every, Streams(), None, 5)
    assert (n, read, write, except_) == (1, [made[1].fp], [], None)

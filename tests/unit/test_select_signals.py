"""stream_select and signals, threads, tasks, forks: whom it wakes, and that others keep what is theirs."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import select as kernel
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from php_streams import (
    E_WARNING,
    PhpWarning,
    error_get_last,
    fread,
    restore_error_handler,
    set_error_handler,
    silence,
    stream_select,
)
from php_streams._core import select as engine
from php_streams._core import signals
from tests.pairs import MANY, SMALL, Pair, Pairs, readable, streams
from tests.programs import run_code

pytestmark = pytest.mark.usefixtures("no_kept_watch")


# --- signals -------------------------------------------------------------------------------------------


@pytest.fixture
def user_signals() -> Iterator[list[int]]:
    """SIGUSR1 is handled by Python; the numbers that came."""
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    yield seen
    signal.signal(signal.SIGUSR1, before)


def pipe() -> tuple[int, int]:
    """Its ends do not block, as set_wakeup_fd wants it."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends


def soon(action: Callable[[], Any]) -> threading.Timer:
    """Does it in a moment, in a thread."""
    timer = threading.Timer(0.15, action)
    timer.start()
    return timer


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_a_signal_ends_the_wait(pairs: Pairs, user_signals: list[int], count: int) -> None:
    made = pairs(count)
    every = streams(made)
    highest = max(stream.fileno() for stream in every)
    for _ in range(2):  # the second time with a kept watch
        timer = soon(lambda: os.kill(os.getpid(), signal.SIGUSR1))
        with pytest.warns(PhpWarning) as caught:
            n, read, write, except_ = stream_select(every, None, [], 20)
        timer.join()
        assert (n, read, write, except_) == (False, every, None, [])
        assert [str(one.message) for one in caught] == [
            f"stream_select(): Unable to select [4]: Interrupted system call (max_fd={highest})"
        ]
    assert user_signals == [signal.SIGUSR1, signal.SIGUSR1]
    made[0].peer.send(b"x")
    assert readable(every, 5) == [every[0]]


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_a_signal_at_the_very_end_of_a_wait_does_not_end_the_next(pairs: Pairs, count: int) -> None:
    """Its number comes into the pipe when data have ended the wait; the next call finds it there."""
    made = pairs(count)
    every = streams(made)
    assert readable(every, 0) == []
    assert stream_select(every, None, None, 0, 10_000)[0] == 0  # it listens from here on
    reader, writer = signals.pipe()
    os.write(writer, bytes([signal.SIGUSR1]))
    made[0].peer.send(b"x")
    assert readable(every, 5) == [every[0]]
    assert fread(every[0], 5) == b"x"
    assert not kernel.select([reader], [], [], 0)[0]
    os.write(writer, bytes([signal.SIGUSR1]))
    assert stream_select(every, None, None, 0, 50_000)[0] == 0


def test_a_handler_hears_of_the_signal_and_may_swallow_it(pairs: Pairs, user_signals: list[int]) -> None:
    fp = pairs(1)[0].fp
    heard: list[tuple[int, str]] = []
    set_error_handler(lambda level, message: heard.append((level, message)))
    try:
        timer = soon(lambda: os.kill(os.getpid(), signal.SIGUSR1))
        assert stream_select([fp], None, None, 20)[0] is False
        timer.join()
    finally:
        restore_error_handler()
    assert heard == [
        (
            E_WARNING,
            f"stream_select(): Unable to select [4]: Interrupted system call (max_fd={fp.fileno()})",
        )
    ]


def test_a_signal_handler_that_raises_leaves_all_as_it_was(pairs: Pairs) -> None:
    def stop(number: int, frame: object) -> None:
        raise TimeoutError("by the signal")

    fp = pairs(1)[0].fp
    reader, writer = pipe()
    before = signal.signal(signal.SIGUSR1, stop)
    wakeup = signal.set_wakeup_fd(writer)
    try:
        timer = soon(lambda: os.kill(os.getpid(), signal.SIGUSR1))
        with pytest.raises(TimeoutError, match="by the signal"):
            stream_select([fp], None, None, 20)
        timer.join()
        assert signal.set_wakeup_fd(wakeup) == writer
        assert os.read(reader, 10) == bytes([signal.SIGUSR1])
    finally:
        signal.signal(signal.SIGUSR1, before)
        os.close(reader)
        os.close(writer)


def test_the_wakeup_descriptor_is_given_back_and_hears(pairs: Pairs, user_signals: list[int]) -> None:
    fp = pairs(1)[0].fp
    reader, writer = pipe()
    wakeup = signal.set_wakeup_fd(writer)
    try:
        assert stream_select([fp], None, None, 0, 10_000)[0] == 0
        timer = soon(lambda: os.kill(os.getpid(), signal.SIGUSR1))
        with silence():
            assert stream_select([fp], None, None, 20)[0] is False
        timer.join()
        assert os.read(reader, 10) == bytes([signal.SIGUSR1])
    finally:
        assert signal.set_wakeup_fd(wakeup) == writer
        os.close(reader)
        os.close(writer)


def test_a_signal_between_two_calls_does_not_end_the_second(pairs: Pairs, user_signals: list[int]) -> None:
    fp = pairs(1)[0].fp
    assert stream_select([fp], None, None, 0, 10_000)[0] == 0
    os.kill(os.getpid(), signal.SIGUSR1)
    assert stream_select([fp], None, None, 0, 50_000)[0] == 0
    assert user_signals == [signal.SIGUSR1]


def test_asyncio_still_hears_its_signals(pairs: Pairs) -> None:
    fp = pairs(1)[0].fp
    heard: list[str] = []

    async def program() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, heard.append, "asyncio")
        timer = soon(lambda: os.kill(os.getpid(), signal.SIGUSR1))
        with silence():
            assert stream_select([fp], None, None, 20)[0] is False
        timer.join()
        for _ in range(100):
            if heard:
                break
            await asyncio.sleep(0.01)

    before = signal.getsignal(signal.SIGUSR1)
    asyncio.run(program())
    signal.signal(signal.SIGUSR1, before)
    assert heard == ["asyncio"]


# --- threads, tasks, forks -----------------------------------------------------------------------------


def test_threads_wait_each_for_their_own(pairs: Pairs, user_signals: list[int]) -> None:
    made = pairs(MANY)
    every = streams(made)
    results: dict[str, Any] = {}

    def other() -> None:
        results["thread"] = stream_select(every, None, None, 20)[:2]
        results["watch"] = engine._kept.large

    stream_select(every, None, None, 0)
    mine = engine._kept.large
    thread = threading.Thread(target=other)
    thread.start()
    timer = soon(lambda: os.kill(os.getpid(), signal.SIGUSR1))
    with silence():
        assert stream_select(every, None, None, 20)[0] is False, "the main thread heard the signal"
    timer.join()
    assert "thread" not in results, "the thread waits on"
    made[0].peer.send(b"x")
    thread.join(10)
    assert results["thread"] == (1, [every[0]])
    assert results["watch"] is not mine


def test_a_thread_with_a_copied_context_has_its_own_watch(pairs: Pairs) -> None:
    every = streams(pairs(MANY))
    stream_select(every, None, None, 0, 1000)
    mine = engine._kept.large

    def other() -> Any:
        found = stream_select(every, None, None, 0, 1000)
        return found[0], engine._kept.large

    async def program() -> Any:
        return await asyncio.to_thread(other)

    count, theirs = asyncio.run(program())
    assert count == 0
    assert theirs is not None
    assert theirs is not mine


def test_concurrent_threads_get_their_own_answers(pairs: Pairs) -> None:
    failures: list[str] = []

    def work(made: list[Pair]) -> None:
        every = streams(made)
        for turn in range(200):
            pair = made[turn % len(made)]
            pair.peer.send(b"x")
            if readable(every, 5) != [pair.fp]:
                failures.append(f"turn {turn}")
            fread(pair.fp, 1)

    threads = [threading.Thread(target=work, args=(pairs(count),)) for count in (SMALL, MANY, MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failures == []


FORKED = """
    import os, signal, socket, sys
    from php_streams import *
    from php_streams._core import select as engine
    from php_streams._core import signals
    from php_streams._core.stream import Stream
    from php_streams._transports.socket import LABELS, SocketRaw

    peers, streams = [], []
    for _ in range(engine.LARGE + 8):
        mine, peer = socket.socketpair()
        streams.append(Stream(SocketRaw(mine, LABELS["unix"], 5.0), "r+"))
        peers.append(peer)
    assert stream_select(streams, None, None, 0, 1000)[0] == 0
    poller, pipe = engine._kept.large.poller, list(signals._pipes)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            assert engine._kept.large is None and signals._pipes == []
            # What the child does to its sets must not reach the parent's.
            assert stream_select(streams[:5], None, None, 0, 1000)[0] == 0
            assert stream_select(streams, None, None, 0, 1000)[0] == 0
            assert signals._pipes != [] and engine._kept.large.poller is not poller
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert engine._kept.large.poller is poller and signals._pipes == pipe
    peers[7].send(b"x")
    n, read, _, _ = stream_select(streams, None, None, 5)
    assert (n, read) == (1, [streams[7]])
    assert engine._kept.large.poller is poller
    for closing in (*peers, *streams):
        closing.close()
    print("well")
"""


def test_a_forked_child_starts_anew() -> None:
    assert run_code(FORKED, "-W", "error") == (0, "well\n", "")


def test_the_error_text_is_found_by_what_programs_look_for(pairs: Pairs, user_signals: list[int]) -> None:
    fp = pairs(1)[0].fp
    timer = soon(lambda: os.kill(os.getpid(), signal.SIGUSR1))
    with silence():
        stream_select([fp], None, None, 20)
    timer.join()
    last = error_get_last()
    assert last is not None
    message = str(last["message"])
    assert "interrupted system call" in message.lower()  # PHPMailer, stomp-php
    assert "unable to select [4]: " in message.lower()  # Revolt
    assert f"[{errno.EINTR}]: " in message  # ReactPHP
    assert re.search(r"\[(\d+)\]: (.*) \(max_fd=\d+\)", message)

"""Streams in different threads do not disturb each other: what they hold, hear, set, and wait for."""

from __future__ import annotations

import asyncio
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from php_streams import (
    E_ALL,
    E_NOTICE,
    STREAM_PF_UNIX,
    STREAM_SOCK_STREAM,
    error_clear_last,
    error_get_last,
    error_reporting,
    fclose,
    feof,
    fgets,
    fread,
    fwrite,
    ini_get,
    ini_set,
    pfsockopen,
    set_error_handler,
    silence,
    stream_context_get_default,
    stream_context_get_options,
    stream_context_set_default,
    stream_get_meta_data,
    stream_select,
    stream_set_blocking,
    stream_socket_pair,
    to_socket,
)
from php_streams._core.raw import HELD_BACK, REFILLED
from tests.programs import run_code

THREADS = 6
ROUNDS = 150


def in_threads(work: Callable[[int], object], count: int = THREADS) -> None:
    """Runs it in so many threads at once; the first failure is the test's."""
    failures: list[BaseException] = []
    together = threading.Barrier(count, timeout=20)

    def run(number: int) -> None:
        try:
            together.wait()
            work(number)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert not any(thread.is_alive() for thread in threads)
    if failures:
        raise failures[0]


@pytest.fixture(autouse=True)
def _fast_switches() -> Any:
    """Threads take turns as often as they can: what can go wrong, does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def pair() -> tuple[Any, Any]:
    here, there = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0)
    return here, there


# The handler lets notices go on, to be remembered; Python's filters are the process's.
@pytest.mark.filterwarnings("ignore::php_streams.PhpNotice")
def test_each_has_its_errors_settings_and_handlers() -> None:
    def work(number: int) -> None:
        heard: list[str] = []
        ini_set("default_socket_timeout", str(100 + number))
        stream_context_set_default({"http": {"user_agent": f"thread {number}"}})
        set_error_handler(lambda level, message: heard.append(message) or level != E_NOTICE)
        for turn in range(ROUNDS):
            here, there = pair()
            fclose(there)
            stream_set_blocking(here, False)
            assert fwrite(here, b"x" * (number + 1)) is False
            assert heard == [f"fwrite(): Send of {number + 1} bytes failed with errno=32 Broken pipe"]
            last = error_get_last()
            assert last is not None and last["message"] == heard.pop()
            with silence():
                assert error_reporting() != E_ALL
                fwrite(here, b"y" * (number + 100))
            assert error_reporting() == E_ALL
            last = error_get_last()
            assert last is not None and f"Send of {number + 100} bytes" in str(last["message"])
            error_clear_last()
            heard.clear()
            assert error_get_last() is None
            assert ini_get("default_socket_timeout") == str(100 + number)
            if turn % 10 == 0:
                options = stream_context_get_options(stream_context_get_default())
                assert options == {"http": {"user_agent": f"thread {number}"}}
            fclose(here)

    in_threads(work)


def test_bytes_go_where_they_belong() -> None:
    def work(number: int) -> None:
        dice = random.Random(number)
        pairs = [pair() for _ in range(dice.choice([2, 12]))]
        for turn in range(ROUNDS):
            here, there = dice.choice(pairs)
            line = b"thread %d turn %d %s\n" % (number, turn, b"x" * dice.randrange(20_000))
            fwrite(there, line + b"rest")
            n, read, _, _ = stream_select([one for one, _ in pairs], [here], None, 5)
            assert (n, read) == (2, [here])
            assert fgets(here) == line
            assert stream_get_meta_data(here)["unread_bytes"] == 4
            assert stream_select([one for one, _ in pairs], None, None, 5)[1] == [here]
            if turn % 3 == 0:
                assert to_socket(here).recv(10) == b"rest"
            else:
                assert fread(here, 10) == b"rest"
            assert feof(here) is False
        for one in pairs:
            for fp in one:
                fclose(fp)

    in_threads(work)


def test_numbers_of_resources_are_their_own() -> None:
    numbers: list[int] = []

    def work(number: int) -> None:
        for _ in range(ROUNDS):
            for fp in pair():
                numbers.append(int(fp))

    in_threads(work)
    assert len(set(numbers)) == len(numbers) == THREADS * ROUNDS * 2


def test_nothing_is_left_in_what_all_share() -> None:
    before = len(REFILLED), len(HELD_BACK)

    def work(number: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            for _ in range(ROUNDS // 3):
                fp, _, _ = pfsockopen("127.0.0.1", server.getsockname()[1], 5)
                conn, _ = server.accept()
                with conn:
                    fwrite(fp, b"a")
                    fwrite(fp, b"b")
                    conn.sendall(b"one\ntwo\n")
                    assert stream_select([fp], None, None, 5)[0] == 1
                    assert fgets(fp) == b"one\n"
                    fclose(fp)

    in_threads(work)
    assert (len(REFILLED), len(HELD_BACK)) == before


def test_persistent_streams_are_a_threads_own() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        found: list[Any] = []

        def work(number: int) -> None:
            first = pfsockopen("127.0.0.1", server.getsockname()[1], 5)[0]
            assert pfsockopen("127.0.0.1", server.getsockname()[1], 5)[0] is first
            found.append(first)

        in_threads(work)
        assert len({int(fp) for fp in found}) == THREADS
        for fp in found:
            fclose(fp)


@pytest.mark.parametrize("count", [2, 20])
def test_a_stream_that_another_thread_closes_leaves_the_others_watched(count: int) -> None:
    pairs = [pair() for _ in range(count)]
    results: list[Any] = []

    def wait() -> None:
        results.append(stream_select([here for here, _ in pairs], None, None, 20)[1])

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.1)
    fclose(pairs[0][0])
    time.sleep(0.05)
    fwrite(pairs[-1][1], b"x")
    thread.join(10)
    assert results == [[pairs[-1][0]]]


def test_tasks_that_wait_in_threads_leave_the_loop_free() -> None:
    """asyncio: a call that waits belongs into asyncio.to_thread, and keeps the task's settings there."""
    here, there = pair()

    def reads() -> tuple[Any, Any]:
        return fgets(here), ini_get("default_socket_timeout")

    async def main() -> tuple[Any, int]:
        ini_set("default_socket_timeout", "7")
        waiting = asyncio.create_task(asyncio.to_thread(reads))
        turns = 0
        while not waiting.done() and turns < 1000:
            await asyncio.sleep(0.01)
            turns += 1
            if turns == 10:
                fwrite(there, b"line\n")
        return await waiting, turns

    (line, timeout), turns = asyncio.run(main())
    assert (line, timeout) == (b"line\n", "7")
    assert turns >= 10
    assert ini_get("default_socket_timeout") == "60"


FORKED_BESIDE_A_THREAD = """
    import os, threading
    from php_streams import *

    pairs = [stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0) for _ in range(20)]
    every = [here for here, there in pairs]
    ready, forked, found = threading.Event(), threading.Event(), []

    def watch():
        assert stream_select(every, None, None, 0, 1000)[0] == 0
        ready.set()
        forked.wait(20)
        fwrite(pairs[7][1], "x")
        found.append(stream_select(every, None, None, 5)[1])

    thread = threading.Thread(target=watch)
    thread.start()
    ready.wait(20)
    child = os.fork()
    if not child:
        for here in every:  # these stand in an epoll of a thread that the child does not have
            fclose(here)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    forked.set()
    thread.join(20)
    assert found == [[every[7]]], found
    print("well")
"""


def test_a_forked_child_leaves_the_sets_of_other_threads_alone() -> None:
    options = ("-W", "ignore::DeprecationWarning")
    assert run_code(FORKED_BESIDE_A_THREAD, *options, seconds=50) == (0, "well\n", "")

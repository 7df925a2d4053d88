"""stream_select: what stays registered from call to call, what that costs, when it is stale."""

from __future__ import annotations

import gc
import os
import random
import select
import socket
import threading
import weakref
from collections import Counter
from typing import Any

import pytest

from php_streams import fclose, fread, stream_select
from php_streams._core import select as engine
from php_streams._core.stream import Stream
from php_streams._core.watch import Watch
from php_streams._transports.socket import LABELS, SocketRaw
from tests.pairs import MANY, SMALL, Pair, Pairs, enough_descriptors, readable, streams
from tests.tracing import profiled

pytestmark = pytest.mark.usefixtures("no_kept_watch")


class Counting:
    """A poll or epoll object that counts what it is asked to do."""

    def __init__(self, inner: Any, calls: Counter[str]) -> None:
        self.inner = inner
        self.calls = calls

    def __getattr__(self, name: str) -> Any:
        def counted(*arguments: Any) -> Any:
            self.calls[name] += 1
            return getattr(self.inner, name)(*arguments)

        return counted


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the kernel was called, by what name."""
    counter: Counter[str] = Counter()
    for name in ("epoll", "poll"):
        original = getattr(select, name)
        monkeypatch.setattr(select, name, lambda original=original: Counting(original(), counter))
    return counter


def spent(calls: Counter[str]) -> dict[str, int]:
    """What was counted since the last time."""
    seen = dict(calls)
    calls.clear()
    return seen


def watch(count: int) -> Watch:
    """The one for lists of this length."""
    found = engine._kept.large if count >= engine.LARGE else engine._kept.small
    assert found is not None
    return found


# --- what a call costs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_equal_lists_ask_and_register_nothing(pairs: Pairs, calls: Counter[str], count: int) -> None:
    every = streams(pairs(count))
    assert readable(every) == []
    assert spent(calls) == {"register": count, "poll": 1}
    assert watch(count).poller.large is (count == MANY)
    assert readable(list(every)) == []
    assert readable(dict(enumerate(every))) == {}
    assert spent(calls) == {"poll": 2}


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_a_list_that_differs_a_little_costs_what_differs(
    pairs: Pairs, calls: Counter[str], count: int
) -> None:
    every = streams(pairs(count))
    more = pairs(1)[0].fp
    readable(every)
    spent(calls)
    readable(every[1:])
    assert spent(calls) == {"unregister": 1, "poll": 1}
    readable([*every[1:], more])
    assert spent(calls) == {"register": 1, "poll": 1}
    readable([*reversed(every[1:]), more])
    assert spent(calls) == {"poll": 1}, "the order is nothing to the kernel"
    stream_select([*every[1:], more], [more], None, 0)
    assert spent(calls) == {"modify": 1, "poll": 1}
    stream_select([*every[1:], more], [every[2]], None, 0)
    assert spent(calls) == {"modify": 2, "poll": 1}


def test_waiting_for_one_stream_leaves_the_loops_set_registered(pairs: Pairs, calls: Counter[str]) -> None:
    every = streams(pairs(MANY))
    readable(every)
    readable([every[0]])
    spent(calls)
    readable(every)
    readable([every[0]])
    assert spent(calls) == {"poll": 2}


def test_a_closed_stream_of_others_costs_nothing(pairs: Pairs, calls: Counter[str]) -> None:
    every = streams(pairs(MANY))
    readable(every)
    spent(calls)
    fclose(pairs(1)[0].fp)
    readable(every)
    assert spent(calls) == {"poll": 1}


def test_no_python_runs_for_streams_that_have_nothing_to_tell(pairs: Pairs) -> None:
    """The calls that the interpreter makes do not grow with the set: what walks it walks in C."""

    def made_for(every: list[Stream]) -> int:
        count = 0

        def profiler(frame: Any, event: str, argument: Any) -> None:
            nonlocal count
            count += 1

        with profiled(profiler):
            stream_select(every, None, None, 0)
        return count

    every = streams(pairs(400))
    few, many = every[:MANY], every
    for chosen in (few, many):
        readable(chosen)
    readable(few)
    base = made_for(few)
    readable(many)
    assert made_for(many) == base
    readable(many[1:])  # and where one is gone
    one_less = made_for(many[2:])
    readable(few[1:])
    assert one_less == made_for(few[2:])


@pytest.mark.parametrize("count", [2000, 5000])
def test_thousands_of_streams(pairs: Pairs, calls: Counter[str], count: int) -> None:
    with enough_descriptors(2 * count + 200):
        made = pairs(count)
        every = streams(made)
        assert max(stream.fileno() for stream in every) > 1024
        assert readable(every) == []
        for chosen in (count - 1, 3, 1024):
            made[chosen].peer.send(b"x")
        assert readable(every, 5) == [every[3], every[1024], every[-1]]
        keyed = {f"k{number}": stream for number, stream in enumerate(every)}
        assert list(readable(keyed, 5)) == ["k3", "k1024", f"k{count - 1}"]
        n, read, write, _ = stream_select(every, every, None, 5)
        assert (n, len(read), len(write)) == (count + 3, 3, count)
        stream_select(every, every[:1], None, 5)
        spent(calls)
        for turn in range(20):  # one goes, one comes
            fclose(made[turn].fp)
            made[turn].peer.close()
            made[turn] = pairs(1)[0]
            every[turn] = made[turn].fp
            made[turn].peer.send(b"x")
            stream_select(every, every[turn : turn + 1], None, 0)
        assert sum(spent(calls).values()) < 20 * 10
        assert readable(every) == [*every[:20], every[1024], every[-1]]
        pairs.close()


# --- when it is stale ----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_positions_follow_the_lists(pairs: Pairs, count: int) -> None:
    made = pairs(count)
    every = streams(made)
    for turn in (every, [*reversed(every)], every):
        assert readable(turn) == []
    made[1].peer.send(b"x")
    assert readable(every, 5) == [every[1]]
    assert readable([*reversed(every)], 5) == [every[1]]
    made[0].peer.send(b"x")
    assert readable([*reversed(every)], 5) == [every[1], every[0]]


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_a_closed_stream_makes_it_stale(pairs: Pairs, count: int) -> None:
    made = pairs(count)
    every = streams(made)
    assert readable(every) == []
    number = every[1].fileno()
    fclose(every[1])
    with pytest.raises(TypeError, match="supplied resource is not a valid stream resource"):
        stream_select(every, None, None, 0)
    new = pairs(1)[0]
    assert new.fp.fileno() == number, "the test wants the descriptor's number to come again"
    every[1] = new.fp
    assert readable(every) == []
    new.peer.send(b"x")
    assert readable(every, 5) == [new.fp]


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_a_stream_in_the_same_place_of_memory_is_another(pairs: Pairs, count: int) -> None:
    made = pairs(count)
    every = streams(made)
    assert readable(every) == []
    for _ in range(5):
        del made[0].fp, every[0]  # closes it; the next object may well get its address, and its descriptor
        new = pairs(1)[0]
        every.insert(0, new.fp)
        made[0] = new
        new.peer.send(b"x")
        assert readable(every, 5) == [new.fp]
        assert fread(new.fp, 10) == b"x"
        assert readable(every) == []


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_dropped_streams_close_themselves(pairs: Pairs, count: int) -> None:
    made = pairs(count)
    every = streams(made)
    stream_select(every, list(every), None, 0)
    assert watch(count).descriptors
    watched = weakref.ref(every[0])
    gc.disable()
    try:
        del every
        for pair in made:
            del pair.fp
        assert watched() is None
        assert made[0].peer.recv(10) == b""
    finally:
        gc.enable()


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_a_copy_that_lives_on_elsewhere_says_nothing_for_a_new_stream(pairs: Pairs, count: int) -> None:
    made = pairs(count)
    every = streams(made)
    assert readable(every) == []
    number = every[0].fileno()
    copy = os.dup(number)  # as a forked child would have it
    try:
        fclose(every[0])
        new = pairs(1)[0]
        assert new.fp.fileno() == number, "the test wants the descriptor's number to come again"
        every[0] = new.fp
        made[0].peer.send(b"to the copy")
        assert readable(every) == []
        assert readable(every) == []
        new.peer.send(b"x")
        assert readable(every, 5) == [new.fp]
    finally:
        os.close(copy)


@pytest.mark.parametrize("count", [SMALL, MANY])
def test_after_a_refusal_the_lists_serve_again(pairs: Pairs, count: int) -> None:
    made = pairs(count)
    every = streams(made)
    assert readable(every) == []
    closed = pairs(1)[0].fp
    fclose(closed)
    for wrong in ([*every, closed], [*every, None], [*every[1:], []]):
        with pytest.raises(TypeError, match="valid stream resource"):
            stream_select(wrong, None, None, 0)
    made[0].peer.send(b"x")
    assert readable(every, 5) == [every[0]]
    assert stream_select(every[1:], every[:1], None, 5)[:3] == (1, [], [every[0]])


def test_two_streams_on_one_descriptor(pairs: Pairs) -> None:
    made = pairs(MANY)
    every = streams(made)
    other = Stream(SocketRaw(socket.socket(fileno=made[0].fp.fileno()), LABELS["unix"], 5.0), "r+")
    try:
        assert stream_select([*every, other], [other], None, 0)[:3] == (1, [], [other])
        made[0].peer.send(b"x")
        n, read, _, _ = stream_select([*every, other], None, None, 5)
        assert (n, read) == (1, [every[0], other]), "one descriptor, counted once"
        assert readable(every, 5) == [every[0]]
        assert readable([other, *every[1:]], 5) == [other]
    finally:
        other.raw.sock.detach()  # type: ignore[attr-defined]
        other.close()


def test_a_thread_that_ends_leaves_no_poller_behind(pairs: Pairs) -> None:
    every = streams(pairs(MANY))
    thread = threading.Thread(target=readable, args=(every,))
    thread.start()
    thread.join()
    gc.collect()
    assert {len(fp.raw.pollers) for fp in every} == {0}


# --- against select(2) itself ---------------------------------------------------------------------------


def expected(lists: list[list[Stream]]) -> list[list[int]]:
    """The positions that select(2) finds ready."""
    found = select.select(*([stream.fileno() for stream in one] for one in lists), 0)
    return [
        [position for position, stream in enumerate(one) if stream.fileno() in ready]
        for one, ready in zip(lists, found, strict=True)
    ]


class Crowd:
    """Pairs whose members come, go, get data and are put into lists at random."""

    def __init__(self, pairs: Pairs, seed: int) -> None:
        self.dice = random.Random(seed)
        self.pairs = pairs
        self.made: list[Pair] = pairs(30)

    def stir(self) -> None:
        """A few things happen to a few of them."""
        for _ in range(self.dice.randrange(4)):
            pair = self.dice.choice(self.made)
            match self.dice.randrange(4):
                case 0:
                    pair.peer.send(b"x")
                case 1 if pair.fp in readable([pair.fp]):
                    fread(pair.fp, 100)
                case 2:
                    fclose(pair.fp)
                    pair.peer.close()
                    self.made.remove(pair)
                case 3:
                    self.made += self.pairs(1)

    def lists(self) -> list[list[Stream]]:
        """Three lists, short or long, some members twice."""
        most = self.dice.choice([3, 30])
        return [streams(self.dice.choices(self.made, k=self.dice.randrange(1 + most))) for _ in range(2)] + [
            streams(self.dice.sample(self.made, 2))
        ]


@pytest.mark.parametrize("seed", range(5))
def test_whatever_comes_and_goes_the_answers_are_those_of_select(pairs: Pairs, seed: int) -> None:
    crowd = Crowd(pairs, seed)
    lists = crowd.lists()
    for turn in range(400):
        crowd.stir()
        if crowd.dice.random() < 0.7 or not all(fp.is_open for one in lists for fp in one):
            lists = crowd.lists()
        want = expected(lists)
        _, *got = stream_select(*lists, 0)
        assert got == [
            [one[position] for position in positions] for one, positions in zip(lists, want, strict=True)
        ], f"turn {turn}"

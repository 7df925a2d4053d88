"""Sending a query: what a packet is worth, whom to ask next, and for how long."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from php_streams._network.resolv_conf import Settings
from php_streams._network.send import (
    AUTHORITATIVE,
    RECURSIVE,
    REFUSED,
    SERVFAIL,
    TRUNCATED,
    Exchange,
    NoAnswer,
    Verdict,
    same_question,
)

NAME = b"\x04mail\x04test\x00"
QUERY = b"id\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + NAME + b"\x00\x01\x00\x01"


def packet(
    flags: int = RECURSIVE,
    answers: int = 1,
    additional: int = 0,
    identity: bytes = b"id",
    question: bytes = NAME + b"\x00\x01\x00\x01",
) -> bytes:
    """An answer's header and question; the records themselves are of no interest here."""
    numbers = (0x8000 | flags, 1, answers, 0, additional)
    return identity + b"".join(number.to_bytes(2) for number in numbers) + question


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (packet(), Verdict.ANSWER),
        (packet(flags=0), Verdict.ANSWER),
        (packet(answers=0), Verdict.ANSWER),
        (packet(flags=AUTHORITATIVE, answers=0), Verdict.ANSWER),
        (packet(flags=0, answers=0, additional=1), Verdict.ANSWER),
        (packet(flags=0, answers=0), Verdict.USELESS),
        (packet(flags=3, answers=0), Verdict.ANSWER),
        (packet(flags=1, answers=0), Verdict.ANSWER),
        (packet(flags=2), Verdict.USELESS),
        (packet(flags=4), Verdict.USELESS),
        (packet(flags=5), Verdict.USELESS),
        (packet(identity=b"ix"), Verdict.FOREIGN),
        (packet(identity=b"ix", flags=2), Verdict.FOREIGN),
        (packet(question=b"\x05other\x00\x00\x01\x00\x01"), Verdict.FOREIGN),
        (packet(question=b"\x04MAIL\x04Test\x00\x00\x01\x00\x01"), Verdict.ANSWER),
        (packet(question=NAME + b"\x00\x02\x00\x01"), Verdict.FOREIGN),
        (packet(question=NAME + b"\x00\x01\x00\x03"), Verdict.FOREIGN),
        (packet()[:11], Verdict.USELESS),
        (packet()[:12], Verdict.FOREIGN),
    ],
)
def test_verdicts(answer: bytes, verdict: Verdict) -> None:
    exchange = Exchange(Settings(), QUERY)
    assert exchange._judge(answer) is verdict
    assert exchange.heard
    assert exchange.rcode == (answer[3] & 15 if len(answer) > 11 else 0)


def test_questions() -> None:
    assert same_question(QUERY, packet())
    assert not same_question(QUERY, QUERY[:4] + b"\x00\x02" + QUERY[6:])  # it speaks of two
    assert same_question(QUERY, packet(question=b"\xff\xff"))  # cannot be read
    root = QUERY[:12] + b"\x00\x00\x00\x00\x00"
    assert same_question(root, root[:12])  # what is cut goes on with zeros


@contextmanager
def servers(*answers: Callable[[bytes], bytes | None]) -> Iterator[tuple[Settings, list[int]]]:
    """Name servers for UDP, and the numbers of those that were asked, in that order."""
    asked: list[int] = []
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in answers]
    threads = []
    for number, (sock, answer) in enumerate(zip(sockets, answers, strict=True)):
        sock.bind(("127.0.0.1", 0))

        def serve(sock: socket.socket = sock, answer: object = answer, number: int = number) -> None:
            while True:
                query, client = sock.recvfrom(1000)
                if query == b"over":
                    return
                asked.append(number)
                reply = answer(query)  # type: ignore[operator]
                if reply is not None:
                    sock.sendto(reply, client)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
    try:
        yield Settings([(socket.AF_INET, sock.getsockname()) for sock in sockets], timeout=1), asked
    finally:
        for sock, thread in zip(sockets, threads, strict=True):
            sock.sendto(b"over", sock.getsockname())
            thread.join()
            sock.close()


def test_a_server_that_has_none_is_passed_over_at_once() -> None:
    good = packet()
    with servers(lambda query: packet(flags=SERVFAIL), lambda query: good) as (settings, asked):
        begin = time.monotonic()
        exchange = Exchange(settings, QUERY)
        assert exchange.run() == good
        assert time.monotonic() - begin < 0.9
        assert asked == [0, 1]
        assert not exchange.sockets


def test_all_are_asked_in_each_attempt() -> None:
    with servers(*(2 * [lambda query: packet(flags=REFUSED)])) as (settings, asked):
        settings.attempts = 3
        exchange = Exchange(settings, QUERY)
        with pytest.raises(NoAnswer) as caught:
            exchange.run()
        assert asked == [0, 1] * 3
        assert (caught.value.rcode, caught.value.refused) == (REFUSED, False)


def test_silence_is_waited_for_and_what_is_foreign_does_not_end_the_wait() -> None:
    with servers(lambda query: packet(identity=b"xx", flags=SERVFAIL)) as (settings, asked):
        settings.attempts = 1
        exchange = Exchange(settings, QUERY)
        begin = time.monotonic()
        with pytest.raises(NoAnswer) as caught:
            exchange.run()
        assert 0.9 < time.monotonic() - begin < 3
        assert (caught.value.rcode, caught.value.refused) == (SERVFAIL, False)


@pytest.mark.parametrize(
    ("count", "seconds"), [(1, [4]), (2, [4, 4]), (3, [4, 2, 5]), (8, [4, 1, 2, 4, 8, 16, 32, 64])]
)
def test_shares_of_the_time(count: int, seconds: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first server has the timeout, the next ones 2, 4, 8 ... times it by the number of servers."""
    waits: list[float] = []

    class Silent:
        def send(self, query: bytes) -> None:
            assert query == QUERY

        def settimeout(self, left: float) -> None:
            waits.append(left)

        def recv(self, size: int) -> bytes:
            raise TimeoutError

    settings = Settings([(socket.AF_INET, ("127.0.0.1", 1))] * count, timeout=4)
    exchange = Exchange(settings, QUERY)
    monkeypatch.setattr(exchange, "_datagrams", lambda index: Silent())
    for index in range(count):
        assert exchange._ask(index) is None
    assert [round(left) for left in waits] == seconds
    assert exchange.heard


def test_nobody_there() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    exchange = Exchange(Settings([(socket.AF_INET, address)], timeout=1), QUERY)
    with pytest.raises(NoAnswer) as caught:
        exchange.run()
    assert (caught.value.rcode, caught.value.refused) == (0, True)
    assert not exchange.sockets


def tcp_answers(replies: list[bytes]) -> tuple[socket.socket, list[bytes], threading.Thread]:
    """A server for TCP that gives these, one for each connection; and what it was asked."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)
    asked: list[bytes] = []

    def serve() -> None:
        for reply in replies:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(5000))
                connection.sendall(reply)

    thread = threading.Thread(target=serve)
    thread.start()
    return listener, asked, thread


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(2) + message


@pytest.mark.parametrize("size", [512, 513])
def test_only_a_large_query_goes_over_tcp(size: int) -> None:
    query = QUERY + bytes(size - len(QUERY))
    listener, asked, thread = tcp_answers([framed(packet())] if size > 512 else [])
    address = listener.getsockname()
    with listener, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(address)
        exchange = Exchange(Settings([(socket.AF_INET, address)], timeout=1, attempts=1), query)
        if size > 512:
            assert exchange.run() == packet()
            assert asked == [framed(query)]
        else:
            with pytest.raises(NoAnswer):
                exchange.run()
            assert datagrams.recv(1000) == query
        thread.join()


def test_a_truncated_answer_is_fetched_and_there_is_no_other_attempt() -> None:
    """Another server is still asked, over TCP; what belongs to nobody's query is read over."""
    listener, asked, thread = tcp_answers([framed(packet(identity=b"xx")) + framed(packet(answers=7))])
    address = listener.getsockname()
    with listener, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(address)

        def serve() -> None:
            _, client = datagrams.recvfrom(1000)
            datagrams.sendto(packet(flags=TRUNCATED), client)

        server = threading.Thread(target=serve)
        server.start()
        exchange = Exchange(Settings([(socket.AF_INET, address)], timeout=5), QUERY)
        assert exchange.run() == packet(answers=7)
        assert exchange.rcode == 0 and not exchange.sockets
        server.join()
        thread.join()
    assert asked == [framed(QUERY)]


@pytest.mark.parametrize("reply", [b"", b"\x00", framed(packet())[:-1], framed(packet()[:11]), b"\x00\x00"])
def test_over_tcp_half_an_answer_is_none(reply: bytes) -> None:
    listener, asked, thread = tcp_answers([reply])
    with listener:
        settings = Settings([(socket.AF_INET, listener.getsockname())], flags={b"use-vc"}, attempts=2)
        with pytest.raises(NoAnswer) as caught:
            Exchange(settings, QUERY).run()
        thread.join()
    assert asked == [framed(QUERY)], "there is one attempt over TCP"
    assert not caught.value.refused

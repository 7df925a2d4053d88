"""One query to the name servers: whom it goes to, for how long, and which packets are an answer (glibc's
res_send.c).  The servers are scripts, so that nobody waits."""

from __future__ import annotations

import io
import socket
import struct
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import pytest

from php_streams._network.resolv_conf import Settings
from php_streams._network.send import NOERROR, NXDOMAIN, REFUSED, SERVFAIL, Exchange, NoAnswer, Verdict

AA, TC, RD, RA = 0x0400, 0x0200, 0x0100, 0x0080
QUESTION = b"\x01a\x04test\0" + struct.pack("!2H", 1, 1)
QUERY = b"\x12\x34" + struct.pack("!5H", RD, 1, 0, 0, 0) + QUESTION


def reply(
    flags: int = RA,
    *,
    answers: int = 1,
    authority: int = 0,
    additional: int = 0,
    number: bytes = b"\x12\x34",
    question: bytes = QUESTION,
    questions: int = 1,
) -> bytes:
    """A packet as a server sends it; what the counts speak of is not looked at here."""
    return number + struct.pack("!5H", 0x8000 | flags, questions, answers, authority, additional) + question


class Servers:
    """What each server does when it is asked, in turn: packets it sends, an error; then silence."""

    def __init__(self) -> None:
        self.udp: dict[str, list[bytes | OSError]] = defaultdict(list)
        self.tcp: dict[str, list[bytes | OSError]] = defaultdict(list)
        self.asked: list[str] = []
        self.waits: list[tuple[str, int]] = []
        self.open = self.made = self.datagrams = 0
        self.unreachable: set[str] = set()

    def socket(self, family: int, kind: int) -> Socket:
        self.open += 1
        self.made += 1
        self.datagrams += kind == socket.SOCK_DGRAM
        return Socket(self, kind)


class Socket:
    """A socket that is connected to one of them."""

    def __init__(self, servers: Servers, kind: int) -> None:
        self.servers, self.kind, self.closed = servers, kind, False
        self.host = ""

    def connect(self, address: tuple[str, int]) -> None:
        self.host = address[0]
        if self.host in self.servers.unreachable:
            raise OSError("unreachable")
        script = self.servers.tcp[self.host]
        if self.kind == socket.SOCK_STREAM and script and isinstance(script[0], OSError):
            raise script.pop(0)  # type: ignore[misc]

    def settimeout(self, seconds: float) -> None:
        self.servers.waits.append((self.host, round(seconds)))

    def send(self, data: bytes) -> None:
        if self.closed:
            raise OSError("closed")
        assert data == QUERY
        self.servers.asked.append(self.host)

    def sendall(self, data: bytes) -> None:
        assert int.from_bytes(data[:2]) == len(data) - 2
        assert not self.servers.datagrams, "those sockets are closed"
        self.servers.asked.append(f"{self.host} tcp")

    def recv(self, size: int) -> bytes:
        if self.kind == socket.SOCK_STREAM:
            return self._stream.read(size)
        script = self.servers.udp[self.host]
        found = script.pop(0) if script else TimeoutError()
        if isinstance(found, OSError):
            raise found
        return found

    @cached_property
    def _stream(self) -> io.BytesIO:
        script = self.servers.tcp[self.host]
        packets = [packet for packet in script if isinstance(packet, bytes)]
        script.clear()
        return io.BytesIO(b"".join(packets))

    def close(self) -> None:
        self.servers.open -= not self.closed
        self.servers.datagrams -= not self.closed and self.kind == socket.SOCK_DGRAM
        self.closed = True

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def framed(packet: bytes) -> bytes:
    """As TCP carries it."""
    return len(packet).to_bytes(2) + packet


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    made = Servers()
    monkeypatch.setattr("php_streams._network.send.socket.socket", made.socket)
    return made


def settings(*hosts: str, **more: Any) -> Settings:
    return Settings(nameservers=[(socket.AF_INET, (host, 53)) for host in hosts], **more)


def failure(given: Settings, query: bytes = QUERY) -> tuple[int, bool]:
    """The rcode, and whether no server was reached."""
    with pytest.raises(NoAnswer) as caught:
        Exchange(given, query).run()
    return caught.value.rcode, caught.value.refused


# --- what a packet is worth ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packet", "verdict"),
    [
        pytest.param(b"", Verdict.USELESS, id="empty"),
        pytest.param(reply()[:11], Verdict.USELESS, id="11 bytes"),
        pytest.param(reply(questions=0)[:12], Verdict.FOREIGN, id="12 bytes"),
        pytest.param(reply(), Verdict.ANSWER, id="answer"),
        pytest.param(reply(number=b"\x12\x35"), Verdict.FOREIGN, id="another id"),
        pytest.param(reply(number=b"\x13\x34"), Verdict.FOREIGN, id="another id's first byte"),
        pytest.param(reply(question=b"\x01b" + QUESTION[2:]), Verdict.FOREIGN, id="another name"),
        pytest.param(reply(question=b"\x01A" + QUESTION[2:]), Verdict.ANSWER, id="capitals"),
        pytest.param(reply(question=QUESTION[:-3] + b"\x02\0\x01"), Verdict.FOREIGN, id="another type"),
        pytest.param(reply(question=QUESTION[:-1] + b"\x03"), Verdict.FOREIGN, id="another class"),
        pytest.param(reply(questions=2, question=QUESTION * 2), Verdict.FOREIGN, id="two questions"),
        pytest.param(reply(questions=0, question=b""), Verdict.FOREIGN, id="no question"),
        pytest.param(reply(question=b"\x80a" + QUESTION[2:]), Verdict.ANSWER, id="an odd label"),
        pytest.param(reply(SERVFAIL), Verdict.USELESS, id="SERVFAIL"),
        pytest.param(reply(4), Verdict.USELESS, id="NOTIMP"),
        pytest.param(reply(5), Verdict.USELESS, id="REFUSED"),
        pytest.param(reply(1), Verdict.ANSWER, id="FORMERR"),
        pytest.param(reply(NXDOMAIN, answers=0), Verdict.ANSWER, id="NXDOMAIN"),
        pytest.param(reply(0, answers=0), Verdict.USELESS, id="nothing to say"),
        pytest.param(reply(0, answers=0, authority=1), Verdict.USELESS, id="a referral"),
        pytest.param(reply(0, answers=0, additional=1), Verdict.ANSWER, id="additional"),
        pytest.param(reply(0), Verdict.ANSWER, id="answers"),
        pytest.param(reply(RA, answers=0), Verdict.ANSWER, id="nothing, recursive"),
        pytest.param(reply(AA, answers=0), Verdict.ANSWER, id="nothing, with authority"),
        pytest.param(reply(RD | TC, answers=0), Verdict.USELESS, id="other bits"),
    ],
)
def test_what_a_packet_is_worth(packet: bytes, verdict: Verdict) -> None:
    exchange = Exchange(settings("a"), QUERY)
    assert exchange._judge(packet) is verdict
    assert exchange.heard


@pytest.mark.parametrize("rcode", range(16))
def test_the_last_packets_rcode_is_told(servers: Servers, rcode: int) -> None:
    servers.udp["a"] = [reply(rcode, number=b"xx")]
    assert failure(settings("a", attempts=1)) == (rcode, False)


# --- whom it goes to, and for how long -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "timeout", "waits"),
    [(1, 5, [5]), (2, 5, [5, 5]), (2, 1, [1, 1]), (3, 5, [5, 3, 6]), (3, 1, [1, 1, 1]), (3, 4, [4, 2, 5])],
)
def test_each_server_gets_its_share(servers: Servers, count: int, timeout: int, waits: list[int]) -> None:
    hosts = "abc"[:count]
    assert failure(settings(*hosts, timeout=timeout, attempts=2)) == (NOERROR, False)
    assert servers.waits == list(zip(hosts, waits, strict=True)) * 2
    assert servers.asked == list(hosts) * 2


def test_who_is_of_no_use_is_passed_over_at_once(servers: Servers) -> None:
    servers.udp["a"] = [reply(SERVFAIL)]
    servers.udp["b"] = [reply(number=b"xx"), reply(question=b"\0" + QUESTION), reply()]
    assert Exchange(settings("a", "b"), QUERY).run() == reply()
    assert (servers.asked, servers.open) == (["a", "b"], 0)


def test_what_is_wrong_with_the_query_is_an_answer(servers: Servers) -> None:
    servers.udp["a"] = [reply(1)]
    assert Exchange(settings("a"), QUERY).run() == reply(1)
    assert servers.asked == ["a"]


def test_the_second_attempt_may_do_better(servers: Servers) -> None:
    servers.udp["a"] = [reply(SERVFAIL), reply()]
    assert Exchange(settings("a"), QUERY).run() == reply()
    assert (servers.asked, servers.made) == (["a", "a"], 2), "on a socket of its own"


def test_a_late_answer_is_as_good(servers: Servers) -> None:
    servers.udp["a"] = [TimeoutError(), reply()]
    assert Exchange(settings("a"), QUERY).run() == reply()
    assert (servers.asked, servers.made) == (["a", "a"], 1), "the socket that it comes to is still there"


def test_nobody_is_there(servers: Servers) -> None:
    servers.udp["a"] = [ConnectionRefusedError(), ConnectionRefusedError()]
    assert failure(settings("a")) == (NOERROR, True)
    assert failure(settings("a", attempts=0)) == (NOERROR, True)
    servers.udp["a"] = [ConnectionRefusedError(), TimeoutError()]
    assert failure(settings("a")) == (NOERROR, False)
    servers.udp["a"] = [ConnectionRefusedError(), reply(REFUSED)]
    assert failure(settings("a")) == (REFUSED, False)
    assert (servers.open, servers.made) == (0, 6), "a socket for each attempt"


def test_a_server_without_a_way_to_it(servers: Servers) -> None:
    servers.unreachable.add("a")
    assert failure(settings("a")) == (NOERROR, True)
    servers.udp["b"] = [reply()]
    assert Exchange(settings("a", "b"), QUERY).run() == reply()
    assert (servers.asked, servers.open) == (["b"], 0)


def test_no_socket_can_be_had(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*arguments: object) -> None:
        raise OSError

    monkeypatch.setattr("php_streams._network.send.socket.socket", exhausted)
    assert failure(settings("a")) == (NOERROR, False)


@pytest.mark.parametrize("flags", [set(), {b"rotate"}])
def test_rotate_begins_with_another_one(servers: Servers, flags: set[bytes]) -> None:
    hosts, first = "abc", []
    for _ in range(6):
        servers.asked.clear()
        failure(settings(*hosts, attempts=1, flags=flags))
        start = hosts.index(servers.asked[0])
        assert "".join(servers.asked) == hosts[start:] + hosts[:start]
        first.append(start)
    steps = {(after - before) % 3 for before, after in pairwise(first)}
    assert steps == ({1} if flags else {0})
    assert flags or first[0] == 0


# --- over TCP ------------------------------------------------------------------------------------------


def over_tcp(servers: Servers, packets: Sequence[bytes | OSError], **more: Any) -> bytes:
    servers.tcp["a"] = list(packets)
    return Exchange(settings("a", flags={b"use-vc"}, **more), QUERY).run()


def test_what_did_not_fit_is_fetched_over_tcp(servers: Servers) -> None:
    servers.udp["a"] = [reply(SERVFAIL)]
    servers.udp["b"] = [reply(TC)]
    servers.tcp["b"] = [framed(reply(number=b"xx")), framed(reply(answers=2))]
    assert Exchange(settings("a", "b"), QUERY).run() == reply(answers=2)
    assert (servers.asked, servers.open) == (["a", "b", "b tcp"], 0)


def test_from_then_on_it_is_tcp_and_there_is_no_other_attempt(servers: Servers) -> None:
    servers.udp["a"] = [reply(TC)]
    assert failure(settings("a", "b")) == (NOERROR, False)
    assert servers.asked == ["a", "a tcp", "b tcp"]


@pytest.mark.parametrize("size", [511, 512, 513])
def test_a_long_query_goes_over_tcp(servers: Servers, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    query = QUERY + bytes(size - len(QUERY))
    monkeypatch.setitem(globals(), "QUERY", query)
    failure(settings("a", attempts=1), query)
    assert servers.asked == (["a tcp"] if size > 512 else ["a"])


def test_what_is_cut_is_no_answer(servers: Servers) -> None:
    whole = reply()
    assert over_tcp(servers, [framed(whole)]) == whole
    assert over_tcp(servers, [framed(whole[:12])]) == whole[:12], "a header is enough"
    for packet in (framed(whole)[:-1], framed(whole[:11]), b"\0", b""):
        with pytest.raises(NoAnswer):
            over_tcp(servers, [packet])


def test_a_reset_is_tried_once_more(servers: Servers) -> None:
    assert over_tcp(servers, [ConnectionResetError(), framed(reply())]) == reply()
    with pytest.raises(NoAnswer) as caught:
        over_tcp(servers, [ConnectionResetError(), ConnectionResetError(), framed(reply())])
    assert not caught.value.refused


def test_who_refuses_tcp_was_not_reached(servers: Servers) -> None:
    servers.tcp["a"] = [ConnectionRefusedError()]
    assert failure(settings("a", flags={b"use-vc"})) == (NOERROR, True)
    servers.tcp["a"] = [ConnectionRefusedError()]
    servers.tcp["b"] = [framed(reply(NXDOMAIN))[:-1]]
    assert failure(settings("a", "b", flags={b"use-vc"})) == (NOERROR, False), "the last one was"
    servers.tcp["a"] = [OSError("unreachable")]
    assert failure(settings("a", flags={b"use-vc"})) == (NOERROR, False)


def test_the_rcode_of_tcps_packets_is_told(servers: Servers) -> None:
    servers.tcp["a"] = [framed(reply(SERVFAIL, number=b"xx"))]
    assert failure(settings("a", flags={b"use-vc"})) == (SERVFAIL, False)

"""Sending one query to the name servers, and waiting for the answer: glibc's res_send.c.

Each server is asked in turn, all of them `attempts` times.  A server that refuses the packet, says SERVFAIL,
NOTIMP or REFUSED, or answers without having anything to say is passed over at once; one that says nothing
gets `timeout` seconds, later servers get other shares.  What does not belong to the query is not heard.  An
answer that did not fit into a datagram is fetched over TCP, and from then on there is no other attempt.
"""

from __future__ import annotations

import enum
import random
import socket
import struct
import time
from collections.abc import Iterator

import dns.exception
import dns.name

from php_streams._core.signals import from_system
from php_streams._network.resolv_conf import Address, Settings

HEADER = 12
LARGEST = 65535
LARGEST_DATAGRAM_QUERY = 512
LONGEST_QUESTION = 255 + 4

NOERROR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 0, 2, 3, 4, 5
# Bits of the header's two bytes of flags.
AUTHORITATIVE, TRUNCATED, RECURSIVE = 0x0400, 0x0200, 0x0080

_turn = random.randrange(1 << 16)


class Verdict(enum.Enum):
    """What a packet is: the answer; a sign that this server has none; nothing that belongs to the query."""

    ANSWER = enum.auto()
    USELESS = enum.auto()
    FOREIGN = enum.auto()


class NoAnswer(Exception):
    """No server gave one.

    rcode: what the last packet said that came, NOERROR when none did.
    refused: no server was reached at all.
    """

    def __init__(self, rcode: int, refused: bool) -> None:
        super().__init__(rcode, refused)
        self.rcode, self.refused = rcode, refused


class Exchange:
    """One query and what came of it so far."""

    def __init__(self, settings: Settings, query: bytes) -> None:
        self.settings = settings
        self.query = query
        self.sockets: dict[int, socket.socket] = {}
        self.rcode = NOERROR
        self.heard = False  # a server was there, though it may have said nothing
        self.refused = False

    def run(self) -> bytes:
        """The answer's bytes; raises `NoAnswer`."""
        try:
            for answer in self._attempts():
                if answer is not None:
                    return answer
        except from_system(OSError):  # no socket to be had, or none of this kind
            self.heard = True
        finally:
            self._close()
        raise NoAnswer(self.rcode, self.refused or not self.heard)

    def _attempts(self) -> Iterator[bytes | None]:
        stream = b"use-vc" in self.settings.flags or len(self.query) > LARGEST_DATAGRAM_QUERY
        order = self._order()
        for _ in range(self.settings.attempts):
            for index in order:
                if not stream:
                    answer = self._ask(index)
                    stream = answer is not None and bool(flags(answer) & TRUNCATED)
                    if not stream:
                        yield answer
                        continue
                self._close()
                self.heard = True
                yield self._ask_over_tcp(self.settings.nameservers[index])
            if stream:
                return

    def _order(self) -> list[int]:
        """The servers' numbers; `rotate` begins with another one each time."""
        global _turn
        count = len(self.settings.nameservers)
        first = 0
        if b"rotate" in self.settings.flags and count > 1:
            _turn += 1
            first = _turn % count
        return [(first + shift) % count for shift in range(count)]

    def _close(self) -> None:
        for sock in self.sockets.values():
            sock.close()
        self.sockets.clear()

    def _ask(self, index: int) -> bytes | None:
        """Over UDP; None when this server is not to be waited for any longer."""
        share = self.settings.timeout << index
        seconds = max(1, share // len(self.settings.nameservers) if index else share)
        sock = self._datagrams(index)
        if sock is None:
            return None
        try:
            end = time.monotonic() + seconds
            sock.send(self.query)
            while (left := end - time.monotonic()) > 0:
                sock.settimeout(left)
                packet = sock.recv(LARGEST)
                verdict = self._judge(packet)
                if verdict is Verdict.ANSWER:
                    return packet
                if verdict is Verdict.USELESS:
                    self._close()
                    return None
        except from_system(TimeoutError):
            self.heard = True  # the socket stays: a late answer is as good to the next attempt
        except from_system(OSError):
            self._close()
        return None

    def _datagrams(self, index: int) -> socket.socket | None:
        """The socket that speaks to this server only, and so hears when nobody is there."""
        if index not in self.sockets:
            family, address = self.settings.nameservers[index]
            sock = self.sockets[index] = socket.socket(family, socket.SOCK_DGRAM)
            try:
                sock.connect(address)
            except from_system(OSError):
                self._close()
        return self.sockets.get(index)

    def _judge(self, packet: bytes) -> Verdict:
        """What a packet is worth."""
        self.heard = True
        if len(packet) < HEADER:
            return Verdict.USELESS
        self.rcode = flags(packet) & 15
        if packet[:2] != self.query[:2] or not same_question(self.query, packet):
            return Verdict.FOREIGN
        if self.rcode in (SERVFAIL, NOTIMP, REFUSED):
            return Verdict.USELESS
        _, answers, _, additional = counts(packet)
        empty = self.rcode == NOERROR and not answers and not additional
        if empty and not flags(packet) & (AUTHORITATIVE | RECURSIVE):
            return Verdict.USELESS
        return Verdict.ANSWER

    def _ask_over_tcp(self, server: Address, again: bool = True) -> bytes | None:
        """PHP waits for a stream without a limit, so it is only the system's patience that ends this."""
        family, address = server
        self.refused = False
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            try:
                sock.connect(address)
                sock.sendall(struct.pack("!H", len(self.query)) + self.query)
                return self._read_stream(sock)
            except from_system(ConnectionResetError):
                return self._ask_over_tcp(server, False) if again else None
            except from_system(OSError) as error:
                self.refused = isinstance(error, ConnectionRefusedError)
                return None

    def _read_stream(self, sock: socket.socket) -> bytes | None:
        while True:
            size = int.from_bytes(_received(sock, 2), "big")
            answer = _received(sock, size)
            if len(answer) < max(size, HEADER):
                return None
            self.rcode = flags(answer) & 15
            if answer[:2] == self.query[:2]:
                return answer


def _received(sock: socket.socket, size: int) -> bytes:
    """So many bytes, fewer at the end of the stream."""
    data = b""
    while len(data) < size and (more := sock.recv(size - len(data))):
        data += more
    return data


def flags(message: bytes) -> int:
    """The header's two bytes of flags, the code of the result being the lowest four bits."""
    return int.from_bytes(message[2:4], "big")


def counts(message: bytes) -> tuple[int, int, int, int]:
    """How many questions, answers, authority records and additional records the header speaks of."""
    found: tuple[int, int, int, int] = struct.unpack_from("!4H", message, 4)
    return found


def same_question(query: bytes, answer: bytes) -> bool:
    """Does the answer repeat the question?

    As glibc sees it: one that cannot be read does, and one that is cut goes on with the zeros of its buffer.
    """
    if query[4:6] != answer[4:6]:
        return False
    try:
        return question(query) == question(answer + bytes(LONGEST_QUESTION))
    except dns.exception.DNSException:
        return True


def question(message: bytes) -> tuple[dns.name.Name, int, int]:
    """The first question: name, type, class.  Names are the same in upper and in lower case."""
    name, used = dns.name.from_wire(message, HEADER)
    kind, of_class = struct.unpack_from("!2H", message, HEADER + used)
    return name, kind, of_class

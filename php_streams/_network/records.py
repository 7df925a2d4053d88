"""The records of an answer as PHP's arrays: php_parserr and dns_get_mx of ext/standard/dns.c.

An answer is read from front to back, and only once.  Where a record ends is, as in PHP, what its reader says
and not the length that stands before it; so a record that lies about its length spoils what follows.  At the
first byte that is missing the reading ends, and what was read of that record still counts.

Names and texts are str: what is no UTF-8 in a text survives as surrogate escapes.  Only the data of raw
records is bytes.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import dns.name
from dns.rdatatype import A6, AAAA, ANY, CAA, CNAME, HINFO, MX, NAPTR, NS, PTR, SOA, SRV, TXT, A

from php_streams._core.values import to_text
from php_streams._network.send import HEADER, counts

Record = dict[str, Any]
LONGEST_NAME = 255


class Broken(Exception):
    """The answer ends too early, or a name in it cannot be read."""


class Answer:
    """The bytes of an answer, and where in them the reading is."""

    def __init__(self, wire: bytes) -> None:
        self.wire = wire
        self.at = HEADER
        self.whole = True
        self.questions, self.answers, self.authority, self.additional = counts(wire)

    def skip_questions(self) -> None:
        """Goes to the first record; raises `Broken`."""
        for _ in range(self.questions):
            self.skip_name()
            self.at += 4

    def records(self, count: int, wanted: int, store: bool, raw: bool) -> Iterator[Record]:
        """The next `count` records, as far as they are of the type wanted and to be stored."""
        while count > 0 and self.whole and self.at < len(self.wire):
            count -= 1
            record: Record = {}
            try:
                known = self._record(record, wanted, store, raw)
            except Broken:
                self.whole = False
                known = bool(record)
            if known:
                yield record

    def _record(self, record: Record, wanted: int, store: bool, raw: bool) -> bool:
        """Reads one; False when it is not wanted."""
        host = self.name()
        kind, _, ttl, length = self.numbers("!HHIH")
        self.need(length)
        if not length:
            raise Broken
        end = self.at + length
        if not store or wanted not in (ANY, kind):
            self.at = end
            return False
        if not raw and kind not in READERS:
            self.at = end
            return False
        record |= {"host": host, "class": "IN", "ttl": ttl}
        if raw:
            record |= {"type": kind, "data": self.take(length)}
        else:
            READERS[kind](self, record, length)
        return True

    def exchangers(self) -> Iterator[tuple[str, int]]:
        """Mail exchangers and their weights; raises `Broken`."""
        padded = self.wire + bytes(12)  # PHP reads on behind the end, in a buffer full of zeros
        for _ in range(self.answers):
            if self.at >= len(self.wire):
                return
            self.skip_name()
            kind, length, weight = struct.unpack_from("!H6xHH", padded, self.at)
            self.at += 10
            if kind == MX:
                self.at += 2
                yield self.name(), weight
            else:
                self.at += length

    # What records are made of

    def need(self, size: int) -> None:
        """Raises `Broken` unless there are so many bytes."""
        if self.at + size > len(self.wire):
            raise Broken

    def take(self, size: int) -> bytes:
        """The next bytes."""
        self.need(size)
        self.at += size
        return self.wire[self.at - size : self.at]

    def numbers(self, form: str) -> tuple[int, ...]:
        """The next numbers, by their form for `struct`."""
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def text(self) -> str:
        """A text behind the byte that says how long it is."""
        return to_text(self.take(self.take(1)[0]))

    def name(self) -> str:
        """A name without the last dot, special characters with a backslash; "" for the root."""
        labels, self.at = unpack(self.wire, self.at)
        return dns.name.Name([*labels, b""]).to_text(omit_final_dot=True) if labels else ""

    def skip_name(self) -> None:
        """Goes behind a name without looking at it."""
        while (size := self.take(1)[0]) != 0:
            if size >= 0xC0:
                self.at += 1
                break
            if size > 63:
                raise Broken
            self.at += size
        if self.at > len(self.wire):
            raise Broken


def unpack(wire: bytes, at: int) -> tuple[list[bytes], int]:
    """The labels of a name, and where it ends; raises `Broken`.

    dnspython's own reader wants pointers to point back; glibc's takes what does not run in circles.
    """
    labels: list[bytes] = []
    behind, size, passed = 0, 1, 0
    while at < len(wire):
        length, at = wire[at], at + 1
        if length == 0:
            return labels, behind or at
        if length < 64:
            label = wire[at : at + length]
            at += length
            size += length + 1
            passed += length + 1
            if size > LONGEST_NAME:
                break
            labels.append(label)
        elif length >= 0xC0 and at < len(wire):
            behind = behind or at + 1
            at = (length & 0x3F) << 8 | wire[at]
            passed += 2
            if passed >= len(wire):
                break
        else:
            break
    raise Broken


# One reader for each type: it fills the record, so that what came before a gap is kept.


def _address(answer: Answer, record: Record, length: int) -> None:
    answer.need(4)
    record["type"] = "A"
    record["ip"] = socket.inet_ntoa(answer.wire[answer.at : answer.at + 4])
    answer.at += length


def _target(kind: str) -> Callable[[Answer, Record, int], None]:
    def read(answer: Answer, record: Record, length: int) -> None:
        record["type"] = kind
        record["target"] = answer.name()

    return read


def _exchanger(answer: Answer, record: Record, length: int) -> None:
    answer.need(2)
    record["type"] = "MX"
    (record["pri"],) = answer.numbers("!H")
    record["target"] = answer.name()


def _machine(answer: Answer, record: Record, length: int) -> None:
    record["type"] = "HINFO"
    record["cpu"] = answer.text()
    record["os"] = answer.text()


def _authorization(answer: Answer, record: Record, length: int) -> None:
    record["type"] = "CAA"
    record["flags"] = answer.take(1)[0]
    start = answer.at - 1
    record["tag"] = answer.text()
    left = length - (answer.at - start)
    if left < 0:
        raise Broken
    record["value"] = to_text(answer.take(left))


def _texts(answer: Answer, record: Record, length: int) -> None:
    record["type"] = "TXT"
    data = answer.take(length)
    entries = []
    at = 0
    while at < length:
        size = data[at]
        entries.append(data[at + 1 : at + 1 + size])
        at += 1 + size
    record["txt"] = to_text(b"".join(entries))
    record["entries"] = [to_text(entry) for entry in entries if entry]


def _authority(answer: Answer, record: Record, length: int) -> None:
    record["type"] = "SOA"
    record["mname"] = answer.name()
    record["rname"] = answer.name()
    numbers = answer.numbers("!5I")
    record |= zip(("serial", "refresh", "retry", "expire", "minimum-ttl"), numbers, strict=True)


def _address6(answer: Answer, record: Record, length: int) -> None:
    groups = answer.numbers("!8H")
    record["type"] = "AAAA"
    record["ipv6"] = Address6().add(groups)


def _address6_suffix(answer: Answer, record: Record, length: int) -> None:
    start = answer.at
    record["type"] = "A6"
    record["masklen"] = masklen = answer.take(1)[0]
    address = Address6(masklen > 15)
    if masklen % 16 > 8:  # which PHP reads without a look at the end, in a buffer full of zeros
        address.half(int.from_bytes(answer.wire[answer.at : answer.at + 1]))
        answer.at += 1
    groups = max(0, 8 - (masklen + 8) // 16)
    record["ipv6"] = address.add(answer.numbers(f"!{groups}H") if groups else ())
    if answer.at < start + length:
        record["chain"] = answer.name()


class Address6:
    """An IPv6 address as PHP writes it: its first zeros are the gap, be they few or many."""

    def __init__(self, gap: bool = False) -> None:
        self.shown = ":" if gap else ""
        self.had_gap = self.in_gap = gap

    def add(self, groups: tuple[int, ...]) -> str:
        """The text, with these groups at its end."""
        for group in groups:
            if group:
                self.colon()
                self.shown += f"{group:x}"
            else:
                self.zero()
        return self.shown + ":" * self.in_gap

    def half(self, byte: int) -> None:
        """Half a group, at the front: PHP loses its digits and keeps the colon."""
        if byte:
            self.colon()
        else:
            self.zero()

    def colon(self) -> None:
        """What stands before a group."""
        if self.shown:
            self.in_gap = False
            self.shown += ":"

    def zero(self) -> None:
        """A group of zeros."""
        if not self.had_gap:
            self.had_gap = self.in_gap = True
            self.shown += ":"
        elif not self.in_gap:
            self.shown += ":0"


def _service(answer: Answer, record: Record, length: int) -> None:
    answer.need(6)
    record["type"] = "SRV"
    record["pri"], record["weight"], record["port"] = answer.numbers("!3H")
    record["target"] = answer.name()


def _naming(answer: Answer, record: Record, length: int) -> None:
    answer.need(4)
    record["type"] = "NAPTR"
    record["order"], record["pref"] = answer.numbers("!2H")
    for key in ("flags", "services", "regex"):
        record[key] = answer.text()
    record["replacement"] = answer.name()


READERS: dict[int, Callable[[Answer, Record, int], None]] = {
    A: _address,
    NS: _target("NS"),
    CNAME: _target("CNAME"),
    SOA: _authority,
    PTR: _target("PTR"),
    HINFO: _machine,
    MX: _exchanger,
    TXT: _texts,
    AAAA: _address6,
    SRV: _service,
    NAPTR: _naming,
    A6: _address6_suffix,
    CAA: _authorization,
}

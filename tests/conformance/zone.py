"""The ZONE section of a case: what its name servers know, and how they behave.

Lines of a master file ($ORIGIN, $TTL, records; every name that has a SOA opens a zone), and among them,
behind an exclamation mark, what a master file cannot say:

    !resolv search example.test        a line of resolv.conf, below `nameserver 127.0.0.1` unless it names any
    !hosts 192.0.2.7 printer           a line of /etc/hosts
    !services smtp 25/tcp mail         a line of /etc/services, which has no others then
    !protocols tcp 6 TCP               a line of /etc/protocols, likewise
    !hostname client.example.test      the machine's name
    !server 127.0.0.2 REFUSED          another server: knows the same, or (RCODE, silent, lame) nothing
    !show queries                      `> dns udp 127.0.0.1 www.example.test A` for each query that came
    !rcode broken.test SERVFAIL [ANY]  the answer for this name (and type)
    !silent quiet.test [once]          no answer (to the first query)
    !lame empty.test                   no error, nothing in it, and from somebody who should not know
    !truncate large.test               over UDP only a hint that there is more
    !hangup large.test                 TCP connections end without an answer
    !spoof victim.test                 a wrong id and another question come before the answer
    !cut short.test 5                  the last 5 bytes are missing
    !garble bad.test                   the question's first label is of a kind that does not exist

A record's data may be given as bytes (`short A \\# 2 7f00`), of any type, whether they make sense or not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import dns.exception
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdataclass import IN
from dns.rdatatype import RdataType

DIRECTIVE = re.compile(r"\$(ORIGIN|TTL)\s+(\S+)\s*")
RECORD = re.compile(r"(\S*)\s+(?:(\d+)\s+)?(?:IN\s+)?([A-Z][A-Z0-9]*)\s+(\S.*)")
AS_BYTES = re.compile(r"\\#\s+(\d+)((?:\s*[0-9a-fA-F]{2})*)\s*")
TARGETS = {
    RdataType.MX: "exchange",
    RdataType.NS: "target",
    RdataType.SRV: "target",
    RdataType.PTR: "target",
}
LONGEST_CHAIN = 8


class ZoneError(Exception):
    """A line that means nothing; `line` counts from 1 within the section."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line, self.reason = line, reason


@dataclass(frozen=True)
class Record:
    """One resource record."""

    name: dns.name.Name
    ttl: int
    data: dns.rdata.Rdata


@dataclass
class Reply:
    """What a server has to say to a question."""

    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    answer: list[Record] = field(default_factory=list)
    authority: list[Record] = field(default_factory=list)
    additional: list[Record] = field(default_factory=list)


@dataclass
class Zone:
    """The section as read.  servers: address -> "" or what it does in place of answering."""

    records: dict[dns.name.Name, list[Record]] = field(default_factory=dict)
    resolv: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    protocols: list[str] = field(default_factory=list)
    hostname: str = ""
    servers: dict[str, str] = field(default_factory=lambda: {"127.0.0.1": ""})
    show: bool = False
    behaviour: dict[str, dict[dns.name.Name, str]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def resolv_conf(self) -> str:
        """The text of the resolver's configuration."""
        named = any(line.startswith("nameserver") for line in self.resolv)
        return "".join(f"{line}\n" for line in [*([] if named else ["nameserver 127.0.0.1"]), *self.resolv])

    def find(self, name: dns.name.Name, kind: int) -> Reply:
        """The reply of a server that has authority over everything it knows."""
        reply = Reply()
        for _ in range(LONGEST_CHAIN):
            own = self.records.get(name, [])
            reply.answer += [r for r in own if kind in (r.data.rdtype, RdataType.ANY)]
            alias = [record for record in own if hasattr(record.data, "target")]
            alias = [record for record in alias if record.data.rdtype == RdataType.CNAME]
            if not alias or kind in (RdataType.CNAME, RdataType.ANY):
                break
            reply.answer += alias
            name = alias[0].data.target  # type: ignore[attr-defined]
        zone = self.zone_of(name)
        if not any(known.is_subdomain(name) for known in self.records):
            reply.rcode = dns.rcode.NXDOMAIN
        wanted = RdataType.NS if reply.answer and kind != RdataType.NS else RdataType.SOA
        if not (reply.answer and wanted == RdataType.SOA):
            reply.authority = self.typed(zone, wanted)
        reply.additional = list(self.addresses([*reply.answer, *reply.authority]))
        return reply

    def zone_of(self, name: dns.name.Name) -> dns.name.Name:
        """The name where the zone begins."""
        while name != dns.name.root and not self.typed(name, RdataType.SOA):
            name = name.parent()
        return name

    def typed(self, name: dns.name.Name, kind: int) -> list[Record]:
        """The records of this type."""
        return [record for record in self.records.get(name, []) if record.data.rdtype == kind]

    def addresses(self, records: Iterable[Record]) -> Iterator[Record]:
        """The addresses of the names that these records point to, each once."""
        seen = set()
        for record in records:
            target = getattr(record.data, TARGETS.get(record.data.rdtype, ""), None)
            if target is not None and target not in seen:
                seen.add(target)
                yield from self.typed(target, RdataType.A)
                yield from self.typed(target, RdataType.AAAA)


def read_zone(text: str) -> Zone:
    """Reads a section; raises `ZoneError`."""
    zone = Zone()
    reader = Reader(zone)
    for number, line in enumerate(text.split("\n"), 1):
        try:
            if line.startswith("!"):
                direct(zone, line[1:])
            elif line.strip():
                reader.line(line)
        except (ValueError, dns.exception.DNSException) as error:
            raise ZoneError(number, f"{line!r}: {error}") from None
    return zone


class Reader:
    """The lines of a master file: $ORIGIN, $TTL, records of a line each; a name left out is the last one."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.origin = self.name = dns.name.root
        self.ttl = 0

    def line(self, line: str) -> None:
        """Reads one; raises `ValueError` or dnspython's errors."""
        if match := DIRECTIVE.fullmatch(line):
            if match[1] == "ORIGIN":
                self.origin = dns.name.from_text(match[2])
            else:
                self.ttl = int(match[2])
            return
        match = RECORD.fullmatch(line)
        if match is None:
            raise ValueError("no record: [NAME] [TTL] [IN] TYPE DATA")
        name, ttl, kind, data = match.groups()
        if name:
            self.name = self.origin if name == "@" else dns.name.from_text(name, self.origin)
        record = Record(self.name, int(ttl or self.ttl), self.data(kind, data))
        self.zone.records.setdefault(self.name, []).append(record)

    def data(self, kind: str, text: str) -> dns.rdata.Rdata:
        """The data of a record; what is given as bytes stays as it is."""
        number = dns.rdatatype.from_text(kind)
        match = AS_BYTES.fullmatch(text)
        if match is None:
            return dns.rdata.from_text(IN, number, text, self.origin, relativize=False)
        data = bytes.fromhex(match[2])
        if len(data) != int(match[1]):
            raise ValueError(f"{match[1]} bytes are announced, {len(data)} follow")
        return dns.rdata.GenericRdata(IN, number, data)


def direct(zone: Zone, text: str) -> None:
    """Obeys one line behind an exclamation mark; raises `ValueError`."""
    word, _, rest = text.partition(" ")
    words = rest.split()
    if word in ("resolv", "hosts", "services", "protocols"):
        getattr(zone, word).append(rest)
    elif word == "hostname":
        (zone.hostname,) = words
    elif word == "show" and words == ["queries"]:
        zone.show = True
    elif word == "server":
        zone.servers[words[0]] = words[1] if len(words) > 1 else ""
    elif word in ("rcode", "silent", "lame", "truncate", "hangup", "spoof", "cut", "garble") and words:
        zone.behaviour[word][dns.name.from_text(words[0])] = " ".join(words[1:])
    else:
        raise ValueError("no such line; see zone.py")

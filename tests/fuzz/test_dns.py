"""Answers that are broken at random, and random names below random search lists, beside php-cli.

Both ask the same name server, in namespaces of their own; what it was asked is compared too.  The seeds are
fixed; PHP_STREAMS_FUZZ_SEED chooses others, PHP_STREAMS_FUZZ how many names are asked for (20,000 of them
take both together two minutes).
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.conformance.case import Case, Section
from tests.conformance.namespace import Unavailable
from tests.conformance.php_found import find
from tests.conformance.php_side import run_php
from tests.conformance.python_side import run_python

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ", "240"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20261122"))
NAMES = 60
SEEDS = range(SEED, SEED + max(1, COUNT // NAMES))

PHP = """\
foreach ($names as $i => $name) {
    see("records $i", dns_get_record($name, $type));
    see("mail $i", [getmxrr($name, $hosts, $weights), $hosts, $weights]);
}
"""
PYTHON = """\
for i, name in enumerate(names):
    see(f"records {i}", dns_get_record(name, type)[0])
    see(f"mail {i}", list(getmxrr(name)))
"""

TYPES = "A NS CNAME SOA PTR HINFO MX TXT AAAA SRV NAPTR A6 CAA NULL TYPE65280".split()
# What names, texts and numbers are made of: lengths, letters, dots, pointers into the question and behind it.
BYTES = (0, 1, 2, 3, 4, 5, 0x61, 0x62, 0x2E, 0x40, 0x5C, 0xC0, 12, 0x10, 0xFF)
RCODES = ("SERVFAIL", "FORMERR", "REFUSED", "NOERROR", "NXDOMAIN")
LABELS = ("a", "b", "c", "a.b", "a.b.c", "a.a", r"a\.b", "A", "", "a..b", "@", "a" * 63, "a" * 64)
DOMAINS = ("x.test", "y.test", "z.y.test", ".", ".y.test")


def label(draw: random.Random) -> bytes:
    """A text with its length in front."""
    text = bytes(draw.choice(b"abc.@\\ \xff") for _ in range(draw.randrange(1, 6)))
    return bytes([len(text)]) + text


def name(draw: random.Random) -> bytes:
    """A few labels and an end, or a pointer."""
    end = draw.choice([b"\0", b"\0", b"\xc0\x0c", b"\xc0\x30"])
    return b"".join(label(draw) for _ in range(draw.randrange(3))) + end


def well_formed(draw: random.Random, kind: str) -> bytes:
    """Data as the type has it."""
    number = bytes([0, draw.randrange(200)])
    makers = {
        "A": lambda: draw.randbytes(4),
        "MX": lambda: number + name(draw),
        "SRV": lambda: number * 3 + name(draw),
        "NAPTR": lambda: number * 2 + label(draw) * 3 + name(draw),
        "SOA": lambda: name(draw) + name(draw) + draw.randbytes(20),
        "HINFO": lambda: label(draw) + label(draw),
        "TXT": lambda: label(draw) + label(draw),
        "CAA": lambda: b"\0" + label(draw) + label(draw),
        "AAAA": lambda: bytes(draw.choice([0, 0, 0, 1]) for _ in range(16)),
        "A6": lambda: suffix(draw),
    }
    return makers.get(kind, lambda: name(draw))()


def suffix(draw: random.Random) -> bytes:
    """An A6 record's data."""
    bits = draw.choice([0, 8, 9, 15, 16, 17, 25, 60, 64, 120, 127, 128])
    return bytes([bits, *(draw.choice([0, 0, 9]) for _ in range((128 - bits + 7) // 8))]) + name(draw)


def data(draw: random.Random, kind: str) -> bytes:
    """A record's data, some of it good."""
    if draw.random() < 0.4:
        found = bytearray(draw.choice(BYTES) for _ in range(draw.randrange(40)))
    else:
        found = bytearray(well_formed(draw, kind))
        if draw.random() < 0.3:
            del found[draw.randrange(len(found) + 1) :]
    for at in range(len(found) - 1):
        # Not into the header: the first two bytes there differ from query to query.
        if found[at] >= 0xC0 and found[at + 1] < 12:
            found[at + 1] = 12
    return bytes(found)


def broken_answers(draw: random.Random) -> tuple[list[str], list[str]]:
    """The zone, and the names to ask for."""
    # With a SOA no answer is so short that a cut goes into its question, which php would wait for in vain.
    zone = ["$ORIGIN f.test.", "$TTL 60", "@ SOA . . 1 2 3 4 5", "!resolv options timeout:1 attempts:1"]
    for number in range(NAMES):
        for _ in range(draw.randrange(1, 4)):
            kind = draw.choice(TYPES)
            given = data(draw, kind)
            zone.append(f"n{number} {kind} \\# {len(given)} {given.hex()}")
        if draw.random() < 0.1:
            zone.append(f"!cut n{number}.f.test {draw.randrange(1, 11)}")
    return zone, [f"n{number}.f.test." for number in range(NAMES)]


def searches(draw: random.Random) -> tuple[list[str], list[str]]:
    """The same for names below search lists, and servers that know, do not know, or fail."""
    zone = [f"!resolv options timeout:1 attempts:1 ndots:{draw.randrange(4)}", "!show queries"]
    if draw.random() < 0.8:
        zone.append("!resolv search " + " ".join(draw.sample(DOMAINS, draw.randrange(1, 4))))
    if draw.random() < 0.2:
        zone.append("!resolv options no-tld-query")
    for host in ("a", "b", "a.b", "a.b.c", "c", "a.a"):
        for domain in ("", ".x.test", ".y.test", ".z.y.test"):
            if draw.random() < 0.25:
                zone.append(f"{host}{domain}. 60 {draw.choice(['A 192.0.2.1', 'MX 5 mail.', 'TXT t'])}")
            elif draw.random() < 0.4:
                zone.append(f"!rcode {host}{domain} {draw.choice(RCODES)}")
    names = [draw.choice(LABELS) + draw.choice(["", "", "", ".", ".x.test"]) for _ in range(NAMES)]
    return zone, names


def case(zone: list[str], names: list[str], kind: str) -> Case:
    """A case of it; names are of ASCII, and so are written alike in both languages."""
    given = "[" + ", ".join("'" + one.replace("\\", "\\\\") + "'" for one in names) + "]"

    def section(title: str, text: str) -> Section:
        return Section(title, (), 1, tuple(text.split("\n")))

    return Case(
        path=Path(__file__),
        title="random",
        see=(),
        php=section("PHP", f"$names = {given};\n$type = {kind};\n{PHP}"),
        python=section("PYTHON", f"names = {given}\ntype = {kind}\n{PYTHON}"),
        zone=section("ZONE", "\n".join(zone)),
    )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("make", "kind"), [(broken_answers, "DNS_ANY"), (searches, "DNS_A")])
def test_php_says_the_same(make: object, kind: str, seed: int, pytestconfig: pytest.Config) -> None:
    found = find(pytestconfig)
    if not found.php:
        pytest.skip(found.offline)
    assert callable(make)
    zone, names = make(random.Random(seed))
    asked = case(zone, names, kind)
    try:
        said = run_php(asked, found.php[0])
    except Unavailable as error:
        pytest.skip(str(error))
    ours = run_python(asked)
    assert (ours.problems, said.problems) == ([], [])
    assert len(said.lines) >= 2 * NAMES
    assert ours.lines == said.lines, "\n".join(zone)

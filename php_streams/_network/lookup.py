"""dns_get_record, dns_get_mx and dns_check_record on what the name servers say: ext/standard/dns.c."""

from __future__ import annotations

from collections.abc import Iterator

from dns.rdatatype import A6, AAAA, ANY, CAA, CNAME, HINFO, MX, NAPTR, NS, PTR, SOA, SRV, TXT, A, RdataType

from php_streams import constants
from php_streams._core.diagnostics import warn
from php_streams._network.records import Answer, Broken, Record
from php_streams._network.search import NotFound, Reason, search

# PHP's bits of types, in the order in which it asks for them.
TYPES: tuple[tuple[int, RdataType], ...] = (
    (constants.DNS_A, A),
    (constants.DNS_NS, NS),
    (constants.DNS_CNAME, CNAME),
    (constants.DNS_SOA, SOA),
    (constants.DNS_PTR, PTR),
    (constants.DNS_HINFO, HINFO),
    (constants.DNS_MX, MX),
    (constants.DNS_TXT, TXT),
    (constants.DNS_AAAA, AAAA),
    (constants.DNS_SRV, SRV),
    (constants.DNS_NAPTR, NAPTR),
    (constants.DNS_A6, A6),
    (constants.DNS_CAA, CAA),
)

# The types that dns_check_record knows by name.
NAMES: dict[str, RdataType] = {kind.name: kind for _, kind in TYPES if kind is not HINFO} | {"ANY": ANY}

FAILURES = {
    Reason.NO_RECOVERY: "An unexpected server failure occurred.",
    Reason.TRY_AGAIN: "A temporary server error occurred.",
}

Records = list[Record]


def records(
    name: bytes, kind: int, authority: Records | None, additional: Records | None, raw: bool
) -> Records | bool:
    """The records of a name; those of the other sections are appended to the lists that are given.

    False, with a warning, when a server failed.
    """
    found: Records = []
    for number, store in _queries(kind, additional is not None, raw):
        try:
            answer = Answer(search(name, number))
            answer.skip_questions()
        except NotFound as error:
            if error.reason in FAILURES:
                return warn(FAILURES[error.reason])
            if error.reason is Reason.NO_SETTINGS:
                return False
            continue
        except Broken:
            return warn("Unable to parse DNS data received")
        found += answer.records(answer.answers, number, store, raw)
        others = answer.records(answer.authority, ANY, authority is not None, raw)
        (found if authority is None else authority).extend(others)
        if additional is not None:
            additional += answer.records(answer.additional, ANY, True, raw)
    return found


def _queries(kind: int, more: bool, raw: bool) -> Iterator[tuple[int, bool]]:
    """The types to ask for, and whether the answers count.

    Who wants additional records has them from one more query, for any type, whose own answers do not count.
    """
    if not raw and kind == constants.DNS_ANY:
        yield ANY, True
        return
    if raw:
        yield kind, True
    else:
        yield from ((number, True) for bit, number in TYPES if kind & bit)
    if more:
        yield ANY, False


def exchangers(name: bytes) -> tuple[bool, list[str], list[int]]:
    """Mail exchangers and their weights, in the order of the answer; false when there is none."""
    hosts: list[str] = []
    weights: list[int] = []
    try:
        answer = Answer(search(name, MX))
        answer.skip_questions()
        for host, weight in answer.exchangers():
            hosts.append(host)
            weights.append(weight)
    except (NotFound, Broken):
        return False, hosts, weights
    return bool(hosts), hosts, weights


def exists(name: bytes, kind: int) -> bool:
    """Is there any record of this type?"""
    try:
        search(name, kind)
    except NotFound:
        return False
    return True

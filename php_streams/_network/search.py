"""From a name as it was given to an answer: the search rules of glibc's res_query.c.

A name with `ndots` dots or more is tried as it is, then below each domain of the search list; one with fewer
dots below the domains first; one that ends with a dot only as it is.  When nothing helped, the reason is the
one of the name as it is, if that was tried first, else "there is nothing of this type", if any said so.
"""

from __future__ import annotations

import enum
import os
import re
import struct

import dns.exception
import dns.message
import dns.name
import dns.rdatatype

from php_streams._core.signals import from_system
from php_streams._network import resolv_conf
from php_streams._network.resolv_conf import Settings
from php_streams._network.send import NOERROR, NXDOMAIN, SERVFAIL, Exchange, NoAnswer, counts, flags

LONGEST = 1025  # glibc's buffer for a name in text form
EDNS_PAYLOAD = 1200


class Reason(enum.Enum):
    """Why there is no answer: h_errno."""

    HOST_NOT_FOUND = 1
    TRY_AGAIN = 2
    NO_RECOVERY = 3
    NO_DATA = 4
    NO_SETTINGS = -1  # resolv.conf could not be read: nothing is asked at all


class NotFound(Exception):
    """There is no answer.  failed: a server said SERVFAIL; refused: no server was there."""

    def __init__(self, reason: Reason, failed: bool = False, refused: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.failed, self.refused = reason, failed, refused

    @property
    def goes_on(self) -> bool:
        """May another domain of the search list know the name?"""
        return self.failed or self.reason in (Reason.HOST_NOT_FOUND, Reason.NO_DATA)


def search(name: bytes, kind: int) -> bytes:
    """The bytes of an answer that has records, for the name and the number of a type; raises `NotFound`."""
    try:
        settings = resolv_conf.load()
    except from_system(OSError):
        raise NotFound(Reason.NO_SETTINGS) from None
    dots = name.count(b".")
    alias = None if dots else _host_alias(name)
    if alias is not None:
        return _query(settings, alias, kind)
    if name.endswith(b"."):
        return _query_below(settings, name, None, kind)
    first: Reason | None = None
    if dots >= settings.ndots:
        try:
            return _query_below(settings, name, None, kind)
        except NotFound as error:
            first = error.reason
    return _search_list(settings, name, kind, first)


def _search_list(settings: Settings, name: bytes, kind: int, first: Reason | None) -> bytes:
    """`first` is why the name as it is was not found, None when it was not tried."""
    listed: list[NotFound] = []
    for domain in settings.search:
        try:
            return _query_below(settings, name, domain, kind)
        except NotFound as error:
            if error.refused:
                raise
            listed.append(error)
            if not error.goes_on:
                break
    last = listed[-1].reason if listed else Reason.HOST_NOT_FOUND
    # The root is asked for the name as it is, once more if that has been done before.
    as_it_is = first is not None or b"" in settings.search[: len(listed)]
    if not as_it_is and (b"." in name or not listed or b"no-tld-query" not in settings.flags):
        try:
            return _query_below(settings, name, None, kind)
        except NotFound as error:
            last = error.reason
    raise NotFound(first or _reason_of_list(listed) or last)


def _reason_of_list(listed: list[NotFound]) -> Reason | None:
    """What counts more than the reason that came last."""
    if any(error.reason is Reason.NO_DATA for error in listed):
        return Reason.NO_DATA
    return Reason.TRY_AGAIN if any(error.failed for error in listed) else None


def _host_alias(name: bytes) -> bytes | None:
    """The other name that the file HOSTALIASES has for one without dots."""
    path = os.environ.get("HOSTALIASES")
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except from_system(OSError):
        return None
    for line in lines:
        words = re.split(rb"\s+", line, maxsplit=2)
        if len(words) > 1 and words[0].lower() == name.lower():
            return words[1] or None
    return None


def _query_below(settings: Settings, name: bytes, domain: bytes | None, kind: int) -> bytes:
    whole = name if domain is None else name + b"." + domain
    if not 0 < len(whole) < LONGEST:
        raise NotFound(Reason.NO_RECOVERY)
    return _query(settings, whole, kind)


def _query(settings: Settings, name: bytes, kind: int) -> bytes:
    withheld = kind == dns.rdatatype.AAAA and b"no-aaaa" in settings.flags
    if withheld:
        kind = dns.rdatatype.A  # it tells whether there is such a name
    try:
        answer = Exchange(settings, _packet(settings, name, kind)).run()
    except (dns.exception.DNSException, struct.error):  # the latter is what dnspython < 2.9 has for \300
        raise NotFound(Reason.NO_RECOVERY) from None
    except NoAnswer as error:
        raise NotFound(Reason.TRY_AGAIN, error.rcode == SERVFAIL, error.refused) from None
    code = flags(answer) & 15
    if code == NOERROR and counts(answer)[1] and not withheld:
        return answer
    reasons = {
        NOERROR: Reason.NO_DATA,
        NXDOMAIN: Reason.HOST_NOT_FOUND,
        SERVFAIL: Reason.TRY_AGAIN,
    }
    raise NotFound(reasons.get(code, Reason.NO_RECOVERY), code == SERVFAIL)


def _packet(settings: Settings, name: bytes, kind: int) -> bytes:
    # To dnspython a lone "@" is the zone's origin, to glibc a label.
    qname = dns.name.Name([b"@", b""]) if name in (b"@", b"@.") else dns.name.from_text(name)
    edns = 0 if b"edns0" in settings.flags else -1
    query = dns.message.make_query(
        qname, dns.rdatatype.RdataType.make(kind), use_edns=edns, payload=EDNS_PAYLOAD
    )
    return query.to_wire()

"""openssl_x509_parse: a certificate as PHP's array (= ext/openssl/openssl.c)."""

from __future__ import annotations

import datetime
from typing import Any, Literal

from php_streams._core import der
from php_streams._core.certificate import OpenSSLCertificate
from php_streams._core.diagnostics import warn
from php_streams._core.quantity import leading_int
from php_streams._transports.tls_x509_extensions import hexadecimal, show, whole_number
from php_streams._transports.tls_x509_general import text
from php_streams._transports.tls_x509_names import canonical_hash, look_up, one_line, parts
from php_streams._transports.tls_x509_purpose import purposes

_EPOCH = datetime.date(1970, 1, 1).toordinal()


def parse(certificate: OpenSSLCertificate, short_names: bool) -> dict[str, Any] | Literal[False]:
    """What PHP tells of a certificate, in its order; False when its alternative names are broken."""
    begins, ends = certificate.validity
    extensions = _extensions(certificate)
    if isinstance(extensions.get("subjectAltName"), bytes):
        return False
    kind = look_up(certificate.signature_algorithm)
    return {
        "name": one_line(certificate.subject),
        "subject": _fields(certificate.subject, short_names),
        "hash": canonical_hash(certificate.subject),
        "issuer": _fields(certificate.issuer, short_names),
        "version": certificate.version,
        "serialNumber": whole_number(certificate.serial),
        "serialNumberHex": hexadecimal(der.integer(certificate.serial.content)),
        "validFrom": text(begins.content),
        "validTo": text(ends.content),
        "validFrom_time_t": _moment(begins),
        "validTo_time_t": _moment(ends),
        "signatureTypeSN": kind.short,
        "signatureTypeLN": kind.long,
        "signatureTypeNID": kind.nid,
        "purposes": purposes(certificate, short_names),
        "extensions": extensions,
    }


def _fields(name: der.Value, short_names: bool) -> dict[str, str | list[str]]:
    """A distinguished name's attributes; a list where there are several of a kind."""
    found: dict[str, str | list[str]] = {}
    for part in parts(name):
        key = part.kind.short if short_names else part.kind.long
        value = text(der.text(part.value))
        before = found.get(key)
        if isinstance(before, list):
            before.append(value)
        else:
            found[key] = value if before is None else [before, value]
    return found


def _moment(value: der.Value) -> int:
    """Seconds since 1970; -1 with PHP's warning for a broken string.  PHP takes any digits, in any range."""
    content = value.content
    if b"\0" in content:
        return warn("Illegal length in timestamp") - 1
    year_digits = 2 if value.tag == der.UTC_TIME else 4
    ends = len(content) - 3
    seconds = leading_int(text(content[ends:]))
    minutes, hours, day, month = (leading_int(text(content[ends - n : ends - n + 2])) for n in (2, 4, 6, 8))
    year = leading_int(text(content[ends - 8 - year_digits : ends - 8]))
    if year_digits == 2:
        year += 1900 if year >= 68 else 2000  # PHP does this, where X.509 draws the line at 50
    years, month = divmod(month - 1, 12)
    # 400 years have 146097 days; Python's calendar begins with the year 1.
    cycles, year = divmod(year + years - 400, 400)
    days = datetime.date(year + 400, month + 1, 1).toordinal() + cycles * 146097 - _EPOCH + day - 1
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _extensions(certificate: OpenSSLCertificate) -> dict[str, str | bytes]:
    found: dict[str, str | bytes] = {}
    for oid, _, value in certificate.extensions:
        kind = look_up(oid)
        found[kind.short if kind.nid else oid] = show(oid, value)
    return found

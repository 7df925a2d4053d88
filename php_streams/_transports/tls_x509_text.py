"""openssl_x509_export with its text: a certificate as OpenSSL prints it (= X509_print)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator

from php_streams._core import der
from php_streams._core.certificate import OpenSSLCertificate
from php_streams._transports.tls_x509_extensions import PRINTERS, date, issuer_names
from php_streams._transports.tls_x509_general import text
from php_streams._transports.tls_x509_names import look_up, object_of, one_line
from php_streams._transports.tls_x509_public import hexadecimal_lines, labelled_number, public_key

IN_LINE = {"2.5.29.17": issuer_names, "2.5.29.18": issuer_names}  # with what line ends their names hold
PSS = "1.2.840.113549.1.1.10"
# DSA's and ECDSA's signatures; the former are shown as their two numbers.
DSA = ("1.2.840.10040.4.", "2.16.840.1.101.3.4.3.1", "2.16.840.1.101.3.4.3.2")
_UNPRINTABLE = re.compile(rb"[^ -~\r\n]")
_SPLIT = re.compile(r"/(?=[A-Z][A-Z]?=)")


def printed(certificate: OpenSSLCertificate) -> str:
    """The description of a certificate."""
    version = certificate.version
    shown = "Certificate:\n    Data:\n"
    shown += f"        Version: {_version(version)}\n"
    shown += f"        Serial Number:{_serial(certificate.serial)}\n"
    shown += f"    {_algorithm(certificate.inner_algorithm)}"
    shown += f"        Issuer: {_name(certificate.issuer)}\n        Validity\n"
    for title, moment in zip(("Not Before: ", "Not After : "), certificate.validity, strict=True):
        shown += f"            {title}{_moment(moment)}\n"
    shown += f"        Subject: {_name(certificate.subject)}\n        Subject Public Key Info:\n"
    shown += public_key(certificate.public_key)
    shown += _identifiers(certificate) + _extensions(certificate)
    return shown + _algorithm(certificate.outer_algorithm, certificate.signature)


def _version(number: int) -> str:
    return f"{number + 1} (0x{number:x})" if 0 <= number <= 2 else f"Unknown ({number})"


def _serial(value: der.Value) -> str:
    number = der.integer(value.content)
    size = abs(number)
    encoded = size.to_bytes((size.bit_length() + 7) // 8 or 1)
    if -(1 << 63) <= number < 1 << 63:
        sign = "-" if number < 0 else ""
        return f" {sign}{size} ({sign}0x{size:x})"
    return "\n            " + " (Negative)" * (number < 0) + encoded.hex(":")


def _name(name: der.Value) -> str:
    """The one-line form, with commas before keys of one or two capitals (= X509_NAME_print)."""
    return ", ".join(_SPLIT.split(one_line(name)[1:]))


_DATE, _CLOCK = r"(\d\d)(\d\d)", r"(\d\d)(\d\d)(?:(\d\d)"
_ZONE = r")?(?:Z|([+-])(0\d|1[0-2])([0-5]\d))"
_TIMES = {
    der.UTC_TIME: re.compile(r"(\d\d)" + _DATE + _CLOCK + "()" + _ZONE, re.ASCII),
    der.GENERALIZED_TIME: re.compile(r"(\d{4})" + _DATE + _CLOCK + r"(\.\d+)?" + _ZONE, re.ASCII),
}


def _moment(value: der.Value) -> str:
    found = _TIMES[value.tag].fullmatch(text(value.content))
    if found is None:
        return "Bad time value"
    year, month, day, hour, minute, second = (int(digits or 0) for digits in found.groups()[:6])
    if value.tag == der.UTC_TIME:
        year += 1900 if year >= 50 else 2000
    like = 2000 + year % 400  # Python's calendar begins with the year 1, and repeats itself so
    try:
        when = datetime.datetime(like, month, day, hour, minute, second)
    except ValueError:
        return "Bad time value"
    fraction, sign, hours, minutes = found.groups()[6:]
    if sign:
        when -= int(f"{sign}1") * datetime.timedelta(hours=int(hours), minutes=int(minutes))
    return date(when.timetuple(), fraction or "", year + when.year - like)


def _algorithm(algorithm: der.Value, signature: bytes | None = None) -> str:
    """What it was signed with, and the signature (= X509_signature_print)."""
    kind, *more = der.children(der.expect(algorithm, der.SEQUENCE))
    found = object_of(kind)
    shown = f"    Signature Algorithm: {found.title}"
    if signature is not None:
        shown += "\n    Signature Value:"
    if found.oid == PSS:
        shown += " " * 8 + _pss(more)
    else:
        shown += "\n"
    if signature is None:
        return shown
    if found.oid.startswith(DSA):
        try:
            first, second = map(_positive, der.children(der.expect(der.read(signature), der.SEQUENCE)))
        except ValueError:
            pass
        else:
            return shown + labelled_number("r:   ", first, 8) + labelled_number("s:   ", second, 8)
    return shown + hexadecimal_lines(signature, 8, 18)


def _positive(value: der.Value) -> int:
    number = der.integer(der.expect(value, der.INTEGER))
    if number < 0:
        raise ValueError("a negative number in a signature")
    return number


def _pss(parameters: list[der.Value]) -> str:
    """RSASSA-PSS's parameters (= rsa_pss_param_print)."""
    try:
        found = {part.tag: der.read(part.content) for part in _members(parameters[0])}
        shown = [
            "Hash Algorithm: " + _of(found, 0xA0, _digest, "sha1 (default)"),
            "Mask Algorithm: " + _of(found, 0xA1, _mask, "mgf1 with sha1 (default)"),
            " Salt Length: 0x" + _of(found, 0xA2, _hexadecimal, "14 (default)"),
            "Trailer Field: 0x" + _of(found, 0xA3, _hexadecimal, "01 (default)"),
        ]
    except (ValueError, IndexError):
        return "(INVALID PSS PARAMETERS)\n"
    return "\n" + "".join(f"        {line}\n" for line in shown)


def _members(value: der.Value) -> Iterator[der.Value]:
    return der.children(der.expect(value, der.SEQUENCE))


def _of(found: dict[int, der.Value], tag: int, show: Callable[[der.Value], str], default: str) -> str:
    return show(found[tag]) if tag in found else default


def _digest(algorithm: der.Value) -> str:
    return object_of(next(der.children(algorithm.content))).title


def _mask(algorithm: der.Value) -> str:
    function, digest = der.children(algorithm.content)
    return f"{object_of(function).title} with {_digest(digest)}"


def _hexadecimal(value: der.Value) -> str:
    number = der.integer(der.expect(value, der.INTEGER))
    return abs(number).to_bytes((abs(number).bit_length() + 7) // 8 or 1).hex().upper()


def _identifiers(certificate: OpenSSLCertificate) -> str:
    """The unique identifiers that version 2 brought."""
    shown = ""
    for title, tag in (("Issuer", 0x81), ("Subject", 0x82)):
        for value in certificate.fields_of(tag):
            shown += f"        {title} Unique ID: " + hexadecimal_lines(value.content[1:], 12, 18)
    return shown


def _extensions(certificate: OpenSSLCertificate) -> str:
    shown = ""
    for oid, critical, value in certificate.extensions:
        shown += f"            {look_up(oid).title}: {'critical' * critical}\n{_extension(oid, value)}\n"
    return shown and "        X509v3 extensions:\n" + shown


def _extension(oid: str, encoded: bytes) -> str:
    try:
        if show := IN_LINE.get(oid):
            return " " * 16 + show(der.read(encoded))
        lines = PRINTERS[oid](der.read(encoded)).split("\n")
    except (KeyError, ValueError, IndexError, StopIteration):
        return " " * 16 + text(_UNPRINTABLE.sub(b".", encoded))
    return "\n".join(line and " " * 16 + line for line in lines)

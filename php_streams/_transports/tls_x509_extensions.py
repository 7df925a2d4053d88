"""A certificate's extensions as text (= OpenSSL's X509V3_EXT_print), each kind a row of PRINTERS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from php_streams._core import der
from php_streams._transports.tls_x509_general import (
    TEXTS,
    bit_names,
    distribution_points,
    listed,
    name_and_value,
    name_constraints,
    printed,
    text,
)
from php_streams._transports.tls_x509_names import object_of

KEY_USES = [
    "Digital Signature",
    "Non Repudiation",
    "Key Encipherment",
    "Data Encipherment",
    "Key Agreement",
    "Certificate Sign",
    "CRL Sign",
    "Encipher Only",
    "Decipher Only",
]
NETSCAPE_USES = [
    "SSL Client",
    "SSL Server",
    "S/MIME",
    "Object Signing",
    "Unused",
    "SSL CA",
    "S/MIME CA",
    "Object Signing CA",
]
_FEATURES = {5: "status_request", 17: "status_request_v2"}
_SIGNED_WITH = {(4, 1): "sha256WithRSAEncryption", (4, 3): "ecdsa-with-SHA256"}


def show(oid: str, encoded: bytes) -> str | bytes:
    """An extension's value as text; its bytes when it is of no known kind, or broken."""
    try:
        return PRINTERS[oid](der.read(encoded))
    except (KeyError, ValueError, IndexError, StopIteration):
        return encoded


def _members(value: der.Value) -> list[der.Value]:
    return list(der.children(der.expect(value, der.SEQUENCE)))


def _in_line(values: list[str], between: str = ", ") -> str:
    if not values:
        raise ValueError  # nothing to print
    return between.join(values)


def colons(content: bytes) -> str:
    """Bytes as "0A:FF"."""
    return ":".join(f"{byte:02X}" for byte in content)


def whole_number(value: der.Value) -> str:
    """An INTEGER: decimal, or hexadecimal from 128 bits on (= i2s_ASN1_INTEGER)."""
    number = der.integer(value.content)
    sign, size = "-" if number < 0 else "", abs(number)
    return f"{sign}{size}" if size.bit_length() < 128 else f"{sign}0x{hexadecimal(size)}"


def hexadecimal(number: int) -> str:
    """Capital digits, two for each byte (= BN_bn2hex)."""
    digits = f"{abs(number):X}"
    shown = digits if number == 0 or len(digits) % 2 == 0 else f"0{digits}"
    return f"-{shown}" if number < 0 else shown


def _basic_constraints(value: der.Value) -> str:
    members = _members(value)
    authority = bool(members) and members[0].tag == der.BOOLEAN and members[0].content != b"\0"
    lengths = [whole_number(member) for member in members if member.tag == der.INTEGER]
    return _in_line([f"CA:{str(authority).upper()}", *(f"pathlen:{length}" for length in lengths)])


def _authority_key(value: der.Value) -> str:
    found = {member.tag: member.content for member in _members(value)}
    alone = 0xA1 not in found and 0x82 not in found
    lines = [("" if alone else "keyid:") + colons(found[0x80])] if 0x80 in found else []
    lines += [listed(name) for name in der.children(found.get(0xA1, b""))]
    if 0x82 in found:
        number = abs(der.integer(found[0x82]))
        lines.append("serial:" + colons(number.to_bytes((number.bit_length() + 7) // 8 or 1)))
    return _in_line(lines, "\n")


def _alternative_names(value: der.Value) -> str:
    """subjectAltName, which PHP prints itself."""
    return ", ".join(
        ":".join(name_and_value(name, True)) if name.tag in TEXTS else printed(name)
        for name in _members(value)
    )


def issuer_names(value: der.Value) -> str:
    """GeneralNames, as they stand in one line."""
    return _in_line([listed(name) for name in _members(value)])


def _access(value: der.Value) -> str:
    pairs = [_members(description) for description in _members(value)]
    lines = [f"{object_of(method).title} - {listed(place)}" for method, place in pairs]
    return _in_line(lines, "\n")


def _extended_uses(value: der.Value) -> str:
    return _in_line([object_of(member).title for member in _members(value)])


def _policies(value: der.Value) -> str:
    return "\n".join("\n".join(_policy(policy)) for policy in _members(value))


def _policy(policy: der.Value) -> Iterator[str]:
    identifier, *more = _members(policy)
    yield f"Policy: {object_of(identifier).title}"
    for qualifier in _members(more[0]) if more else []:
        kind, content = _members(qualifier)
        found = object_of(kind)
        if found.oid == "1.3.6.1.5.5.7.2.1":
            yield f"  CPS: {_c_string(content)}"
        elif found.oid == "1.3.6.1.5.5.7.2.2":
            yield "  User Notice:\n" + "\n".join(_notice(content))
        else:
            yield f"    Unknown Qualifier: {found.title}"


def _c_string(value: der.Value) -> str:
    """Bytes up to a NUL, which every second one of a BMPString is."""
    return text(value.content.partition(b"\0")[0])


def _notice(notice: der.Value) -> Iterator[str]:
    for part in _members(notice):
        if part.tag == der.SEQUENCE:
            organization, numbers = _members(part)
            shown = [whole_number(number) for number in _members(numbers)]
            yield f"    Organization: {_c_string(organization)}"
            yield f"    Number{'s' if len(shown) > 1 else ''}: {', '.join(shown)}"
        else:
            yield f"    Explicit Text: {_c_string(part)}"


def _policy_constraints(value: der.Value) -> str:
    titles = {0x80: "Require Explicit Policy", 0x81: "Inhibit Policy Mapping"}
    return _in_line([f"{titles[member.tag]}:{whole_number(member)}" for member in _members(value)])


def _policy_mappings(value: der.Value) -> str:
    pairs = [_members(mapping) for mapping in _members(value)]
    return _in_line([f"{object_of(one).title}:{object_of(other).title}" for one, other in pairs])


def _features(value: der.Value) -> str:
    numbers = [der.integer(der.expect(member, der.INTEGER)) for member in _members(value)]
    return _in_line([_FEATURES.get(number, str(number)) for number in numbers])


def _bits(names: list[str]) -> Callable[[der.Value], str]:
    return lambda value: _in_line(bit_names(der.expect(value, der.BIT_STRING), names))


def date(when: time.struct_time, fraction: str = "", year: int | None = None) -> str:
    """A moment as OpenSSL prints it (= ASN1_TIME_print)."""
    month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[when.tm_mon - 1]
    clock = f"{when.tm_hour:02}:{when.tm_min:02}:{when.tm_sec:02}{fraction}"
    return f"{month} {when.tm_mday:2} {clock} {when.tm_year if year is None else year} GMT"


def _key_period(value: der.Value) -> str:
    titles = {0x80: "Not Before", 0x81: "Not After"}
    times = [
        (titles[part.tag], time.strptime(text(part.content), "%Y%m%d%H%M%SZ")) for part in _members(value)
    ]
    return ", ".join(f"{title}: {date(when)}" for title, when in times)


# --- signed certificate timestamps ---------------------------------------------------------------------


def _timestamps(value: der.Value) -> str:
    entries = _counted(_counted(der.expect(value, der.OCTET_STRING))[0], several=True)
    return "\n".join(_timestamp(entry) for entry in entries)


def _counted(data: bytes, several: bool = False) -> list[bytes]:
    """What two bytes of length stand before; all of them, or the first and what follows."""
    found = []
    while data:
        end = 2 + int.from_bytes(data[:2])
        if len(data) < end:
            raise ValueError  # timestamps cut short
        found.append(data[2:end])
        data = data[end:]
        if not several:
            return [*found, data]
    return found


def _timestamp(entry: bytes) -> str:
    version, log, moment, rest = entry[0], entry[1:33], int.from_bytes(entry[33:41]), entry[41:]
    if version != 0:
        return f"Signed Certificate Timestamp:\n    Version   : unknown\n{' ' * 16}{_block(entry)}"
    extensions, rest = _counted(rest)
    signature, _ = _counted(rest[2:])
    seconds, milliseconds = divmod(moment, 1000)
    kind = _SIGNED_WITH[rest[0], rest[1]]  # OpenSSL takes no others
    lines = [
        "Signed Certificate Timestamp:",
        "Version   : v1 (0x0)",
        f"Log ID    : {_block(log)}",
        f"Timestamp : {date(time.gmtime(seconds), f'.{milliseconds:03}')}",
        f"Extensions: {_block(extensions) if extensions else 'none'}",
        f"Signature : {kind}",
        f"            {_block(signature)}",
    ]
    return "\n    ".join(lines)


def _block(data: bytes) -> str:
    """Bytes in hexadecimal, 16 to a line (= BIO_hex_string)."""
    lines = [colons(data[at : at + 16]) for at in range(0, len(data), 16)]
    return f":\n{' ' * 16}".join(lines)


PRINTERS: dict[str, Callable[[der.Value], str]] = {
    "2.5.29.14": lambda value: colons(der.expect(value, der.OCTET_STRING)),
    "2.5.29.15": _bits(KEY_USES),
    "2.5.29.16": _key_period,
    "2.5.29.17": _alternative_names,
    "2.5.29.18": issuer_names,
    "2.5.29.19": _basic_constraints,
    "2.5.29.30": name_constraints,
    "2.5.29.31": distribution_points,
    "2.5.29.32": _policies,
    "2.5.29.33": _policy_mappings,
    "2.5.29.35": _authority_key,
    "2.5.29.36": _policy_constraints,
    "2.5.29.37": _extended_uses,
    "2.5.29.46": distribution_points,
    "2.5.29.54": whole_number,
    "1.3.6.1.5.5.7.1.1": _access,
    "1.3.6.1.5.5.7.1.11": _access,
    "1.3.6.1.5.5.7.1.24": _features,
    "1.3.6.1.5.5.7.48.1.5": lambda value: "",
    "1.3.6.1.4.1.11129.2.4.2": _timestamps,
    "1.3.6.1.4.1.11129.2.4.3": lambda value: "NULL",
    "2.16.840.1.113730.1.1": _bits(NETSCAPE_USES),
    **{
        f"2.16.840.1.113730.1.{number}": lambda value: text(der.expect(value, der.IA5_STRING))
        for number in (2, 3, 4, 7, 8, 12, 13)
    },
}

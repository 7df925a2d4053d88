"""A reader of DER, as far as X.509 certificates need it.

Python's ssl hands out a certificate's fields only after it verified the chain; PHP checks names and prints
them with verify_peer off as well.  So what TLS and the openssl_x509_* functions ask of a certificate is
read here from its bytes.

A value is (tag, content); constructed values are read with `children`.  Broken input raises ValueError,
whatever is broken: the bytes come from the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
OBJECT_IDENTIFIER = 0x06
UTF8_STRING = 0x0C
IA5_STRING = 0x16
BMP_STRING = 0x1E
UNIVERSAL_STRING = 0x1C
T61_STRING = 0x14
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31


class Value(NamedTuple):
    """One DER value: its tag byte, its content, and the whole of it as it was encoded."""

    tag: int
    content: bytes
    encoded: bytes


def read(data: bytes, start: int = 0) -> Value:
    """The value that begins at `start`."""
    if start + 2 > len(data):
        raise ValueError("DER value cut short")
    tag, size, body = data[start], data[start + 1], start + 2
    if tag & 0x1F == 0x1F:
        raise ValueError("DER tag of more than one byte")
    if size & 0x80:
        digits = size & 0x7F
        if not 1 <= digits <= 4 or body + digits > len(data):
            raise ValueError("DER length out of range")
        size = int.from_bytes(data[body : body + digits], "big")
        body += digits
    if body + size > len(data):
        raise ValueError("DER value cut short")
    return Value(tag, data[body : body + size], data[start : body + size])


def write(tag: int, content: bytes) -> bytes:
    """A value's encoding."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(digits))) + digits + content


def children(content: bytes) -> Iterator[Value]:
    """The values that a constructed value holds."""
    position = 0
    while position < len(content):
        value = read(content, position)
        yield value
        position += len(value.encoded)


def expect(value: Value, tag: int) -> bytes:
    """The content of a value that has to bear this tag."""
    if value.tag != tag:
        raise ValueError(f"DER tag {value.tag:#x} where {tag:#x} belongs")
    return value.content


def integer(content: bytes) -> int:
    """A signed INTEGER's number."""
    return int.from_bytes(content, "big", signed=True)


def object_identifier(content: bytes) -> str:
    """An OBJECT IDENTIFIER in dots: "2.5.4.3"."""
    arcs: list[int] = []
    number = 0
    for byte in content:
        if byte == 0x80 and not number:
            raise ValueError("DER object identifier padded")
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(number)
            number = 0
    if not arcs or content[-1] & 0x80:
        raise ValueError("DER object identifier cut short")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def text(value: Value) -> bytes:
    """A string's characters as UTF-8, whatever string type it has (= ASN1_STRING_to_UTF8)."""
    if value.tag == UTF8_STRING:
        return value.content
    encoding = {BMP_STRING: "utf-16-be", UNIVERSAL_STRING: "utf-32-be"}.get(value.tag, "latin-1")
    return value.content.decode(encoding, "replace").encode("utf-8", "surrogatepass")

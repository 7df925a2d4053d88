"""Names in certificates as OpenSSL writes them: of objects, and of subjects and issuers.

The names of objects are OpenSSL's own table, which Python's ssl looks up for its own use.
"""

from __future__ import annotations

import hashlib
from _ssl import txt2obj
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from php_streams._core import der
from php_streams._core.certificate import canonical_name


class Object(NamedTuple):
    """An object identifier, and its names; of an unknown one nid is 0."""

    oid: str
    nid: int
    short: str
    long: str

    @property
    def title(self) -> str:
        """The long name, or the numbers (= i2t_ASN1_OBJECT)."""
        return self.long if self.nid else self.oid


class Part(NamedTuple):
    """One attribute of a distinguished name; `joined` when it belongs to the one before."""

    kind: Object
    identifier: der.Value
    value: der.Value
    joined: bool


@lru_cache(maxsize=512)
def look_up(oid: str) -> Object:
    """The object of this identifier."""
    try:
        nid, short, long, _ = txt2obj(oid, False)
    except ValueError:
        return Object(oid, 0, "UNDEF", "undefined")
    return Object(oid, nid, short, long)


def object_of(value: der.Value) -> Object:
    """The object that a DER value identifies."""
    return look_up(der.object_identifier(der.expect(value, der.OBJECT_IDENTIFIER)))


def parts(name: der.Value) -> Iterator[Part]:
    """A distinguished name's attributes in their order."""
    for relative in der.children(der.expect(name, der.SEQUENCE)):
        for number, attribute in enumerate(der.children(der.expect(relative, der.SET))):
            identifier, value = der.children(der.expect(attribute, der.SEQUENCE))
            yield Part(object_of(identifier), identifier, value, number > 0)


def one_line(name: der.Value, most: int | None = None) -> str:
    """ "/C=DE/CN=localhost" (= X509_NAME_oneline); as many whole attributes as are shorter than `most`."""
    shown = ""
    for part in parts(name):
        key = part.kind.short if part.kind.nid else part.kind.oid
        more = f"{'+' if part.joined else '/'}{key}={_escaped(part.value)}"
        if most is not None and len(shown) + len(more) >= most:
            break
        shown += more
    return shown


def _escaped(value: der.Value) -> str:
    return "".join(_SHOWN[byte] for byte in value.content)


_SHOWN = [chr(byte) if 32 <= byte <= 126 else f"\\x{byte:02X}" for byte in range(256)]
_SHOWN[ord("/")], _SHOWN[ord("+")] = "\\/", "\\+"


def canonical_hash(name: der.Value) -> str:
    """What files of authorities are named after (= X509_NAME_hash)."""
    digest = hashlib.sha1(canonical_name(name), usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"

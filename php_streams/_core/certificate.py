"""X.509 certificates as PHP's objects: what ssl.capture_peer_cert leaves in a context's options."""

from __future__ import annotations

import binascii
import math
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple, NoReturn

from php_streams._core import der as asn1

COMMON_NAME = "2.5.4.3"
SUBJECT_ALT_NAME = "2.5.29.17"
# The kinds of GeneralName that a peer's name is compared with.
DNS_NAME = 0x82
URI = 0x86
IP_ADDRESS = 0x87
OTHER_NAME, _DIRECTORY, _REGISTERED = 0xA0, 0xA4, 0x88
_GENERAL_NAMES = (0x81, DNS_NAME, 0xA3, 0xA5, URI, IP_ADDRESS)  # the others: mail, X.400, EDI

# Digest names as OpenSSL looks them up (in any case), and as hashlib calls them; hashlib has further names
# of its own, which PHP refuses ("sha3_256").
DIGESTS = {
    "blake2b512": "blake2b",
    "blake2b-512": "blake2b",
    "blake2s256": "blake2s",
    "blake2s-256": "blake2s",
    "md5": "md5",
    "md5-sha1": "md5-sha1",
    "ripemd": "ripemd160",
    "ripemd160": "ripemd160",
    "ripemd-160": "ripemd160",
    "rmd160": "ripemd160",
    "sha1": "sha1",
    "sha-1": "sha1",
    "sm3": "sm3",
    "ssl3-md5": "md5",
    "ssl3-sha1": "sha1",
    **{f"sha{dash}{size}": f"sha{size}" for size in (224, 256, 384, 512) for dash in ("", "-", "2-")},
    **{f"sha3-{size}": f"sha3_{size}" for size in (224, 256, 384, 512)},
    **{f"sha{dash}{size}": f"sha512_{size}" for size in (224, 256) for dash in ("512-", "-512/", "2-512/")},
}
# OpenSSL takes the name of a signature with a digest for the digest, too.
_PLAIN = r"md5|sm3|sha(?:1|224|256|384|512)"
SIGNATURES = re.compile(
    rf"rsa-({_PLAIN}|ripemd160|sha512/(?:224|256)|sha3-\d+)"
    rf"|({_PLAIN}|sha512-(?:224|256))withrsaencryption|(ripemd160)withrsa|id-rsassa-pkcs1-v1_5-with-(sha3-\d+)"
)


# The least that OpenSSL (3.3 and later) takes for a time: YYMMDDhhmmssZ, YYYYMMDDhhmmssZ.
_TIMES = {asn1.UTC_TIME: 13, asn1.GENERALIZED_TIME: 15}


# Kinds of keys, and how the identifiers of their signatures begin: RSA, elliptic curves, DSA.
_NIST = "2.16.840.1.101.3.4.3."
_SIGNATURES_OF = {
    "1.2.840.113549.1.1.1": (
        "1.2.840.113549.1.1.",
        "1.3.14.3.2.",
        *(f"{_NIST}{n}" for n in (13, 14, 15, 16)),
    ),
    "1.2.840.10045.2.1": ("1.2.840.10045.4.", f"{_NIST}9", *(f"{_NIST}{n}" for n in (10, 11, 12))),
    "1.2.840.10040.4.1": ("1.2.840.10040.4.",),
}
_DSA = "1.2.840.10040.4.1"
_DSA_WITH_SHA2 = (f"{_NIST}1", f"{_NIST}2")


class Attribute(NamedTuple):
    """One attribute of a distinguished name: its object identifier and its string."""

    oid: str
    value: asn1.Value


class OpenSSLCertificate:
    """An X.509 certificate (PHP's class of that name).

    Comes from `openssl_x509_read`, and from the context options ssl.peer_certificate and
    ssl.peer_certificate_chain.  `der` is the certificate's bytes, for `cryptography` or a file.
    https://www.php.net/class.opensslcertificate
    """

    der: bytes

    def __init__(self) -> None:
        raise TypeError("Cannot directly construct OpenSSLCertificate, use openssl_x509_read() instead")

    @classmethod
    def of(cls, encoded: bytes) -> OpenSSLCertificate:
        """The certificate with these DER bytes; ValueError when they are none."""
        self = cls.__new__(cls)
        self.der = encoded
        if any(len(moment.content) < _TIMES.get(moment.tag, math.inf) for moment in self.validity):
            raise ValueError  # not a certificate
        for name in (self.issuer, self.subject):
            list(attributes(name))
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("Serialization of 'OpenSSLCertificate' is not allowed")

    def __copy__(self) -> NoReturn:
        raise TypeError("Trying to clone an uncloneable object of class OpenSSLCertificate")

    def __deepcopy__(self, memo: Any) -> NoReturn:
        self.__copy__()

    @cached_property
    def _fields(self) -> list[asn1.Value]:
        """tbsCertificate's fields, the version first (v1 leaves it out)."""
        certificate = asn1.expect(asn1.read(self.der), asn1.SEQUENCE)
        fields = list(asn1.children(asn1.expect(asn1.read(certificate), asn1.SEQUENCE)))
        if fields and fields[0].tag != 0xA0:
            fields.insert(0, asn1.Value(0xA0, b"\x02\x01\x00", b""))
        if len(fields) < 7:
            raise ValueError  # not a certificate
        return fields

    @property
    def version(self) -> int:
        """0 for v1, 2 for v3."""
        return asn1.integer(asn1.expect(asn1.read(self._fields[0].content), asn1.INTEGER))

    @property
    def serial(self) -> asn1.Value:
        """The serial number."""
        return self._fields[1]

    @property
    def validity(self) -> tuple[asn1.Value, asn1.Value]:
        """From when and until when it holds."""
        begins, ends = asn1.children(asn1.expect(self._fields[4], asn1.SEQUENCE))
        return begins, ends

    @property
    def signature_algorithm(self) -> str:
        """The object identifier of what it was signed with."""
        _, algorithm, _ = asn1.children(asn1.expect(asn1.read(self.der), asn1.SEQUENCE))
        identifier = next(asn1.children(asn1.expect(algorithm, asn1.SEQUENCE)))
        return asn1.object_identifier(asn1.expect(identifier, asn1.OBJECT_IDENTIFIER))

    @property
    def inner_algorithm(self) -> asn1.Value:
        """What it was signed with, as the signed part says."""
        return self._fields[2]

    @property
    def outer_algorithm(self) -> asn1.Value:
        """The same, as it stands before the signature."""
        return list(asn1.children(asn1.read(self.der).content))[1]

    @property
    def signature(self) -> bytes:
        """The signature's bytes."""
        return asn1.expect(list(asn1.children(asn1.read(self.der).content))[2], asn1.BIT_STRING)[1:]

    @property
    def public_key(self) -> asn1.Value:
        """The subject's key with its algorithm."""
        return self._fields[6]

    def fields_of(self, tag: int) -> list[asn1.Value]:
        """The optional fields of this tag."""
        return [field for field in self._fields[7:] if field.tag == tag]

    @property
    def issuer(self) -> asn1.Value:
        """The issuer's distinguished name."""
        return self._fields[3]

    @property
    def subject(self) -> asn1.Value:
        """The subject's distinguished name."""
        return self._fields[5]

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are one name: only such a certificate can be self-signed."""
        return canonical_name(self.subject) == canonical_name(self.issuer)

    @property
    def may_be_self_signed(self) -> bool:
        """Self-issued, and signed with a key of its own key's kind, as far as identifiers tell."""
        key = next(asn1.children(asn1.expect(next(asn1.children(self._fields[6].content)), asn1.SEQUENCE)))
        kind = asn1.object_identifier(asn1.expect(key, asn1.OBJECT_IDENTIFIER))
        signed = self.signature_algorithm
        known = signed.startswith(_SIGNATURES_OF.get(kind, kind))
        return self.is_self_issued and (known or (kind == _DSA and signed in _DSA_WITH_SHA2))

    @property
    def common_name(self) -> bytes | None:
        """The subject's first CN, the bytes as they stand there, whatever type of string they are."""
        for oid, value in attributes(self.subject):
            if oid == COMMON_NAME:
                return value.content
        return None

    @property
    def extensions(self) -> Iterator[tuple[str, bool, bytes]]:
        """(object identifier, critical, value) of each extension."""
        for field in self._fields[7:]:
            if field.tag != 0xA3:
                continue
            for extension in asn1.children(asn1.expect(asn1.read(field.content), asn1.SEQUENCE)):
                parts = list(asn1.children(extension.content))
                if len(parts) < 2:
                    raise ValueError  # an extension without a value
                critical = parts[1].tag == asn1.BOOLEAN and parts[1].content != b"\0"
                oid = asn1.object_identifier(asn1.expect(parts[0], asn1.OBJECT_IDENTIFIER))
                yield oid, critical, asn1.expect(parts[-1], asn1.OCTET_STRING)

    @property
    def alt_names(self) -> list[asn1.Value]:
        """subjectAltName's entries; DNS_NAME, URI and IP_ADDRESS are tags.

        ValueError when they are broken.
        """
        values = [value for oid, _, value in self.extensions if oid == SUBJECT_ALT_NAME]
        if len(values) > 1:
            raise ValueError  # several lists of alternative names
        names = [
            name for value in values for name in asn1.children(asn1.expect(asn1.read(value), asn1.SEQUENCE))
        ]
        for name in names:
            _check_general_name(name)
        return names

    def digest(self, algorithm: str) -> bytes | None:
        """The fingerprint; None for an algorithm that OpenSSL does not know."""
        name = algorithm.lower()
        if signature := SIGNATURES.fullmatch(name):
            name = next(filter(None, signature.groups())).replace("sha512/", "sha512-")
        name = DIGESTS.get(name, "")
        import hashlib  # and with it OpenSSL: only for who asks

        try:
            return hashlib.new(name, self.der, usedforsecurity=False).digest()
        except ValueError:
            return None

    def pem(self) -> str:
        """The certificate between its BEGIN and END lines."""
        text = binascii.b2a_base64(self.der, newline=False).decode("ascii")
        lines = (text[at : at + 64] for at in range(0, len(text), 64))
        return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))


# The universal types that OpenSSL takes in a name, whole or in parts: strings for the most part, a SEQUENCE,
# and what it does not know; no GeneralString and no VisibleString.
_IN_NAMES = (*(3, 7, 8, 9), *range(11, 17), *(18, 19, 20, 22, 28, 29, 30))


def attributes(name: asn1.Value) -> Iterator[Attribute]:
    """A distinguished name's attributes in their order."""
    for relative in asn1.children(asn1.expect(name, asn1.SEQUENCE)):
        for attribute in asn1.children(asn1.expect(relative, asn1.SET)):
            oid, value = asn1.children(attribute.content)
            if value.tag & 0xC0 or value.tag & 0x1F not in _IN_NAMES:
                raise ValueError("no string that a name may hold")
            yield Attribute(asn1.object_identifier(asn1.expect(oid, asn1.OBJECT_IDENTIFIER)), value)


def _check_general_name(name: asn1.Value) -> None:
    """Raises ValueError for one that OpenSSL does not read, and with it the list that holds it."""
    if name.tag == OTHER_NAME:
        kind, value = asn1.children(name.content)
        asn1.object_identifier(asn1.expect(kind, asn1.OBJECT_IDENTIFIER))
        asn1.read(asn1.expect(value, 0xA0))
    elif name.tag == _DIRECTORY:
        list(attributes(asn1.read(name.content)))
    elif name.tag == _REGISTERED:
        asn1.object_identifier(name.content)
    elif name.tag not in _GENERAL_NAMES:
        raise ValueError  # no name of a known kind


def canonical_name(name: asn1.Value) -> bytes:
    """A distinguished name as OpenSSL compares it: strings of any type, without case, by words."""
    encoded = b""
    for relative in asn1.children(asn1.expect(name, asn1.SEQUENCE)):
        members = [_canonical(attribute) for attribute in asn1.children(relative.content)]
        encoded += asn1.write(asn1.SET, b"".join(sorted(members)))
    return encoded


def _canonical(attribute: asn1.Value) -> bytes:
    identifier, value = asn1.children(attribute.content)
    encoded = value.encoded
    if value.tag in _WORDS:
        words = asn1.text(value).translate(_SPACES).split(b" ")
        encoded = asn1.write(asn1.UTF8_STRING, b" ".join(filter(None, words)).lower())
    return asn1.write(asn1.SEQUENCE, identifier.encoded + encoded)


# The strings that compare without case and by words: PrintableString, T61String, BMPString ...
_WORDS = (0x0C, 0x13, 0x14, 0x16, 0x1A, 0x1C, 0x1E)
_SPACE = b" \t\n\v\f\r"
_SPACES = bytes.maketrans(_SPACE, b" " * len(_SPACE))

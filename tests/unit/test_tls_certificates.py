"""Certificates are read as `cryptography` reads them, and broken ones raise ValueError and nothing else."""

from __future__ import annotations

import copy
import hashlib
import pickle
import random
import re
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from php_streams import OpenSSLCertificate
from php_streams._core import der
from php_streams._core.certificate import DIGESTS, DNS_NAME, IP_ADDRESS
from php_streams._transports.tls_values import NOT_GIVEN
from php_streams._transports.tls_verify import Refused, check
from php_streams._transports.tls_x509_names import look_up
from php_streams._transports.tls_x509_public import curves, public_key
from tests.places import CERTS

PEMS = sorted(
    path for path in CERTS.glob("*.pem") if path.read_text("ascii").startswith("-----BEGIN CERTIFICATE-----")
)


def encoded(path: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(path.read_text("ascii").partition("-----END CERTIFICATE-----")[0] + END)


END = "-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("path", PEMS, ids=lambda path: path.stem)
def test_fields(path: Path) -> None:
    found = OpenSSLCertificate.of(encoded(path))
    wanted = x509.load_der_x509_certificate(found.der)
    names = wanted.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert found.common_name == (names[0].value.encode() if names else None)
    assert found.subject.encoded == wanted.subject.public_bytes()
    assert found.issuer.encoded == wanted.issuer.public_bytes()
    assert found.is_self_issued == (wanted.subject == wanted.issuer)
    assert [(oid, critical) for oid, critical, _ in found.extensions] == [
        (extension.oid.dotted_string, extension.critical) for extension in wanted.extensions
    ]
    assert found.pem().splitlines() == path.read_text("ascii").partition(END)[0].splitlines() + [END.strip()]


@pytest.mark.parametrize("path", PEMS, ids=lambda path: path.stem)
def test_alternative_names(path: Path) -> None:
    found = OpenSSLCertificate.of(encoded(path))
    try:
        extension = x509.load_der_x509_certificate(found.der).extensions.get_extension_for_oid(
            ExtensionOID.SUBJECT_ALTERNATIVE_NAME
        )
    except x509.ExtensionNotFound:
        assert found.alt_names == []
        return
    names = [(DNS_NAME, name.encode()) for name in extension.value.get_values_for_type(x509.DNSName)]
    names += [(IP_ADDRESS, ip.packed) for ip in extension.value.get_values_for_type(x509.IPAddress)]
    kinds = (DNS_NAME, IP_ADDRESS)
    assert [(name.tag, name.content) for name in found.alt_names if name.tag in kinds] == names
    assert len(found.alt_names) == len(extension.value)


def with_alternative_names(*extensions: bytes) -> OpenSSLCertificate:
    """A certificate for localhost with these values of subjectAltName, each an extension of its own."""
    fields = list(der.children(der.read(der.read(encoded(CERTS / "cn_only.pem")).content).content))
    oid = der.write(der.OBJECT_IDENTIFIER, b"\x55\x1d\x11")
    lists = [der.write(der.SEQUENCE, oid + der.write(der.OCTET_STRING, value)) for value in extensions]
    wrapped = der.write(0xA3, der.write(der.SEQUENCE, b"".join(lists)))
    kept = b"".join(field.encoded for field in fields if field.tag != 0xA3)
    return OpenSSLCertificate.of(der.write(der.SEQUENCE, der.write(der.SEQUENCE, kept + wrapped)))


MINE, OTHER = (der.write(DNS_NAME, name) for name in (b"mail.example.test", b"other.example.test"))


def listing(*names: bytes) -> bytes:
    return der.write(der.SEQUENCE, b"".join(names))


@pytest.mark.parametrize(
    "extensions",
    [
        (b"",),
        (b"\x30\x05\x82",),
        (b"\x04\x01a",),
        (listing(MINE), listing(MINE)),
        (listing(MINE, b"\x82\x7f"),),
        (listing(MINE, b"\x8a\x01a"),),
        (listing(MINE, der.write(0xA4, b"xx")),),
        (listing(MINE, der.write(0xA4, der.write(der.SEQUENCE, b"\x04\x00"))),),
        (listing(MINE, der.write(0x88, b"\x80")),),
        (listing(MINE, der.write(0xA0, b"x")),),
        (listing(MINE, der.write(0xA0, der.write(der.OBJECT_IDENTIFIER, b"*") + b"\x05\x00")),),
    ],
)
def test_broken_names_name_nobody(extensions: tuple[bytes, ...]) -> None:
    """Neither what can still be read in them counts, nor the subject's CN, which is mail.example.test."""
    found = with_alternative_names(*extensions)
    assert found.common_name == b"mail.example.test"
    with pytest.raises(ValueError):
        found.alt_names  # noqa: B018
    with pytest.raises(Refused, match=r"subjectAltName did not match expected name `mail\.example\.test'"):
        check(found, NAME_ONLY, "mail.example.test")


NAME_ONLY = {
    "peer_fingerprint": NOT_GIVEN,
    "verify_peer": False,
    "verify_peer_name": True,
    "peer_name": None,
}


def test_names_of_any_kind_are_read() -> None:
    kinds = [
        der.write(0xA0, der.write(der.OBJECT_IDENTIFIER, b"*\x03") + der.write(0xA0, b"\x05\x00")),
        der.write(0x81, b"root@localhost"),
        der.write(0xA3, b""),
        der.write(0xA4, der.write(der.SEQUENCE, b"")),
        der.write(0xA5, b""),
        der.write(0x86, b"smtp:"),
        der.write(0x87, b"abc"),
        der.write(0x88, b"*\x03"),
    ]
    assert [name.encoded for name in with_alternative_names(listing(*kinds)).alt_names] == kinds
    check(with_alternative_names(listing(*kinds, MINE)), NAME_ONLY, "mail.example.test")
    check(with_alternative_names(listing()), NAME_ONLY, "mail.example.test")
    with pytest.raises(Refused, match=r"subjectAltName did not match expected name `mail\.example\.test'"):
        check(with_alternative_names(listing(OTHER)), NAME_ONLY, "mail.example.test")


def test_names_that_are_not_ascii_match_nothing() -> None:
    """As in PHP: in UTF-8 they are longer than in the certificate."""
    found = with_alternative_names(listing(der.write(DNS_NAME, b"m\xe4il.example.test")))
    for name in ("m\xe4il.example.test", "m\udce4il.example.test"):
        with pytest.raises(Refused, match="subjectAltName did not match"):
            check(found, NAME_ONLY, name)


def test_cut_short_anywhere() -> None:
    whole = encoded(CERTS / "good.pem")
    for size in range(len(whole)):
        with pytest.raises(ValueError):
            OpenSSLCertificate.of(whole[:size])


def test_damage_is_a_value_error() -> None:
    """What the network may send: each byte of a certificate replaced, many times over."""
    whole = encoded(CERTS / "good.pem")
    chance = random.Random(1)
    for _ in range(20_000):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            found = OpenSSLCertificate.of(bytes(damaged))
            assert isinstance(found.alt_names, list)
            assert found.common_name is None or isinstance(found.common_name, bytes)
        except ValueError:
            pass


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "value cut short"),
        (b"\x30", "value cut short"),
        (b"\x30\x05\x01", "value cut short"),
        (b"\x1f\x01\x00", "tag of more than one byte"),
        (b"\x30\x80\x00\x00", "length out of range"),
        (b"\x30\x85\x00\x00\x00\x00\x01\x00", "length out of range"),
    ],
)
def test_broken_der(data: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^DER {fault}$"):
        der.read(data)


@pytest.mark.parametrize(
    ("content", "dotted"),
    [
        (b"\x55\x04\x03", "2.5.4.3"),
        (b"\x2a\x86\x48\x86\xf7\x0d", "1.2.840.113549"),
        (b"\x00", "0.0"),
        (b"\x88\x37", "2.999"),
    ],
)
def test_object_identifiers(content: bytes, dotted: str) -> None:
    assert der.object_identifier(content) == dotted


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "cut short"),
        (b"\x86", "cut short"),
        (b"\x55\x84", "cut short"),
        (b"\x55\x80\x01", "padded"),
    ],
)
def test_broken_object_identifiers(content: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^DER object identifier {fault}$"):
        der.object_identifier(content)


RSA, EC, DSA, ED25519 = "1.2.840.113549.1.1.1", "1.2.840.10045.2.1", "1.2.840.10040.4.1", "1.3.101.112"
NIST = "2.16.840.1.101.3.4.3."
#: The identifiers of signatures that a key of this kind can have made (= OpenSSL's table of signatures).
SIGNED_WITH = {
    RSA: {
        "1.2.840.113549.1.1.5",
        "1.2.840.113549.1.1.11",
        "1.3.14.3.2.29",
        *(f"{NIST}{n}" for n in range(13, 17)),
    },
    EC: {"1.2.840.10045.4.1", "1.2.840.10045.4.3.2", *(f"{NIST}{n}" for n in range(9, 13))},
    DSA: {"1.2.840.10040.4.3", f"{NIST}1", f"{NIST}2"},
    ED25519: {ED25519},
}


def identifier(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    found = b""
    for number in (first * 40 + second, *rest):
        digits = [number >> shift & 0x7F for shift in range(28, -1, -7)]
        while len(digits) > 1 and not digits[0]:
            digits.pop(0)
        found += bytes([*(digit | 0x80 for digit in digits[:-1]), digits[-1]])
    return der.write(der.OBJECT_IDENTIFIER, found)


@pytest.mark.parametrize("kind", SIGNED_WITH)
def test_which_signatures_a_key_can_have_made(kind: str) -> None:
    fields = list(der.children(der.read(der.read(encoded(CERTS / "selfsigned.pem")).content).content))
    key = der.write(der.SEQUENCE, der.write(der.SEQUENCE, identifier(kind)) + b"\x03\x01\0")
    inner = der.write(der.SEQUENCE, b"".join(field.encoded for field in fields[:6]) + key)
    for signature in sorted(set().union(*SIGNED_WITH.values(), (f"{NIST}{n}" for n in range(1, 19)))):
        algorithm = der.write(der.SEQUENCE, identifier(signature))
        made = OpenSSLCertificate.of(der.write(der.SEQUENCE, inner + algorithm + b"\x03\x01\0"))
        assert made.may_be_self_signed == (signature in SIGNED_WITH[kind]), signature


@pytest.mark.parametrize(
    ("tag", "content"),
    [
        (der.UTF8_STRING, "ä€".encode()),
        (der.BMP_STRING, "ä€".encode("utf-16-be")),
        (der.UNIVERSAL_STRING, "ä€".encode("utf-32-be")),
    ],
)
def test_strings_become_utf8(tag: int, content: bytes) -> None:
    assert der.text(der.Value(tag, content, b"")) == "ä€".encode()


def test_digests_are_hashlibs() -> None:
    found = OpenSSLCertificate.of(encoded(CERTS / "good.pem"))
    for name in ("sha256", "SHA256", "sha2-256", "sha-256", "RSA-SHA256", "sha256WithRSAEncryption"):
        assert found.digest(name) == hashlib.sha256(found.der).digest()
    for name, hashlibs in (
        ("md5-sha1", "md5-sha1"),
        ("ssl3-md5", "md5"),
        ("sha512-256", "sha512_256"),
        ("sha-512/224", "sha512_224"),
        ("sha2-512/256", "sha512_256"),
        ("sha3-384", "sha3_384"),
    ):
        assert found.digest(name) == hashlib.new(hashlibs, found.der).digest()
    for name in ("", "sha257", "sha3_256", "sha512_256", "blake2b", "shake128", "RSA-SHA512-256"):
        assert found.digest(name) is None
    assert found.digest("blake2b512") == hashlib.blake2b(found.der).digest()


def test_digest_that_this_hashlib_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DIGESTS, "gost", "gost94")
    assert OpenSSLCertificate.of(encoded(CERTS / "good.pem")).digest("gost") is None


def test_the_object_is_phps() -> None:
    found = OpenSSLCertificate.of(encoded(CERTS / "good.pem"))
    with pytest.raises(TypeError, match="Cannot directly construct OpenSSLCertificate"):
        OpenSSLCertificate()
    with pytest.raises(TypeError, match="Serialization of 'OpenSSLCertificate' is not allowed"):
        pickle.dumps(found)
    with pytest.raises(TypeError, match="uncloneable object of class OpenSSLCertificate"):
        copy.copy(found)
    with pytest.raises(TypeError, match="uncloneable object of class OpenSSLCertificate"):
        copy.deepcopy([found])


@pytest.mark.parametrize(
    ("algorithm", "bits"),
    [
        (b"\x06\x02*\x03", b"\0abc"),  # of no known kind
        (b"\x06\x07*\x86H\xce=\x02\x01\x06\x02*\x03", b"\0\4"),  # on a curve that nobody knows
        (b"\x06\x07*\x86H\xce=\x02\x01", b"\0\4"),  # on none
        (b"\x06\x09*\x86H\x86\xf7\x0d\x01\x01\x01\x05\0", b"\0\x30\x03\x02\x01\x05"),  # half an RSA key
    ],
)
def test_a_key_that_cannot_be_shown(algorithm: bytes, bits: bytes) -> None:
    """What OpenSSL says of it, without its line of errors, in which a thread's number stands."""
    key = der.write(der.SEQUENCE, algorithm) + der.write(der.BIT_STRING, bits)
    shown = public_key(der.read(der.write(der.SEQUENCE, key)))
    assert shown.endswith("\n            Unable to load Public Key\n") and shown.count("\n") == 2


def test_curves_are_openssls() -> None:
    """By their identifiers; the bits of the order are at most one more than the name says."""
    found = curves()
    assert len(found) == 80
    for oid, (name, bits, *nist) in found.items():
        assert look_up(oid).short == name
        size = re.search(r"\d{3}", name.replace("-", ""))
        assert size is None or name.startswith(("wap", "c2")) or abs(int(bits) - int(size[0])) <= 2
        assert not nist or nist[0][2:] in name or nist == ["P-256"]

"""openssl_x509_parse and openssl_x509_export against php-cli: random certificates, the same array and text.

The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one, PHP_STREAMS_FUZZ_CERTIFICATES their number.
What OpenSSL prints differs between its releases; php 8.4 decides, as everywhere.
"""

from __future__ import annotations

import base64
import datetime
import os
import random
import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from itertools import zip_longest
from pathlib import Path
from typing import Any

import phpserialize
import pytest

from php_streams import openssl_x509_export, openssl_x509_parse, silence
from php_streams._core import der
from php_streams.porting.php_cli import PhpCli
from tests.conformance.prelude import serialize

x509 = pytest.importorskip("cryptography.x509", reason="needs the extra [openssl]")
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa  # noqa: E402
from cryptography.x509 import ExtendedKeyUsageOID, NameOID  # noqa: E402
from cryptography.x509.name import _ASN1Type  # noqa: E402

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ_CERTIFICATES", "300"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20240717"))

PHP = r"""
error_reporting(0);
$answers = [];
foreach (unserialize(file_get_contents(getenv('FUZZ_FILE'))) as [$pem, $short]) {
    $text = null;
    openssl_x509_export($pem, $text, false);
    $answers[] = [serialize(openssl_x509_parse($pem, $short)), $text];
}
echo serialize($answers);
"""

# otherNames that OpenSSL knows, and strings of three types.
OTHERS = [*(f"1.3.6.1.5.5.7.8.{number}" for number in (5, 7, 8, 9)), "1.3.6.1.4.1.311.20.2.3", "1.2.3.4.5"]
STRINGS = [b"\x0c\x05me@ex", b"\x16\x05me@ex", b"\x13\x02me"]
OID = x509.ObjectIdentifier
UNKNOWN = ["1.2.3.4.5", "2.999.1", "1.3.6.1.4.1.99999.7.123456789"]
TITLES = [
    NameOID.COMMON_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.LOCALITY_NAME,
    NameOID.SURNAME,
    NameOID.USER_ID,
    NameOID.STREET_ADDRESS,
    NameOID.SERIAL_NUMBER,
    *map(OID, UNKNOWN),
]
WORDS = [
    "a",
    "B c",
    "  two  words ",
    "x=y/z",
    'quo"te',
    "a, b+c",
    "#x",
    "grüße",
    "日本",
    "\t",
    "\\",
    "<>;",
    "ÀÉ",
]
TYPES = [_ASN1Type.UTF8String, _ASN1Type.UTF8String, _ASN1Type.PrintableString, _ASN1Type.BMPString]
USES = [
    ExtendedKeyUsageOID.SERVER_AUTH,
    ExtendedKeyUsageOID.CLIENT_AUTH,
    ExtendedKeyUsageOID.CODE_SIGNING,
    ExtendedKeyUsageOID.EMAIL_PROTECTION,
    ExtendedKeyUsageOID.TIME_STAMPING,
    ExtendedKeyUsageOID.OCSP_SIGNING,
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    OID("2.16.840.1.113730.4.1"),
    OID("1.3.6.1.4.1.311.10.3.3"),
    *map(OID, UNKNOWN),
]


def make_name(draw: random.Random) -> Any:
    """Attributes of many kinds, some twice, some joined."""
    parts = []
    for _ in range(draw.randint(0, 5)):
        joined = {}
        for _ in range(draw.choice([1, 1, 1, 2])):
            text, kind = draw.choice(WORDS), draw.choice(TYPES)
            if kind is _ASN1Type.PrintableString and not re.fullmatch(r"[\w ,+/=]*", text, re.ASCII):
                kind = _ASN1Type.UTF8String
            title = draw.choice(TITLES)
            joined[title] = x509.NameAttribute(title, text, kind, _validate=False)
        parts.append(x509.RelativeDistinguishedName(joined.values()))
    return x509.Name(parts)


def make_general(draw: random.Random) -> Any:
    """A GeneralName of any kind."""
    return draw.choice(
        [
            lambda: x509.DNSName(draw.choice(["localhost", "*.example.test", "a b", "", "\t\x7f\r\n"])),
            lambda: x509.RFC822Name("me@example.test"),
            lambda: x509.UniformResourceIdentifier("http://example.test/a?b,c"),
            lambda: x509.IPAddress(ip_address(draw.choice(["127.0.0.1", "::1", "2001:db8::ff00:1"]))),
            lambda: x509.RegisteredID(OID(draw.choice(["2.5.29.37", *UNKNOWN]))),
            lambda: x509.DirectoryName(make_name(draw)),
            lambda: x509.OtherName(OID(draw.choice(OTHERS)), draw.choice([b"\x05\x00", *STRINGS])),
        ]
    )()


def some(draw: random.Random, make: Callable[[random.Random], Any], least: int = 1) -> list[Any]:
    """A few of a kind."""
    return [make(draw) for _ in range(draw.randint(least, 3))]


def key_usage(draw: random.Random) -> Any:
    bits = [draw.random() < 0.4 for _ in range(9)]
    bits[0] = bits[0] or not any(bits)
    if not bits[4]:
        bits[7] = bits[8] = False
    return x509.KeyUsage(*bits)


def basic_constraints(draw: random.Random) -> Any:
    authority = draw.random() < 0.5
    return x509.BasicConstraints(authority, draw.choice([None, 0, 3]) if authority else None)


def authority_key(draw: random.Random) -> Any:
    issuer = draw.random() < 0.4
    key = draw.randbytes(20) if not issuer or draw.random() < 0.7 else None
    number = draw.getrandbits(draw.choice([8, 64, 159])) + 1
    return x509.AuthorityKeyIdentifier(
        key, some(draw, make_general) if issuer else None, number if issuer else None
    )


def distribution_point(draw: random.Random) -> Any:
    kind = draw.random()
    full = some(draw, make_general) if kind < 0.7 else None
    reasons = frozenset(draw.sample(list(x509.ReasonFlags)[1:8], 2)) if draw.random() < 0.3 else None
    issuer = some(draw, make_general) if full is None or draw.random() < 0.2 else None
    return x509.DistributionPoint(full, None, reasons, issuer)


def policy(draw: random.Random) -> Any:
    identifier = OID(draw.choice(["2.23.140.1.2.1", "2.5.29.32.0", *UNKNOWN]))
    notice = x509.UserNotice(
        x509.NoticeReference("us", draw.choice([[1], [1, 2]])) if draw.random() < 0.5 else None,
        "read this" if draw.random() < 0.5 else None,
    )
    qualifiers = [draw.choice(["http://example.test/cps", notice]) for _ in range(draw.randint(0, 2))]
    return x509.PolicyInformation(identifier, qualifiers or None)


def access(draw: random.Random) -> Any:
    method = draw.choice(["1.3.6.1.5.5.7.48.1", "1.3.6.1.5.5.7.48.2", "1.3.6.1.5.5.7.48.5", *UNKNOWN])
    return x509.AccessDescription(OID(method), make_general(draw))


def subtree(draw: random.Random) -> Any:
    network = x509.IPAddress(ip_network(draw.choice(["10.0.0.0/8", "2001:db8::/32"])))
    other = make_general(draw)
    return network if isinstance(other, (x509.IPAddress, x509.DNSName)) else other


def constraints(draw: random.Random) -> Any:
    permitted = some(draw, subtree) if draw.random() < 0.6 else None
    return x509.NameConstraints(
        permitted, some(draw, subtree) if not permitted or draw.random() < 0.5 else None
    )


def timestamps(draw: random.Random) -> Any:
    """Signed certificate timestamps, and what is none."""
    entries = b""
    for _ in range(draw.randint(1, 3)):
        signature = draw.randbytes(draw.choice([16, 17, 70, 71, 72]))
        moment = draw.randrange(4 * 10**12).to_bytes(8)
        more = draw.choice([b"", b"", draw.randbytes(18)])
        kind = draw.choice([b"\4\3", b"\4\1", b"\4\3", b"\5\3"])
        body = draw.choice([b"\0", b"\0", b"\0", b"\1"]) + draw.randbytes(32) + moment
        body += len(more).to_bytes(2) + more + kind + len(signature).to_bytes(2) + signature
        entries += len(body).to_bytes(2) + body
    listed = len(entries).to_bytes(2) + entries
    wrapped = b"\x04\x82" + len(listed).to_bytes(2) + listed
    return x509.UnrecognizedExtension(OID("1.3.6.1.4.1.11129.2.4.2"), wrapped)


NULL = b"\x05\x00"
# Netscape's old ones, those that nobody knows, and what is broken.
RAW = [
    *(("2.16.840.1.113730.1.1", b"\x03\x02\x00" + bits) for bits in (b"\xf7", b"\x40", b"\x07", b"\x20")),
    ("2.16.840.1.113730.1.13", b"\x16\x07comment"),
    *(("2.5.29.15", bits) for bits in (b"\x03\x01\x00", b"\x03\x02\x07\x00", b"\x03\x03\x07\x00\x80", NULL)),
    *((f"2.5.29.{number}", NULL) for number in (14, 17, 18, 30, 31, 32, 35)),
    *(("2.5.29.37", uses) for uses in (b"\x30\x00", NULL)),
    *(("2.5.29.19", b) for b in (b"\x30\x03\x02\x01\x03", b"\x30\x06\x01\x01\xff\x02\x01\xff", NULL)),
    *((unknown, b"\x04\x03abc") for unknown in UNKNOWN),
    ("2.5.29.16", b"\x30\x22\x80\x0f20061127202342Z\x81\x0f20260107205342Z"),
    ("2.5.29.16", b"\x30\x11\x81\x0f20060107202342Z"),
    ("2.5.29.35", b"\x30\x16\xa1\x11\x82\x0flocalhost\x00\x00\x00\x00\x00\x00\x82\x01\x00"),
    (
        "2.5.29.32",
        b"\x30\x23\x30\x21\x06\x03\x2a\x03\x04\x30\x1a\x30\x18\x06\x08\x2b\x06\x01\x05\x05\x07\x02\x02\x30\x0c\x1e\x0a\0a\0b\0c\0d\0e",
    ),
    ("1.3.6.1.4.1.311.20.2", b"\x1e\x04\0A\0B"),
]


def raw(draw: random.Random) -> Any:
    oid, value = draw.choice(RAW)
    return x509.UnrecognizedExtension(OID(oid), value)


EXTENSIONS: list[Callable[[random.Random], Any]] = [
    key_usage,
    key_usage,
    basic_constraints,
    authority_key,
    constraints,
    timestamps,
    raw,
    lambda draw: x509.ExtendedKeyUsage(dict.fromkeys(draw.sample(USES, draw.randint(1, 3)))),
    lambda draw: x509.SubjectKeyIdentifier(draw.randbytes(20)),
    lambda draw: x509.SubjectAlternativeName(some(draw, make_general)),
    lambda draw: x509.IssuerAlternativeName(some(draw, make_general)),
    lambda draw: x509.CRLDistributionPoints(some(draw, distribution_point)),
    lambda draw: x509.FreshestCRL(some(draw, distribution_point)),
    lambda draw: x509.CertificatePolicies(some(draw, policy)),
    lambda draw: x509.AuthorityInformationAccess(some(draw, access)),
    lambda draw: x509.SubjectInformationAccess(some(draw, access)),
    lambda draw: x509.PolicyConstraints(draw.choice([0, 3]), draw.choice([None, 1])),
    lambda draw: x509.InhibitAnyPolicy(draw.choice([0, 2, 300])),
    lambda draw: x509.OCSPNoCheck(),
    lambda draw: x509.PrecertPoison(),
    lambda draw: x509.TLSFeature(draw.sample(list(x509.TLSFeatureType), draw.randint(1, 2))),
]
KEY = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 1024)
KEYS = [
    KEY,
    RSA,
    rsa.generate_private_key(3, 1025),
    dsa.generate_private_key(1024),
    ed25519.Ed25519PrivateKey.generate(),
    *(ec.generate_private_key(curve()) for curve in (ec.SECP521R1, ec.SECP256K1, ec.BrainpoolP384R1)),
]


def sign(draw: random.Random, builder: Any) -> Any:
    """Signed by a key of any kind."""
    key = draw.choice([KEY, KEY, *KEYS])
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return builder.sign(key, None)
    pss = None
    if isinstance(key, rsa.RSAPrivateKey) and draw.random() < 0.5:
        mask = padding.MGF1(draw.choice([hashes.SHA256(), hashes.SHA512()]))
        pss = padding.PSS(mask, draw.choice([0, 20, 32]))
    return builder.sign(key, draw.choice([hashes.SHA256(), hashes.SHA384()]), rsa_padding=pss)


def make_certificate(draw: random.Random) -> bytes:
    """A certificate, as PEM."""
    begins = datetime.datetime(draw.choice([1950, 1999, 2024, 2051]), 1, 1) + datetime.timedelta(
        seconds=draw.randrange(10**7)
    )
    builder = x509.CertificateBuilder().subject_name(make_name(draw)).issuer_name(make_name(draw))
    builder = builder.public_key(draw.choice([KEY, *KEYS]).public_key()).not_valid_before(begins)
    builder = builder.not_valid_after(begins + datetime.timedelta(days=draw.randrange(20000)))
    builder = builder.serial_number(draw.getrandbits(draw.choice([1, 7, 8, 64, 127, 128, 129, 158])) + 1)
    used = set()
    for make in draw.sample(EXTENSIONS, draw.randint(0, 7)):
        extension = make(draw)
        if extension.oid not in used:
            used.add(extension.oid)
            builder = builder.add_extension(extension, critical=draw.random() < 0.5)
    signed = sign(draw, builder)
    return pem(bent(draw, signed.public_bytes(serialization.Encoding.DER)))


TIMES = [
    "240101000000+",
    "991332256199Z",
    "xxxxxxxxxxxxx",
    "2401010000Z",
    "240101\0x0000Z",
    "680101000000Z",
    "670101000000Z",
    "20240101000000Z",
    "2024010100Z",
    "2401010000+0100",
    "20240101000000.5Z",
    "20240101000000.123-0130",
    "240101000060Z",
    "240229000000Z",
    "230229000000+0000",
    "00000101000000Z",
]


def bent(draw: random.Random, encoded: bytes) -> bytes:
    """A certificate of the first version, or one with odd times, now and then: nobody builds such."""
    whole, algorithm, signature = der.children(der.read(encoded).content)
    fields = [field.encoded for field in der.children(whole.content)]
    if draw.random() < 0.1:
        times = (draw.choice(TIMES).encode() for _ in range(2))
        fields[4] = der.write(
            der.SEQUENCE, b"".join(der.write(draw.choice([0x17, 0x18, 0x17, 0x16]), t) for t in times)
        )
    if draw.random() < 0.1:
        fields = fields[1:7]
        if draw.random() < 0.5:
            fields[4] = fields[2]
    certificate = der.write(der.SEQUENCE, b"".join(fields)) + algorithm.encoded + signature.encoded
    return der.write(der.SEQUENCE, certificate)


def pem(encoded: bytes) -> bytes:
    """Between its lines."""
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(encoded) + b"-----END CERTIFICATE-----\n"


def test_every_certificate_reads_as_in_php(php84: PhpCli, tmp_path: Path) -> None:
    """The same keys in the same order, and the same values."""
    draw = random.Random(SEED)
    cases = [[make_certificate(draw), draw.random() < 0.7] for _ in range(COUNT)]
    file = tmp_path / "cases"
    file.write_bytes(phpserialize.dumps(cases))
    result = php84.run(PHP, env={**os.environ, "FUZZ_FILE": str(file)}, timeout=60)
    assert result.status == 0, result.stdout[-500:] + result.stderr[-500:]
    differ = []
    for (encoded, short), (answer, text) in zip(cases, map(dict.values, result.value.values()), strict=True):
        with silence():
            found = openssl_x509_parse(encoded, short)
            shown = openssl_x509_export(encoded, False)[1]
        differ += text_differences(text, shown)
        if serialize(found) != answer:
            differ += differences(phpserialize.loads(answer), phpserialize.loads(serialize(found)))
    assert not differ, f"{len(differ)} differ (seed {SEED}):\n" + "\n".join(sorted(set(differ))[:30])


def text_differences(of_php: bytes | None, ours: str | None) -> list[str]:
    """The first place at which two texts differ."""
    wanted = None if of_php is None else of_php.decode("utf-8", "surrogateescape")
    if wanted is None or ours is None:
        return [] if wanted == ours else [f"text\n    php    {wanted!r}\n    python {ours!r}"]
    pairs = zip_longest(wanted.split("\n"), ours.split("\n"))
    return [f"text\n    php    {one!r}\n    python {other!r}" for one, other in pairs if one != other][:1]


def differences(of_php: Any, ours: Any, key: str = "") -> list[str]:
    """Where two arrays differ."""
    if not isinstance(of_php, dict) or not isinstance(ours, dict) or list(of_php) != list(ours):
        return [f"{key}\n    php    {of_php!r}\n    python {ours!r}"] if of_php != ours else []
    return [text for name in of_php for text in differences(of_php[name], ours[name], f"{key}/{name}")]


def test_broken_certificates_are_read_or_refused() -> None:
    """Changed bytes, and ends cut off: an array or false, and nothing that is raised."""
    draw = random.Random(SEED)
    found = []
    for _ in range(COUNT):
        data = bytearray(base64.b64decode(b"".join(make_certificate(draw).split(b"\n")[1:-2])))
        for _ in range(draw.choice([1, 1, 2, 5, 30])):
            data[draw.randrange(len(data))] = draw.choice(
                [draw.randrange(256), 0x30, 0x31, 0, 0x80, 0xFF, 2, 3, 4]
            )
        if draw.random() < 0.2:
            del data[draw.randrange(len(data)) :]
        with silence():
            found.append(openssl_x509_parse(pem(bytes(data))))
    assert {type(parsed) for parsed in found} == {dict, bool}
    assert True not in found

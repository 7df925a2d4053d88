"""Makes the certificates of the conformance cases: ``python -m tests.conformance.make_certs``.

They are made once and kept in the repository, because transcripts show their names and fingerprints; making
them anew means recording those cases anew.  The keys are test data and protect nothing.  Needs
``cryptography`` and the ``openssl`` program: for the hashed names of a capath folder, and for a SHA-1
signature, which ``cryptography`` refuses.
"""

from __future__ import annotations

import datetime
import ipaddress
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FOLDER = Path(__file__).resolve().parent / "certs"
FROM, TO = datetime.datetime(2024, 1, 1), datetime.datetime(2099, 12, 31)
EXPIRED = datetime.datetime(2001, 1, 1), datetime.datetime(2002, 1, 1)
NOT_YET = datetime.datetime(2099, 1, 1), TO
PASSPHRASE = b"secret"
NAMES = ("localhost", "mail.example.test")

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Identity:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key


def rsa_key(bits: int = 2048) -> Key:
    """A new RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def issue(  # long: a certificate has that many parts
    common_name: str,
    issuer: Identity | None,
    *,
    san: Sequence[str] = (),
    period: tuple[datetime.datetime, datetime.datetime] = (FROM, TO),
    key: Key | None = None,
    ca: bool = False,
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
) -> Identity:
    """A certificate signed by `issuer`, or by itself; `san` are DNS names and IP addresses."""
    key = key or rsa_key()
    subject = distinguished(common_name)
    signer = issuer.key if issuer else key
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=ca, path_length=None), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (key_usage() if ca else x509.ExtendedKeyUsage([usage]), ca),
    ]
    if issuer:
        extensions.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False))
    if san:
        extensions.append((x509.SubjectAlternativeName([general_name(name) for name in san]), False))
    builder = unsigned(subject, issuer.certificate.subject if issuer else subject, key, period)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Identity(builder.sign(signer, hashes.SHA256()), key)


def unsigned(
    subject: x509.Name, issuer: x509.Name, key: Key, period: tuple[datetime.datetime, datetime.datetime]
) -> x509.CertificateBuilder:
    """A certificate to be, without extensions."""
    return x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=period[0],
        not_valid_after=period[1],
    )


def distinguished(common_name: str) -> x509.Name:
    """The subject's name."""
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "php_streams test")
    return x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def general_name(name: str) -> x509.GeneralName:
    """An IP address or a DNS name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def key_usage() -> x509.KeyUsage:
    """A CA's: it signs certificates."""
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def pem(identity: Identity) -> bytes:
    """The certificate."""
    return identity.certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(identity: Identity, passphrase: bytes | None = None) -> bytes:
    """The key, encrypted when there is a passphrase."""
    form = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return identity.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, form)


def write(name: str, *parts: bytes) -> None:
    """One PEM file."""
    (FOLDER / name).write_bytes(b"".join(parts))


def signed_with_sha1(identity: Identity, issuer: Identity) -> Identity:
    """A self-signed certificate under the issuer's SHA-1 signature in place of its own."""
    with tempfile.TemporaryDirectory() as folder:
        ca = Path(folder, "ca.pem")
        ca.write_bytes(pem(issuer) + key_pem(issuer))
        command = [
            "openssl",
            "x509",
            "-CA",
            str(ca),
            "-CAkey",
            str(ca),
            "-sha1",
            "-preserve_dates",
            "-set_serial",
            "1",
        ]
        done = subprocess.run(command, input=pem(identity), capture_output=True, check=True)
    return Identity(x509.load_pem_x509_certificate(done.stdout), identity.key)


def write_servers(ca: Identity, other: Identity) -> None:
    """The peers' certificates, each with its key in one file."""
    servers = {
        "good": issue("localhost", ca, san=NAMES),
        "ec": issue("localhost", ca, san=NAMES, key=ec.generate_private_key(ec.SECP256R1())),
        "expired": issue("localhost", ca, san=NAMES, period=EXPIRED),
        "notyet": issue("localhost", ca, san=NAMES, period=NOT_YET),
        "selfsigned": issue("localhost", None, san=NAMES),
        "wrongname": issue("wrong.example.test", ca, san=["wrong.example.test"]),
        "wildcard": issue("*.example.test", ca, san=["*.example.test"]),
        "san_ip": issue("san-ip", ca, san=["127.0.0.1", "::1"]),
        "cn_only": issue("mail.example.test", ca),
        "cn_wildcard": issue("*.example.test", ca),
        "cn_nul": issue("localhost\0.example.test", ca),
        "other": issue("localhost", other, san=NAMES),
        "weak": issue("localhost", ca, san=NAMES, key=rsa_key(1024)),
        "sha1": signed_with_sha1(issue("localhost", None, san=NAMES), ca),
    }
    for name, identity in servers.items():
        write(f"{name}.pem", pem(identity), key_pem(identity))
    intermediate = issue("php_streams test intermediate", ca, ca=True)
    leaf = issue("localhost", intermediate, san=NAMES)
    write("chain.pem", pem(leaf), pem(intermediate), key_pem(leaf))
    write("chain_incomplete.pem", pem(leaf), key_pem(leaf))


def write_names() -> None:
    """Self-signed certificates of one common name with names of many kinds beside it."""
    kinds: dict[str, list[x509.GeneralName]] = {
        "san_mail": [x509.RFC822Name("root@localhost")],
        "san_uri": [x509.UniformResourceIdentifier("smtp://mail.example.test")],
        "san_other_ip": [x509.IPAddress(ipaddress.ip_address("192.0.2.1"))],
        "san_folder": [x509.DirectoryName(distinguished("somebody"))],
        "san_service": [x509.OtherName(x509.ObjectIdentifier(SRV_NAME), b"\x16\x05_smtp")],
        "san_nul": [x509.DNSName._init_without_validation("localhost\0.example.test")],
    }
    for name, names in kinds.items():
        key = ec.generate_private_key(ec.SECP256R1())
        subject = distinguished("localhost")
        builder = unsigned(subject, subject, key, (FROM, TO))
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        identity = Identity(builder.sign(key, hashes.SHA256()), key)
        write(f"{name}.pem", pem(identity), key_pem(identity))


def write_nameless() -> None:
    """A self-signed certificate with no name of a host in it: neither a CN nor a list of others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "php_streams test")])
    identity = Identity(unsigned(subject, subject, key, (FROM, TO)).sign(key, hashes.SHA256()), key)
    write("no_name.pem", pem(identity), key_pem(identity))


SRV_NAME = "1.3.6.1.5.5.7.8.7"


def write_clients(ca: Identity, other: Identity) -> None:
    """A client's certificate in all the forms that local_cert, local_pk and passphrase take."""
    client = issue("client", ca, usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    write("client.pem", pem(client), key_pem(client))
    write("client-cert.pem", pem(client))
    write("client-key.pem", key_pem(client))
    write("client-encrypted.pem", pem(client), key_pem(client, PASSPHRASE))
    write("client-key-encrypted.pem", key_pem(client, PASSPHRASE))
    stranger = issue("stranger", other, usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    write("other-client.pem", pem(stranger), key_pem(stranger))
    write_self_signed_client()


def write_self_signed_client() -> None:
    """A client's certificate that nobody else vouches for."""
    alone = issue("alone", None, usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    write("client-selfsigned.pem", pem(alone), key_pem(alone))


def write_dh() -> None:
    """Parameters for Diffie and Hellman's key exchange."""
    for bits in (1024, 2048):
        done = subprocess.run(["openssl", "dhparam", str(bits)], capture_output=True, check=True)
        write(f"dh{bits}.pem", done.stdout)


def write_capath(ca: Identity) -> None:
    """The folder form of a set of CAs: the file is named after a hash of the subject."""
    folder = FOLDER / "capath"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    command = ["openssl", "x509", "-noout", "-subject_hash"]
    name = subprocess.run(command, input=pem(ca), capture_output=True, check=True).stdout.decode().strip()
    (folder / f"{name}.0").write_bytes(pem(ca))


def main() -> None:
    """Makes everything anew."""
    FOLDER.mkdir(exist_ok=True)
    ca = issue("php_streams test CA", None, ca=True)
    other = issue("php_streams other CA", None, ca=True)
    write("ca.pem", pem(ca))
    write("other-ca.pem", pem(other))
    write_servers(ca, other)
    write_names()
    write_nameless()
    write_clients(ca, other)
    write_capath(ca)
    write_dh()


if __name__ == "__main__":
    main()

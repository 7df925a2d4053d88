"""Keys and the certificates that belong to them, through `cryptography` (the extra [openssl])."""

from __future__ import annotations

import re
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from php_streams._core.certificate import OpenSSLCertificate

_PRIVATE = re.compile(
    rb"-----BEGIN ((?:ENCRYPTED |RSA |EC |DSA )?PRIVATE KEY)-----.*?-----END \1-----\n?", re.DOTALL
)
_PUBLIC = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n?", re.DOTALL)


class NoKey(Exception):
    """There is none, or none that can be used."""


def key_of(certificate: OpenSSLCertificate) -> Any:
    """A certificate's public key."""
    try:
        return load_der_public_key(certificate.public_key.encoded)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NoKey from error


def private_key(pem: bytes, passphrase: bytes) -> Any:
    """The first private key of a PEM text."""
    block = _PRIVATE.search(pem)
    if block is None:
        raise NoKey
    try:
        return load_pem_private_key(block[0], passphrase if _is_locked(block[0]) else None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise NoKey from error


def _is_locked(pem: bytes) -> bool:
    return b"BEGIN ENCRYPTED" in pem or b"Proc-Type: 4,ENCRYPTED" in pem


def public_key(pem: bytes) -> Any:
    """The first public key of a PEM text."""
    block = _PUBLIC.search(pem)
    if block is None:
        raise NoKey
    try:
        return load_pem_public_key(block[0])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NoKey from error


def signed_by(certificate: OpenSSLCertificate, key: Any) -> bool:
    """Whether the owner of a public key signed a certificate; NoKey when such a key signs otherwise."""
    try:
        found = x509.load_der_x509_certificate(certificate.der)
        parameters = found.signature_algorithm_parameters
        more: list[Any]
        if isinstance(key, rsa.RSAPublicKey) and not isinstance(parameters, ec.ECDSA) and parameters:
            more = [parameters, found.signature_hash_algorithm]
        elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(parameters, ec.ECDSA):
            decode_dss_signature(found.signature)  # what is none is an error to OpenSSL, not a mismatch
            more = [parameters]
        elif parameters is None and certificate.signature_algorithm == _only_use(key):
            more = []
        else:
            raise NoKey
        key.verify(found.signature, found.tbs_certificate_bytes, *more)
    except InvalidSignature:
        return False
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise NoKey from error
    return True


def _only_use(key: Any) -> str:
    """The identifier of signatures of Ed25519 and Ed448, which is the keys' own."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "1.3.101.112"
    return "1.3.101.113" if isinstance(key, ed448.Ed448PublicKey) else ""

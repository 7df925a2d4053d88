"""Certificates (from the manual's book.openssl): what programs do with those that a TLS stream captured."""

from __future__ import annotations

import binascii
import re
from types import ModuleType
from typing import Any, Literal

from php_streams._core.certificate import OpenSSLCertificate
from php_streams._core.diagnostics import argument_value_error, called, warn
from php_streams._core.signals import from_system
from php_streams._core.values import array_items, cast_string, outputs, to_bool, to_bytes, to_string

__all__ = [
    "OpenSSLCertificate",
    "openssl_get_cert_locations",
    "openssl_x509_check_private_key",
    "openssl_x509_export",
    "openssl_x509_fingerprint",
    "openssl_x509_parse",
    "openssl_x509_read",
    "openssl_x509_verify",
]

OpensslX509ExportResult = outputs("OpensslX509ExportResult", "result output")

_PEM = re.compile(
    rb"^-----BEGIN (X509 )?CERTIFICATE-----\s*?\n([^-]*)^-----END (?:X509 )?CERTIFICATE-----", re.MULTILINE
)


def openssl_get_cert_locations() -> dict[str, str]:
    """Retrieve the available certificate locations.
    https://www.php.net/function.openssl-get-cert-locations

    Those of the OpenSSL that Python links, and the settings openssl.cafile and openssl.capath.  Where the
    former hold nothing, TLS takes certifi's certificates.
    """
    from php_streams._transports import tls_locations

    return tls_locations.locations()


def openssl_x509_read(certificate: OpenSSLCertificate | str | bytes) -> OpenSSLCertificate | Literal[False]:
    """Parse an X.509 certificate and return an object for it.
    https://www.php.net/function.openssl-x509-read

    certificate: PEM text, a "file://" name of a file that holds it, or a certificate (of which it makes
    another object).
    """
    found = _certificate(certificate)
    return found and OpenSSLCertificate.of(found.der)


def openssl_x509_check_private_key(
    certificate: OpenSSLCertificate | str | bytes,
    private_key: OpenSSLCertificate | str | bytes | list[Any] | dict[Any, Any],
) -> bool:
    """Checks if a private key corresponds to a certificate.
    https://www.php.net/function.openssl-x509-check-private-key

    private_key: PEM text, a "file://" name, or [either of them, passphrase].  Needs cryptography:
    pip install php-streams[openssl].
    """
    given, keys = _given(certificate), _keys()
    try:
        found = _read(given)
    except from_system(OSError, ValueError, IndexError):
        return False
    key = _key_text(private_key, "private_key")
    try:
        if key is None or isinstance(key, OpenSSLCertificate):
            return False
        return bool(keys.private_key(*key).public_key() == keys.key_of(found))
    except keys.NoKey:
        return False


def openssl_x509_verify(
    certificate: OpenSSLCertificate | str | bytes,
    public_key: OpenSSLCertificate | str | bytes | list[Any] | dict[Any, Any],
) -> int:
    """Verifies digital signature of x509 certificate against a public key.
    https://www.php.net/function.openssl-x509-verify

    public_key: a certificate, or PEM text or a "file://" name of one or of a public key.  1 when its owner
    signed the certificate, 0 when not, -1 when there is no certificate or no key of the right kind.  Needs
    cryptography: pip install php-streams[openssl].
    """
    given, keys = _given(certificate), _keys()
    try:
        found = _read(given)
    except from_system(OSError, ValueError, IndexError):
        return -1
    key = _key_text(public_key, "public_key")
    try:
        if key is None:
            return -1
        return int(keys.signed_by(found, _public_key(keys, key)))
    except keys.NoKey:
        return -1


def _public_key(keys: ModuleType, given: OpenSSLCertificate | tuple[bytes, bytes]) -> Any:
    """The key in a certificate, else the public key in a text."""
    if isinstance(given, OpenSSLCertificate):
        return keys.key_of(given)
    try:
        return keys.key_of(OpenSSLCertificate.of(_der(given[0])))
    except (ValueError, IndexError):
        return keys.public_key(given[0])


def _keys() -> ModuleType:
    """`tls_x509_keys`, imported when it is first needed, as it needs cryptography."""
    try:
        from php_streams._transports import tls_x509_keys
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "cryptography":
            raise
        raise ModuleNotFoundError(
            f"{called()}() needs cryptography: pip install php-streams[openssl]", name="cryptography"
        ) from None
    return tls_x509_keys


def _key_text(value: Any, name: str) -> OpenSSLCertificate | tuple[bytes, bytes] | None:
    """A key's text and its passphrase, or a certificate (= php_openssl_pkey_from_zval); None for no key."""
    phrase = b""
    if isinstance(value, (list, tuple, dict)):
        members = dict(array_items(value))
        if not {0, 1} <= members.keys():
            raise ValueError("Key array must be of the form array(0 => key, 1 => phrase)")
        phrase, value = cast_string(members[1]), members[0]
    if isinstance(value, OpenSSLCertificate):
        return value
    if isinstance(value, (list, tuple, dict)):
        return None
    text = cast_string(value)
    if text.startswith(b"file://") and b"\0" in text:
        raise argument_value_error(2, name, "must not contain any null bytes")
    try:
        return _contents(text), phrase
    except from_system(OSError):
        return None


def openssl_x509_export(certificate: OpenSSLCertificate | str | bytes, no_text: bool = True) -> Any:
    """Exports a certificate as a string.  https://www.php.net/function.openssl-x509-export

    Returns (result, output): True and the PEM text, or False and None.  With no_text off a description for
    people stands before it, that of OpenSSL 3.5.
    """
    without = to_bool(no_text, 3, "no_text")
    found = _certificate(certificate)
    if not found:
        return OpensslX509ExportResult(False, None)
    if without:
        return OpensslX509ExportResult(True, found.pem())
    from php_streams._transports import tls_x509_text

    return OpensslX509ExportResult(True, tls_x509_text.printed(found) + found.pem())


def openssl_x509_fingerprint(
    certificate: OpenSSLCertificate | str | bytes, digest_algo: str = "sha1", binary: bool = False
) -> str | bytes | Literal[False]:
    """Calculates the fingerprint, or digest, of a given X.509 certificate.
    https://www.php.net/function.openssl-x509-fingerprint

    In hexadecimal digits, or as bytes when `binary` is on.
    """
    algorithm = to_string(digest_algo, 2, "digest_algo")
    as_bytes = to_bool(binary, 3, "binary")
    found = _certificate(certificate)
    if not found:
        return False
    digest = found.digest(algorithm)
    if digest is None:
        return warn("Unknown digest algorithm")
    return digest if as_bytes else digest.hex()


def openssl_x509_parse(
    certificate: OpenSSLCertificate | str | bytes, short_names: bool = True
) -> dict[str, Any] | Literal[False]:
    """Parse an X509 certificate and return the information as an array.
    https://www.php.net/function.openssl-x509-parse

    Keys and values as PHP has them: "subject" and "issuer" (by "CN" or, with short_names off, "commonName"; a
    list where there are several), "validTo_time_t" (seconds since 1970), "serialNumberHex", "extensions" by
    their short names as OpenSSL prints them (as bytes, where it has no way to print one), "purposes" ...
    """
    given = _given(certificate)
    short = to_bool(short_names, 2, "short_names")
    from php_streams._transports import tls_x509

    try:
        return tls_x509.parse(_read(given), short)
    except from_system(OSError, ValueError, IndexError):
        return False


def _certificate(value: Any) -> OpenSSLCertificate | Literal[False]:
    """The argument as a certificate (= php_openssl_x509_from_param), or PHP's warning."""
    given = _given(value)
    try:
        return _read(given)
    except from_system(OSError, ValueError, IndexError):
        return warn("X.509 Certificate cannot be retrieved")


def _given(value: Any) -> OpenSSLCertificate | bytes:
    if isinstance(value, OpenSSLCertificate):
        return value
    text = to_bytes(value, 1, "certificate", "OpenSSLCertificate|string")
    if text.startswith(b"file://") and b"\0" in text:
        raise argument_value_error(1, "certificate", "must not contain any null bytes")
    return text


def _read(given: OpenSSLCertificate | bytes) -> OpenSSLCertificate:
    """The certificate; OSError, ValueError or IndexError when there is none."""
    return OpenSSLCertificate.of(_der(_contents(given))) if isinstance(given, bytes) else given


def _contents(text: bytes) -> bytes:
    if not text.startswith(b"file://"):
        return text
    with open(text.removeprefix(b"file://"), "rb") as file:
        return file.read()


def _der(pem: bytes) -> bytes:
    block = _PEM.search(pem)
    if block is None:
        raise ValueError("no certificate")
    return binascii.a2b_base64(block[2])

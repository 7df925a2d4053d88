"""The own certificate and key: ssl.local_cert, local_pk, passphrase (= php_openssl_set_local_cert)."""

from __future__ import annotations

import os
import ssl
from enum import Enum, auto

from php_streams._core.diagnostics import warn
from php_streams._core.signals import from_system
from php_streams._transports.tls_build import Build, SetupFailed

# What load_cert_chain says of a certificate that is too weak for the security level.
TOO_WEAK = ("EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK")
# A key that cannot belong to the certificate is refused, except one of another type: PHP goes on with that.
OTHER_TYPE = ("NO_CERTIFICATE_ASSIGNED", "NO_PRIVATE_KEY_ASSIGNED", "KEY_TYPE_MISMATCH")
PATH_MAX = 4096


class Fault(Enum):
    """Which of the two files OpenSSL did not take, or that both are good and do not belong together."""

    CHAIN = auto()
    KEY = auto()
    OTHER_KEY = auto()


def local_cert(build: Build) -> None:
    """Loads what the options name."""
    values = build.values
    certificate, key = values["local_cert"], values["local_pk"]
    if certificate is None:
        return
    certificate = _checked(certificate, "local_cert", "certificate")
    key = certificate if key is None else _checked(key, "local_pk", "private key")
    fault = load(build.ssl_context, certificate, key, values["passphrase"])
    if fault == Fault.CHAIN:
        warn(
            f"Unable to set local cert chain file `{values['local_cert']}'; Check that your cafile/capath "
            "settings include details of your certificate and its issuer"
        )
        raise SetupFailed
    if fault == Fault.KEY:
        warn(f"Unable to set private key file `{key}'")
        raise SetupFailed
    if fault == Fault.OTHER_KEY:
        build.reusable = False  # so that the warning comes each time
        warn("Private key does not match certificate!")


def load(
    ssl_context: ssl.SSLContext, certificate: str, key: str, passphrase: str | None = None
) -> Fault | None:
    """Loads a certificate with its chain, and the key; says which was at fault."""
    if not begins_with_certificate(certificate):
        return Fault.CHAIN
    try:
        # Without a passphrase OpenSSL would ask for one at the terminal.
        ssl_context.load_cert_chain(certificate, key, password=passphrase or "")
    except from_system(OSError, ValueError) as error:
        reason = getattr(error, "reason", None)
        return Fault.CHAIN if reason in TOO_WEAK else Fault.OTHER_KEY if reason in OTHER_TYPE else Fault.KEY
    return None


def begins_with_certificate(name: str) -> bool:
    """Whether the file's first certificate can be read: load_cert_chain does not say which file is bad."""
    try:
        with open(name, "rb") as file:
            _, begin, rest = file.read().partition(b"-----BEGIN CERTIFICATE-----")
        body, end, _ = rest.partition(b"-----END CERTIFICATE-----")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            cadata=(begin + body + end).decode("ascii")
        )
    except from_system(OSError, ValueError):
        return False
    return True


def _checked(name: str, option: str, kind: str) -> str:
    """The file's real path, or PHP's warnings."""
    resolved = real_path(name, option)
    if resolved is None:
        warn(f"Unable to get real path of {kind} file `{name.partition(chr(0))[0]}'")
        raise SetupFailed
    return resolved


def real_path(name: str, option: str) -> str | None:
    """A file's real path; None, after PHP's warning, for what cannot be a path."""
    if "\0" in name:
        warn(f"Path for {option} in ssl stream context option must not contain any null bytes")
        return None
    if len(os.fsencode(name)) >= PATH_MAX:
        warn(f"Path for {option} in ssl stream context option must be a valid file path")
        return None
    return os.path.realpath(name) if name else name

"""The ssl options of a TLS server (= php_openssl_set_server_specific_opts, php_openssl_enable_server_sni).

A certificate per host name (SNI_server_certs) is an SSLContext per host name, which OpenSSL swaps in when the
client has said whom it wants.  As in PHP that one has OpenSSL's default ciphers and no ALPN: `ciphers`,
`security_level`, `dh_param` and `alpn_protocols` belong to the certificate of local_cert.

Clients cannot renegotiate (tls_build.py).  ecdh_curve has no row in the table: PHP takes it without any
effect, since OpenSSL 1.1 a server offers all curves.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from typing import Any

from php_streams._core.diagnostics import warn
from php_streams._core.signals import from_system
from php_streams._core.values import to_text
from php_streams._transports import tls_identity
from php_streams._transports.tls_authorities import verify_peer
from php_streams._transports.tls_build import Build, SetupFailed, new_context
from php_streams._transports.tls_values import NOT_GIVEN, integer, path
from php_streams._transports.tls_verify import matches

DEFAULT_CIPHERS = "DEFAULT"


def rsa_key_size(build: Build) -> None:
    """Gone from PHP; it says so."""
    if not build.is_client and build.values["rsa_key_size"] is not NOT_GIVEN:
        build.reusable = False  # so that the warning comes each time
        warn("rsa_key_size context option has been removed")


def reneg_limit(build: Build) -> None:
    """PHP ends the connection, or calls back, after so many attempts to renegotiate, refused as they are."""
    limit = build.values["reneg_limit"]
    given = [name for name in RENEGOTIATION if build.values[name] is not NOT_GIVEN]
    if build.is_client or not given or (limit is not NOT_GIVEN and integer(limit) < 0):
        return
    build.reusable = False  # so that the warning comes each time
    warn(f"{', '.join(given)}: attempts of a client to renegotiate are refused, but not counted")


RENEGOTIATION = ("reneg_limit", "reneg_window", "reneg_limit_callback")


def dh_param(build: Build) -> None:
    """Diffie-Hellman parameters from a file: without them there are no DHE ciphers up to TLS 1.2."""
    name = build.values["dh_param"]
    if build.is_client or name is None:
        return
    name = name.partition("\0")[0]
    try:
        with open(name, "rb"):
            pass
    except from_system(OSError):
        warn("Invalid dh_param")
        raise SetupFailed from None
    try:
        build.ssl_context.load_dh_params(name)
    except from_system(OSError, ValueError) as error:
        # What cannot be used was read: it came from TLS, not from the file's format.
        warn(f"Failed {'assigning' if getattr(error, 'library', '') == 'SSL' else 'reading'} DH params")
        raise SetupFailed from None


def single_dh_use(build: Build) -> None:
    """A new Diffie-Hellman key for each handshake, which OpenSSL has always made since 1.1.0."""
    _switch(build, ssl.OP_SINGLE_DH_USE, build.values["single_dh_use"])


def honor_cipher_order(build: Build) -> None:
    """Whether the server's order of ciphers counts, or the client's."""
    _switch(build, ssl.OP_CIPHER_SERVER_PREFERENCE, build.values["honor_cipher_order"])


def _switch(build: Build, option: ssl.Options, on: bool) -> None:
    if not build.is_client:
        options = build.ssl_context.options
        build.ssl_context.options = options | option if on else options & ~option


# --- a certificate per host name -----------------------------------------------------------------------


class Hosts:
    """Chooses the SSLContext by the name that the client asked for: the first one that fits, as in PHP."""

    def __init__(self) -> None:
        self.contexts: list[tuple[bytes, ssl.SSLContext]] = []

    def __call__(self, connection: Any, name: str | None, ssl_context: ssl.SSLContext) -> None:
        """SSLContext.sni_callback."""
        wanted = (name or "").encode()
        if not wanted:
            return
        for host, context in self.contexts:
            if matches(wanted, host):
                connection.context = context
                return


def contexts_of(ssl_context: ssl.SSLContext) -> list[ssl.SSLContext]:
    """The SSLContext, and those of its host names."""
    hosts = ssl_context.sni_callback
    others = hosts.contexts if isinstance(hosts, Hosts) else []
    return [ssl_context, *(context for _, context in others)]


def sni_server_certs(build: Build) -> None:
    """The certificates by host name; what is wrong with them comes last, and leaves the stream set up."""
    given = build.values["SNI_server_certs"]
    if build.is_client or given is NOT_GIVEN or not build.values["SNI_enabled"]:
        return
    try:
        pairs = _pairs(given)
        hosts = Hosts()
        for name, value in pairs:
            hosts.contexts.append((_host(name), _host_context(build, value)))
    except SetupFailed:
        raise SetupFailed(spent=True) from None
    build.ssl_context.sni_callback = hosts


def _pairs(given: Any) -> list[tuple[Any, Any]]:
    """PHP's array: a dict, or a list, whose keys are numbers."""
    if isinstance(given, dict):
        pairs = list(given.items())
    elif isinstance(given, (list, tuple)):
        pairs = list(enumerate(given))
    else:
        raise _fault("SNI_server_certs requires an array mapping host names to cert paths")
    if not pairs:
        raise _fault("SNI_server_certs host cert array must not be empty")
    return pairs


def _host(name: Any) -> bytes:
    if not isinstance(name, (str, bytes)) or _is_number(to_text(name)):
        raise _fault("SNI_server_certs array requires string host name keys")
    return to_text(name).partition("\0")[0].encode("utf-8", "surrogateescape")


def _is_number(key: str) -> bool:
    """Whether PHP takes the key for an integer."""
    digits = key.removeprefix("-")
    return digits.isascii() and digits.isdigit() and str(int(key)) == key


def _host_context(build: Build, value: Any) -> ssl.SSLContext:
    certificate, key = _host_files(value)
    ssl_context = new_context(client=False)
    ssl_context.set_ciphers(DEFAULT_CIPHERS)
    fault = tls_identity.load(ssl_context, certificate, key)
    if fault == tls_identity.Fault.CHAIN:
        raise _fault(
            f"Failed setting local cert chain file `{certificate}'; check that your cafile/capath settings "
            "include details of your certificate and its issuer"
        )
    if fault == tls_identity.Fault.KEY:
        raise _fault(f"Failed setting private key from file `{key}'")
    # OpenSSL before 3.5 verifies clients with what this one trusts.
    verify_peer(Build(ssl_context, build.values))
    return ssl_context


def _host_files(value: Any) -> tuple[str, str]:
    """The files of a certificate and its key."""
    if isinstance(value, (list, tuple)):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        return (
            _named(value, "local_cert", "local cert chain file `%s'; could not open file"),
            _named(value, "local_pk", "local private key file `%s';  could not open file"),
        )
    if not isinstance(value, (str, bytes, bytearray, os.PathLike)):
        raise _fault("SNI_server_certs options values must be of type array|string")
    both = _resolved(path(value), "SNI_server_certs", "local cert chain file `%s'; file not found")
    return both, both


def _named(value: dict[Any, Any], name: str, message: str) -> str:
    if name not in value:
        raise _fault(f"{name} not present in the array")
    return _resolved(path(value[name]), f"SNI_server_certs {name}", message)


def _resolved(name: str, option: str, message: str) -> str:
    resolved = tls_identity.real_path(name, option)
    if resolved is None:
        raise _fault("Failed setting " + message % name.partition("\0")[0])
    return resolved


def _fault(message: str) -> SetupFailed:
    """Says what is wrong; to be raised."""
    warn(message)
    return SetupFailed()


def files_read(given: Any) -> Iterator[str]:
    """All files that SNI_server_certs names, right or wrong."""
    values = given.values() if isinstance(given, dict) else ()
    for value in values:
        for name in value.values() if isinstance(value, dict) else (value,):
            if isinstance(name, (str, bytes, os.PathLike)):
                yield path(name)

"""From a context's ssl options to an SSLContext (= php_openssl_setup_crypto).

OPTIONS has a row for each option that PHP documents.  `read` gives a connection its values, by PHP's rules:
an option that is set to null is set, "0" is false, anything can be a string.

Building an SSLContext means parsing a CA bundle, which takes longer than the handshake: PHP pays that at
each connection.  Here SSLContexts are kept by the values they were built from and the stat of each file
that was read.  A connection whose SSLContext is changed while it shakes hands (allow_self_signed) gets one
of its own.

`ssl` is imported here, in tls_session.py and in tls_errors.py; `certifi` here alone.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from php_streams._core import ini
from php_streams._core.context import Context
from php_streams._core.diagnostics import warn
from php_streams._core.values import truth
from php_streams._transports.tls_values import NOT_GIVEN, bare_warning, integer, path, raw_value, text
from php_streams.constants import (
    OPENSSL_DEFAULT_STREAM_CIPHERS,
    STREAM_CRYPTO_PROTO_TLSv1_0,
    STREAM_CRYPTO_PROTO_TLSv1_1,
    STREAM_CRYPTO_PROTO_TLSv1_2,
    STREAM_CRYPTO_PROTO_TLSv1_3,
)

Values = dict[str, Any]
IS_CLIENT = 1

VERSIONS = {
    STREAM_CRYPTO_PROTO_TLSv1_0: ssl.TLSVersion.TLSv1,
    STREAM_CRYPTO_PROTO_TLSv1_1: ssl.TLSVersion.TLSv1_1,
    STREAM_CRYPTO_PROTO_TLSv1_2: ssl.TLSVersion.TLSv1_2,
    STREAM_CRYPTO_PROTO_TLSv1_3: ssl.TLSVersion.TLSv1_3,
}


class SetupFailed(Exception):
    """The options cannot be obeyed; PHP's warnings, where it has any, have been given."""


@dataclass
class Build:
    """An SSLContext in the making."""

    ssl_context: ssl.SSLContext
    values: Values
    reusable: bool = True


@dataclass(frozen=True)
class Option:
    """One ssl option: how its value is read, what holds without it, what it does to an SSLContext.

    apply is None for an option that belongs to another's row, or that is obeyed per connection.
    """

    name: str
    convert: Callable[[Any], Any]
    default: Any = None
    apply: Callable[[Build], None] | None = None


def read(context: Context | None, method: int) -> Values:
    """A connection's values of all options, and `method`: the crypto method that was asked for."""
    given = {} if context is None else context.options.get("ssl", {})
    values = {option.name: option.default for option in OPTIONS}
    for option in OPTIONS:
        if option.name in given:
            values[option.name] = option.convert(given[option.name])
    values["method"] = method
    return values


# --- what the options do -------------------------------------------------------------------------------


def _protocols(build: Build) -> None:
    """The method's lowest and highest version; PHP allows those between, too."""
    low, high = protocol_range(build.values)
    lowest = VERSIONS[low]
    if lowest is ssl.TLSVersion.TLSv1:
        lowest = ssl.TLSVersion.MINIMUM_SUPPORTED  # the same, SSL 3 is off; Python warns about TLSv1
    with warnings.catch_warnings():  # ... and about TLSv1_1, which the program asked for in so many words
        warnings.simplefilter("ignore", DeprecationWarning)
        build.ssl_context.minimum_version = lowest
        build.ssl_context.maximum_version = VERSIONS[high]


def protocol_range(values: Values) -> tuple[int, int]:
    """The STREAM_CRYPTO_PROTO_* bits of the lowest and highest version.

    PHP does this: no bit that it knows means TLS 1.3, also when the two limits leave nothing.
    """
    flags = values["method"] & ~IS_CLIENT
    newest = STREAM_CRYPTO_PROTO_TLSv1_3
    known = [version for version in VERSIONS if flags & version] or [newest]
    low = values["min_proto_version"] or known[0]
    high = values["max_proto_version"] or known[-1]
    allowed = [version for version in VERSIONS if low <= version <= high] or [newest]
    return allowed[0], allowed[-1]


def _no_ticket(build: Build) -> None:
    if build.values["no_ticket"]:
        build.ssl_context.options |= ssl.OP_NO_TICKET


def _verify_peer(build: Build) -> None:
    """Verification and the certificates to trust (= php_openssl_enable_peer_verification)."""
    context = build.ssl_context
    context.check_hostname = False  # PHP compares names itself, by its own rules: tls_verify
    if not build.values["verify_peer"]:
        context.verify_mode = ssl.CERT_NONE
        return
    context.verify_mode = ssl.CERT_REQUIRED
    cafile, capath = trusted(build.values)
    if cafile is None and capath is None:
        _default_locations(context)
        return
    try:
        context.load_verify_locations(cafile, capath)
    except (OSError, ValueError):
        if cafile is not None:
            _load_certificates(context, cafile)


def trusted(values: Values) -> tuple[str | None, str | None]:
    """cafile and capath: the context's, else the ini settings."""
    cafile, capath = values["cafile"], values["capath"]
    return (
        cafile if cafile is not None else ini.get("openssl.cafile") or None,
        capath if capath is not None else ini.get("openssl.capath") or None,
    )


def _default_locations(context: ssl.SSLContext) -> None:
    if own_locations():
        context.set_default_verify_paths()
    else:
        context.load_verify_locations(_certifi())


def own_locations() -> list[str]:
    """OpenSSL's default locations, as far as they hold anything."""
    paths = ssl.get_default_verify_paths()  # None for one that does not exist
    found = [] if paths.cafile is None else [paths.cafile]
    if paths.capath is not None:
        try:
            with os.scandir(paths.capath) as entries:
                found += [paths.capath] if any(entries) else []
        except OSError:
            pass
    return found


def _certifi() -> str:
    import certifi

    return certifi.where()


def _load_certificates(context: ssl.SSLContext, cafile: str) -> None:
    """A cafile that OpenSSL does not take: PHP opens it as a stream and picks the certificates out."""
    if not cafile:
        raise ValueError("Path must not be empty")
    scheme, separator, rest = cafile.partition("://")
    if cafile.startswith("data:") or (separator and scheme in ("http", "https", "ftp", "ftps")):
        bare_warning("remote cafile streams are disabled for security purposes")
        raise SetupFailed
    try:
        with open(
            rest if separator and scheme == "file" else cafile, encoding="latin-1", newline="\n"
        ) as file:
            loaded = sum(_added(context, block) for block in _pem_blocks(file.read()))
    except (OSError, ValueError):
        bare_warning(f"failed loading cafile stream: `{cafile}'")
        raise SetupFailed from None
    if not loaded:
        bare_warning(f"no valid certs found cafile stream: `{cafile}'")
        raise SetupFailed


def _pem_blocks(pem: str) -> list[str]:
    blocks: list[str] = []
    inside = False
    for line in pem.splitlines(keepends=True):
        if not inside and line in ("-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\r\n"):
            inside = True
            blocks.append("")
        if inside:
            blocks[-1] += line
            inside = line.rstrip("\r\n") != "-----END CERTIFICATE-----"
    return blocks


def _added(context: ssl.SSLContext, pem: str) -> bool:
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        return False
    return True


def _ciphers(build: Build) -> None:
    """The cipher list with the security level; a list without a cipher fails without a word."""
    ciphers = build.values["ciphers"]
    level = build.values["security_level"]
    ciphers = OPENSSL_DEFAULT_STREAM_CIPHERS if ciphers is None else ciphers.partition("\0")[0]
    try:
        build.ssl_context.set_ciphers(ciphers)
        if level is not None:
            build.ssl_context.set_ciphers(f"{ciphers}:@SECLEVEL={min(max(level, 0), 5)}")
    except (ssl.SSLError, ValueError):
        raise SetupFailed from None


def _alpn_protocols(build: Build) -> None:
    protocols = build.values["alpn_protocols"]
    if protocols is None:
        return
    names = protocols.partition("\0")[0].encode("utf-8", "surrogateescape").split(b",")
    if sum(map(len, names)) + len(names) > 65535 or any(len(name) > 255 for name in names):
        warn("Failed parsing comma-separated TLS ALPN protocol string")
        raise SetupFailed
    if all(names):  # OpenSSL takes no list with an empty name in it, and PHP does not look
        build.ssl_context.set_alpn_protocols([name.decode("utf-8", "surrogateescape") for name in names])


def _local_cert(build: Build) -> None:
    """The own certificate and key (= php_openssl_set_local_cert)."""
    values = build.values
    certificate, key = values["local_cert"], values["local_pk"]
    if certificate is None:
        return
    certificate = _checked(certificate, "local_cert", "certificate")
    key = certificate if key is None else _checked(key, "local_pk", "private key")
    if not _load_chain(build.ssl_context, certificate):
        warn(
            f"Unable to set local cert chain file `{values['local_cert']}'; Check that your cafile/capath "
            "settings include details of your certificate and its issuer"
        )
        raise SetupFailed
    try:
        # Without a passphrase OpenSSL would ask for one at the terminal.
        build.ssl_context.load_cert_chain(certificate, key, password=values["passphrase"] or "")
    except (OSError, ValueError) as error:
        if getattr(error, "reason", None) not in KEY_OF_ANOTHER_TYPE:
            warn(f"Unable to set private key file `{key}'")
            raise SetupFailed from None
        build.reusable = False  # so that the warning comes each time
        warn("Private key does not match certificate!")


# A key that cannot belong to the certificate is refused, except one of another type: PHP goes on with that.
KEY_OF_ANOTHER_TYPE = ("NO_CERTIFICATE_ASSIGNED", "NO_PRIVATE_KEY_ASSIGNED", "KEY_TYPE_MISMATCH")


def _checked(name: str, option: str, kind: str) -> str:
    """The file's real path."""
    if "\0" in name:
        warn(f"Path for {option} in ssl stream context option must not contain any null bytes")
        warn(f"Unable to get real path of {kind} file `{name.partition(chr(0))[0]}'")
        raise SetupFailed
    return os.path.realpath(name) if name else name


def _load_chain(context: ssl.SSLContext, certificate: str) -> bool:
    """Whether the file begins with a certificate: load_cert_chain does not say which file it disliked."""
    try:
        with open(certificate, "rb") as file:
            _, begin, rest = file.read().partition(b"-----BEGIN CERTIFICATE-----")
        body, end, _ = rest.partition(b"-----END CERTIFICATE-----")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            cadata=(begin + body + end).decode("ascii")
        )
    except (OSError, ValueError):
        return False
    return True


# In the order in which PHP obeys them.
OPTIONS = (
    Option("min_proto_version", integer, 0),
    Option("max_proto_version", integer, 0, _protocols),
    Option("no_ticket", truth, False, _no_ticket),
    # PHP sets OpenSSL's "no compression" unless this is false; OpenSSL has had it set by itself since 1.1.0.
    Option("disable_compression", truth, True),
    Option("cafile", path),
    Option("capath", path),
    Option("verify_peer", truth, True, _verify_peer),
    Option("passphrase", text),
    Option("ciphers", text),
    Option("security_level", integer, None, _ciphers),
    Option("alpn_protocols", text, None, _alpn_protocols),
    Option("local_pk", path),
    Option("local_cert", path, None, _local_cert),
    # Obeyed per connection, in tls.py and tls_verify.py.
    Option("SNI_enabled", truth, True),
    Option("peer_name", text),
    Option("verify_peer_name", truth, True),
    Option("peer_fingerprint", raw_value, NOT_GIVEN),
    Option("verify_depth", integer, 9),
    Option("allow_self_signed", truth, False),
    Option("capture_peer_cert", truth, False),
    Option("capture_peer_cert_chain", truth, False),
)
# The options that an SSLContext depends on.
BUILDING = tuple(option.name for option in OPTIONS[: [o.name for o in OPTIONS].index("SNI_enabled")])

# --- building and keeping ------------------------------------------------------------------------------

KEPT = 64
_kept: OrderedDict[Any, ssl.SSLContext] = OrderedDict()


def client_context(values: Values, own: bool = False) -> ssl.SSLContext:
    """An SSLContext for these values; one that nobody else has with own=True.

    Raises SetupFailed.
    """
    level = values["security_level"]
    if level is not None and not 0 <= level <= 5:
        warn("Security level must be between 0 and 5")
    key = _key(values)
    found = None if own else _kept.get(key)
    if found is not None:
        return found
    build = Build(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), values)
    # PHP takes a peer that just leaves for one that says goodbye, as OpenSSL 1.1 did.
    build.ssl_context.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    for option in OPTIONS:
        if option.apply is not None:
            option.apply(build)
    if build.reusable and not own:
        _kept[key] = build.ssl_context
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return build.ssl_context


def _key(values: Values) -> Any:
    cafile, capath = trusted(values)
    files = [cafile, capath, values["local_cert"], values["local_pk"]]
    if cafile is None and capath is None and values["verify_peer"]:
        files += own_locations() or [_certifi()]
    passphrase = hashlib.sha256((values["passphrase"] or "").encode("utf-8", "surrogateescape")).digest()
    options = tuple(values[name] for name in BUILDING if name != "passphrase")
    return (values["method"], options, passphrase, *((name, _stat(name)) for name in files if name))


def _stat(name: str) -> Any:
    try:
        status = os.stat(name)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

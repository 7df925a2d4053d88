"""From a context's ssl options to an SSLContext (= php_openssl_setup_crypto).

OPTIONS has a row for each option that PHP documents.  `read` gives a connection its values, by PHP's rules:
an option that is set to null is set, "0" is false, anything can be a string.

Building an SSLContext means parsing a CA bundle, which takes longer than the handshake: PHP pays that at
each connection.  Here SSLContexts are kept by the values they were built from and the stat of each file
that was read.  A connection whose SSLContext is changed while it shakes hands (allow_self_signed) gets one
of its own, and so does a server that captures chains, for a resumed session has none.

`ssl` is imported in modules called tls_* only, and those at the first use of TLS.
"""

from __future__ import annotations

import ssl
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from php_streams._core.context import Context
from php_streams._core.diagnostics import warn
from php_streams._core.values import truth
from php_streams._transports import tls_authorities, tls_server
from php_streams._transports.tls_build import (
    IS_CLIENT,
    Build,
    SetupFailed,
    Values,
    is_client,
    new_context,
    stat_of,
)
from php_streams._transports.tls_identity import local_cert
from php_streams._transports.tls_values import NOT_GIVEN, integer, path, raw_value, text
from php_streams.constants import (
    OPENSSL_DEFAULT_STREAM_CIPHERS,
    STREAM_CRYPTO_PROTO_TLSv1_0,
    STREAM_CRYPTO_PROTO_TLSv1_1,
    STREAM_CRYPTO_PROTO_TLSv1_2,
    STREAM_CRYPTO_PROTO_TLSv1_3,
)

VERSIONS = {
    STREAM_CRYPTO_PROTO_TLSv1_0: ssl.TLSVersion.TLSv1,
    STREAM_CRYPTO_PROTO_TLSv1_1: ssl.TLSVersion.TLSv1_1,
    STREAM_CRYPTO_PROTO_TLSv1_2: ssl.TLSVersion.TLSv1_2,
    STREAM_CRYPTO_PROTO_TLSv1_3: ssl.TLSVersion.TLSv1_3,
}


class Option(NamedTuple):
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
    values["method"] = method
    if not is_client(values):
        # A server asks for a certificate, and minds neither its absence nor its name.
        values["verify_peer"], values["verify_peer_name"] = None, False
        values["honor_cipher_order"] = context is not None  # PHP does this
    for option in OPTIONS:
        if option.name in given:
            values[option.name] = option.convert(given[option.name])
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


def _ciphers(build: Build) -> None:
    """The cipher list; one without a cipher fails without a word."""
    _set_ciphers(build, "")


def _security_level(build: Build) -> None:
    """Python's ssl knows it as a part of the cipher list only."""
    level = build.values["security_level"]
    if level is None:
        return
    if not 0 <= level <= 5:
        build.reusable = False  # so that the warning comes each time
        warn("Security level must be between 0 and 5")
    _set_ciphers(build, f":@SECLEVEL={min(max(level, 0), 5)}")


def _set_ciphers(build: Build, suffix: str) -> None:
    ciphers = build.values["ciphers"]
    ciphers = OPENSSL_DEFAULT_STREAM_CIPHERS if ciphers is None else ciphers.partition("\0")[0]
    try:
        build.ssl_context.set_ciphers(ciphers + suffix)
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
    if build.is_client and not all(names):
        warn("Failed setting TLS ALPN protocols, protocol names must not be empty")
        raise SetupFailed
    names = [name for name in names if name]  # a server's: no client's name is empty
    if names:
        build.ssl_context.set_alpn_protocols([name.decode("utf-8", "surrogateescape") for name in names])


# In the order in which PHP obeys them.
OPTIONS = (
    Option("min_proto_version", integer, 0),
    Option("max_proto_version", integer, 0, _protocols),
    Option("no_ticket", truth, False, _no_ticket),
    # PHP sets OpenSSL's "no compression" unless this is false; OpenSSL has had it set by itself since 1.1.0.
    Option("disable_compression", truth, True),
    Option("cafile", path),
    Option("capath", path),
    # None, a server's default: clients are asked for a certificate, and may have none.
    Option("verify_peer", truth, True, tls_authorities.verify_peer),
    Option("passphrase", text),
    Option("ciphers", text, None, _ciphers),
    Option("security_level", integer, None, _security_level),
    Option("alpn_protocols", text, None, _alpn_protocols),
    Option("local_pk", path),
    Option("local_cert", path, None, local_cert),
    # A server's.
    Option("rsa_key_size", raw_value, NOT_GIVEN, tls_server.rsa_key_size),
    Option("dh_param", path, None, tls_server.dh_param),
    Option("single_dh_use", truth, True, tls_server.single_dh_use),
    Option("honor_cipher_order", truth, True, tls_server.honor_cipher_order),
    Option("SNI_enabled", truth, True),
    Option("SNI_server_certs", raw_value, NOT_GIVEN, tls_server.sni_server_certs),
    Option("reneg_window", raw_value, NOT_GIVEN),
    Option("reneg_limit_callback", raw_value, NOT_GIVEN),
    Option("reneg_limit", raw_value, NOT_GIVEN, tls_server.reneg_limit),
    # Obeyed per connection, in tls.py and tls_verify.py.
    Option("verify_depth", integer, 9),
    Option("peer_name", text),
    Option("verify_peer_name", truth, True),
    Option("peer_fingerprint", raw_value, NOT_GIVEN),
    Option("allow_self_signed", truth, False),
    Option("capture_peer_cert", truth, False),
    Option("capture_peer_cert_chain", truth, False),
)
# The options that an SSLContext depends on; the depth, because a resumed session is not measured again.
BUILDING = tuple(option.name for option in OPTIONS[: [o.name for o in OPTIONS].index("peer_name")])

# --- building and keeping ------------------------------------------------------------------------------

KEPT = 64
_kept: OrderedDict[Any, ssl.SSLContext] = OrderedDict()


def ssl_context(values: Values, own: bool = False) -> ssl.SSLContext:
    """An SSLContext for these values; one that nobody else has with own=True.

    Raises SetupFailed.
    """
    key = _key(values)
    found = None if own else _kept.get(key)
    if found is not None:
        return found
    build = Build(new_context(is_client(values)), values)
    for option in OPTIONS:
        if option.apply is not None:
            option.apply(build)
    if build.reusable and not own:
        _kept[key] = build.ssl_context
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return build.ssl_context


def _key(values: Values) -> Any:
    """All that an SSLContext depends on, the passphrase as its digest only."""
    names = [*tls_authorities.files_read(values), *tls_server.files_read(values["SNI_server_certs"])]
    names += [name for name in (values["local_cert"], values["local_pk"], values["dh_param"]) if name]
    passphrase = values["passphrase"] and _digest(values["passphrase"])
    options = tuple(
        repr(values[name]) if name in NOT_HASHABLE else values[name]
        for name in BUILDING
        if name != "passphrase"
    )
    stats = tuple((name, stat_of(name)) for name in names)
    return values["method"], options, tls_authorities.trusted(values), passphrase, stats


def _digest(passphrase: str) -> bytes:
    """Tells passphrases apart without keeping them."""
    import hashlib  # 4 ms that few connections need

    return hashlib.sha256(passphrase.encode("utf-8", "surrogateescape")).digest()


NOT_HASHABLE = ("SNI_server_certs", "rsa_key_size", *tls_server.RENEGOTIATION)

"""Is the peer who it should be?  (= php_openssl_apply_peer_verification_policy)

The chain was verified by OpenSSL during the handshake.  What PHP checks afterwards, by rules of its own, is
here: fingerprints, and names with wildcards in their first label.  Nothing is sent before it is done.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from php_streams._core.certificate import DNS_NAME, IP_ADDRESS, OTHER_NAME, URI, OpenSSLCertificate
from php_streams._core.der import Value
from php_streams._core.signals import from_system
from php_streams._core.values import to_text
from php_streams._transports.tls_values import NOT_GIVEN


class Refused(Exception):
    """The peer is not accepted; `messages` are PHP's warnings, which may be none."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = messages


def check(peer: OpenSSLCertificate | None, values: Mapping[str, Any], url_name: str | None) -> None:
    """Raises Refused unless certificate and name satisfy the options.

    url_name: the host that was connected to; ssl.peer_name goes before it.
    """
    fingerprint_given = values["peer_fingerprint"] is not NOT_GIVEN
    if peer is None:
        if values["verify_peer"] or values["verify_peer_name"] or fingerprint_given:
            raise Refused("Could not get peer certificate")
        return
    if fingerprint_given:
        _check_fingerprint(peer, values["peer_fingerprint"])
    if values["verify_peer_name"]:
        _check_name(peer, url_name if values["peer_name"] is None else values["peer_name"])


# --- fingerprints --------------------------------------------------------------------------------------


def _check_fingerprint(peer: OpenSSLCertificate, expected: Any) -> None:
    if isinstance(expected, (str, bytes, bytearray)):
        wanted = to_text(expected)
        algorithm = {32: "md5", 40: "sha1"}.get(len(wanted.encode("utf-8", "surrogateescape")))
        if algorithm is None or not _same(peer.digest(algorithm), wanted):
            raise Refused("peer_fingerprint match failure")
    elif isinstance(expected, (dict, list, tuple)):
        pairs = list(expected.items()) if isinstance(expected, dict) else list(enumerate(expected))
        _check_fingerprints(peer, pairs)
    else:
        raise Refused("Expected peer fingerprint must be a string or an array")


def _check_fingerprints(peer: OpenSSLCertificate, pairs: list[tuple[Any, Any]]) -> None:
    for algorithm, wanted in pairs or [(None, None)]:
        if not isinstance(algorithm, (str, bytes)) or not isinstance(wanted, (str, bytes, bytearray)):
            raise Refused(
                "Invalid peer_fingerprint array; [algo => fingerprint] form required",
                "peer_fingerprint match failure",
            )
        digest = peer.digest(to_text(algorithm))
        if digest is None:
            raise Refused("Unknown digest algorithm", "peer_fingerprint match failure")
        if not _same(digest, to_text(wanted)):
            raise Refused("peer_fingerprint match failure")


def _same(digest: bytes | None, wanted: str) -> bool:
    """Whether the hexadecimal text, in any case, is the digest."""
    import hmac  # OpenSSL's digests come with it

    shown = "" if digest is None else digest.hex()
    return bool(shown) and hmac.compare_digest(
        shown.encode(), wanted.lower().encode("utf-8", "surrogateescape")
    )


# --- names ---------------------------------------------------------------------------------------------

UNREADABLE = Value(0, b"", b"")
SRV_NAME = bytes((6, 8, 0x2B, 6, 1, 5, 5, 7, 8, 7))  # 1.3.6.1.5.5.7.8.7, with which such an otherName begins


def _check_name(peer: OpenSSLCertificate, expected: str | None) -> None:
    if expected is None:
        raise Refused
    name = _bytes(expected.partition("\0")[0])
    try:
        entries = peer.alt_names
    except ValueError:
        entries = [UNREADABLE]  # the CN is no way round them
    if any(_matches_alt_name(entry, name) for entry in entries):
        return
    if any(_rules_out_common_name(entry) for entry in entries):
        raise Refused(f"Peer certificate subjectAltName did not match expected name `{to_text(name)}'")
    _check_common_name(peer.common_name, name)


def _rules_out_common_name(entry: Value) -> bool:
    """Whether the subject's CN counts for nothing beside this (RFC 6125, 6.4.4); beside addresses it does."""
    is_service = entry.tag == OTHER_NAME and entry.content.startswith(SRV_NAME)
    return is_service or entry.tag in (DNS_NAME, URI, UNREADABLE.tag)


def _check_common_name(common: bytes | None, name: bytes) -> None:
    if common is None:
        raise Refused("Unable to locate peer certificate CN")
    shown = to_text(common.partition(b"\0")[0])
    if b"\0" in common:
        raise Refused(f"Peer certificate CN=`{shown}' is malformed")
    if not matches(name, common):
        raise Refused(f"Peer certificate CN=`{shown}' did not match expected CN=`{to_text(name)}'")


def _matches_alt_name(entry: Value, name: bytes) -> bool:
    if entry.tag == DNS_NAME:
        # A NUL would end the name early for whoever reads it as a C string.  PHP compares the length of the
        # name in UTF-8 with that in the certificate, which refuses whatever is not ASCII, too.
        return (
            entry.content.isascii()
            and b"\0" not in entry.content
            and matches(name, entry.content.removesuffix(b"."))
        )
    if entry.tag == IP_ADDRESS and len(entry.content) == 4:
        return name == socket.inet_ntop(socket.AF_INET, entry.content).encode()
    if entry.tag == IP_ADDRESS and len(entry.content) == 16:
        try:
            return socket.inet_pton(socket.AF_INET6, to_text(name)) == entry.content
        except from_system(OSError, ValueError):
            return False
    return False


def matches(name: bytes, certified: bytes) -> bool:
    """Whether a name in a certificate stands for this host: equal in any case, or by a wildcard.

    The wildcard is in the first label and stands for any part of one label, also for none: PHP does this.
    """
    name, certified = name.lower(), certified.lower()
    if name == certified:
        return True
    before, star, after = certified.partition(b"*")
    if not star or b"." in before or not name.startswith(before) or len(after) > len(name):
        return False
    # Prefix and suffix must not overlap ("ab*bc" and "abc").
    return name.endswith(after) and len(before) + len(after) <= len(name) and _one_label(name, before, after)


def _one_label(name: bytes, before: bytes, after: bytes) -> bool:
    return b"." not in name[len(before) : len(name) - len(after)]


def _bytes(text_: str) -> bytes:
    return text_.encode("utf-8", "surrogateescape")

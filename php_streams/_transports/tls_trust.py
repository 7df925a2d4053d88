"""ssl.allow_self_signed: trust in the one certificate that the peer shows, for one connection.

PHP forgives OpenSSL a single error, "self-signed certificate" at depth 0, in a callback that Python does not
offer.  The same comes out when the certificate is put among the trusted ones just before OpenSSL verifies
it: a self-signed certificate verifies then, with its dates and purpose checked, and any other does not,
because a trusted certificate ends a chain only when it is its own issuer.

The moment is the arrival of the Certificate message, which SSLContext's message callback sees.  Python keeps
that callback for itself (`_msg_callback`, 3.8 to 3.14); without it self-signed certificates are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from php_streams._core.certificate import OpenSSLCertificate
from php_streams._core.diagnostics import warn

if TYPE_CHECKING:
    import ssl

CALLBACK = "_msg_callback"
# OpenSSL's SSL_OP_NO_RX_CERTIFICATE_COMPRESSION (3.2), which Python has no name for: the certificate is to be
# read in the message.  An older OpenSSL does not compress, and takes no notice of the bit.
NOT_COMPRESSED = 1 << 33
HANDSHAKE = 22  # the record's content type
CERTIFICATE = 11  # the handshake message
TLS_1_3 = 0x0304


def trust_self_signed(contexts: Sequence[ssl.SSLContext]) -> None:
    """Makes SSLContexts, which must serve one connection only, accept a self-signed peer.

    A server with a certificate per host name has several, of which OpenSSL takes one when it meets the
    client, and trusts what that one trusts, or the first.
    """
    if not hasattr(contexts[0], CALLBACK):
        warn("ssl.allow_self_signed needs SSLContext._msg_callback, which this Python lacks: not obeyed")
        return

    def watch(
        connection: Any, direction: str, version: int, content_type: int, message: int, data: bytes
    ) -> None:
        if direction == "read" and content_type == HANDSHAKE and message == CERTIFICATE:
            leaf = first_certificate(data, version >= TLS_1_3)
            if leaf is not None:
                for ssl_context in contexts:
                    ssl_context.load_verify_locations(cadata=leaf)

    for ssl_context in contexts:
        ssl_context.options |= NOT_COMPRESSED
        setattr(ssl_context, CALLBACK, watch)


def first_certificate(message: bytes, is_tls_1_3: bool) -> bytes | None:
    """The peer's own certificate of a Certificate message, if it names itself as issuer."""
    body = message[4:]  # after the handshake header: type and length
    if is_tls_1_3:
        body = body[1 + body[0] :] if body else b""  # certificate_request_context
    size = int.from_bytes(body[3:6], "big")  # after the list's length
    encoded = body[6 : 6 + size]
    try:
        return encoded if OpenSSLCertificate.of(encoded).is_self_issued else None
    except ValueError:
        return None

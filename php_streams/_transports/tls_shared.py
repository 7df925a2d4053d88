"""The TLS socket of a stream as Python's own, and Python's as a stream's (shared.py, adopt.py).

OpenSSL's object reads and writes through the Python socket that it was made for.  So that one stays the
raw's, in either direction: what is given out is a second SSLSocket around the same OpenSSL object, and an
SSLSocket that becomes a stream is taken as it is.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any, cast

from php_streams._core.context import Context
from php_streams._core.raw import REFILLED
from php_streams._core.stream import Stream
from php_streams._transports import tls, tls_context
from php_streams._transports.protocols import own
from php_streams._transports.shared import Shared, Unshareable
from php_streams._transports.socket import SocketRaw
from php_streams._transports.tls_session import TlsSession, TlsSocket
from php_streams.constants import STREAM_CRYPTO_METHOD_TLS_CLIENT, STREAM_CRYPTO_METHOD_TLS_SERVER


class SharedTlsSocket(Shared, ssl.SSLSocket):
    """An SSLSocket that is a stream's, too."""

    def read(self, size: int = 1024, buffer: Any = None, /) -> Any:
        """As SSLSocket.read (and so recv and recv_into), the stream's unread bytes first."""
        data = self.ahead(size if buffer is None or size else len(buffer))
        if not data:
            return super().read(size, buffer)
        if buffer is None:
            return data
        memoryview(buffer).cast("B")[: len(data)] = data
        return len(data)

    def shutdown(self, how: int, /) -> None:
        """Shuts the connection below; SSLSocket's own would drop TLS and go on in plaintext."""
        self.below.shutdown(how)

    def unwrap(self) -> socket.socket:
        """Refused: what is left would be the stream's, and plain."""
        raise ValueError("TLS is the stream's, too: end it with stream_socket_enable_crypto(fp, False)")

    def detach(self) -> int:
        """Refused: the descriptor is of no use without its TLS."""
        raise ValueError("a TLS connection cannot be taken out of its socket")


def share(stream: Stream, raw: SocketRaw) -> SharedTlsSocket:
    """See shared.share."""
    if not isinstance(raw.crypto, TlsSession):
        raise Unshareable("its TLS handshake is not finished")
    below = raw.crypto.sock
    family, kind, protocol = below.family, below.type, below.proto
    face: Any = SharedTlsSocket.__new__(SharedTlsSocket)
    socket.socket.__init__(face, family, kind, protocol, fileno=below.fileno())
    face.__dict__.update(below.__dict__)  # an SSLSocket keeps its TLS there
    face.suppress_ragged_eofs = True  # Python's default: a cut is an end to recv
    face.share(stream, raw)
    return cast(SharedTlsSocket, face)


def adopt(sock: ssl.SSLSocket, raw: SocketRaw, context: Context | None) -> None:
    """Has a raw go on with the TLS that stands on `sock`."""
    sock.__class__ = TlsSocket
    raw.sock = sock
    own(sock)
    method = STREAM_CRYPTO_METHOD_TLS_SERVER if sock.server_side else STREAM_CRYPTO_METHOD_TLS_CLIENT
    handshake = tls.Handshake(raw, context, tls_context.read(context, method))
    handshake.ssl_context = sock.context
    handshake.sock = sock  # type: ignore[assignment]
    raw.handshake = handshake
    raw.crypto = TlsSession(raw, sock)  # type: ignore[arg-type]
    REFILLED.add(raw)  # it may hold decrypted bytes already

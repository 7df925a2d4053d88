"""TLS on a socket (= ext/openssl/xp_ssl.c).

A stream is set up once: the first `enable` builds a Handshake from the context's ssl options and runs it, as
the client or the server that the crypto method names.
On success an SSLSocket takes the plain socket's place in the raw and a TlsSession answers for it; after a
failure the plain socket is back, as PHP leaves it, and what was set up is spent.  On a non-blocking stream
the handshake goes step by step; in between the socket is hidden (Unfinished), so that no payload can slip
out in plaintext.

PHP's own checks (chain depth, fingerprint, name) follow directly on the handshake, before any payload.

The options are read in tls_context.py, certificates judged in tls_verify.py; this module imports no `ssl`.
"""

from __future__ import annotations

import errno
import os
import select
import socket
from typing import TYPE_CHECKING, Any, Literal, cast

from php_streams._core.certificate import OpenSSLCertificate
from php_streams._core.context import Context
from php_streams._core.diagnostics import warn
from php_streams._core.signals import from_system, is_handlers
from php_streams._transports import tls_context, tls_errors, tls_server, tls_verify
from php_streams._transports.protocols import own
from php_streams._transports.socket import NATIVE
from php_streams._transports.tls_build import IS_CLIENT, SetupFailed, Values, is_client
from php_streams._transports.tls_session import TlsSession, TlsSocket, is_wait, put_back
from php_streams._transports.tls_trust import trust_self_signed
from php_streams._transports.tls_unfinished import HiddenSocket, Unfinished
from php_streams._transports.tls_values import integer, server_name
from php_streams.constants import (
    STREAM_CRYPTO_METHOD_TLS_CLIENT,
    STREAM_CRYPTO_METHOD_TLSv1_0_CLIENT,
    STREAM_CRYPTO_METHOD_TLSv1_1_CLIENT,
    STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT,
    STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT,
)

if TYPE_CHECKING:
    from php_streams._transports.socket import SocketRaw

# What a server takes from session_stream: OpenSSL copies the certificate, and what it keeps with it.
IDENTITY = ("local_cert", "local_pk", "passphrase", "dh_param", "security_level")
# What a transport's name says of the protocol; ssl and tls leave it to ssl.crypto_method.
METHODS = {
    "tlsv1.0": STREAM_CRYPTO_METHOD_TLSv1_0_CLIENT,
    "tlsv1.1": STREAM_CRYPTO_METHOD_TLSv1_1_CLIENT,
    "tlsv1.2": STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT,
    "tlsv1.3": STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT,
}


def connect(raw: SocketRaw, context: Context | None, scheme: str, wait: bool) -> bool | int:
    """TLS from the start, for the transports ssl, tls and tlsv1.x; `raw` is connected, or connecting.

    The handshake is waited for with wait=False, too: PHP does this.  After False the caller closes.
    """
    done = enable(raw, context, True, crypto_method(context, scheme), None)
    return done or warn("Failed to enable crypto")


def accept(raw: SocketRaw, context: Context | None, method: int) -> bool:
    """The server's part of it: `raw` was accepted from a server of these transports.

    The handshake may take as long as the stream may wait for data: PHP gives a client the server stream's
    timeout (stream_set_timeout, default_socket_timeout), not that of the accept.  After False the caller
    closes.
    """
    done = enable(raw, context, True, method & ~IS_CLIENT, None)
    return bool(done) or warn("Failed to enable crypto")


def crypto_method(context: Context | None, scheme: str) -> int:
    """The crypto method of the transports ssl, tls and tlsv1.x, as a client's."""
    method = METHODS.get(scheme)
    if method is not None:
        return method
    chosen = None if context is None else context.option("ssl", "crypto_method", NOT_CHOSEN)
    if context is None or chosen is NOT_CHOSEN:
        return STREAM_CRYPTO_METHOD_TLS_CLIENT
    return integer(chosen) | IS_CLIENT


NOT_CHOSEN: Any = object()


def enable(
    raw: SocketRaw, context: Context | None, activate: bool, method: Any, session_raw: Any
) -> bool | int:
    """What stream_socket_enable_crypto does on a tcp stream.

    True, False after PHP's warnings, or 0: a non-blocking handshake that has to be called again.
    Switching off gives False, as in PHP.
    """
    if not activate:
        if isinstance(raw.crypto, TlsSession):
            raw.crypto.switch_off()
            raw.handshake.over = True
        return False
    handshake: Handshake | None = raw.handshake
    if handshake is None:
        values = tls_context.read(context, integer(method))
        handshake = Handshake(raw, context, values)
        try:
            handshake.set_up(session_raw)
        except SetupFailed as failed:
            raw.handshake = handshake if failed.spent else None
            return False
        raw.handshake = handshake
    elif raw.blocking or handshake.over:
        return warn("SSL/TLS already set-up for this stream")
    return not isinstance(raw.crypto, TlsSession) and handshake.run()


class Handshake:
    """What a stream is set up with (= PHP's ssl_handle): made once, runs until it stands or fails."""

    def __init__(self, raw: SocketRaw, context: Context | None, values: Values) -> None:
        self.raw = raw
        self.context = context
        self.values = values
        self.is_client = is_client(values)
        self.ssl_context: Any = None
        self.session: Any = None
        self.sock: TlsSocket | None = None
        self.spent = True  # it failed, or cannot begin
        self.over = False  # it stood, and was switched off
        self.causes: tuple[str, ...] = ()  # what a further call on a non-blocking stream says

    def set_up(self, session_raw: Any) -> None:
        """Builds what the options ask for (= php_openssl_setup_crypto); raises SetupFailed."""
        self._build()
        if session_raw is not None:
            self._take_session(session_raw)
        if self.values["verify_peer"] is not False and self.values["allow_self_signed"]:
            trust_self_signed(tls_server.contexts_of(self.ssl_context))
        self.spent = False

    def _build(self) -> None:
        # A session that is resumed brings no chain, so a server that has to show chains resumes none; nor one
        # that gives no tickets: OpenSSL would remember sessions in the SSLContext then.
        own = self.values["allow_self_signed"] or (
            not self.is_client and (self.values["capture_peer_cert_chain"] or self.values["no_ticket"])
        )
        self.ssl_context = tls_context.ssl_context(self.values, own=own)

    def _take_session(self, other: Any) -> None:
        """What session_stream gives: a client's session, when it has one; a server's certificate."""
        if not hasattr(other, "handshake"):
            warn("Supplied session stream must be an SSL enabled stream")
            return
        donor: Handshake | None = other.handshake
        if donor is None:
            if other is not self.raw:
                warn("Supplied SSL session stream is not initialized")
        elif donor.is_client != self.is_client:
            warn("session_stream is on the other side of TLS: nothing is taken over")
        elif not self.is_client:
            self.values.update({name: donor.values[name] for name in IDENTITY})
            self._build()
        elif donor.ssl_context is not self.ssl_context:
            warn("session_stream has other ssl options: its session cannot be resumed, a new one begins")
        elif donor.sock is not None:
            self.session = donor.sock.session

    def run(self) -> bool | int:
        """One attempt: all of the handshake on a blocking stream, what can be done now on another."""
        if self.spent:
            return self._failed(*self.causes)
        try:
            self._shake()
        except BaseException as error:
            if not isinstance(error, OSError) or is_handlers(error):
                self._give_up()
                raise
            if not is_wait(error):
                self.causes = tls_errors.repeated(error)
                return self._failed(tls_errors.read_message(error))
            return self._to_be_continued()
        try:
            self._check_depth()
            peer = self._peer()
            self._capture(peer)
            tls_verify.check(peer, self.values, url_name(self.raw) if self.is_client else None)
        except tls_verify.Refused as refused:
            self.causes = refused.messages
            return self._failed(*refused.messages)
        return self._stands()

    def _shake(self) -> None:
        raw = self.raw
        timeout = raw.connect_timeout if self.is_client else raw.timeout
        limit = (timeout or None) if raw.blocking else 0
        if self.sock is None:
            if raw.blocking:
                _wait_until_connected(raw.sock, limit)
            self.ssl_context.sslsocket_class = TlsSocket
            self.sock = cast(TlsSocket, self._wrapped(raw.sock))
            raw.sock = self.sock
            own(self.sock)
        self.sock.settimeout(limit)
        self.sock.do_handshake()

    def _wrapped(self, sock: socket.socket) -> Any:
        name = server_name(self.values, url_name(self.raw)) if self.is_client else None
        if isinstance(name, bytes) and not NATIVE:
            name = name.decode("ascii")  # gevent has it so
        return self.ssl_context.wrap_socket(
            sock,
            server_side=not self.is_client,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
            server_hostname=name,
            session=self.session,
        )

    def _to_be_continued(self) -> int:
        """Between two steps of the handshake: the socket can be waited for, and nothing else.

        So, too, after a timeout: calling again goes on when the stream has been made non-blocking.
        """
        if self.sock is not None:
            self.raw.sock = cast(socket.socket, HiddenSocket(self.sock))
            self.raw.crypto = Unfinished(self.raw, self.sock)
        self.raw.rebind()
        return warn("SSL: Handshake timed out") if self.raw.blocking else 0

    def _stands(self) -> bool:
        assert self.sock is not None
        self.raw.sock = self.sock
        self.raw.crypto = TlsSession(self.raw, self.sock)
        self.raw.eof = False  # a read between the steps may have seen the end that follows on them
        self.raw.rebind()
        return True

    def _failed(self, *messages: str | None) -> Literal[False]:
        """Puts the plain socket back, then warns: a handler that raises finds a whole stream."""
        self._give_up()
        for message in messages:
            if message is not None:
                warn(message)
        return False

    def _give_up(self) -> None:
        self.spent = True
        if self.sock is not None:
            put_back(self.raw, self.sock)
            self.sock = None

    def _peer(self) -> OpenSSLCertificate | None:
        assert self.sock is not None
        encoded = self.sock.getpeercert(binary_form=True)
        return None if encoded is None else _certificate(encoded)

    def _check_depth(self) -> None:
        """ssl.verify_depth: OpenSSL's verification would have failed there.

        A resumed session has no chain; its certificates were checked when it began.
        """
        assert self.sock is not None
        if self.values["verify_peer"] is False:
            return
        depth = self.sock.verified_depth()
        allowed = self.values["verify_depth"]
        if 0 <= allowed < depth:  # PHP compares unsigned: a negative depth allows any
            raise tls_verify.Refused(tls_errors.verify_failed())

    def _capture(self, peer: OpenSSLCertificate | None) -> None:
        """Leaves the peer's certificates in the context's options, also those that are refused next."""
        if peer is None or self.context is None or self.sock is None:
            return
        if self.values["capture_peer_cert"]:
            self.context.options["ssl"]["peer_certificate"] = peer
        if self.values["capture_peer_cert_chain"]:
            chain = self.sock.sent_chain()
            self.context.options["ssl"]["peer_certificate_chain"] = (
                [_certificate(encoded) for encoded in chain] if chain else None
            )


def url_name(raw: SocketRaw) -> str | None:
    """The host of the connection as PHP's checks of names know it: no trailing dots, no IPv6 address."""
    name = raw.url_name
    return None if name is None or ":" in name else name.rstrip(".") or None


def _wait_until_connected(sock: socket.socket, limit: float | None) -> None:
    """Waits for a connection that is on its way (STREAM_CLIENT_ASYNC_CONNECT)."""
    try:
        sock.getpeername()
        return
    except from_system(OSError) as error:
        # A socket that listens will never be connected; PHP tries for as long as it may.
        if error.errno != errno.ENOTCONN or sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    if not poll.poll(None if limit is None else limit * 1000):
        raise TimeoutError
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _certificate(encoded: bytes) -> OpenSSLCertificate:
    try:
        return OpenSSLCertificate.of(encoded)
    except ValueError:
        raise tls_verify.Refused("Could not get peer certificate") from None

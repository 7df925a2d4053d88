"""TLS on a socket, the client's side (= ext/openssl/xp_ssl.c).

A stream is set up once: the first `enable` builds a Handshake from the context's ssl options and runs it.
On success an SSLSocket takes the plain socket's place in the raw and a TlsSession answers for it; after a
failure the plain socket is back, as PHP leaves it, and what was set up is spent.  On a non-blocking stream
the handshake goes step by step; in between the socket is hidden (Unfinished), so that no payload can slip
out in plaintext.

PHP's own checks (chain depth, fingerprint, name) follow directly on the handshake, before any payload.

`ssl` is imported here and in tls_context.py.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
from typing import TYPE_CHECKING, Any, Callable, Literal, cast

from php_streams._core.certificate import OpenSSLCertificate
from php_streams._core.context import Context
from php_streams._core.diagnostics import warn
from php_streams._transports import tls_context, tls_errors, tls_verify
from php_streams._transports.tls_context import IS_CLIENT, SetupFailed, Values
from php_streams._transports.tls_trust import trust_self_signed
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

# What a transport's name says of the protocol; ssl and tls leave it to ssl.crypto_method.
METHODS = {
    "tlsv1.0": STREAM_CRYPTO_METHOD_TLSv1_0_CLIENT,
    "tlsv1.1": STREAM_CRYPTO_METHOD_TLSv1_1_CLIENT,
    "tlsv1.2": STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT,
    "tlsv1.3": STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT,
}
# A TLS record's payload: PHP writes one record at a time, so a write that has to wait has taken whole ones.
RECORD = 16384


def connect(raw: SocketRaw, context: Context | None, scheme: str, wait: bool) -> bool | int:
    """TLS from the start, for the transports ssl, tls and tlsv1.x; `raw` is connected, or connecting.

    The handshake is waited for with wait=False, too: PHP does this.  After False the caller closes.
    """
    method = METHODS.get(scheme)
    if method is None:
        chosen = None if context is None else context.option("ssl", "crypto_method", NOT_CHOSEN)
        method = STREAM_CRYPTO_METHOD_TLS_CLIENT
        if context is not None and chosen is not NOT_CHOSEN:
            method = integer(chosen) | IS_CLIENT
    done = enable(raw, context, True, method, None)
    return done or warn("Failed to enable crypto")


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
        return False
    handshake = raw.handshake
    if handshake is None:
        try:
            handshake = _set_up(raw, context, integer(method), session_raw)
        except SetupFailed:
            return False
        raw.handshake = handshake
    elif raw.blocking:
        return warn("SSL/TLS already set-up for this stream")
    return handshake.run()


def _set_up(raw: SocketRaw, context: Context | None, method: int, session_raw: Any) -> Handshake:
    """Reads the options and builds what they ask for (= php_openssl_setup_crypto)."""
    if not method & IS_CLIENT:
        warn(f"crypto method {method} is a server's, and TLS servers are not supported yet")
        raise SetupFailed
    values = tls_context.read(context, method)
    handshake = Handshake(raw, context, values)
    if session_raw is not None:
        handshake.take_session(session_raw)
    return handshake


class Handshake:
    """What a stream is set up with (= PHP's ssl_handle): made once, runs until it stands or fails."""

    def __init__(self, raw: SocketRaw, context: Context | None, values: Values) -> None:
        self.raw = raw
        self.context = context
        self.values = values
        self.ssl_context = tls_context.client_context(values, own=values["allow_self_signed"])
        if values["verify_peer"] and values["allow_self_signed"]:
            trust_self_signed(self.ssl_context)
        self.session: ssl.SSLSession | None = None
        self.sock: TlsSocket | None = None
        self.spent = False

    def take_session(self, other: Any) -> None:
        """Resumes the session of another stream, when it has one (session_stream)."""
        if not hasattr(other, "handshake"):
            warn("Supplied session stream must be an SSL enabled stream")
            return
        donor = other.handshake
        if donor is None:
            if other is not self.raw:
                warn("Supplied SSL session stream is not initialized")
        elif donor.ssl_context is not self.ssl_context:
            warn("session_stream has other ssl options: its session cannot be resumed, a new one begins")
        elif donor.sock is not None:
            self.session = donor.sock.session

    def run(self) -> bool | int:
        """One attempt: all of the handshake on a blocking stream, what can be done now on another."""
        if self.spent:
            return False
        try:
            self._shake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self._hide()
            return 0
        except TimeoutError:
            # PHP leaves the stream non-blocking, and goes on with the handshake when called again.
            self.raw.blocking = False
            self._hide()
            return warn("SSL: Handshake timed out")
        except OSError as error:
            return self._failed(tls_errors.read_message(error))
        except BaseException:
            self._give_up()
            raise
        try:
            self._check_depth()
            self._capture()
            tls_verify.check(self._peer(), self.values, url_name(self.raw))
        except tls_verify.Refused as refused:
            return self._failed(*refused.messages)
        return self._stands()

    def _shake(self) -> None:
        raw = self.raw
        limit = (raw.connect_timeout or None) if raw.blocking else 0
        if self.sock is None:
            if raw.blocking:
                _wait_until_connected(raw.sock, limit)
            self.ssl_context.sslsocket_class = TlsSocket
            self.sock = cast(
                TlsSocket,
                self.ssl_context.wrap_socket(
                    raw.sock,
                    do_handshake_on_connect=False,
                    server_hostname=server_name(self.values, url_name(raw)),
                    session=self.session,
                ),
            )
            raw.sock = self.sock
        self.sock.settimeout(limit)
        self.sock.do_handshake()

    def _hide(self) -> None:
        """Between two steps of the handshake: the socket can be waited for, and nothing else."""
        assert self.sock is not None
        self.raw.sock = cast(socket.socket, HiddenSocket(self.sock))
        self.raw.crypto = Unfinished()
        self.raw.rebind()

    def _stands(self) -> bool:
        assert self.sock is not None
        self.raw.sock = self.sock
        self.raw.crypto = TlsSession(self.raw, self.sock)
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
            self.sock.say_goodbye()
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
        if not self.values["verify_peer"]:
            return
        chain = self.sock.chain("get_verified_chain") or []
        allowed = self.values["verify_depth"]
        if 0 <= allowed < len(chain) - 1:  # PHP compares unsigned: a negative depth allows any
            raise tls_verify.Refused(tls_errors.verify_failed())

    def _capture(self) -> None:
        """Leaves the peer's certificates in the context's options, also those that are refused next."""
        peer = self._peer()
        if peer is None or self.context is None or self.sock is None:
            return
        if self.values["capture_peer_cert"]:
            self.context.options["ssl"]["peer_certificate"] = peer
        if self.values["capture_peer_cert_chain"]:
            chain = self.sock.chain("get_unverified_chain")
            self.context.options["ssl"]["peer_certificate_chain"] = (
                [_certificate(encoded) for encoded in chain] if chain else None
            )


class TlsSocket(ssl.SSLSocket):
    """An SSLSocket that sends record by record, and can look at what comes next."""

    peeked = b""

    def send(self, data: Any, flags: int = 0) -> int:
        """Sends at most one record's worth; returns how much."""
        return super().send(data if len(data) <= RECORD else memoryview(data)[:RECORD], flags)

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:  # type: ignore[override]
        """Receives what there is, with what `may_go_on` read ahead."""
        if not self.peeked:
            return super().recv_into(buffer)
        view = memoryview(buffer).cast("B")
        view[:1], self.peeked = self.peeked, b""
        return 1 + (super().recv_into(view[1:]) if len(view) > 1 and self.pending() else 0)

    def may_go_on(self) -> bool:
        """Whether the peer may still send, as far as can be seen without waiting (SSL_peek's answer)."""
        if self.peeked or self.pending():
            return True
        poll = select.poll()
        poll.register(self, select.POLLIN)
        if not poll.poll(0):
            return True
        timeout = self.gettimeout()
        self.settimeout(0)
        try:
            self.peeked = self.read(1)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        except OSError:
            return False
        finally:
            self.settimeout(timeout)
        return bool(self.peeked)

    def say_goodbye(self) -> None:
        """Sends TLS's close_notify, once and without waiting for the peer's, as PHP does."""
        try:
            self.settimeout(0)
            self.unwrap()
        except (OSError, ValueError):
            pass

    def chain(self, which: str) -> list[bytes] | None:
        """get_verified_chain or get_unverified_chain in DER; public from Python 3.13 on."""
        found: Callable[[], Any] | None = getattr(self, which, None)
        if found is not None:
            return cast("list[bytes]", found())
        # 3.11 and 3.12 have the methods on the object below.
        certificates = getattr(self._sslobj, which)()  # type: ignore[attr-defined]
        if certificates is None:
            return None
        return [ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in certificates]


class TlsSession:
    """TLS that stands: what SocketRaw asks while it is on."""

    def __init__(self, raw: SocketRaw, sock: TlsSocket) -> None:
        self.raw = raw
        self.sock = sock

    def read_failed(self, error: OSError) -> int | None:
        """What readinto returns: None for "nothing now", 0 (and eof) when the stream has ended."""
        if is_wait(error):
            self.raw.timed_out = self.raw.blocking or self.raw.timed_out
            return None
        self.raw.eof = True
        message = tls_errors.read_message(error)
        if message is not None:
            warn(message)
        return 0

    def write_failed(self, error: OSError, size: int) -> int | Literal[False]:
        """What write returns: False on a timeout, else 0 bytes, after PHP's warning."""
        if is_wait(error):
            if not self.raw.blocking:
                return 0
            self.raw.timed_out = True
            return False
        message = tls_errors.write_message(error)
        if message is not None:
            warn(message)
        return 0

    def pending(self) -> int:
        """Bytes that are decrypted and not read yet."""
        return len(self.sock.peeked) + self.sock.pending()

    def alive(self) -> bool:
        """Whether the peer may still send."""
        return self.sock.may_go_on()

    def meta(self) -> dict[str, Any]:
        """The `crypto` entry of stream_get_meta_data."""
        name, version, bits = self.sock.cipher() or ("(NONE)", "(NONE)", 0)
        data: dict[str, Any] = {
            "protocol": self.sock.version() or "UNKNOWN",
            "cipher_name": name,
            "cipher_bits": bits,
            "cipher_version": version,
        }
        protocol = self.sock.selected_alpn_protocol()
        if protocol is not None:
            data["alpn_protocol"] = protocol
        return data

    def close(self) -> None:
        """Says goodbye, before the raw closes the socket."""
        self.sock.say_goodbye()

    def switch_off(self) -> None:
        """Says goodbye and puts the plain socket back."""
        self.sock.say_goodbye()
        put_back(self.raw, self.sock)


class Unfinished:
    """Between the steps of a non-blocking handshake: nothing is read, and payload is refused.

    PHP would send it in plaintext into the middle of the handshake.
    """

    def read_failed(self, error: OSError) -> None:
        """Nothing now."""

    def write_failed(self, error: OSError, size: int) -> Literal[False]:
        """Refuses."""
        return warn(f"{size} bytes are not sent: the TLS handshake is not finished, call it again")

    def pending(self) -> int:
        """None."""
        return 0

    def alive(self) -> bool:
        """The next step of the handshake will tell."""
        return True

    def meta(self) -> dict[str, Any]:
        """Nothing to tell yet."""
        return {}

    def close(self) -> None:
        """There is nothing to say goodbye to."""


class HiddenSocket:
    """A socket without its reading and writing methods, which say "not now"."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv_into(self, *arguments: Any) -> int:
        """Not now."""
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    recv = recvfrom = send = sendall = sendto = read = write = recv_into


def put_back(raw: SocketRaw, sock: ssl.SSLSocket) -> None:
    """Makes the raw plain again: the same connection, without TLS."""
    raw.crypto = None
    raw.sock = socket.socket(sock.family, sock.type, sock.proto, fileno=sock.detach())
    raw.rebind()


def url_name(raw: SocketRaw) -> str | None:
    """The host of the connection as PHP's checks of names know it: no trailing dots, no IPv6 address."""
    name = raw.url_name
    return None if name is None or ":" in name else name.rstrip(".") or None


def is_wait(error: OSError) -> bool:
    """Whether the error says: not now."""
    return isinstance(error, (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError))


def _wait_until_connected(sock: socket.socket, limit: float | None) -> None:
    """Waits for a connection that is on its way (STREAM_CLIENT_ASYNC_CONNECT)."""
    try:
        sock.getpeername()
        return
    except OSError as error:
        if error.errno != errno.ENOTCONN:
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

"""TLS that stands on a socket: reading, writing, looking ahead, the end (= php_openssl_sockop_*).

TlsSocket is what SocketRaw reads from and writes to; TlsSession is what it asks when that fails.  While a
handshake is under way others stand in for the two (tls_unfinished.py).

The peer's certificates are here, too, as Python's SSLSocket has them.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any, Literal

from php_streams._core.diagnostics import warn
from php_streams._core.raw import Descriptor
from php_streams._core.signals import from_system, is_handlers
from php_streams._transports import tls_errors
from php_streams._transports.protocols import own
from php_streams._transports.socket import NATIVE, Socket

if TYPE_CHECKING:
    from php_streams._transports.socket import SocketRaw

# A TLS record's payload: PHP writes one record at a time, so a write that has to wait has taken whole ones.
RECORD = 16384
UNREAD = b"\xa5"  # what no byte was read into
MAIN = threading.main_thread().ident
# The first byte of Linux's TCP_INFO, the connection's state, when there is none any more.
TCP_CLOSE = b"\x07"
NOT_NOW = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


class TlsSocket(ssl.SSLSocket):
    """An SSLSocket that sends record by record, and can look at what comes next."""

    peeked = b""
    broken = False  # OpenSSL has found an error of TLS itself, and does nothing more
    stuck = False  # with bytes decrypted, which PHP takes for no end
    ended = False  # the peer's end was seen, or an alert
    lost = False  # the socket has given its error, which it does once
    fault = 0  # the number of the error by which the connection was lost, when it is known

    owned = False

    def __del__(self) -> None:
        Socket.__del__(self)  # type: ignore[arg-type]  # its raw closes it, as soon as it has one

    def send(self, data: Any, flags: int = 0) -> int:
        """Sends at most one record's worth; returns how much."""
        # SSLSocket's own send and recv_into come to the same, after two more calls.
        record = data if len(data) <= RECORD else memoryview(data)[:RECORD]
        # The write takes the socket's error away, and Python often does not tell its number.
        self.fault = self.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or self.fault
        try:
            return self._sslobj.write(record)  # type: ignore[attr-defined, no-any-return]
        except NOT_NOW:
            if NATIVE:
                raise
            return self.write(record)  # gevent waits there

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        """Receives what there is, with what `may_go_on` read ahead."""
        if not self.peeked:
            try:
                return self._sslobj.read(len(buffer), buffer) or self._end()  # type: ignore[attr-defined]
            except NOT_NOW:
                if NATIVE:
                    raise
                return self.read(len(buffer), buffer) or self._end()  # type: ignore[return-value]  # gevent waits
        ahead, self.peeked = self.peeked[: len(buffer)], self.peeked[len(buffer) :]
        memoryview(buffer).cast("B")[: len(ahead)] = ahead
        return len(ahead)

    def add_to(self, came: list[bytes], size: int) -> None:
        """The same, see Raw.add_to."""
        if self.peeked:
            ahead, rest = self.peeked[:size], self.peeked[size:]
            came += (ahead,)
            self.peeked = rest
        elif not NATIVE:
            came += (self.read(size),)  # gevent waits there
        elif threading.get_ident() != MAIN:  # signals' handlers run in the main thread only
            came += map(self._sslobj.read, (size,))  # type: ignore[attr-defined]
            self.ended = self.ended or not came[-1]
        else:
            self._add_interruptibly(came, size)

    def _add_interruptibly(self, came: list[bytes], size: int) -> None:
        """OpenSSL may have read when Python's read() calls a signal's handler, and then drops what came.

        So one byte is read, which makes OpenSSL decrypt a record, and then as much as there is left of it:
        what was read is known even if read() raises.
        """
        tls = self._sslobj  # type: ignore[attr-defined]
        first, rest, left = bytearray(UNREAD), bytearray(), 0
        try:
            if not tls.read(1, first):
                came += (b"",)
                self.ended = True
                return
            left = tls.pending()
            if left and size > 1:
                rest = bytearray(min(left, size - 1))
                tls.read(len(rest), rest)
            came += (bytes(first) + rest,)
        except BaseException as error:
            pending = 0 if isinstance(error, OSError) and not is_handlers(error) else tls.pending()
            if left or pending or first != UNREAD:
                came += (bytes(first) + (rest if pending != left else b""),)
            raise

    def look_ahead(self, size: int) -> bytes:
        """What would be received next; it stays."""
        if not self.peeked:
            came: list[bytes] = []
            try:
                self.add_to(came, RECORD)
            finally:
                self.peeked = b"".join(came)
            self.ended = not self.peeked
        return self.peeked[:size]

    def _end(self) -> int:
        self.ended = True
        return 0

    def note(self, error: OSError) -> bool:
        """Keeps in mind what an error means for the calls that follow; whether TLS had failed before."""
        if not isinstance(error, ssl.SSLError):
            self.lost = True
            return self.broken
        if self.broken:
            return True
        if not tls_errors.is_end(error):
            self.stuck = bool(self.peeked or self.pending())
            self.broken, self.peeked = True, b""  # OpenSSL gives nothing away any more
            self.ended = self.ended or tls_errors.is_alert(error)
        return False

    def shutdown(self, how: int) -> None:
        """Shuts the connection below, as PHP does; SSLSocket's own would drop TLS and go on in plaintext."""
        socket.socket.shutdown(self, how)

    def may_go_on(self) -> bool:
        """Whether the peer may still send, as far as can be seen without waiting (SSL_peek's answer)."""
        if not self.broken and (self.peeked or self.pending()):
            return True
        poll = select.poll()
        poll.register(self, select.POLLIN)
        if not poll.poll(0):
            return True
        timeout = self.gettimeout()
        self.settimeout(0)
        try:
            return bool(self.look_ahead(1))
        except NOT_NOW:
            return True
        except from_system(OSError) as error:
            self.ended = self.ended or (not self.note(error) and tls_errors.is_end(error))
            return False
        finally:
            self.settimeout(timeout)

    def plain_may_go_on(self) -> bool:
        """The same below TLS, where a handshake is under way: records are neither read nor decrypted."""
        poll = select.poll()
        poll.register(self, select.POLLIN)
        if not poll.poll(0):
            return True
        try:
            return socket.socket.recv(self, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except from_system(BlockingIOError):
            return True
        except from_system(OSError):
            return False

    def say_goodbye(self) -> None:
        """Sends TLS's close_notify, without waiting for the peer's.

        Python then reads once, too: only for a socket that is closed next.
        """
        try:
            self.settimeout(0)
            self.unwrap()
        except from_system(OSError, ValueError):
            pass

    def goodbye(self) -> bytes:
        """TLS's close_notify as it has to be sent, made without reading anything.

        What the peer sends next is plaintext, and Python would take its first bytes for a TLS record.  So for
        that moment the descriptor that OpenSSL writes to and reads from is one end of an empty pair.
        """
        try:
            near, far = socket.socketpair()
        except from_system(OSError):  # too many open files
            return self._goodbye_at_once()
        with near, far:
            near.setblocking(False)
            far.setblocking(False)
            try:
                real = Descriptor(os.dup, self.fileno())
            except from_system(OSError):
                return self._goodbye_at_once()
            try:
                os.dup2(near.fileno(), self.fileno(), inheritable=False)
                self.say_goodbye()
            finally:
                os.dup2(real.fd, self.fileno(), inheritable=False)
                real.close()
            try:
                return far.recv(RECORD)
            except from_system(OSError):
                return b""

    def _goodbye_at_once(self) -> bytes:
        """Sends it where no descriptor is free to catch it: Python may read the peer's, or what is no TLS."""
        self.say_goodbye()
        return b""

    def is_reset(self) -> bool:
        """Whether the connection is gone, and not just ended by the peer."""
        if not hasattr(socket, "TCP_INFO"):
            return False
        return self.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == TCP_CLOSE

    def getpeername(self) -> Any:
        """The peer's address.

        While an SSLSocket is being made it looks here to see if it is connected.  A connection that was reset
        counts as one: the handshake has to fail on it, and an SSLSocket that fails earlier loses the socket.
        """
        return "" if self._sslobj is None else super().getpeername()  # type: ignore[attr-defined]

    def verified_depth(self) -> int:
        """How many certificates stand above the peer's in the chain that was verified; -1 without a chain."""
        return len(self._chain("get_verified_chain")) - 1

    def sent_chain(self) -> list[bytes]:
        """The certificates that the peer sent, in DER: a server's begin with its own, a client's do not."""
        certificates = self._chain("get_unverified_chain")[self.server_side :]
        return [
            certificate
            if isinstance(certificate, bytes)
            else ssl.PEM_cert_to_DER_cert(certificate.public_bytes())
            for certificate in certificates
        ]

    def _chain(self, which: str) -> list[Any]:
        """Public from Python 3.13 on, and then in DER; 3.11 and 3.12 have it on the object below."""
        method = getattr(self, which, None) or getattr(self._sslobj, which)  # type: ignore[attr-defined]
        return method() or []


class TlsSession:
    """TLS that stands: what SocketRaw asks while it is on."""

    def __init__(self, raw: SocketRaw, sock: TlsSocket) -> None:
        self.raw = raw
        self.sock = sock
        # Read now: after an error OpenSSL forgets the version.
        self.facts = _facts(sock)
        # PHP forgets a timeout of a TLS stream when stream_set_timeout is called, not at the next read.
        self.timed_out = False

    def read_failed(self, error: OSError) -> int | None:
        """What readinto returns: None for "nothing now", 0 (and eof) when the stream has ended."""
        if is_wait(error):
            self.raw.failed = self.raw.blocking
            if self.raw.blocking:
                self.timed_out = self.raw.timed_out = True
            return None
        if self.sock.note(error):
            message = self._said_before()
        elif isinstance(error, ssl.SSLEOFError) and self.sock.is_reset() and not self.sock.lost:
            message = tls_errors.read_message(self._lost(errno.ECONNRESET))
        else:
            self.sock.ended = self.sock.ended or tls_errors.is_end(error)
            message = tls_errors.read_message(error)
        self.raw.eof = not self.sock.stuck
        self.raw.failed = False
        if message is not None:
            warn(message)
        return 0

    def write_failed(self, error: OSError, size: int) -> int | Literal[False]:
        """What write returns: False on a timeout, else 0 bytes, after PHP's warning."""
        if is_wait(error):
            if not self.raw.blocking:
                return 0
            self.timed_out = self.raw.timed_out = True
            return False
        without_reason = tls_errors.is_end(error) or not isinstance(error, ssl.SSLError)
        if self.sock.note(error) and without_reason:
            message = self._said_before()
        elif without_reason:
            message = tls_errors.write_message(self._cause(error))
        else:
            message = tls_errors.write_message(error)
        if message is not None:
            warn(message)
        return 0

    def _cause(self, error: OSError) -> OSError:
        """The socket's own error, of which Python often makes an end without a number."""
        code, self.sock.fault = self.sock.fault, 0
        if code:
            return self._lost(code)
        return error_of(errno.EPIPE) if isinstance(error, ssl.SSLError) else error

    def _said_before(self) -> str | None:
        """What PHP says of a connection on which TLS has failed before: OpenSSL has no reason any more."""
        return None if self.sock.ended else tls_errors.NO_REASON

    def _lost(self, code: int) -> OSError:
        """The socket's own error, which it gives once."""
        self.sock.lost = True
        return error_of(code)

    def pending(self) -> int:
        """Bytes that are decrypted and not read yet."""
        return len(self.sock.peeked) + self.sock.pending()

    def alive(self) -> bool:
        """Whether the peer may still send."""
        return self.sock.may_go_on()

    def meta(self) -> dict[str, Any]:
        """The `crypto` entry of stream_get_meta_data."""
        return dict(self.facts)

    def close(self) -> None:
        """Says goodbye, before the raw closes the socket."""
        self.sock.say_goodbye()

    def switch_off(self) -> None:
        """Says goodbye and puts the plain socket back."""
        self.raw.timed_out = self.raw.timed_out or self.timed_out
        put_back(self.raw, self.sock)


def _facts(sock: TlsSocket) -> dict[str, Any]:
    name, version, bits = sock.cipher() or ("(NONE)", "(NONE)", 0)
    facts: dict[str, Any] = {
        "protocol": sock.version() or "UNKNOWN",
        "cipher_name": name,
        "cipher_bits": bits,
        "cipher_version": version,
    }
    protocol = sock.selected_alpn_protocol()
    return facts if protocol is None else {**facts, "alpn_protocol": protocol}


def put_back(raw: SocketRaw, sock: TlsSocket) -> None:
    """Says goodbye and makes the raw plain again: the same connection, without TLS."""
    goodbye = sock.goodbye()
    raw.crypto = None
    raw.sock = Socket(sock.family, sock.type, sock.proto, fileno=sock.detach())
    own(raw.sock)
    raw.sock.setblocking(False)
    try:
        raw.sock.send(goodbye)
    except from_system(OSError):
        pass  # the peer has gone, or does not take any more
    raw.rebind()


def error_of(code: int) -> OSError:
    """The system's error of this number."""
    return OSError(code, os.strerror(code))


def is_wait(error: OSError) -> bool:
    """Whether the error says: not now."""
    return isinstance(error, (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError))

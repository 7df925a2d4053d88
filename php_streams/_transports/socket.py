"""Sockets: tcp, udp, unix and udg streams (= main/streams/xp_socket.c and main/network.c).

A blocking plain socket keeps the kernel's own timeout (SO_RCVTIMEO) instead of a poll before each read:
half the system calls of settimeout.  TLS puts an SSLSocket in `sock` and itself in `crypto`; it
needs settimeout, because CPython retries a blocking TLS read for ever; so does a socket that is shared with
Python code (shared.py), and one of gevent's.  `rebind` is the one place that chooses.

PHP's write-write-read (a mailer's dialogue) meets Nagle's algorithm and the peer's delayed ACK: 40 ms a
message.  So a read that follows two or more writes first pushes what the kernel may hold back, by switching
TCP_NODELAY on and off again.
"""

from __future__ import annotations

import _socket
import errno
import os
import select
import socket
import sys
from collections.abc import Callable
from typing import Any, Literal

from php_streams._core.diagnostics import notice, warn
from php_streams._core.raw import HELD_BACK, REFILLED, Raw, later
from php_streams._core.signals import from_system, is_handlers
from php_streams._transports import datagram
from php_streams._transports.address import text_of
from php_streams._transports.protocols import Crypto, Face, own
from php_streams._transports.protocols import Socket as Socket
from php_streams._transports.timeouts import NOT_NOW, code_of, kernel_timeout, within_limits

LABELS = {"tcp": "tcp_socket/ssl", "udp": "udp_socket", "unix": "unix_socket", "udg": "udg_socket"}
PAIR = "generic_socket"  # the label of both ends of a pair
# A longer write is worth counting step by step; a plain socket never blocks in one of them.
LARGE = 65536
# gevent's sockets look like Python's and are none: they never block, and wait in its event loop.
NATIVE = issubclass(socket.socket, _socket.socket)


def _refuse(data: Any, flags: int) -> int:
    """What stands in for a socket's send."""
    raise OSError("TLS was asked for and failed, and they would go out in plaintext")


class SocketRaw(Raw):
    """A socket as a Raw."""

    local = False
    reads_far = True
    takes = True
    tls_required = False  # TLS was asked for: when that fails nothing is sent in plaintext instead
    # A datagram socket that was shut for reading: poll finds it ready for ever, which ends every wait, and a
    # receive that does not wait (PHP's, after its poll) finds nothing, and no end.
    deaf = False
    timed_out_before = False  # what timed_out was when the stream was set to not block
    crypto: Crypto | None = None
    handshake: Any = None  # what tls.py set up, once: it stays after a failure, and when TLS is off

    def __init__(self, sock: socket.socket, label: str, timeout: float | None) -> None:
        self.sock = sock
        self.face: Callable[[], Face | None] = _nobody
        own(sock)
        super().__init__()
        self.family = sock.family  # a property there, made anew each time
        self.label = label
        self.timeout = within_limits(timeout)
        self.url_name: str | None = None
        self.connect_timeout: float | None = None
        self.unpushed = 0
        self.pushes = self.encrypts = label == LABELS["tcp"]
        self.datagrams = sock.type != socket.SOCK_STREAM
        self.rebind()

    def rebind(self) -> None:
        """Chooses how to receive and send, for the socket, mode and timeout there are now."""
        sock = self.sock
        face = self.face()
        self.kernel_waits = NATIVE and self.crypto is None and face is None
        if not self.kernel_waits and self.crypto is None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, kernel_timeout(None))
        if not self.blocking:
            sock.settimeout(0)
        elif self.crypto is not None:
            sock.settimeout(self.timeout if self.timeout is None else max(self.timeout, 0.000001))
        elif self.kernel_waits:
            sock.settimeout(None)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, kernel_timeout(self.timeout))
        else:
            sock.settimeout(self.timeout)
        at_once = self.timeout == 0 or (self.deaf and self.timeout is not None)
        self.recv: Callable[[int, int], bytes] = sock.recv
        self.recv_flags = (socket.MSG_DONTWAIT if at_once and self.kernel_waits else 0,)
        refuses = self.tls_required and self.crypto is None
        self.send: Callable[[Any, int], int] = _refuse if refuses else sock.send
        self.send_flags = socket.MSG_DONTWAIT if self.kernel_waits else 0  # ssl takes no flags
        if face is not None and (refuses or not face.follow(sock)):
            face.drop()
            self.let_go()

    def let_go(self) -> None:
        """Nobody shares the socket any more."""
        self.face = _nobody
        self.rebind()

    # --- reading -----------------------------------------------------------------------------------

    def add_to(self, came: list[bytes], size: int) -> bytes:
        """Receives what there is; see Raw for what it promises."""
        if self.unpushed:
            self.push()
        if self.raised is not None:
            return b""  # it has to be heard before anything is waited for
        if self.crypto is not None:
            return self._add_decrypted(came, size)
        try:
            came += map(self.recv, (size,), self.recv_flags)
        except BaseException:  # not named: with a name a frame and its exception may keep each other
            return self._not_received(sys.exception())
        self.timed_out = self.failed = False
        data = came[-1]
        if data:
            self.total += len(data)
        else:
            self.eof = True
        return data

    def _add_decrypted(self, came: list[bytes], size: int) -> bytes:
        fresh: list[bytes] = []
        try:
            self.sock.add_to(fresh, size)  # type: ignore[attr-defined]  # tls_session's
        except BaseException:
            self._not_received(sys.exception())
        came += fresh  # it may have read when a signal's handler raised
        if not fresh:
            return b""
        self.timed_out = self.failed = False
        data = came[-1]
        self.total += len(data)
        if data:
            REFILLED.add(self)  # more may be decrypted already
        else:
            self.eof = True
        return data

    def _not_received(self, error: Any) -> bytes:
        """Why no byte came, or what a signal's handler raised; b""."""
        if isinstance(error, OSError) and not is_handlers(error):
            self._nothing(error)
        else:
            self.raised = later(error)
        return b""

    def readinto(self, buffer: Any) -> int | None:
        """The same, for a reader that brings its own room."""
        data = self.take(len(buffer))
        if not data:
            return 0 if self.eof else None
        memoryview(buffer).cast("B")[: len(data)] = data
        self.total -= len(data)
        return self.count(len(data))

    def _nothing(self, error: OSError) -> int | None:
        """Why no byte came: None for not now, 0 for never again."""
        try:
            if self.crypto is not None:
                return self.crypto.read_failed(error)
        except BaseException as raised:  # an error handler's
            self.raised = later(raised)
            return None
        if code_of(error) in NOT_NOW:
            # Since PHP 8.3 a timeout of 0 does not wait, and what does not wait does not time out.
            self.timed_out = self.failed = self.blocking and self.timeout != 0 and not self.deaf
            return None
        self.timed_out = False
        self.eof = self.failed = True
        return 0

    def _at_once(self, receive: Callable[[], Any]) -> Any:
        """Runs a read that must not wait; running out of data is no timeout."""
        was_blocking, timed_out = self.blocking, self.timed_out
        self.blocking = False
        bound = self.recv, self.recv_flags
        if self.kernel_waits:
            self.recv, self.recv_flags = self.sock.recv, (socket.MSG_DONTWAIT,)
        else:
            self.sock.settimeout(0)
        try:
            return receive()
        finally:
            self.blocking, self.timed_out = was_blocking, timed_out
            if self.kernel_waits:
                self.recv, self.recv_flags = bound
            else:
                self.rebind()

    def read_without_waiting(self, size: int, came: list[bytes] | None = None) -> bytes:
        """One read of what has already arrived."""
        data: bytes = self._at_once(lambda: self.add_to([] if came is None else came, size))
        return data

    def at_end(self) -> bool:
        """A look at the socket: the peer's end, or an error, ends the stream (streams.c, feof)."""
        if not self.eof and self.crypto is None:
            self.eof = not (self._alive() if self.kernel_waits else self._at_once(self._alive))
        elif not self.eof:
            self.eof = not self.crypto.alive()  # type: ignore[union-attr]
            REFILLED.add(self)  # to look decrypts: the kernel may have nothing left for stream_select to see
        return self.eof

    def _alive(self) -> bool:
        try:
            return self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except from_system(OSError) as error:
            return error.errno in NOT_NOW or error.errno == errno.EMSGSIZE

    # --- writing -----------------------------------------------------------------------------------

    def write(self, data: Any) -> int | Literal[False]:
        """Sends all of it, as far as the timeout lets; the bytes sent, or False after a notice."""
        self.unpushed += 1
        if self.unpushed == 2 and self.pushes:
            HELD_BACK.add(self)
        if len(data) > LARGE:
            return self._send_rest(memoryview(data), 0)
        try:
            sent = self.send(data, self.send_flags)
        except from_system(OSError) as error:
            if not self._has_room(error):
                return self._unsent(error, len(data))
            sent = 0
        self.written += sent
        return sent if sent == len(data) else self._send_rest(memoryview(data), sent)

    def _send_rest(self, data: memoryview, sent: int) -> int | Literal[False]:
        """write behind the first bytes; what went is counted also where a signal cuts the call short."""
        while sent < len(data):
            try:
                for step in map(self.send, (data[sent:],), (self.send_flags,)):
                    self.written += step; sent += step  # fmt: skip  # noqa: E702
            except from_system(OSError) as error:
                if self._has_room(error):
                    continue
                result = self._unsent(error, len(data) - sent)
                return sent or result
        return sent

    def _has_room(self, error: OSError) -> bool:
        """Whether a plain socket whose send said "not now" took less than the timeout to have room again."""
        if self.crypto is not None or not self.blocking or error.errno not in NOT_NOW:
            return False
        poll = select.poll()
        poll.register(self.sock, select.POLLOUT)
        return bool(poll.poll(None if self.timeout is None else self.timeout * 1000))

    def _unsent(self, error: OSError, size: int) -> int | Literal[False]:
        if self.crypto is not None:
            return self.crypto.write_failed(error, size)
        code = code_of(error)
        if code is None:
            return warn(f"{size} bytes are not sent: {error} (php_streams.failed_tls)")
        if code in NOT_NOW:
            if not self.blocking:
                return 0
            self.timed_out = True
        return notice(f"Send of {size} bytes failed with errno={code} {os.strerror(code)}")

    def push(self) -> None:
        """Lets the kernel send what Nagle's algorithm holds back, before waiting for the answer."""
        if self.unpushed > 1 and self.pushes:
            HELD_BACK.discard(self)
            self.pushes = self._push()
        self.unpushed = 0

    def _push(self) -> bool:
        """push; False where it is no use: for one, the program has switched TCP_NODELAY on itself."""
        try:
            if self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY):
                return False
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        except from_system(OSError):
            return False
        return True

    # --- state -------------------------------------------------------------------------------------

    def set_blocking(self, enable: bool) -> bool:
        """stream_set_blocking."""
        # What does not wait does not time out, nor does it take back that an earlier read did.
        if self.blocking and not enable:
            self.timed_out_before = self.timed_out
        elif enable and not self.blocking:
            self.timed_out = self.timed_out_before
        self.blocking = enable
        self.rebind()
        return True

    def set_timeout(self, seconds: float | None) -> bool:
        """stream_set_timeout; None waits for ever."""
        self.timeout = within_limits(seconds)
        self.timed_out = self.timed_out_before = False
        if self.crypto is not None:
            self.crypto.timed_out = False
        self.rebind()
        return True

    def meta(self) -> dict[str, Any]:
        """The socket's part of stream_get_meta_data."""
        crypto = None if self.crypto is None else self.crypto.meta()
        data: dict[str, Any] = {"crypto": crypto} if crypto else {}
        timed_out = self.timed_out if self.blocking else self.timed_out_before
        timed_out = timed_out or (self.crypto is not None and self.crypto.timed_out)
        return {**data, "timed_out": timed_out, "blocked": self.blocking, "eof": self.eof}

    def enable_crypto(self, context: Any, enable: bool, method: int | None, session: Any) -> bool | int:
        """Turns TLS on or off on the connection."""
        if not self.encrypts:
            return super().enable_crypto(context, enable, method, session)
        from php_streams._transports import tls

        return tls.enable(self, context, enable, method, session)

    def require_tls(self, required: bool) -> None:
        """From now on nothing is sent without TLS, or again as it comes."""
        self.tls_required = required and self.encrypts
        self.rebind()

    def socket_name(self, remote: bool) -> str | Literal[False]:
        """The local or remote address as text."""
        try:
            address = self.sock.getpeername() if remote else self.sock.getsockname()
        except from_system(OSError):
            return False
        name = text_of(self.family, address)
        return name if name and name[0] != "\0" else False  # PHP hides what begins with a NUL

    def shutdown(self, how: int) -> bool:
        """Shuts one direction, or both."""
        try:
            self.sock.shutdown(how)
        except from_system(OSError):
            return False
        if self.datagrams and how != socket.SHUT_WR:
            self.deaf = True
            self.rebind()
        return True

    def receive_from(self, size: int, flags: int) -> tuple[bytes | Literal[False], str | None]:
        """One recvfrom(2), past the buffer."""
        return datagram.receive(self, size, flags)

    def send_to(self, data: bytes, flags: int, target: datagram.Destination | None) -> int:
        """One send(2), or sendto(2) to a target."""
        return datagram.send(self, data, flags, target)

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self.sock.fileno()

    def stat(self) -> os.stat_result:
        """fstat(2): what a socket's number in the file system is."""
        return os.fstat(self.fileno())

    def select_descriptor(self) -> int | None:
        """The socket's descriptor."""
        return self.sock.fileno()

    def pending(self) -> int:
        """What TLS has decrypted already."""
        return self.crypto.pending() if self.crypto is not None else 0

    def close(self) -> None:
        """Closes the socket, after TLS's goodbye."""
        if self.closed:
            return
        try:
            if self.crypto is not None:
                self.crypto.close()
        finally:
            face = self.face()
            if face is not None:
                face.drop()
            self.sock.close()
            super().close()


def _nobody() -> None:
    """The face of a stream that has none."""

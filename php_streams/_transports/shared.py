"""The socket of a stream as Python's own: what to_socket gives.

A stream and its shared socket are one connection with two faces, as are PHP's stream and what
socket_import_stream makes of it: the socket keeps the stream, closing one closes the other, and what one of
them sets (timeout, blocking mode) is set for both.  Bytes that the stream has received and not handed out
come first when the socket is read.

Two socket objects with one descriptor: the raw owns it, the shared one never closes it itself.  While there
is one, the raw waits as Python does, by the timeout of the socket object, so that the descriptor is in the
state that Python code expects.
"""

from __future__ import annotations

import socket
import weakref
from typing import TYPE_CHECKING, Any

from php_streams._core.signals import from_system
from php_streams._core.stream import Stream
from php_streams._transports.socket import SocketRaw
from php_streams._transports.timeouts import kernel_timeout

# A mixin before socket.socket and ssl.SSLSocket; type checkers are told what it finds there.
if TYPE_CHECKING:
    _Base = socket.socket
else:
    _Base = object


class Unshareable(ValueError):
    """The stream's socket cannot be given out; the text says why."""


class Shared(_Base):
    """What plain and TLS sockets have in common, before socket.socket in the order of bases."""

    stream: Stream
    below: socket.socket

    def share(self, stream: Stream, raw: SocketRaw) -> None:
        """Becomes the face of that stream."""
        self.stream = stream
        self.below = raw.sock
        if raw.unpushed:
            raw.push()
        raw.face = weakref.ref(self)
        raw.rebind()

    def follow(self, sock: socket.socket) -> bool:
        """See Face."""
        if sock is self.below:
            super().settimeout(sock.gettimeout())
        return sock is self.below

    def drop(self) -> None:
        """See Face."""
        super().detach()

    def settimeout(self, value: float | None, /) -> None:
        """Sets the timeout of both: 0 makes the stream non-blocking, anything else blocking."""
        super().settimeout(value)  # it refuses what is no time
        if self.stream.is_open and self.fileno() >= 0:
            raw = self._raw()
            if value == 0:
                raw.set_blocking(False)
            else:
                raw.set_timeout(value)
                raw.set_blocking(True)

    def _raw(self) -> SocketRaw:
        return self.stream.raw  # type: ignore[return-value]

    def setblocking(self, flag: bool, /) -> None:
        """Blocking for ever, or non-blocking, for both."""
        self.settimeout(None if flag else 0.0)

    def _real_close(self, *arguments: Any, **named: Any) -> None:
        """close(), once files made of the socket are closed, too."""
        if self.fileno() >= 0:
            self.stream.close()
        super()._real_close(*arguments, **named)  # type: ignore[misc]

    def ahead(self, size: int, flags: int = 0) -> bytes:
        """Bytes that the stream has received already; b"" when there are none."""
        stream = self.stream
        if not stream.is_open or self.fileno() < 0:
            return b""
        raw = stream.raw
        if raw.unpushed:
            raw.push()
        unread = stream.unread() or raw.pending()
        if not unread or size <= 0 or flags & socket.MSG_OOB:
            return b""
        return stream.peek(size) if flags & socket.MSG_PEEK else stream.read(min(size, unread)) or b""

    def __del__(self) -> None:
        # The descriptor is the stream's; it may wait in the kernel again.
        try:
            if self.fileno() >= 0:
                self._raw().let_go()
        except from_system(Exception):
            pass


class SharedSocket(Shared, socket.socket):
    """A plain socket that is a stream's, too."""

    def __init__(self, stream: Stream, raw: SocketRaw) -> None:
        below = raw.sock
        super().__init__(below.family, below.type, below.proto, fileno=below.fileno())
        self.share(stream, raw)

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As socket.recv, the stream's unread bytes first."""
        return self.ahead(bufsize, flags) or super().recv(bufsize, flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """As socket.recv_into, the stream's unread bytes first."""
        return self._fill(buffer, nbytes, flags) or super().recv_into(buffer, nbytes, flags)

    def recvfrom(self, bufsize: int, flags: int = 0, /) -> tuple[bytes, Any]:
        """As socket.recvfrom, the stream's unread bytes first."""
        data = self.ahead(bufsize, flags)
        return (data, self._peer()) if data else super().recvfrom(bufsize, flags)

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        """As socket.recvfrom_into, the stream's unread bytes first."""
        size = self._fill(buffer, nbytes, flags)
        return (size, self._peer()) if size else super().recvfrom_into(buffer, nbytes, flags)

    def recvmsg(self, bufsize: int, ancbufsize: int = 0, flags: int = 0, /) -> Any:
        """As socket.recvmsg, the stream's unread bytes first."""
        data = self.ahead(bufsize, flags)
        return (data, [], 0, self._peer()) if data else super().recvmsg(bufsize, ancbufsize, flags)

    def recvmsg_into(self, buffers: Any, ancbufsize: int = 0, flags: int = 0, /) -> Any:
        """As socket.recvmsg_into, the stream's unread bytes first."""
        every = list(buffers)
        size = self._fill(every[0], 0, flags) if every else 0
        return (size, [], 0, self._peer()) if size else super().recvmsg_into(every, ancbufsize, flags)

    def _fill(self, buffer: Any, nbytes: int, flags: int) -> int:
        room = memoryview(buffer).cast("B")
        data = self.ahead(nbytes or len(room), flags)
        room[: len(data)] = data
        return len(data)

    def _peer(self) -> Any:
        """Who sent what was buffered, as the system would have said it: nobody, on a stream of bytes."""
        try:
            return self.getpeername() if self.stream.raw.datagrams else None
        except from_system(OSError):
            return None

    def accept(self) -> tuple[socket.socket, Any]:
        """As socket.accept; refused where the stream would begin TLS with the client."""
        if getattr(self.stream.raw, "crypto_method", None) is not None:
            raise ValueError("a client of this server has to speak TLS: accept it with stream_socket_accept")
        sock, address = super().accept()
        # One that had come before the socket was shared has the timeout that the kernel knew for the server.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, kernel_timeout(None))
        return sock, address

    def getsockopt(self, level: int, optname: int, /, *buflen: int) -> Any:
        """As socket.getsockopt; see detach."""
        if (level, optname) == (socket.SOL_SOCKET, socket.SO_TYPE):
            self._nothing_unread()
        return super().getsockopt(level, optname, *buflen)

    def detach(self) -> int:
        """The descriptor, which is the caller's now; it ends the stream.

        Refused while the stream has unread bytes.  ssl's wrap_socket detaches when it has made a socket of
        the descriptor already, which then closes it; but it asks for the socket's type before that.
        """
        if self.fileno() >= 0:
            self._nothing_unread()
            self.below.detach()
            descriptor = super().detach()
            self.stream.close()
            return descriptor
        return super().detach()

    def _nothing_unread(self) -> None:
        unread = self.stream.unread() if self.stream.is_open else 0
        if unread:
            raise ValueError(
                f"{unread} bytes were received already and would be lost: recv or fread them first"
            )


def share(stream: Stream) -> socket.socket:
    """The socket of a stream; Unshareable when it has none that could be given out."""
    raw = stream.raw
    if not isinstance(raw, SocketRaw):
        raise Unshareable(f"a stream of type {raw.label} has no socket")
    face = raw.face()
    if isinstance(face, socket.socket):
        return face
    if raw.crypto is None:
        if raw.tls_required:
            raise Unshareable("TLS was asked for and failed: what is sent would go out in plaintext")
        return SharedSocket(stream, raw)
    from php_streams._transports import tls_shared

    return tls_shared.share(stream, raw)

"""stream_socket_recvfrom and stream_socket_sendto: one system call on the socket, past the stream's buffer.

In PHP both are recvfrom(2) and sendto(2) and nothing else (xp_socket.c): they know neither what is buffered
nor the stream's position, end or timeout.  The timeout of a plain socket is the kernel's here (SO_RCVTIMEO),
so a receive that has to wait takes it off meanwhile.

Under TLS PHP's calls go past it too: what is received are records, which are then missing, and what is sent
is plaintext.  Here what is received is decrypted, and nothing is sent.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any, Literal

from php_streams._core.diagnostics import warn
from php_streams._core.raw import HELD_BACK, REFILLED
from php_streams._core.signals import from_system
from php_streams._transports.address import split_target, text_of
from php_streams._transports.timeouts import code_of, kernel_timeout
from php_streams.constants import STREAM_OOB, STREAM_PEEK

if TYPE_CHECKING:
    from php_streams._transports.socket import SocketRaw

Received = tuple[bytes | Literal[False], str | None]
Destination = tuple[socket.AddressFamily, Any]

NOTHING: Received = (False, None)
# However much is asked for; the kernel has no longer message.
LONGEST = 1 << 26
RECORD = 16384  # and TLS no longer record
NUMERIC: tuple[tuple[socket.AddressFamily, tuple[int, ...]], ...] = (
    (socket.AF_INET, ()),
    (socket.AF_INET6, (0, 0)),
)


def receive(raw: SocketRaw, size: int, flags: int) -> Received:
    """What the socket has, and who sent it: "" when the peer has no name or the socket is connected.

    (False, None) when nothing is there for now, or on an error: PHP says nothing about either.
    """
    if raw.unpushed:
        raw.push()
    if raw.crypto is not None:
        return _decrypted(raw, size, flags)
    how = (socket.MSG_OOB if flags & STREAM_OOB else 0) | (socket.MSG_PEEK if flags & STREAM_PEEK else 0)
    waits = raw.blocking and raw.timeout is not None
    try:
        data, address = (_receive_waiting if waits else _receive)(raw, min(size, LONGEST), how)
    except from_system(OSError):
        return NOTHING
    return data, "" if address is None else text_of(raw.family, address)


def _receive(raw: SocketRaw, size: int, how: int) -> tuple[bytes, Any]:
    return raw.sock.recvfrom(size, how)


def _receive_waiting(raw: SocketRaw, size: int, how: int) -> tuple[bytes, Any]:
    """_receive on a socket that has a timeout, which does not count."""
    sock = raw.sock
    if raw.kernel_waits:
        try:
            return sock.recvfrom(size, how | socket.MSG_DONTWAIT)
        except from_system(BlockingIOError):
            pass
    try:
        while True:
            if raw.kernel_waits:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, kernel_timeout(None))
            else:
                sock.settimeout(None)
            try:
                return sock.recvfrom(size, how)
            except from_system(BlockingIOError):
                # Of processes that share the socket another one may have put its timeout back just now.
                if how & socket.MSG_OOB or not os.get_blocking(sock.fileno()):
                    raise
    finally:
        raw.rebind()


def _decrypted(raw: SocketRaw, size: int, flags: int) -> Received:
    """receive under TLS.  What is out of band is no part of it: nobody has authenticated that byte."""
    from php_streams._transports.tls_errors import is_end

    if flags & STREAM_OOB:
        return warn("Out-of-band data is not protected by TLS"), None
    sock: Any = raw.sock  # tls_session's
    assert raw.crypto is not None
    timeout, raw.timeout = raw.timeout, None
    raw.rebind()
    try:
        if flags & STREAM_PEEK:
            return sock.look_ahead(size), ""
        buffer = bytearray(min(size, RECORD))
        return bytes(buffer[: sock.recv_into(buffer)]), ""
    except from_system(OSError) as error:
        ended = is_end(error) and not sock.is_reset()
        raw.crypto.read_failed(error)  # says what a read says
        return (b"", "") if ended else NOTHING
    finally:
        raw.timeout = timeout
        raw.rebind()
        REFILLED.add(raw)  # to look decrypts: the kernel may have nothing left for stream_select to see


def destination(target: str) -> Destination:
    """Where "host:port" or "[v6]:port" is; ValueError for what PHP cannot parse, or not resolve."""
    from php_streams._transports.connect import ConnectError, resolve

    host, port = split_target(target)
    for family, scope in NUMERIC:
        try:
            socket.inet_pton(family, host)
        except from_system(OSError, ValueError):
            continue
        return family, (host, port, *scope)
    try:
        return resolve(host, "udp", port)[0]
    except ConnectError as error:
        warn(f"Failed to resolve `{host}': {error.text}")
        raise ValueError(target) from None


def send(raw: SocketRaw, data: bytes, flags: int, target: Destination | None) -> int:
    """Sends one message; the bytes sent, or -1 after PHP's warning."""
    if raw.crypto is not None or raw.tls_required:
        warn(f"{len(data)} bytes are not sent: they would go past TLS, in plaintext. fwrite encrypts")
        return -1
    raw.unpushed += 1
    if raw.unpushed == 2 and raw.pushes:
        HELD_BACK.add(raw)
    how = socket.MSG_OOB if flags & STREAM_OOB else 0
    try:
        return raw.sock.send(data, how) if target is None else _send_to(raw, data, how, target)
    except from_system(OSError) as error:
        return failed(code_of(error))


def failed(code: int | None) -> int:
    """PHP's warning for a message that was not sent, which ends in a line feed, and its result."""
    warn(f"{os.strerror(code or 0)}\n")
    return -1


def _send_to(raw: SocketRaw, data: bytes, how: int, target: Destination) -> int:
    """sendto(2) with an address of any family: the kernel is to judge whether it fits, not Python."""
    sock = raw.sock
    family, address = target
    if family == raw.family:
        return sock.sendto(data, how, address)
    other = socket.socket(family, sock.type, sock.proto, fileno=sock.fileno())
    try:
        return other.sendto(data, how, address)
    finally:
        other.detach()

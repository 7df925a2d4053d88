"""Python's sockets as streams: what from_socket makes (= socket_export_stream).

A plain socket is taken over as ssl's wrap_socket takes one: the object that was passed is spent, its
descriptor is the stream's.  An SSLSocket stays the object that it is, for OpenSSL knows no other, and is the
stream's from then on.
"""

from __future__ import annotations

import socket
from typing import Any

from php_streams._core.context import Context
from php_streams._core.ini import socket_timeout
from php_streams._core.stream import Stream
from php_streams._transports.listen import ServerRaw
from php_streams._transports.shared import Shared
from php_streams._transports.socket import LABELS, PAIR, Socket, SocketRaw

# PHP looks at the protocol, too: what is a stream of bytes over IP but not TCP is a generic socket.
KINDS = {
    (socket.AF_INET, socket.SOCK_STREAM): "tcp",
    (socket.AF_INET6, socket.SOCK_STREAM): "tcp",
    (socket.AF_INET, socket.SOCK_DGRAM): "udp",
    (socket.AF_INET6, socket.SOCK_DGRAM): "udp",
    (socket.AF_UNIX, socket.SOCK_STREAM): "unix",
    (socket.AF_UNIX, socket.SOCK_DGRAM): "udg",
}
PROTOCOLS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}


def adopt(sock: socket.socket, context: Context | None) -> Stream:
    """A stream of the socket; ValueError when it is not in a state to become one."""
    if isinstance(sock, Shared):
        return sock.stream
    if sock.fileno() < 0:
        raise ValueError("the socket is closed")
    kind = _kind(sock)
    encrypted = _stands(sock)
    timeout = sock.gettimeout()
    waits = socket_timeout() if timeout == 0 else timeout
    listens = not encrypted and bool(_option(sock, "SO_ACCEPTCONN"))
    own: Any = sock if encrypted else Socket(sock.family, sock.type, sock.proto, fileno=sock.detach())
    raw = (ServerRaw if listens else SocketRaw)(own, LABELS[kind] if kind else PAIR, waits)
    if encrypted:
        from php_streams._transports import tls_shared

        tls_shared.adopt(own, raw, context)
    raw.set_blocking(timeout != 0)
    return Stream(raw, "r+", f"{kind}://" if kind and not encrypted else None, context)


def _kind(sock: socket.socket) -> str | None:
    """Its transport; None for one that PHP has no name for."""
    kind = KINDS.get((sock.family, sock.type))
    protocol = _option(sock, "SO_PROTOCOL")
    return None if protocol is not None and PROTOCOLS.get(kind or "", protocol) != protocol else kind


def _option(sock: socket.socket, name: str) -> int | None:
    """An option of the socket level, where the system has it."""
    number = getattr(socket, name, None)
    return None if number is None else sock.getsockopt(socket.SOL_SOCKET, number)


def _stands(sock: Any) -> bool:
    """Whether TLS stands on it; ValueError where it is meant to, and does not."""
    if not hasattr(sock, "do_handshake"):
        return False
    if _option(sock, "SO_ACCEPTCONN"):
        raise ValueError(
            "a listening TLS socket has its certificates where no stream finds them: pass the plain socket,"
            " and turn TLS on for each client, or open the server with stream_socket_server"
        )
    if sock._sslobj is None:
        raise ValueError("its TLS is not on (any more), and what is sent would go out in plaintext")
    if sock.version() is None:
        raise ValueError("its TLS handshake is not finished: call do_handshake() first")
    return True

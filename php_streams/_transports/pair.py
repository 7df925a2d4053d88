"""stream_socket_pair: two streams that are connected with each other."""

from __future__ import annotations

import socket

from php_streams._core.ini import socket_timeout
from php_streams._core.stream import Stream
from php_streams._transports.socket import PAIR, Socket, SocketRaw


def open_pair(domain: int, kind: int, protocol: int) -> list[Stream]:
    """Both ends; OSError when the system has no such pairs."""
    ends = socket.socketpair(_c_int(domain), _c_int(kind), _c_int(protocol))
    timeout = socket_timeout()
    return [Stream(SocketRaw(_own(end), PAIR, timeout), "r+") for end in ends]


def _own(sock: socket.socket) -> Socket:
    """The same socket, as one that its raw closes."""
    return Socket(sock.family, sock.type, sock.proto, fileno=sock.detach())


def _c_int(number: int) -> int:
    """The 32 bits that are left when PHP casts to int."""
    return (number + 2**31) % 2**32 - 2**31

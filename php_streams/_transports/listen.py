"""Servers: from an address to a listening stream, and from there to its clients (= php_tcp_sockop_bind,
php_tcp_sockop_accept and main/network.c).

As in PHP an accept waits by poll(2) with its own timeout, whatever the stream's blocking mode and timeout
are, and a signal ends the wait.  What it accepts takes over the server's context and the state of its
timeout, and is always blocking.  A server of the transports ssl, tls and tlsv1.x is a plain listening socket
that knows its transport; TLS begins with each client, within the accept.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from collections.abc import Callable
from typing import Any

from php_streams._core.context import Context
from php_streams._core.filtered import FilteredRaw
from php_streams._core.ini import socket_timeout
from php_streams._core.signals import from_system, wait_for_data
from php_streams._core.stream import Stream
from php_streams._core.values import truth
from php_streams._transports.address import split_port, text_of
from php_streams._transports.connect import (
    ConnectError,
    option_on,
    resolve,
    socket_type,
    transport,
    unix_address,
)
from php_streams._transports.socket import LABELS, PAIR, Socket, SocketRaw
from php_streams._transports.tls_values import integer
from php_streams._transports.unconnected import UnconnectedRaw
from php_streams.constants import STREAM_SERVER_BIND, STREAM_SERVER_LISTEN

BACKLOG = 32  # clients that wait to be accepted, when socket.backlog says nothing


class AcceptError(Exception):
    """No client was accepted; the text is PHP's."""


class ServerRaw(SocketRaw):
    """A bound tcp or unix socket.

    Nothing can be read from it, but PHP waits first: a client that can be accepted ends the wait.

    The descriptor itself never blocks: where several processes wait for the same client, those that come too
    late keep to their timeouts.
    """

    crypto_method: int | None = None  # the TLS that its clients have to speak

    def rebind(self) -> None:
        """Reading waits by poll(2), as accepting does."""
        super().rebind()
        if self.face() is None:
            self.sock.settimeout(0)
        if self.blocking:
            self.recv = _receiver_that_waits(self.sock, self.timeout)

    def _alive(self) -> bool:
        """PHP looks closer only when there is something: then this is no connection, which is an end."""
        return not _readable(self.sock, 0) or super()._alive()


def _receiver_that_waits(sock: socket.socket, timeout: float | None) -> Callable[[int, int], bytes]:
    def receive(size: int, flags: int) -> bytes:
        if not _readable(sock, timeout):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return sock.recv(size, flags | socket.MSG_DONTWAIT)

    return receive


def open_server(address: str, flags: int, context: Context | None) -> Stream:
    """Opens a stream that is bound to `address` and, with STREAM_SERVER_LISTEN, listens there.

    Without STREAM_SERVER_BIND it has no socket: PHP makes such streams, too.
    """
    scheme, name = transport(address)
    kind = scheme if scheme in LABELS else "tcp"
    method = None if scheme in LABELS else _crypto_method(context, scheme)
    if not flags & STREAM_SERVER_BIND:
        return Stream(UnconnectedRaw(LABELS[kind], kind == "tcp"), "r+", address, context)
    sock = _bind_path(kind, name) if kind in ("unix", "udg") else _bind_host(kind, name, context)
    try:
        if flags & STREAM_SERVER_LISTEN:
            _listen(sock, context)
        kind_of_raw = ServerRaw if sock.type == socket.SOCK_STREAM else SocketRaw
        raw = kind_of_raw(sock, LABELS[kind], socket_timeout())
    except BaseException:
        sock.close()
        raise
    if isinstance(raw, ServerRaw):
        raw.crypto_method = method
    return Stream(raw, "r+", address, context)


def _crypto_method(context: Context | None, scheme: str) -> int:
    """What the transport's name and the context say now: later changes of the option do not count."""
    from php_streams._transports import tls

    return tls.crypto_method(context, scheme)


def _listen(sock: socket.socket, context: Context | None) -> None:
    backlog = BACKLOG
    options = {} if context is None else context.options.get("socket", {})
    if "backlog" in options:
        backlog = (integer(options["backlog"]) + 2**31) % 2**32 - 2**31  # a C int holds it
    try:
        sock.listen(backlog if backlog >= 0 else 2**31 - 1)  # a negative one is the system's most, in C
    except from_system(OSError):
        raise ConnectError(0, "") from None  # PHP has no text for it


def _bind_path(kind: str, path: str) -> socket.socket:
    name = unix_address(path)
    try:
        sock = Socket(socket.AF_UNIX, socket_type(kind))
    except from_system(OSError) as error:
        which = "" if kind == "unix" else "datagram"
        raise ConnectError(0, f"Failed to create unix{which} socket {error.strerror}") from None
    try:
        sock.bind(name)
    except from_system(OSError):
        sock.close()
        raise ConnectError(0, "") from None  # nor for this
    return sock


def _bind_host(kind: str, name: str, context: Context | None) -> socket.socket:
    """A tcp or udp socket bound to the first of the host's addresses that can be had."""
    if "\0" in name:
        raise ConnectError(0, "The hostname must not contain null bytes")
    try:
        host, port = split_port(name)
    except ValueError as error:
        raise ConnectError(0, str(error)) from None
    reason = os.strerror(0)  # what PHP says when not even a socket could be made
    for family, address in resolve(host, kind, port):
        try:
            sock = Socket(family, socket_type(kind))
        except from_system(OSError):
            continue
        _set_options(sock, kind, context)
        try:
            sock.bind(address)
        except from_system(OSError) as error:
            sock.close()
            reason = error.strerror or str(error)
        else:
            return sock
    raise ConnectError(0, reason)


def _set_options(sock: socket.socket, kind: str, context: Context | None) -> None:
    """SO_REUSEADDR, and what the context's socket options ask for; what the system refuses is left out."""
    _set(sock, socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    only_v6 = None if context is None else context.option("socket", "ipv6_v6only")
    if only_v6 is not None:
        _set(sock, socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, truth(only_v6))
    if hasattr(socket, "SO_REUSEPORT") and option_on(context, "so_reuseport"):
        _set(sock, socket.SOL_SOCKET, socket.SO_REUSEPORT, True)
    if kind == "udp" and option_on(context, "so_broadcast"):
        _set(sock, socket.SOL_SOCKET, socket.SO_BROADCAST, True)


def _set(sock: socket.socket, level: int, name: int, enable: bool) -> None:
    try:
        sock.setsockopt(level, name, enable)
    except from_system(OSError):
        pass


# --- accepting -----------------------------------------------------------------------------------------


def accept(stream: Stream, timeout: float | None) -> tuple[Stream, str]:
    """The next client and its name; raises AcceptError.

    timeout: seconds, None for ever.
    """
    server = stream.raw
    if isinstance(server, FilteredRaw):
        server = server.below
    if not isinstance(server, (SocketRaw, UnconnectedRaw)) or server.label == PAIR:
        raise AcceptError("Unknown error")
    try:
        accepted, address = _next_client(server, timeout)
    except from_system(OSError) as error:
        raise AcceptError(error.strerror) from None
    assert isinstance(server, SocketRaw)
    family = accepted.family
    sock = Socket(family, accepted.type, accepted.proto, accepted.detach())
    try:
        raw = _client(server, sock, stream.context)
    except BaseException:
        sock.close()
        raise
    if isinstance(server, ServerRaw) and server.crypto_method is not None:
        _secure(raw, stream.context, server.crypto_method)
    return Stream(raw, "r+", None, stream.context), text_of(family, address) or ""


def _next_client(server: SocketRaw | UnconnectedRaw, timeout: float | None) -> tuple[socket.socket, Any]:
    limit = None if timeout is None else time.monotonic() + timeout
    left = timeout
    while wait_for_data(server.fileno(), left) and isinstance(server, SocketRaw):
        try:
            return server.sock.accept()
        except from_system(BlockingIOError, TimeoutError):  # another process, or thread, was quicker
            if not server.blocking:
                raise
            _check_not_shut(server.sock)
        left = None if limit is None else max(limit - time.monotonic(), 0)
    raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


def _check_not_shut(sock: socket.socket) -> None:
    """A unix socket that is shut has nobody to accept for ever; it only says so to who would block."""
    poll = select.poll()
    poll.register(sock, getattr(select, "POLLRDHUP", select.POLLHUP))
    if poll.poll(0):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def _client(server: SocketRaw, sock: socket.socket, context: Context | None) -> SocketRaw:
    """The accepted socket's raw; PHP copies the server's, with its timeout and whether it timed out."""
    nodelay = option_on(context, "tcp_nodelay")
    if nodelay:
        _set(sock, socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    raw = SocketRaw(sock, server.label, server.timeout)
    raw.pushes = raw.pushes and not nodelay
    raw.timed_out = server.timed_out
    return raw


def _secure(raw: SocketRaw, context: Context | None, method: int) -> None:
    """TLS from the first byte on; a failure closes the client's socket."""
    from php_streams._transports import tls

    done = False
    try:
        done = tls.accept(raw, context, method)
    finally:
        if not done:
            raw.close()
    if not done:
        raise AcceptError("Cannot enable crypto")


def _readable(sock: socket.socket, timeout: float | None) -> bool:
    """Whether a client came within the timeout; signals do not end this wait."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(None if timeout is None else timeout * 1000))

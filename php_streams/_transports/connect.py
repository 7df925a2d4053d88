"""Client connections: from an address to a connected stream (= xport_create, network_connect).

A name may have several addresses: they are tried in the resolver's order within one timeout.  Whatever
fails closes what was opened, and a TLS transport that cannot shake hands is closed too: nothing is ever
sent in plaintext instead.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
import time
from typing import Any

from php_streams._core import notification
from php_streams._core.context import Context
from php_streams._core.diagnostics import notice, warn
from php_streams._core.ini import socket_timeout
from php_streams._core.raw import Raw
from php_streams._core.signals import from_system
from php_streams._core.stream import Stream
from php_streams._core.values import to_text, truth
from php_streams._transports import TRANSPORTS
from php_streams._transports.address import UNIX_PATH_MAX, split_port, split_scheme
from php_streams._transports.socket import LABELS, Socket, SocketRaw
from php_streams._transports.unconnected import UnconnectedRaw


class ConnectError(Exception):
    """A connection that did not come about: PHP's $errno and $errstr."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def open_client(
    address: str, timeout: float | None, context: Context | None, *, connect: bool = True, wait: bool = True
) -> Stream:
    """Opens a stream to `address`.

    timeout: seconds for connecting (and for TLS's handshake), None for ever.
    connect=False makes the stream without a connection; wait=False does not wait until it stands.
    """
    scheme, name = transport(address)
    kind = scheme if scheme in LABELS else "tcp"
    if not connect:
        return Stream(UnconnectedRaw(LABELS[kind], kind == "tcp"), "r+", address, context)
    if kind in ("unix", "udg"):
        sock, host = _connect_path(kind, name, timeout, wait), ""
    else:
        sock, host = _connect_host(kind, name, timeout, context, wait)
    try:
        raw = SocketRaw(sock, LABELS[kind], socket_timeout())
    except BaseException:
        sock.close()
        raise
    raw.url_name = host
    raw.connect_timeout = timeout
    raw.pushes = raw.pushes and not option_on(context, "tcp_nodelay")
    stream = Stream(raw, "r+", address, context)
    notification.watch(stream, context)
    if scheme not in LABELS:
        _secure(stream, scheme, wait)
    return stream


def transport(address: str) -> tuple[str, str]:
    """The transport that the address names, and the rest of it."""
    scheme, name = split_scheme(address)
    if scheme not in TRANSPORTS:
        raise ConnectError(
            0,
            f'Unable to find the socket transport "{scheme[:31]}"'
            " - did you forget to enable it when you configured PHP?",
        )
    return scheme, name


def _secure(stream: Stream, scheme: str, wait: bool) -> None:
    """TLS from the first byte on; a failure closes the stream."""
    from php_streams._transports import tls

    done: bool | int = False
    try:
        done = tls.connect(stream.raw, stream.context, scheme, wait)  # type: ignore[arg-type]
    finally:
        if done is False:
            stream.close()
    if done is False:
        # PHP leaves the number of the connection that was on its way.
        raise ConnectError(0 if wait else errno.EINPROGRESS, "")


class _Pool(threading.local):
    """The persistent streams of a thread by their keys: they outlive their variables, and end with it.

    As in PHP, whose persistent resources belong to the process, or to the thread where there are such: two
    threads never speak over one connection without knowing.  A fork leaves the connections to both processes.
    """

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}


POOL = _Pool()


def persistent(key: str) -> Stream | None:
    """The persistent stream of that key, when it still lives."""
    stream = POOL.streams.get(key)
    if stream is not None and stream.is_open and _lives(stream.raw):
        return stream
    if stream is not None:
        POOL.streams.pop(key).close()
    return None


def _lives(raw: Raw) -> bool:
    """A look at the connection without waiting; that a datagram was empty is no end here."""
    if not raw.datagrams:
        return not raw.at_end()
    before, raw.eof = raw.eof, False
    try:
        return not raw.at_end()
    finally:
        raw.eof = before


def keep(stream: Stream, key: str) -> None:
    """Makes a stream persistent: it stays open when its variables are gone."""
    stream.persistent = True
    POOL.streams[key] = stream


# --- sockets -------------------------------------------------------------------------------------------


def socket_type(kind: str) -> socket.SocketKind:
    """Datagrams or a stream."""
    return socket.SOCK_DGRAM if kind in ("udp", "udg") else socket.SOCK_STREAM


def _connect_path(kind: str, path: str, timeout: float | None, wait: bool) -> socket.socket:
    """A connected unix socket."""
    raw_path = unix_address(path)
    try:
        sock = Socket(socket.AF_UNIX, socket_type(kind))
    except from_system(OSError):
        raise ConnectError(0, "Failed to create unix socket") from None
    try:
        _connect(sock, raw_path, timeout, wait)
    except from_system(OSError) as error:
        sock.close()
        raise ConnectError(error.errno or 0, error.strerror or str(error)) from None
    except BaseException:
        sock.close()
        raise
    return sock


def unix_address(path: str) -> bytes:
    """The path as the system takes it; one that is too long is cut, with a notice, as PHP does."""
    raw_path = os.fsencode(path)
    if len(raw_path) <= UNIX_PATH_MAX:
        return raw_path
    notice(f"socket path exceeded the maximum allowed length of {UNIX_PATH_MAX} bytes and was truncated")
    return raw_path[:UNIX_PATH_MAX]


def _connect_host(  # long: one loop over the addresses, as in main/network.c
    kind: str, name: str, timeout: float | None, context: Context | None, wait: bool
) -> tuple[socket.socket, str]:
    """A connected tcp or udp socket and the host's name."""
    if "\0" in name:
        raise ConnectError(0, "The hostname must not contain null bytes")
    try:
        host, port = split_port(name)
        bindto = _bind_address(context)
    except ValueError as error:
        raise ConnectError(0, str(error)) from None
    limit = None if timeout is None else time.monotonic() + timeout
    left = timeout
    failure = (0, "")  # not the exception itself: with this frame it would keep the caller's streams alive
    for family, address in resolve(host, kind, port):
        if family == socket.AF_INET6 and bindto is not None and ":" not in bindto[0]:
            continue  # an IPv4 source cannot reach it: "0:0" is PHP's way to force IPv4
        try:
            sock = Socket(family, socket_type(kind))
        except from_system(OSError):
            continue  # no descriptor is left, or no such family: PHP goes on without a word
        try:
            _prepare(sock, kind, family, context, bindto)
            _connect(sock, address, left, wait)
        except from_system(OSError) as error:
            sock.close()
            failure = (error.errno or 0, error.strerror or str(error))
        except BaseException:
            sock.close()
            raise
        else:
            return sock, host
        if limit is not None:
            left = limit - time.monotonic()
            if left <= 0:
                break
    raise ConnectError(*failure)


def resolve(host: str, kind: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    """The host's addresses, or PHP's warning and error."""
    try:
        # An empty name is nobody's, in PHP; getaddrinfo would take it for this host.
        if not host:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        # As bytes: getaddrinfo gets what the user wrote, where Python would put a str through IDNA.
        name = host.encode("utf-8", "surrogateescape")
        found = socket.getaddrinfo(name, port, type=socket_type(kind))
    except from_system(OSError) as error:
        # Python tells EAI_SYSTEM as the OSError that lies behind it; PHP asks gai_strerror.
        reason = error.strerror if isinstance(error, socket.gaierror) else "System error"
        text = f"php_network_getaddresses: getaddrinfo for {host} failed: {reason}"
        warn(text)
        raise ConnectError(0, text) from None
    return [(family, address) for family, _, _, _, address in found]


def _connect(sock: socket.socket, address: Any, timeout: float | None, wait: bool) -> None:
    """Connects within the timeout; wait=False comes back while the connection is on its way.

    As in main/network.c connect() itself never waits: what a unix socket refuses for now is refused, and
    a signal does not end the wait (PEP 475), nor the limit of it.
    """
    sock.setblocking(False)
    code = sock.connect_ex(address)
    if code == errno.EINPROGRESS:
        code = _outcome(sock, timeout) if wait else 0
    if code:
        raise OSError(code, os.strerror(code))


def _outcome(sock: socket.socket, timeout: float | None) -> int:
    """Waits for a connection on its way; 0 or the errno of its failure."""
    poller = select.poll()
    poller.register(sock, select.POLLIN | select.POLLOUT)
    if not poller.poll(None if timeout is None else min(timeout * 1000, 2**31 - 1)):
        return errno.ETIMEDOUT
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


# --- socket context options ----------------------------------------------------------------------------


def option_on(context: Context | None, option: str) -> bool:
    """Whether the context's socket option is set to something true."""
    return context is not None and truth(context.option("socket", option))


def _bind_address(context: Context | None) -> tuple[str, int] | None:
    options = {} if context is None else context.options.get("socket", {})
    if "bindto" not in options:
        return None
    bindto = options["bindto"]  # even null is not "not set", to PHP
    if not isinstance(bindto, (str, bytes)):
        raise ValueError("local_addr context option is not a string.")
    text = to_text(bindto)
    try:
        return split_port(text) if "\0" not in text else None
    except ValueError:
        return None  # PHP connects without it, and without a word


def _prepare(
    sock: socket.socket, kind: str, family: int, context: Context | None, bindto: tuple[str, int] | None
) -> None:
    """The options that are set, and the local address that is bound, before connecting."""
    if bindto is not None:
        _bind(sock, family, bindto)
    if kind == "udp" and option_on(context, "so_broadcast"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if kind == "tcp" and option_on(context, "tcp_nodelay"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _bind(sock: socket.socket, family: int, bindto: tuple[str, int]) -> None:
    """A local address that cannot be had is a warning, and the connection is made without it."""
    host, port = bindto
    if family == socket.AF_INET and ":" in host:
        return  # an IPv4 socket has no use for an IPv6 address
    local = "0.0.0.0" if host == "0" and family == socket.AF_INET else host
    try:
        socket.inet_pton(family, local)
    except from_system(OSError):
        warn(f"Invalid IP Address: {host}")
        return
    try:
        sock.bind((local, port))
    except from_system(OSError) as error:
        warn(f"Failed to bind to '{host}:{port}', system said: {error.strerror}")

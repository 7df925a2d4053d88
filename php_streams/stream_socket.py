"""Socket streams: stream_socket_* (the manual's book.stream)."""

from __future__ import annotations

import math
from typing import Any, Literal

from php_streams._core import ini
from php_streams._core.context import Context, default_context
from php_streams._core.diagnostics import argument_type_error, argument_value_error, warn
from php_streams._core.resource import Resource
from php_streams._core.signals import from_system
from php_streams._core.stream import Stream, expect_resource, invalid_resource, open_stream
from php_streams._core.values import outputs, to_bool, to_bytes, to_float, to_int, to_string, type_name
from php_streams.constants import (
    FILE_NO_DEFAULT_CONTEXT,
    STREAM_CLIENT_ASYNC_CONNECT,
    STREAM_CLIENT_CONNECT,
    STREAM_CLIENT_PERSISTENT,
    STREAM_SERVER_BIND,
    STREAM_SERVER_LISTEN,
)

__all__ = [
    "stream_socket_accept",
    "stream_socket_client",
    "stream_socket_enable_crypto",
    "stream_socket_get_name",
    "stream_socket_pair",
    "stream_socket_recvfrom",
    "stream_socket_sendto",
    "stream_socket_server",
    "stream_socket_shutdown",
]

StreamSocketClientResult = outputs("StreamSocketClientResult", "result error_code error_message")
StreamSocketServerResult = outputs("StreamSocketServerResult", "result error_code error_message")
StreamSocketAcceptResult = outputs("StreamSocketAcceptResult", "result peer_name")
StreamSocketRecvfromResult = outputs("StreamSocketRecvfromResult", "result address")

_UNPACK = "PHP's by-reference outputs come back as results: "
_UNPACK_CLIENT = f"{_UNPACK}fp, errno, errstr = stream_socket_client(address, timeout, flags, context)"
_UNPACK_SERVER = f"{_UNPACK}server, errno, errstr = stream_socket_server(address, flags, context)"
_UNPACK_ACCEPT = f"{_UNPACK}conn, peer_name = stream_socket_accept(socket, timeout)"


def stream_socket_client(
    address: str,
    timeout: float | None = None,
    flags: int = STREAM_CLIENT_CONNECT,
    context: Context | None = None,
    *by_reference: Any,
) -> Any:
    """Open Internet or Unix domain socket connection.  https://www.php.net/function.stream-socket-client

    Returns (fp, errno, errstr): a Stream or False, and why it failed (0 and "" when a TLS handshake or the
    address itself is to blame).  The tuple is true when the connection stands.

    address: transport://target, as tcp://host:port, ssl://[v6]:port, unix:///path; without a transport tcp.
    timeout: seconds for connecting (and the handshake), default_socket_timeout when left out or negative.
    flags: STREAM_CLIENT_CONNECT, with STREAM_CLIENT_ASYNC_CONNECT not to wait, with
    STREAM_CLIENT_PERSISTENT to find an open connection again.
    """
    from php_streams._transports import connect
    from php_streams._transports.address import escaped

    _old_places(timeout, flags, context, by_reference)
    target = to_string(address, 1, "address")
    seconds, how, options = _how(timeout, flags, context)
    key = f"stream_socket_client__{target}" if how & STREAM_CLIENT_PERSISTENT else None
    found = None if key is None else connect.persistent(key)
    if found is not None:
        return StreamSocketClientResult(found, 0, "")
    wait = not how & STREAM_CLIENT_ASYNC_CONNECT
    try:
        fp = connect.open_client(
            target, seconds, options, connect=bool(how & STREAM_CLIENT_CONNECT) or not wait, wait=wait
        )
    except connect.ConnectError as error:
        warn(f"Unable to connect to {escaped(target)} ({error.text or 'Unknown error'})")
        return StreamSocketClientResult(False, error.code, error.text)
    if key is not None:
        connect.keep(fp, key)
    return StreamSocketClientResult(fp, 0, "")


def _how(timeout: Any, flags: Any, context: Any) -> tuple[float | None, int, Context | None]:
    """The timeout, the flags and the context of a client."""
    given = None if timeout is None else to_float(timeout, 4, "timeout", "?float")
    how = to_int(flags, 5, "flags")
    _expect_context(context, 6)
    return _seconds(given), how, _context(context, how)


def _old_places(timeout: Any, flags: Any, context: Any, by_reference: tuple[Any, ...]) -> None:
    """Catches calls that still pass PHP's $errno and $errstr in the second and third place.

    There they leave (address, errno, errstr), and the timeout, a number, where the context belongs.
    """
    number = isinstance(context, (int, float)) and not isinstance(context, bool)
    if by_reference or (_is_reset(timeout) and _is_reset(flags) and (number or not isinstance(flags, int))):
        raise TypeError(_UNPACK_CLIENT)


def _is_reset(value: Any) -> bool:
    """What programs put into $errno and $errstr before a call; not `in`, which compares bytes with str."""
    return value is None or (isinstance(value, (int, float, str, bytes)) and not value)


def _seconds(timeout: float | None) -> float | None:
    """The connect timeout; what is negative or beyond 2 ** 64 microseconds counts as left out, as in PHP."""
    if timeout is None:
        return ini.socket_timeout()
    seconds = _finite(timeout, 4)
    return seconds if 0 <= seconds < 2**64 / 1_000_000 else ini.socket_timeout()


def _finite(seconds: float, number: int) -> float:
    if not math.isfinite(seconds):
        raise argument_value_error(number, "timeout", "must be a finite value")
    return seconds


def _expect_context(context: Any, number: int) -> None:
    """PHP looks at the types of all arguments first, and at what kind of resource each is later."""
    if context is not None and not isinstance(context, Resource):
        given = type_name(context)
        raise argument_type_error(number, "context", f"must be of type resource or null, {given} given")


def _context(context: Any, flags: int) -> Context | None:
    """The context given; without one the default context, as stream_context_set_default left it."""
    if context is None:
        return None if flags & FILE_NO_DEFAULT_CONTEXT else default_context()
    if isinstance(context, Context):
        return context
    raise invalid_resource("Stream-Context")


def stream_socket_server(
    address: str,
    flags: int = STREAM_SERVER_BIND | STREAM_SERVER_LISTEN,
    context: Context | None = None,
    *by_reference: Any,
) -> Any:
    """Create an Internet or Unix domain server socket.
    https://www.php.net/function.stream-socket-server

    Returns (server, errno, errstr): a Stream or False, and why it failed.  As in PHP errno stays 0, and
    errstr is "" for unix sockets.  The tuple is true when the server stands.

    address: transport://target, as tcp://127.0.0.1:8000, tcp://[::1]:0 (a free port, see
    stream_socket_get_name), unix:///path.  flags: leave STREAM_SERVER_LISTEN out for udp and udg.
    """
    from php_streams._transports import connect, listen

    _old_places_of_server(flags, context, by_reference)
    target = to_string(address, 1, "address")
    how = to_int(flags, 4, "flags")
    _expect_context(context, 5)
    options = _context(context, how)
    try:
        return StreamSocketServerResult(listen.open_server(target, how, options), 0, "")
    except connect.ConnectError as error:
        shown = target.partition("\0")[0]
        warn(f"Unable to connect to {shown} ({error.text or 'Unknown error'})")
        return StreamSocketServerResult(False, error.code, error.text)


def _old_places_of_server(flags: Any, context: Any, by_reference: tuple[Any, ...]) -> None:
    """Catches (address, errno, errstr, ...): what was set or reset before the call, as PHP's programs do."""
    if by_reference or (_is_reset(flags) and isinstance(context, (str, bytes))):
        raise TypeError(_UNPACK_SERVER)


def stream_socket_accept(socket: Stream, timeout: float | None = None, *by_reference: Any) -> Any:
    """Accept a connection on a socket created by stream_socket_server.
    https://www.php.net/function.stream-socket-accept

    Returns (conn, peer_name): a Stream, which shares the server's context, and the client's name, as
    stream_socket_get_name shows it ("" for a unix socket without one); or False and None, after a warning.

    timeout: seconds to wait for a client, default_socket_timeout when left out; a negative one waits for
    ever.  It holds in non-blocking mode, too: give 0 not to wait.
    The handshake with a client of a TLS server is part of it, and has the server stream's own timeout
    (stream_set_timeout), not this one; a client that fails it is closed, and the result is False.
    """
    from php_streams._transports import listen

    if by_reference:
        raise TypeError(_UNPACK_ACCEPT)
    expect_resource(socket, 1, "socket")
    given = None if timeout is None else to_float(timeout, 2, "timeout", "?float")
    seconds = ini.socket_timeout() if given is None else _finite(given, 2)
    server = open_stream(socket)
    try:
        conn, name = listen.accept(server, None if seconds is None or seconds < 0 else seconds)
    except listen.AcceptError as error:
        warn(f"Accept failed: {error}")
        return StreamSocketAcceptResult(False, None)
    return StreamSocketAcceptResult(conn, name)


def stream_socket_enable_crypto(
    stream: Stream, enable: bool, crypto_method: int | None = None, session_stream: Stream | None = None
) -> bool | int:
    """Turns encryption on/off on an already connected socket.
    https://www.php.net/function.stream-socket-enable-crypto

    crypto_method: STREAM_CRYPTO_METHOD_* constants, or'ed; left out, the context's ssl.crypto_method.
    True when it is done, False (with PHP's warnings) when it failed, 0 on a non-blocking stream when more
    has to be exchanged: call again.

    Plaintext that was received and not read yet is a STARTTLS injection and refuses (rule R8), unless
    ini_set("php_streams.starttls_buffer", "keep") asks for PHP's behaviour.  After False nothing more is
    sent on the stream, unless encryption is switched off explicitly, or
    ini_set("php_streams.failed_tls", "plaintext") asks for PHP's behaviour.
    """
    expect_resource(stream)
    on = to_bool(enable, 2, "enable")
    method = None if crypto_method is None else to_int(crypto_method, 3, "crypto_method", "?int")
    if session_stream is not None:
        expect_resource(session_stream, 4, "session_stream", "resource or null")
    target = open_stream(stream)
    if on and method is None:
        method = target.context.option("ssl", "crypto_method") if target.context else None
        if method is None:
            raise argument_value_error(3, "crypto_method", "must be specified when enabling encryption")
    session = None if session_stream is None else open_stream(session_stream)
    # Before the attempt, so that it holds however the attempt ends: also when an error handler raises in it.
    target.raw.require_tls(on and ini.get("php_streams.failed_tls") != "plaintext")
    if on and not _may_start(target):
        return False
    return target.raw.enable_crypto(target.context, on, method, None if session is None else session.raw)


def _may_start(stream: Stream) -> bool:
    """R8: bytes that came before the handshake would be taken for bytes that came through it."""
    unread = stream.unread()
    plain = stream.raw.encrypts and not stream.meta().get("crypto")
    if not unread or not plain or ini.get("php_streams.starttls_buffer") == "keep":
        return True
    return warn(
        f"{unread} bytes were received in plaintext before the handshake; they would be read as if they had"
        " come through it. Read or discard them first (php_streams.starttls_buffer)"
    )


def stream_socket_get_name(socket: Stream, remote: bool) -> str | Literal[False]:
    """Retrieve the name of the local or remote sockets.
    https://www.php.net/function.stream-socket-get-name

    "127.0.0.1:25", "[::1]:25" or a unix socket's path; remote: whether the peer's.
    """
    expect_resource(socket, 1, "socket")
    whose = to_bool(remote, 2, "remote")
    return open_stream(socket).raw.socket_name(whose)


def stream_socket_shutdown(stream: Stream, mode: int) -> bool:
    """Shutdown a full-duplex connection.  https://www.php.net/function.stream-socket-shutdown

    mode: STREAM_SHUT_RD, STREAM_SHUT_WR or STREAM_SHUT_RDWR.
    """
    expect_resource(stream)
    how = to_int(mode, 2, "mode")
    if how not in (0, 1, 2):
        raise argument_value_error(
            2, "mode", "must be one of STREAM_SHUT_RD, STREAM_SHUT_WR, or STREAM_SHUT_RDWR"
        )
    return open_stream(stream).raw.shutdown(how)


def stream_socket_pair(domain: int, type: int, protocol: int) -> list[Stream] | Literal[False]:
    """Creates a pair of connected, indistinguishable socket streams.
    https://www.php.net/function.stream-socket-pair

    domain: STREAM_PF_UNIX, the only one that Linux makes pairs of; type: STREAM_SOCK_STREAM, or
    STREAM_SOCK_DGRAM or STREAM_SOCK_SEQPACKET for messages; protocol: STREAM_IPPROTO_IP.
    """
    from php_streams._transports.pair import open_pair

    wanted = to_int(domain, 1, "domain"), to_int(type, 2, "type"), to_int(protocol, 3, "protocol")
    try:
        return open_pair(*wanted)
    except from_system(OSError) as error:
        return warn(f"Failed to create sockets: [{error.errno}]: {error.strerror}")


def stream_socket_recvfrom(socket: Stream, length: int, flags: int = 0, *by_reference: Any) -> Any:
    """Receives data from a socket, connected or not.  https://www.php.net/function.stream-socket-recvfrom

    Returns (data, address): at most `length` bytes and their sender, as stream_socket_get_name shows it; the
    address is "" where the connection tells, and for a peer without a name.  b"" is an empty datagram, or the
    end of a connection; False (with None) is an error, or nothing for now on a non-blocking stream.

    It reads past the stream's buffer, and waits for ever: stream_set_timeout does not count.
    flags: STREAM_PEEK leaves the data where it is, STREAM_OOB takes the byte that is out of band.
    """
    if by_reference:
        raise TypeError(
            "PHP's $address comes back as a result: "
            "data, address = stream_socket_recvfrom(socket, length, flags)"
        )
    expect_resource(socket, 1, "socket")
    most = to_int(length, 2, "length")
    how = to_int(flags, 3, "flags")
    target = open_stream(socket)
    if most <= 0:
        raise argument_value_error(2, "length", "must be greater than 0")
    target.nothing()  # what a handler raised during the last read is heard before anything is waited for
    return StreamSocketRecvfromResult(*target.raw.receive_from(most, how))


def stream_socket_sendto(
    socket: Stream, data: bytes | str, flags: int = 0, address: str = ""
) -> int | Literal[False]:
    """Sends a message to a socket, whether it is connected or not.
    https://www.php.net/function.stream-socket-sendto

    Returns the bytes sent, -1 with a warning when the system refuses, False for an address that is none.

    address: host:port or [v6]:port; without one the peer that the stream is connected to.
    flags: STREAM_OOB sends the last byte out of band.
    """
    expect_resource(socket, 1, "socket")
    message, how = to_bytes(data, 2, "data"), to_int(flags, 3, "flags")
    target = to_string(address, 4, "address")
    stream = open_stream(socket)
    if not target:
        return stream.raw.send_to(message, how, None)
    from php_streams._transports.datagram import destination

    try:
        where = destination(target)
    except ValueError:
        shown = target.partition("\0")[0]
        return warn(f"Failed to parse `{shown}' into a valid network address")
    return stream.raw.send_to(message, how, where)

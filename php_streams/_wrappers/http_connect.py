"""The http wrapper's connection: to the server, to a proxy, or through one (CONNECT)."""

from __future__ import annotations

from php_streams._core import ini
from php_streams._core.context import Context
from php_streams._core.stream import Stream
from php_streams._core.values import to_text
from php_streams._transports.connect import ConnectError, open_client
from php_streams._wrappers.http_request import Hop, c_string, header_strings
from php_streams._wrappers.options import NOT_SET, as_bytes, double, option
from php_streams.constants import STREAM_CRYPTO_METHOD_SSLv23_CLIENT

# PHP's limit: 2**64 microseconds.
_LONGEST = 2**64 / 1_000_000
_LINE_MAX = 1022
_NAME = b"proxy-authorization"


class NotConnected(Exception):
    """There is no connection; the text is PHP's reason, "" when it has been told."""


def connect(hop: Hop, context: Context | None) -> Stream:
    """A stream that is ready for the request; raises NotConnected."""
    timeout = _timeout(context)
    server = f"{'ssl' if hop.tls else 'tcp'}://{hop.url.host}:{hop.port}"
    try:
        stream = open_client(server if hop.proxy is None else to_text(hop.proxy), timeout, context)
    except ConnectError as error:
        raise NotConnected(error.text) from None
    try:
        stream.raw.set_timeout(timeout)
        if hop.proxy is not None and hop.tls:
            _tunnel(stream, hop, context)
    except BaseException:
        stream.close()
        raise
    return stream


def _timeout(context: Context | None) -> float | None:
    """Seconds for connecting, and for each read; None for ever."""
    value = option(context, "http", "timeout")
    if value is NOT_SET:
        return ini.socket_timeout()
    seconds = double(value)
    if seconds > _LONGEST:
        raise NotConnected(f"timeout must be lower than {int(_LONGEST)}")
    return max(seconds, 0.0) if seconds > -1 else None


def _tunnel(stream: Stream, hop: Hop, context: Context | None) -> None:
    """Has the proxy connect to the server, and begins TLS, whatever the proxy said: PHP does this."""
    request = [b"CONNECT %s:%d HTTP/1.0\r\n" % (as_bytes(hop.url.host), hop.port), _authorization(context)]
    data = b"".join([*request, b"\r\n"])
    failed = "Cannot connect to HTTPS server through proxy"
    if stream.write(data) != len(data):
        raise NotConnected(failed)
    while (line := stream.readline(_LINE_MAX) or stream.next_line(_LINE_MAX)) and line[0] not in b"\r\n\0":
        pass
    if stream.unread() and ini.get("php_streams.starttls_buffer") != "keep":
        raise NotConnected(
            f"{failed}: it sent more in plaintext before the handshake (php_streams.starttls_buffer)"
        )
    if not _begin_tls(stream, hop, context):
        raise NotConnected(failed)


def _begin_tls(stream: Stream, hop: Hop, context: Context | None) -> bool:
    """TLS with the server's name: the connection knows the proxy's alone."""
    named = context is None or context.option("ssl", "peer_name") is None
    if context is not None and named:
        context.merge({"ssl": {"peer_name": hop.url.host}})
    stream.raw.require_tls(True)
    try:
        return bool(stream.raw.enable_crypto(context, True, STREAM_CRYPTO_METHOD_SSLv23_CLIENT, None))
    finally:
        if context is not None and named:
            del context.options["ssl"]["peer_name"]


def _authorization(context: Context | None) -> bytes:
    """The user's header for the proxy, if there is one: the first."""
    for text in header_strings(context):
        for line in c_string(text).replace(b"\r", b"\n").split(b"\n"):
            line = line.lstrip(b" \t")
            name, colon, _ = line.partition(b":")
            if colon and name.lower() == _NAME:
                return line + b"\r\n"
    return b""

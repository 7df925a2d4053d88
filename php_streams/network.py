"""Network functions (the manual's book.network): fsockopen, and names and addresses of hosts."""

from __future__ import annotations

from typing import Any, Literal

from php_streams import stream as _stream
from php_streams._core import ini
from php_streams._core.alias import alias
from php_streams._core.diagnostics import argument_value_error, called, warn
from php_streams._core.values import outputs, to_float, to_int, to_string

__all__ = [
    "fsockopen",
    "gethostbyaddr",
    "gethostbyname",
    "gethostbynamel",
    "gethostname",
    "pfsockopen",
    "socket_get_status",
    "socket_set_blocking",
    "socket_set_timeout",
]

FsockopenResult = outputs("FsockopenResult", "result error_code error_message")

# PHP's limit is 2**64 microseconds; the number that it prints is whatever lay in a register (decisions.toml).
_LONGEST = 2**64 / 1_000_000


def fsockopen(hostname: str, port: int = -1, timeout: float | None = None, *by_reference: Any) -> Any:
    """Open Internet or Unix domain socket connection.  https://www.php.net/function.fsockopen

    Returns (fp, errno, errstr): a Stream or False, and why it failed (0 and "" when a TLS handshake or
    the address itself is to blame).  The tuple is true when the connection stands.

    hostname: a name or address, [v6] in brackets, or a URL such as ssl://host, tls://host, udp://host,
    unix:///path.  port: -1 when the host needs none.  timeout: seconds for connecting (and the handshake),
    default_socket_timeout when left out, -1 for ever; reading has its own, see stream_set_timeout.
    """
    return _connect(hostname, port, timeout, by_reference, None)


def pfsockopen(hostname: str, port: int = -1, timeout: float | None = None, *by_reference: Any) -> Any:
    """Open persistent Internet or Unix domain socket connection.  https://www.php.net/function.pfsockopen

    As fsockopen, but the connection stays open when its variables are gone, and the next call with the same
    host and port returns it, as long as it lives.
    """
    return _connect(hostname, port, timeout, by_reference, "pfsockopen__")


def _connect(hostname: Any, port: Any, timeout: Any, by_reference: tuple[Any, ...], pool: str | None) -> Any:
    from php_streams._transports import connect

    if by_reference:
        raise TypeError(
            "PHP's $error_code and $error_message come back as results: "
            f"fp, errno, errstr = {called()}(hostname, port, timeout)"
        )
    host = to_string(hostname, 1, "hostname")
    number = to_int(port, 2, "port")
    seconds = _timeout(timeout)
    address = f"{host}:{number}" if number > 0 else host
    key = None if pool is None else f"{pool}{host}:{number}"
    found = None if key is None else connect.persistent(key)
    if found is not None:
        return FsockopenResult(found, 0, "")
    try:
        fp = connect.open_client(address, seconds, None)
    except connect.ConnectError as error:
        shown = host.partition("\0")[0]
        warn(f"Unable to connect to {shown}:{number} ({error.text or 'Unknown error'})")
        return FsockopenResult(False, error.code, error.text)
    if key is not None:
        connect.keep(fp, key)
    return FsockopenResult(fp, 0, "")


def _timeout(timeout: Any) -> float | None:
    """The connect timeout in seconds; None for ever."""
    if timeout is None:
        return ini.socket_timeout()
    seconds = to_float(timeout, 5, "timeout", "?float")
    if seconds == -1:
        return None
    if not 0 <= seconds <= _LONGEST:
        raise ValueError(f"{called()}(): Argument #6 must be -1 or between 0 and {int(_LONGEST)}")
    return seconds


def gethostname() -> str | Literal[False]:
    """Gets the host name.  https://www.php.net/function.gethostname"""
    import socket

    try:
        return socket.gethostname()
    except OSError as error:
        return warn(f"unable to fetch host [{error.errno}]: {error.strerror}")


def gethostbyname(hostname: str) -> str:
    """Get the IPv4 address corresponding to a host name.  https://www.php.net/function.gethostbyname

    The name itself when it has none.
    """
    name, data = _host_name(hostname)
    addresses = _ipv4(data)
    return addresses[0] if addresses else name


def gethostbynamel(hostname: str) -> list[str] | Literal[False]:
    """Get all IPv4 addresses of a host name.  https://www.php.net/function.gethostbynamel

    False when it has none.
    """
    return _ipv4(_host_name(hostname)[1]) or False


def gethostbyaddr(ip: str) -> str | Literal[False]:
    """Get the host name of an IP address.  https://www.php.net/function.gethostbyaddr

    The address itself when it has no name; False, with a warning, for what is no address.
    """
    import socket

    address = _no_nul(to_string(ip, 1, "ip"), "ip")
    for family in (socket.AF_INET6, socket.AF_INET):
        try:
            socket.inet_pton(family, address)
            break
        except OSError:
            continue
    else:
        return warn("Address is not a valid IPv4 or IPv6 address")
    try:
        return socket.gethostbyaddr(address)[0]
    except OSError:
        return address


_LONGEST_NAME = 255


def _host_name(hostname: Any) -> tuple[str, bytes]:
    """The name, and its bytes: "" when they are too many to be looked up."""
    name = _no_nul(to_string(hostname, 1, "hostname"), "hostname")
    data = name.encode("utf-8", "surrogateescape")
    if len(data) > _LONGEST_NAME:
        warn(f"Host name cannot be longer than {_LONGEST_NAME} characters")
        return name, b""
    return name, data


def _no_nul(text: str, name: str) -> str:
    if "\0" in text:
        raise argument_value_error(1, name, "must not contain any null bytes")
    return text


def _ipv4(name: bytes) -> list[str]:
    """The IPv4 addresses of a name, as bytes: Python would put a str through IDNA, PHP does not."""
    import socket

    try:
        return socket.gethostbyname_ex(name)[2] if name else []  # type: ignore[arg-type]
    except OSError:
        return []


socket_get_status = alias(_stream.stream_get_meta_data, "socket_get_status", __name__)
socket_set_blocking = alias(_stream.stream_set_blocking, "socket_set_blocking", __name__)
socket_set_timeout = alias(_stream.stream_set_timeout, "socket_set_timeout", __name__)

"""Network functions (the manual's book.network): fsockopen, and names and addresses of hosts."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from php_streams import stream as _stream
from php_streams._core import ini
from php_streams._core.alias import alias
from php_streams._core.diagnostics import argument_value_error, called, warn
from php_streams._core.values import outputs, to_bytes, to_float, to_int, to_string

__all__ = [
    "closelog",
    "fsockopen",
    "gethostbyaddr",
    "gethostbyname",
    "gethostbynamel",
    "gethostname",
    "getprotobyname",
    "getprotobynumber",
    "getservbyname",
    "getservbyport",
    "inet_ntop",
    "inet_pton",
    "ip2long",
    "long2ip",
    "net_get_interfaces",
    "openlog",
    "pfsockopen",
    "socket_get_status",
    "socket_set_blocking",
    "socket_set_timeout",
    "syslog",
]

_T = TypeVar("_T")

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


def _no_nul(text: str, name: str, number: int = 1) -> str:
    if "\0" in text:
        raise argument_value_error(number, name, "must not contain any null bytes")
    return text


def _name(value: Any, number: int, name: str) -> str:
    return _no_nul(to_string(value, number, name), name, number)


def _ipv4(name: bytes) -> list[str]:
    """The IPv4 addresses of a name, as bytes: Python would put a str through IDNA, PHP does not."""
    import socket

    try:
        return socket.gethostbyname_ex(name)[2] if name else []  # type: ignore[arg-type]
    except OSError:
        return []


# --- addresses, services and protocols, interfaces -----------------------------------------------------


def inet_pton(ip: str) -> bytes | Literal[False]:
    """Converts a human readable IP address to its packed in_addr representation.
    https://www.php.net/function.inet-pton

    4 bytes for IPv4, 16 for IPv6; False for what is neither.
    """
    import socket

    address = _name(ip, 1, "ip")
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except (OSError, UnicodeEncodeError):
        return False


def inet_ntop(ip: bytes) -> str | Literal[False]:
    """Converts a packed internet address to a human readable representation.
    https://www.php.net/function.inet-ntop

    False for what has neither 4 nor 16 bytes.
    """
    import socket

    packed = to_bytes(ip, 1, "ip")
    family = {4: socket.AF_INET, 16: socket.AF_INET6}.get(len(packed))
    return family is not None and socket.inet_ntop(family, packed)


def ip2long(ip: str) -> int | Literal[False]:
    """Converts a string containing an (IPv4) Internet Protocol dotted address into a proper address.
    https://www.php.net/function.ip2long

    From 0 to 2**32 - 1.  False for what is no IPv4 address of four decimal numbers, without leading zeros.
    """
    import socket

    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET, _name(ip, 1, "ip")))
    except (OSError, UnicodeEncodeError):
        return False


def long2ip(ip: int) -> str:
    """Converts a long integer address into a string in (IPv4) Internet standard dotted format.
    https://www.php.net/function.long2ip

    The lower 32 bits count: -1 is 255.255.255.255.
    """
    return ".".join(map(str, (to_int(ip, 1, "ip") & 0xFFFFFFFF).to_bytes(4)))


def getservbyname(service: str, protocol: str) -> int | Literal[False]:
    """Get port number associated with an Internet service and protocol.
    https://www.php.net/function.getservbyname

    protocol: "tcp" or "udp".  False when /etc/services has no such service.
    """
    from php_streams._network import services

    service, protocol = to_string(service, 1, "service"), to_string(protocol, 2, "protocol")
    return _found(services.port_of(_no_nul(service, "service"), _no_nul(protocol, "protocol", 2)))


def getservbyport(port: int, protocol: str) -> str | Literal[False]:
    """Get Internet service which corresponds to port and protocol.
    https://www.php.net/function.getservbyport
    """
    from php_streams._network import services

    return _found(services.service_at(to_int(port, 1, "port"), _name(protocol, 2, "protocol")))


def getprotobyname(protocol: str) -> int | Literal[False]:
    """Get protocol number associated with protocol name.  https://www.php.net/function.getprotobyname"""
    from php_streams._network import services

    return _found(services.number_of(_name(protocol, 1, "protocol")))


def getprotobynumber(protocol: int) -> str | Literal[False]:
    """Get protocol name associated with protocol number.
    https://www.php.net/function.getprotobynumber
    """
    from php_streams._network import services

    return _found(services.protocol_of(to_int(protocol, 1, "protocol")))


def _found(value: _T | None) -> _T | Literal[False]:
    return False if value is None else value


def net_get_interfaces() -> dict[str, dict[str, Any]] | Literal[False]:
    """Get network interfaces.  https://www.php.net/function.net-get-interfaces

    {name: {"unicast": [...], "up": bool}}; each entry of unicast has "flags" (IFF_* of the system) and what
    there is of "family" (AF_* of the system), "address", "netmask", "broadcast" and "ptp" (the other end's).
    The first one tells of the link layer.
    """
    from php_streams._network import interfaces

    try:
        return interfaces.by_name()
    except OSError as error:
        return warn(f"getifaddrs() failed {error.errno}: {error.strerror}", prefix=False)


# --- the system's log ----------------------------------------------------------------------------------


def openlog(prefix: str, flags: int, facility: int) -> Literal[True]:
    """Open connection to system logger.  https://www.php.net/function.openlog

    prefix: stands before each message.  flags: or'ed LOG_PID, LOG_PERROR (to descriptor 2 as well) ...
    facility: LOG_USER, LOG_LOCAL0 ...  They hold for the whole process, as syslog(3) has it.
    """
    from php_streams._network import syslog

    text, options = to_bytes(prefix, 1, "prefix"), to_int(flags, 2, "flags")
    syslog.open_log(text, options, to_int(facility, 3, "facility"))
    return True


def syslog(priority: int, message: str) -> Literal[True]:
    """Generate a system log message.  https://www.php.net/function.syslog

    priority: LOG_EMERG to LOG_DEBUG, with a facility or without.  Each line is a message of its own, and
    control characters are shown as \\xNN; the setting syslog.filter changes that ("all", "ascii", "raw").
    """
    from php_streams._network import syslog

    syslog.log(to_int(priority, 1, "priority"), to_bytes(message, 2, "message"))
    return True


def closelog() -> Literal[True]:
    """Close connection to system logger.  https://www.php.net/function.closelog"""
    from php_streams._network import syslog

    syslog.close_log()
    return True


socket_get_status = alias(_stream.stream_get_meta_data, "socket_get_status", __name__)
socket_set_blocking = alias(_stream.stream_set_blocking, "socket_set_blocking", __name__)
socket_set_timeout = alias(_stream.stream_set_timeout, "socket_set_timeout", __name__)

"""Network functions (the manual's book.network): fsockopen, and names and addresses of hosts."""

from __future__ import annotations

from typing import Any, Literal

from php_streams import stream as _stream
from php_streams._core import ini
from php_streams._core.alias import alias
from php_streams._core.diagnostics import argument_value_error, called, warn
from php_streams._core.signals import from_system
from php_streams._core.values import outputs, to_bool, to_bytes, to_float, to_int, to_string, to_text
from php_streams.constants import DNS_ALL, DNS_ANY

__all__ = [
    "checkdnsrr",
    "closelog",
    "dns_check_record",
    "dns_get_mx",
    "dns_get_record",
    "fsockopen",
    "gethostbyaddr",
    "gethostbyname",
    "gethostbynamel",
    "gethostname",
    "getmxrr",
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

FsockopenResult = outputs("FsockopenResult", "result error_code error_message")
DnsGetRecordResult = outputs("DnsGetRecordResult", "result authoritative_name_servers additional_records")
GetmxrrResult = outputs("GetmxrrResult", "result hosts weights")

# As many microseconds as 64 bits count.
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

    As fsockopen, but the connection stays open when its variables are gone, and the next call of the same
    thread with the same host and port returns it, as long as it lives: with its buffer, mode and timeout.
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
        seconds = float(ini.number("default_socket_timeout"))
    else:
        seconds = to_float(timeout, 5, "timeout", "?float")
    if seconds == -1:
        return None
    if not 0 <= seconds <= _LONGEST:
        raise argument_value_error(5, "timeout", f"must be -1 or between 0 and {int(_LONGEST)}")
    return seconds


def gethostname() -> str | Literal[False]:
    """Gets the host name.  https://www.php.net/function.gethostname"""
    import socket

    try:
        return socket.gethostname()
    except from_system(OSError) as error:
        return warn(f"unable to fetch host [{error.errno}]: {error.strerror}")


def gethostbyname(hostname: str) -> str:
    """Get the IPv4 address corresponding to a host name.  https://www.php.net/function.gethostbyname

    The name itself when it has none.
    """
    name, addresses = _addresses(hostname)
    return addresses[0] if addresses else name


def gethostbynamel(hostname: str) -> list[str] | Literal[False]:
    """Get all IPv4 addresses of a host name.  https://www.php.net/function.gethostbynamel

    False when it has none.
    """
    return _addresses(hostname)[1] or False


def gethostbyaddr(ip: str) -> str | Literal[False]:
    """Get the host name of an IP address.  https://www.php.net/function.gethostbyaddr

    The address itself when it has no name; False, with a warning, for what is no address.
    """
    from php_streams._network import hosts

    address = _name(ip, 1, "ip")
    if not hosts.is_address(address):
        return warn("Address is not a valid IPv4 or IPv6 address")
    return hosts.name_of(address) or address


def _addresses(hostname: Any) -> tuple[str, list[str]]:
    """The name as text, and its IPv4 addresses."""
    from php_streams._network import hosts

    name = _host(hostname)
    if len(name) > hosts.LONGEST_NAME:
        warn(f"Host name cannot be longer than {hosts.LONGEST_NAME} characters")
        return to_text(name), []
    return to_text(name), hosts.addresses(name)


def _host(hostname: Any) -> bytes:
    return _name(hostname, 1, "hostname").encode("utf-8", "surrogateescape")


def _no_nul(text: str, name: str, number: int = 1) -> str:
    if "\0" in text:
        raise argument_value_error(number, name, "must not contain any null bytes")
    return text


def _name(value: Any, number: int, name: str) -> str:
    return _no_nul(to_string(value, number, name), name, number)


# --- the DNS -------------------------------------------------------------------------------------------


def dns_get_record(
    hostname: str,
    type: int = DNS_ANY,
    authoritative_name_servers: Any = None,
    additional_records: Any = None,
    raw: bool = False,
) -> Any:
    """Fetch DNS Resource Records associated with a hostname.  https://www.php.net/function.dns-get-record

    Returns (records, authoritative_name_servers, additional_records), true when there are records.  records:
    a list of dicts with the keys host, class, ttl, type and those of the type, in PHP's order; empty when the
    name or the type does not exist; False, with a warning, when a server failed.  Only data is bytes.

    type: DNS_* constants, joined with |; each is a query of its own.  With raw the number of any type.
    The other two lists are made when something is given in their places ([] will do) or with raw, else they
    are None: PHP sends one more query for them.  Needs dnspython: pip install php-streams[dns].
    """
    from php_streams._network import extra

    name, kind = _host(hostname), to_int(type, 2, "type")
    raw = to_bool(raw, 5, "raw")
    if raw and not 1 <= kind <= 0xFFFF:
        raise argument_value_error(2, "type", "must be between 1 and 65535 when argument #5 ($raw) is true")
    if not raw and kind & ~DNS_ALL and kind != DNS_ANY:
        raise argument_value_error(2, "type", "must be a DNS_* constant")
    # In PHP there is no way to give `raw` without them.
    authority: list[Any] | None = None if authoritative_name_servers is None and not raw else []
    additional: list[Any] | None = None if additional_records is None and not raw else []
    records = extra.dns().records(name, kind, authority, additional, raw)
    return DnsGetRecordResult(records, authority, additional)


def checkdnsrr(hostname: str, type: str = "MX") -> bool:
    """Check DNS records corresponding to a host name.  https://www.php.net/function.checkdnsrr

    Is there a record of this type (A, MX, NS, SOA, PTR, CNAME, AAAA, A6, SRV, NAPTR, TXT, CAA or ANY)?
    False too when no server could say.  Needs dnspython: pip install php-streams[dns].
    """
    from php_streams._network import extra

    name = _host(hostname)
    kind = to_string(type, 2, "type").upper()
    if not name:
        raise argument_value_error(1, "hostname", "must not be empty")
    dns = extra.dns()
    if kind not in dns.NAMES:
        raise argument_value_error(2, "type", "must be a valid DNS record type")
    found: bool = dns.exists(name, dns.NAMES[kind])
    return found


def getmxrr(hostname: str, *by_reference: Any) -> Any:
    """Get MX records corresponding to a host name.  https://www.php.net/function.getmxrr

    Returns (ok, hosts, weights): whether there are any, their names and their weights (lower is preferred)
    in the order of the answer.  False too when no server could say.  Needs dnspython: pip install
    php-streams[dns].
    """
    from php_streams._network import extra

    if by_reference:
        raise TypeError(
            f"PHP's $hosts and $weights come back as results: ok, hosts, weights = {called()}(hostname)"
        )
    return GetmxrrResult(*extra.dns().exchangers(_host(hostname)))


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
    except from_system(OSError, UnicodeEncodeError):
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
    except from_system(OSError, UnicodeEncodeError):
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
    return services.port_of(_no_nul(service, "service"), _no_nul(protocol, "protocol", 2))


def getservbyport(port: int, protocol: str) -> str | Literal[False]:
    """Get Internet service which corresponds to port and protocol.
    https://www.php.net/function.getservbyport
    """
    from php_streams._network import services

    return services.service_at(to_int(port, 1, "port"), _name(protocol, 2, "protocol"))


def getprotobyname(protocol: str) -> int | Literal[False]:
    """Get protocol number associated with protocol name.  https://www.php.net/function.getprotobyname"""
    from php_streams._network import services

    return services.number_of(_name(protocol, 1, "protocol"))


def getprotobynumber(protocol: int) -> str | Literal[False]:
    """Get protocol name associated with protocol number.
    https://www.php.net/function.getprotobynumber
    """
    from php_streams._network import services

    return services.protocol_of(to_int(protocol, 1, "protocol"))


def net_get_interfaces() -> dict[str, dict[str, Any]] | Literal[False]:
    """Get network interfaces.  https://www.php.net/function.net-get-interfaces

    {name: {"unicast": [...], "up": bool}}; each entry of unicast has "flags" (IFF_* of the system) and what
    there is of "family" (AF_* of the system), "address", "netmask", "broadcast" and "ptp" (the other end's).
    The first one tells of the link layer.
    """
    try:
        from php_streams._network import interfaces  # takes descriptors, as getifaddrs does

        return interfaces.by_name()
    except from_system(OSError) as error:
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


dns_check_record = alias(checkdnsrr, "dns_check_record", __name__)
dns_get_mx = alias(getmxrr, "dns_get_mx", __name__)
socket_get_status = alias(_stream.stream_get_meta_data, "socket_get_status", __name__)
socket_set_blocking = alias(_stream.stream_set_blocking, "socket_set_blocking", __name__)
socket_set_timeout = alias(_stream.stream_set_timeout, "socket_set_timeout", __name__)

"""Addresses as the socket transports read and write them: host:port, [v6]:port, paths of unix sockets."""

from __future__ import annotations

import re
from typing import Any

_SCHEME = re.compile(r"([A-Za-z0-9+.-]{2,}):\/\/")
_DIGITS = re.compile(r"[ \t\n\r\v\f]*([+-]?[0-9]{1,4300})")

# sun_path holds 108 bytes, one of them for the NUL.
UNIX_PATH_MAX = 107


def split_scheme(address: str) -> tuple[str, str]:
    """("tcp", "host:port") of "tcp://host:port"; no scheme means tcp."""
    match = _SCHEME.match(address)
    return (match[1], address[match.end() :]) if match else ("tcp", address)


def split_port(address: str) -> tuple[str, int]:
    """Host and port; ValueError with PHP's text when the address has none.

    As in PHP the first colon ends a host, so an IPv6 address needs its brackets, and the port is read
    like C's strtol: "abc" is 0.
    """
    if address.startswith("[") and len(address) > 1:
        end = address.find("]", 1, len(address) - 1)
        if end < 0 or address[end + 1] != ":":
            raise ValueError(f'Failed to parse IPv6 address "{address}"')
        return address[1:end], _port(address, end + 2)
    colon = address.find(":", 0, max(len(address) - 1, 0))
    if colon < 0:
        raise ValueError(f'Failed to parse address "{address}"')
    return address[:colon], _port(address, colon + 1)


def split_target(address: str) -> tuple[str, int]:
    """Host and port where stream_socket_sendto sends to; ValueError when there are none."""
    bracketed = address.startswith("[")
    end = address.find("]" if bracketed else ":")
    colon = end + bracketed
    if end < 0 or address[colon : colon + 1] != ":":
        raise ValueError(f'Failed to parse address "{address}"')
    return address[bracketed:end].partition("\0")[0], _port(address, colon + 1)


def escaped(address: str) -> str:
    """An address as stream_socket_client's warnings show it: PHP's addslashes()."""
    return re.sub(r"['\"\\]", r"\\\g<0>", address).replace("\0", r"\0")


def _port(address: str, start: int) -> int:
    match = _DIGITS.match(address, start)
    port = int(match[1]) if match else 0
    if not 0 <= port <= 65535:
        raise ValueError(f'Failed to parse port of address "{address}"')
    return port


def text_of(family: int, address: Any) -> str | None:
    """A socket address as stream_socket_get_name shows it; None for one without a name."""
    import socket

    if family == socket.AF_INET:
        return f"{address[0]}:{address[1]}"
    if family == socket.AF_INET6:
        return f"[{address[0].partition('%')[0]}]:{address[1]}"
    if isinstance(address, bytes):  # Linux's abstract names begin with a NUL
        return address.decode("utf-8", "surrogateescape")
    return str(address)

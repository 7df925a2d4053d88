"""Names and addresses of hosts as the system knows them: nsswitch.conf, /etc/hosts, the DNS."""

from __future__ import annotations

import socket

LONGEST_NAME = 255  # bytes


def addresses(name: bytes) -> list[str]:
    """The IPv4 addresses of a name, as bytes: Python would put a str through IDNA, PHP does not."""
    try:
        return socket.gethostbyname_ex(name)[2] if name else []  # type: ignore[arg-type]
    except OSError:
        return []


def is_address(text: str) -> bool:
    """Is it an IPv4 or IPv6 address in full?"""
    for family in (socket.AF_INET6, socket.AF_INET):
        try:
            socket.inet_pton(family, text)
            return True
        except (OSError, UnicodeEncodeError):
            continue
    return False


def name_of(address: str) -> str | None:
    """The name of an address."""
    try:
        return socket.getnameinfo((address, 0), socket.NI_NAMEREQD)[0]
    except OSError:
        return None

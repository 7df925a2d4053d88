"""Names and addresses of hosts as the system knows them: nsswitch.conf, /etc/hosts, the DNS."""

from __future__ import annotations

import socket

from php_streams._core.signals import from_system

LONGEST_NAME = 255  # bytes
MAPPED = bytes(10) + b"\xff\xff"


def addresses(name: bytes) -> list[str]:
    """The IPv4 addresses of a name, as bytes: Python would put a str through IDNA, PHP does not."""
    try:
        return socket.gethostbyname_ex(name)[2] if name else []  # type: ignore[arg-type]
    except from_system(OSError):
        return []


def is_address(text: str) -> bool:
    """Is it an IPv4 or IPv6 address in full?"""
    for family in (socket.AF_INET6, socket.AF_INET):
        try:
            socket.inet_pton(family, text)
            return True
        except from_system(OSError, UnicodeEncodeError):
            continue
    return False


def name_of(address: str) -> str | None:
    """The name of an address, by the call that PHP makes: getnameinfo stops all threads on Python 3.11.2."""
    try:
        return socket.gethostbyaddr(_unmapped(address))[0]
    except from_system(OSError):
        return None


def _unmapped(address: str) -> str:
    """The IPv4 address in one like ::ffff:192.0.2.7, for which Python refuses the system's answer."""
    try:
        packed = socket.inet_pton(socket.AF_INET6, address)
    except from_system(OSError):
        return address
    return socket.inet_ntoa(packed[12:]) if packed.startswith(MAPPED) else address

"""The machine's network interfaces: getifaddrs(3), which is what PHP asks, through ctypes.

The standard library knows their names alone (socket.if_nameindex).  The list has an entry for each address of
each interface and one for its link layer; a structure's pointers may be NULL.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from php_streams._network.libc import waiting

_UP, _BROADCAST, _POINT_TO_POINT = 0x1, 0x2, 0x10  # IFF_UP, IFF_BROADCAST, IFF_POINTOPOINT
_KEYS = ("flags", "family", "address", "netmask", "broadcast", "ptp")

# Where an address of each family begins in its sockaddr, and how long it is.
_PLACES = {socket.AF_INET: (4, 4), socket.AF_INET6: (8, 16)}


class _Socket(ctypes.Structure):
    """struct sockaddr's head; BSD systems have its length before the family, a byte each."""

    _fields_ = (
        [("family", ctypes.c_uint16)]
        if sys.platform == "linux"
        else [("length", ctypes.c_uint8), ("family", ctypes.c_uint8)]
    )


class _Entry(ctypes.Structure):
    """struct ifaddrs."""


_Entry._fields_ = [
    ("next", ctypes.POINTER(_Entry)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.POINTER(_Socket)),
    ("netmask", ctypes.POINTER(_Socket)),
    ("other", ctypes.POINTER(_Socket)),  # broadcast address or the peer's, by the flags
    ("data", ctypes.c_void_p),
]


class Address(NamedTuple):
    """One address of an interface, or its link layer (which has no address that can be shown)."""

    interface: str
    flags: int
    family: int | None
    address: str | None
    netmask: str | None
    broadcast: str | None
    peer: str | None


def by_name() -> dict[str, dict[str, Any]]:
    """The interfaces as PHP's array; OSError when the system does not tell."""
    found: dict[str, dict[str, Any]] = {}
    for address in addresses():
        interface = found.setdefault(address.interface, {"unicast": [], "up": bool(address.flags & _UP)})
        values = zip(_KEYS, address[1:], strict=True)
        interface["unicast"].append({key: value for key, value in values if value is not None})
    return found


def addresses() -> list[Address]:
    """All addresses of all interfaces in the system's order; OSError when it does not tell."""
    ask, free = waiting.getifaddrs, waiting.freeifaddrs
    ask.argtypes = [ctypes.POINTER(ctypes.POINTER(_Entry))]
    free.argtypes, free.restype = [ctypes.c_void_p], None
    first = ctypes.POINTER(_Entry)()
    if ask(ctypes.byref(first)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    try:
        return [_address(entry) for entry in _entries(first)]
    finally:
        free(first)


def _entries(pointer: ctypes._Pointer[_Entry]) -> Iterator[_Entry]:
    while pointer:
        yield pointer.contents
        pointer = pointer.contents.next


def _address(entry: _Entry) -> Address:
    return Address(
        entry.name.decode("utf-8", "surrogateescape"),
        entry.flags,
        entry.address.contents.family if entry.address else None,
        _shown(entry.address),
        _shown(entry.netmask),
        _shown(entry.other) if entry.flags & _BROADCAST else None,
        _shown(entry.other) if entry.flags & _POINT_TO_POINT else None,
    )


def _shown(pointer: ctypes._Pointer[_Socket]) -> str | None:
    """An IPv4 or IPv6 address as text."""
    if not pointer or pointer.contents.family not in _PLACES:
        return None
    family = pointer.contents.family
    start, size = _PLACES[family]
    return socket.inet_ntop(family, ctypes.string_at(ctypes.addressof(pointer.contents) + start, size))

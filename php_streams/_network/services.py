"""/etc/services and /etc/protocols, asked through the C library as PHP does (so nsswitch.conf counts too)."""

from __future__ import annotations

import socket
from typing import Literal

from php_streams._core.signals import from_system


def port_of(service: str, protocol: str) -> int | Literal[False]:
    """The port of a service; False when there is none of that name and protocol."""
    try:
        return socket.getservbyname(service, protocol)
    except from_system(OSError, UnicodeEncodeError):  # a name that is not UTF-8 is nobody's
        return False


def service_at(port: int, protocol: str) -> str | Literal[False]:
    """The service at a port, of which C sees 16 bits."""
    try:
        return socket.getservbyport(port & 0xFFFF, protocol)
    except from_system(OSError, UnicodeEncodeError):
        return False


def number_of(protocol: str) -> int | Literal[False]:
    """The number of a protocol such as "tcp"."""
    try:
        return socket.getprotobyname(protocol)
    except from_system(OSError, UnicodeEncodeError):
        return False


def protocol_of(number: int) -> str | Literal[False]:
    """The protocol with a number, of which C sees 32 bits."""
    import ctypes

    from php_streams._network import libc

    ask = libc.static.getprotobynumber
    # A struct protoent begins with its name.
    ask.argtypes, ask.restype = [ctypes.c_int], ctypes.POINTER(ctypes.c_char_p)
    found = ask(number)
    return found[0].decode("utf-8", "surrogateescape") if found else False

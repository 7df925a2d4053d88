"""How the system wants names to be looked up: resolv.conf(5), LOCALDOMAIN and RES_OPTIONS.

PHP asks glibc, so this reads what glibc's res_init.c reads, and as it does: a keyword stands at the line's
beginning, an option is known by how it begins, the last `search` or `domain` counts, three servers at most.
Every lookup reads it anew, as res_ninit does for PHP.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from dataclasses import dataclass, field

from php_streams._core.signals import from_system

PATH = "/etc/resolv.conf"
PORT = 53

MOST_SERVERS = 3
MOST_DOTS, MOST_SECONDS, MOST_ATTEMPTS = 15, 30, 5

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]


@dataclass
class Settings:
    """What the files and the environment say; the defaults are glibc's.

    timeout: seconds for the first server.  search: the domains to try, b"" is the root.
    ndots: a name with that many dots is tried as it is, first.
    """

    nameservers: list[Address] = field(default_factory=list)
    search: list[bytes] = field(default_factory=list)
    ndots: int = 1
    timeout: int = 5
    attempts: int = 2
    flags: set[bytes] = field(default_factory=set)


FLAGS = {
    b"rotate": b"rotate",
    b"edns0": b"edns0",
    b"no_tld_query": b"no-tld-query",
    b"no-tld-query": b"no-tld-query",
    b"use-vc": b"use-vc",
    b"no-aaaa": b"no-aaaa",
}


def load() -> Settings:
    """The settings now.  A file that is not there or may not be read is no error, to glibc neither.

    OSError for another reason: no descriptor is left.
    """
    settings = Settings()
    try:
        with open(PATH, "rb") as file:
            lines = file.read().split(b"\n")
    except from_system(FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
        lines = []
    except from_system(OSError) as error:
        if error.errno != errno.ELOOP:
            raise
        lines = []
    for line in lines:
        _obey(settings, line)
    del settings.nameservers[MOST_SERVERS:]
    if not settings.nameservers:
        settings.nameservers.append((socket.AF_INET, ("127.0.0.1", PORT)))
    if (domains := os.environb.get(b"LOCALDOMAIN")) is not None:
        settings.search = _domains(domains.partition(b"\n")[0])
    elif not settings.search:
        _, dot, domain = os.fsencode(socket.gethostname()).partition(b".")
        settings.search = [domain] if dot else []
    _options(settings, os.environb.get(b"RES_OPTIONS", b""))
    return settings


def _obey(settings: Settings, line: bytes) -> None:
    match = re.match(rb"(domain|search|nameserver|options)[ \t]+([^ \t].*)", line, re.DOTALL)
    if match is None:
        return
    keyword, rest = match.groups()
    if keyword == b"nameserver":
        address = _server(rest)
        if address is not None:
            settings.nameservers.append(address)
    elif keyword == b"options":
        _options(settings, rest)
    else:
        settings.search = _domains(rest)[: 1 if keyword == b"domain" else None]


def _domains(text: bytes) -> list[bytes]:
    # A leading "." stands for the root, as an empty domain does.
    return [domain.removeprefix(b".") for domain in re.split(rb"[ \t]+", text.rstrip(b" \t"))]


def _server(text: bytes) -> Address | None:
    """An address as inet_aton or inet_pton knows it; None for what is none."""
    try:
        return socket.AF_INET, (socket.inet_ntoa(socket.inet_aton(os.fsdecode(text))), PORT)
    except from_system(OSError, UnicodeEncodeError):
        pass
    host, _, scope = os.fsdecode(text.split()[0]).partition("%")
    try:
        socket.inet_pton(socket.AF_INET6, host)
    except from_system(OSError, UnicodeEncodeError):
        return None
    return socket.AF_INET6, (host, PORT, 0, _interface(scope))


def _interface(scope: str) -> int:
    """The number of an interface, 0 for one that is not there."""
    if scope.isdecimal():
        return int(scope)
    try:
        return socket.if_nametoindex(scope)
    except from_system(OSError):
        return 0


def _options(settings: Settings, text: bytes) -> None:
    for option in re.split(rb"[ \t]+", text):
        name, colon, value = option.partition(b":")
        if colon and name in (b"ndots", b"timeout", b"attempts"):
            _number(settings, name, value)
        else:
            settings.flags |= {FLAGS[flag] for flag in FLAGS if option.startswith(flag)}


def _number(settings: Settings, name: bytes, value: bytes) -> None:
    match = re.match(rb"\s*([+-]?\d+)", value)
    number = int(match[1]) if match else 0
    if name == b"ndots":
        settings.ndots = min(number, MOST_DOTS) & 15  # glibc keeps it in four bits
    elif name == b"timeout":
        settings.timeout = min(number, MOST_SECONDS)
    else:
        settings.attempts = min(number, MOST_ATTEMPTS)

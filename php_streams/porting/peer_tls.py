"""The TLS side of a scripted peer: its SSLContext, and what a client's ClientHello asks for."""

from __future__ import annotations

import socket
import ssl
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERSIONS = {
    "tls1.0": ssl.TLSVersion.TLSv1,
    "tls1.1": ssl.TLSVersion.TLSv1_1,
    "tls1.2": ssl.TLSVersion.TLSv1_2,
    "tls1.3": ssl.TLSVersion.TLSv1_3,
}
VERSION_NAMES = {0x0300: "SSLv3", 0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
SERVER_NAME, ALPN, SESSION_TICKET, SUPPORTED_VERSIONS = 0, 16, 35, 43


@dataclass(frozen=True)
class ClientHello:
    """What a client offers in the first message of a handshake."""

    versions: list[str] = field(default_factory=list)
    ciphers: list[int] = field(default_factory=list)
    compression: list[int] = field(default_factory=list)
    sni: str | None = None
    alpn: list[str] = field(default_factory=list)
    ticket: bool = False


def server_context(words: tuple[str, ...], certs: Path) -> ssl.SSLContext:
    """The context for ``CERT [tls1.0 ... tls1.3] [client-cert required|optional] [alpn A,B] [ciphers LIST]``.

    CERT is a PEM file of `certs` (without ``.pem``) or a path; it holds the chain and the key.  Versions
    named are the range accepted.  All of OpenSSL's security levels are off here: the peer plays weak
    servers too.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    name, rest = words[0], list(words[1:])
    versions = [VERSIONS[word] for word in rest if word in VERSIONS]
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TLS below 1.2 is wanted here
        context.minimum_version = min(versions, default=ssl.TLSVersion.TLSv1)
        context.maximum_version = max(versions, default=ssl.TLSVersion.MAXIMUM_SUPPORTED)
    context.load_cert_chain(name if "/" in name else certs / f"{name}.pem")
    while rest:
        word = rest.pop(0)
        if word == "client-cert":
            context.verify_mode = ssl.CERT_REQUIRED if rest.pop(0) == "required" else ssl.CERT_OPTIONAL
            context.load_verify_locations(certs / "ca.pem")
        elif word == "alpn":
            context.set_alpn_protocols(rest.pop(0).split(","))
        elif word == "ciphers":
            context.set_ciphers(rest.pop(0) + ":@SECLEVEL=0")
    return context


def peek_hello(sock: socket.socket, patience: float = 1.0) -> ClientHello | None:
    """The ClientHello that waits in the socket, which keeps it; None when something else came."""
    head = peek(sock, 5, patience)
    if len(head) < 5 or head[0] != 0x16:
        return None
    return parse_hello(peek(sock, 5 + int.from_bytes(head[3:5], "big"), patience)[5:])


def peek(sock: socket.socket, size: int, patience: float) -> bytes:
    """That many bytes, or what has come when the first came `patience` seconds ago."""
    data = sock.recv(size, socket.MSG_PEEK)
    until = time.monotonic() + patience
    # A peek returns as soon as there is one byte: the rest can only be asked for again.
    while 0 < len(data) < size and time.monotonic() < until:
        time.sleep(0.005)
        data = sock.recv(size, socket.MSG_PEEK)
    return data


def parse_hello(message: bytes) -> ClientHello | None:
    """Reads a ClientHello handshake message (RFC 8446, section 4.1.2)."""
    if message[:1] != b"\x01":
        return None
    at = 4 + 2 + 32
    _, at = block(message, at, 1)
    suites, at = block(message, at, 2)
    compression, at = block(message, at, 1)
    extensions = dict(read_extensions(block(message, at, 2)[0] if at < len(message) else b""))
    offered = extensions.get(SUPPORTED_VERSIONS)
    numbers = pairs(offered[1:]) if offered else [int.from_bytes(message[4:6], "big")]
    names = extensions.get(SERVER_NAME)
    return ClientHello(
        # Values without a name are GREASE or drafts.
        versions=[VERSION_NAMES[number] for number in numbers if number in VERSION_NAMES],
        ciphers=pairs(suites),
        compression=list(compression),
        sni=names[5:].decode("ascii", "backslashreplace") if names else None,
        alpn=read_alpn(extensions.get(ALPN, b"")),
        ticket=SESSION_TICKET in extensions,
    )


def block(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    """A length of `size` bytes and that many bytes; gives the bytes and the place behind them."""
    length = int.from_bytes(data[at : at + size], "big")
    return data[at + size : at + size + length], at + size + length


def pairs(data: bytes) -> list[int]:
    """Numbers of two bytes."""
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data) - 1, 2)]


def read_extensions(data: bytes) -> list[tuple[int, bytes]]:
    """(type, content) of each extension."""
    found, at = [], 0
    while at + 4 <= len(data):
        kind = int.from_bytes(data[at : at + 2], "big")
        content, at = block(data, at + 2, 2)
        found.append((kind, content))
    return found


def read_alpn(data: bytes) -> list[str]:
    """The protocols offered."""
    names, at = [], 2
    while at < len(data):
        name, at = block(data, at, 1)
        names.append(name.decode("ascii", "backslashreplace"))
    return names


def fact(name: str, sock: socket.socket, hello: ClientHello | None) -> str:
    """What ``show NAME`` reports about a connection."""
    if isinstance(sock, ssl.SSLSocket):
        if name == "protocol":
            return sock.version() or "-"
        if name == "cipher":
            return (sock.cipher() or ("-",))[0]
        if name == "resumed":
            return "yes" if sock.session_reused else "no"
        if name == "client":
            return subject(sock)
    if hello is None or name in ("protocol", "cipher", "resumed", "client"):
        return "-"
    if name == "ticket":
        return "yes" if hello.ticket else "no"
    if name == "compression":
        return "yes" if any(hello.compression) else "no"
    value = hello.sni if name == "sni" else ",".join(hello.alpn if name == "alpn" else hello.versions)
    return value or "-"


def subject(sock: ssl.SSLSocket) -> str:
    """The common name of the client's certificate."""
    certificate: dict[str, Any] = dict(sock.getpeercert() or {})
    names = dict(pair for part in certificate.get("subject", ()) for pair in part)
    return str(names.get("commonName", "-"))

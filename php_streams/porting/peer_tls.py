"""The TLS side of a scripted peer: its SSLContext, what it sees, and what a ClientHello asks for."""

from __future__ import annotations

import re
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
    set_versions(context, [VERSIONS[word] for word in rest if word in VERSIONS])
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


def client_context(words: tuple[str, ...], certs: Path) -> ssl.SSLContext:
    """The context for ``[tls1.0 ... tls1.3] [sni NAME] [cert FILE] [alpn A,B] [ciphers LIST] [curve NAME]
    [verify]``.

    FILE holds a certificate and its key, in `certs` if it is no path.  Without ``verify`` every certificate
    is accepted; with it one from ``ca.pem``, for the name of ``sni`` if there is one.  OpenSSL's security
    levels are off unless LIST names one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # An end without close_notify is seen; Python's contexts had this option on until 3.11.3.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    rest = list(words)
    set_versions(context, [VERSIONS[word] for word in rest if word in VERSIONS])
    context.check_hostname = "verify" in rest and "sni" in rest
    if "verify" in rest:
        context.load_verify_locations(certs / "ca.pem")
    else:
        context.verify_mode = ssl.CERT_NONE
    while rest:
        word = rest.pop(0)
        if word == "cert":
            file = rest.pop(0)
            context.load_cert_chain(file if "/" in file else certs / file)
        elif word == "alpn":
            context.set_alpn_protocols(rest.pop(0).split(","))
        elif word == "ciphers":
            ciphers = rest.pop(0)
            context.set_ciphers(ciphers if "@SECLEVEL" in ciphers else f"{ciphers}:@SECLEVEL=0")
        elif word == "curve":
            context.set_ecdh_curve(rest.pop(0))
        elif word == "sni":
            rest.pop(0)
    return context


def set_versions(context: ssl.SSLContext, versions: list[ssl.TLSVersion]) -> None:
    """Accepts these versions, or all; with security levels off, as they refuse old ones."""
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TLS below 1.2 is wanted here
        context.minimum_version = min(versions, default=ssl.TLSVersion.TLSv1)
        context.maximum_version = max(versions, default=ssl.TLSVersion.MAXIMUM_SUPPORTED)


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


def client_fact(name: str, sock: socket.socket) -> str:
    """What ``show NAME`` reports at the client's end of a connection."""
    if not isinstance(sock, ssl.SSLSocket):
        return "-"
    if name == "alpn":
        return sock.selected_alpn_protocol() or "-"
    if name == "compression":
        return "yes" if sock.compression() else "no"
    if name == "ticket":
        return "yes" if sock.session is not None and sock.session.has_ticket else "no"
    if name == "peer-subject":
        return common_name(sock.getpeercert(binary_form=True) or b"")
    if name == "chain":
        # Public from Python 3.13 on.
        return str(len(sock._sslobj.get_unverified_chain()))  # type: ignore[attr-defined]
    return fact(name, sock, None)


def common_name(certificate: bytes) -> str:
    """The common name of a certificate's subject; Python's ssl reads only certificates that it verified."""
    _, content, _ = der(certificate, 0)
    parts = values(values(content)[0][1])
    # version (if the tag says so), serial number, algorithm, issuer, validity, subject
    subject = parts[5 if parts[0][0] == 0xA0 else 4][1]
    attributes = [values(values(part)[0][1]) for _, part in values(subject)]
    names = [value[1] for kind, value in attributes if kind[1] == b"\x55\x04\x03"]
    return names[-1].decode("utf-8", "backslashreplace") if names else "-"


def values(content: bytes) -> list[tuple[int, bytes]]:
    """(tag, content) of the DER values in a constructed one."""
    found, at = [], 0
    while at < len(content):
        tag, value, at = der(content, at)
        found.append((tag, value))
    return found


def der(data: bytes, at: int) -> tuple[int, bytes, int]:
    """Tag and content of the DER value at `at`, and the place behind it."""
    size, begin = data[at + 1], at + 2
    if size & 0x80:
        begin += size & 0x7F
        size = int.from_bytes(data[at + 2 : begin], "big")
    return data[at], data[begin : begin + size], begin + size


def reason(error: OSError | None) -> str:
    """Why TLS ended, "-" when it did not end badly: the alert that came, or what was found wrong here.

    In words that do not depend on OpenSSL's version.
    """
    if error is None:
        return "-"
    said = getattr(error, "reason", None)
    # An end without close_notify is an SSLEOFError from 3.11.3 on, and an SSLError with this reason before.
    cut = isinstance(error, (ssl.SSLEOFError, ConnectionError)) or said == "UNEXPECTED_EOF_WHILE_READING"
    if cut or not said:
        return "closed"
    alert = re.fullmatch(r"(?:SSLV3|TLSV1|TLSV13)_ALERT_(.*)", said)
    return f"alert {words(alert[1])}" if alert else words(said)


def words(name: str) -> str:
    """HANDSHAKE_FAILURE as words."""
    return name.lower().replace("_", " ")

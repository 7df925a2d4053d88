"""URLs as PHP takes them apart for its wrappers (= php_url_parse of ext/standard/url.c)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SCHEME = re.compile(r"([A-Za-z0-9+.-]+)://")
_HOST_END = re.compile(r"[/?#]|\Z")
_PORT = re.compile(r"[ \t\n\r\v\f]*([+-]?\d+)")
_PORT_MAX = 65535
_PORT_DIGITS = 5
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Url:
    """The parts of a URL with a host; None for a part that is not there, port 0 for none."""

    scheme: str
    host: str
    port: int = 0
    user: str | None = None
    password: str | None = None
    path: str | None = None
    query: str | None = None


def parse(url: str) -> Url | None:
    """The parts of `scheme://host...`; None where PHP finds no host, or no port, in it.

    Control characters are shown as _; what follows a # is dropped.
    """
    match = _SCHEME.match(url)
    assert match is not None  # what has no scheme has another wrapper
    end = _HOST_END.search(url, match.end()).start()  # type: ignore[union-attr]
    login, at, place = url[match.end() : end].rpartition("@")
    host, port = _host_and_port(place)
    if not host or port is None:
        return None
    user, colon, password = login.partition(":")
    path, question, query = url[end:].partition("#")[0].partition("?")
    return Url(
        match[1],
        _visible(host),
        port,
        _visible(user) if at else None,
        _visible(password) if colon else None,
        _visible(path) if path else None,
        _visible(query) if question else None,
    )


def _host_and_port(place: str) -> tuple[str, int | None]:
    """The host, brackets included, and the port: 0 without one, None when it is none."""
    if place.startswith("[") and place.endswith("]"):
        return place, 0
    host, colon, digits = place.rpartition(":")
    if not colon:
        return place, 0
    if not digits:
        return host, 0
    match = _PORT.match(digits)
    if match is None or len(digits) > _PORT_DIGITS or not 0 <= int(match[1]) <= _PORT_MAX:
        return host, None
    return host, int(match[1])


def _visible(part: str) -> str:
    return _CONTROL.sub("_", part)


def decode(part: str) -> bytes:
    """A part without its %-escapes and with spaces for + (= php_url_decode)."""
    raw = part.encode("utf-8", "surrogateescape").replace(b"+", b" ")
    return _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), raw)


def raw_decode(part: str) -> bytes:
    """A part without its %-escapes (= php_raw_url_decode)."""
    raw = part.encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), raw)

"""What the http wrapper sends (= the first half of ext/standard/http_fopen_wrapper.c), byte for byte."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field

from php_streams._core import ini, notification
from php_streams._core.context import Context
from php_streams._core.diagnostics import notice
from php_streams._wrappers.options import NOT_SET, as_bytes, double, option, string_option
from php_streams._wrappers.url import Url, decode
from php_streams.constants import STREAM_NOTIFY_AUTH_REQUIRED

# A header with its lines' ends: CR, LF or both, and after it what begins with a blank belongs to it.
_HEADER = rb"(?:\A|(?<=[\r\n]))%b[ \t]*:[^\r\n]*(?:(?:\r\n|\r|\n)[ \t][^\r\n]*)*(?:\r\n|\r|\n|\Z)"
_BLANK = b" \n\r\t\v\0"  # what PHP's trim takes off
# The headers that the user's own replace.
_STANDARD = (
    b"user-agent",
    b"host",
    b"from",
    b"authorization",
    b"content-length",
    b"content-type",
    b"connection",
)
# The user's headers for the server that was asked first alone, and those that belong to the content.
_SECRET = (b"authorization", b"cookie")
_OF_CONTENT = (b"content-length", b"content-type")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass
class Hop:
    """One request of a chain of redirects."""

    address: str
    limit: int  # redirects that are left
    first: bool = True
    keep_method: bool = False  # after a 307 or 308 the request is sent again as it was
    left_origin: bool = False  # a redirect on the way has led to another server, if only for a while
    url: Url = field(init=False)
    full_uri: bool = False
    proxy: bytes | None = None

    @property
    def scheme(self) -> str:
        """The URL's scheme in small letters."""
        return self.url.scheme.lower()

    @property
    def tls(self) -> bool:
        """Whether the server speaks TLS."""
        return self.scheme == "https"

    @property
    def usual_port(self) -> int:
        """The scheme's port; 0 for those that only a proxy serves."""
        return _DEFAULT_PORTS.get(self.scheme, 0)

    @property
    def port(self) -> int:
        """The server's port."""
        return self.url.port or self.usual_port

    def is_elsewhere(self, url: Url) -> bool:
        """Whether a URL belongs to another origin: its scheme, host or port is another."""
        scheme = url.scheme.lower()
        port = url.port or _DEFAULT_PORTS.get(scheme, 0)
        alike = as_bytes(url.host).lower() == as_bytes(self.url.host).lower()
        return not (alike and scheme == self.scheme and port == self.port)

    @property
    def whole(self) -> bool:
        """Whether the request has the user's method and content: PHP asks with GET after most redirects."""
        return self.first or self.keep_method


def build(hop: Hop, context: Context | None) -> bytes:
    """The request."""
    lines, own = _UserHeaders.of(hop, context)
    parts = [_request_line(hop, context)]
    if b"authorization" not in own and hop.url.user is not None:
        parts.append(b"Authorization: Basic %s\r\n" % b64encode(_login(hop.url)))
        notification.info(context, STREAM_NOTIFY_AUTH_REQUIRED)
    sender = ini.given("from")
    if b"from" not in own and sender is not None:
        parts.append(b"From: %s\r\n" % c_string(as_bytes(sender)))
    if b"host" not in own:
        parts.append(b"Host: %s\r\n" % as_bytes(_host(hop)))
    if b"connection" not in own:
        parts.append(b"Connection: close\r\n")
    agent = string_option(context, "http", "user_agent")
    agent = c_string(as_bytes(ini.get("user_agent")) if agent is None else agent)
    if b"user-agent" not in own and agent:
        parts.append(b"User-Agent: %s\r\n" % agent)
    content = string_option(context, "http", "content") if hop.whole else None
    length = b"Content-Length: %d\r\n" % len(content) if content and b"content-length" not in own else b""
    if lines is not None:  # the length comes before the type, which may be among them
        parts.append(length + lines + b"\r\n")
        length = b""
    if content:
        parts.append(length)
        if b"content-type" not in own:
            parts.append(b"Content-Type: application/x-www-form-urlencoded\r\n")
            notice("Content-type not specified assuming application/x-www-form-urlencoded")
    return b"".join([*parts, b"\r\n", content or b""])


def _request_line(hop: Hop, context: Context | None) -> bytes:
    method = string_option(context, "http", "method")
    if not method or not (hop.whole or method in (b"GET", b"HEAD")):
        method = b"GET"
    if hop.full_uri:
        target = hop.address
    else:
        target = hop.url.path or "/"
        target += "" if hop.url.query is None else f"?{hop.url.query}"
    version = option(context, "http", "protocol_version")
    number = "1.1" if version is NOT_SET else f"{double(version):.1f}"
    return b"%s %s HTTP/%s\r\n" % (method, as_bytes(target), number.encode())


def c_string(text: bytes) -> bytes:
    """What C takes the text for: up to the first NUL."""
    return text.partition(b"\0")[0]


def _login(url: Url) -> bytes:
    return decode(url.user or "") + b":" + decode(url.password or "")


def _host(hop: Hop) -> str:
    shown = hop.port not in (0, hop.usual_port or _DEFAULT_PORTS["http"])
    return f"{hop.url.host}:{hop.port}" if shown else hop.url.host


class _UserHeaders:
    """The option `header` as text, beside a copy in small letters in which names are looked for."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.lower = text.lower()

    @classmethod
    def of(cls, hop: Hop, context: Context | None) -> tuple[bytes | None, set[bytes]]:
        """The lines to send (None for none), and the names of the standard headers among them."""
        text = _given(context)
        if not text:
            return None, set()
        headers = cls(c_string(text))
        for name in _unwanted(hop):
            headers.strip(name)
        own = {name for name in _STANDARD if headers.has(name + b":")}
        if hop.proxy is not None and hop.tls and not headers.strip_proxy_authorization():
            return None, own
        return headers.text or None, own

    def has(self, name: bytes) -> bool:
        """Whether a line begins so."""
        return self.lower.startswith(name) or b"\r\n" + name in self.lower

    def strip(self, name: bytes) -> None:
        """Takes a header out wherever it stands, the lines it is folded over included."""
        header = re.compile(_HEADER % name)
        while found := header.search(self.lower):
            start, end = found.span()
            if end == len(self.lower):  # the line before it is the last one now
                start = len(self.lower[:start].rstrip(b"\r\n"))
            self._cut(start, end)

    def strip_proxy_authorization(self) -> bool:
        """Takes out what the proxy alone may see; False when nothing is left."""
        name = b"proxy-authorization:"
        start = self.lower.find(name)
        if start < 0 or (start and self.lower[start - 1 : start] != b"\n"):
            return True
        value = self.lower[start:].splitlines()[0] if self.lower[start:] else b""
        end = start + len(value)
        while self.lower[end : end + 1] in (b"\r", b"\n"):
            end += 1
        if end < len(self.lower):
            self._cut(start, end)
            return True
        self._cut(len(self.lower[:start].rstrip(b"\r\n")), end)
        return start > 0

    def _cut(self, start: int, end: int) -> None:
        self.text = self.text[:start] + self.text[end:]
        self.lower = self.lower[:start] + self.lower[end:]


def _unwanted(hop: Hop) -> list[bytes]:
    """The headers of the user's that are not for this server, or not for a request without content."""
    names = [] if hop.whole else list(_OF_CONTENT)
    if hop.left_origin:
        names += _SECRET
        if hop.proxy is None:
            names.append(b"proxy-authorization")
    return names


def _given(context: Context | None) -> bytes:
    """The option `header`: a string, or the strings of an array, one a line."""
    return b"\r\n".join(header_strings(context)).strip(_BLANK)


def header_strings(context: Context | None) -> list[bytes]:
    """The strings that the option `header` consists of."""
    value = option(context, "http", "header", None)
    members = value.values() if isinstance(value, dict) else value
    if isinstance(members, (str, bytes, bytearray)):
        members = [members]
    elif not hasattr(members, "__iter__"):
        members = []
    return [as_bytes(member) for member in members if isinstance(member, (str, bytes, bytearray))]

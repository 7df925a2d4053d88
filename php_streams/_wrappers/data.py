"""data: URLs, the data of which stand in them (RFC 2397; = main/streams/memory.c)."""

from __future__ import annotations

import base64
import re
from typing import Any, Literal

from php_streams._core.context import Context
from php_streams._core.diagnostics import notice
from php_streams._core.stream import Stream
from php_streams._core.wrapper import Wrapper, WrapperError
from php_streams._wrappers.memory import TempRaw
from php_streams._wrappers.url import decode

# No limit: data that came in a URL stay in memory.
LIMIT = 1 << 62
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]")
_SPACE = b" \t\n\r"


class DataRaw(TempRaw):
    """The data of a URL."""

    label = "RFC2397"
    local = False
    writes_nothing = True

    def write(self, data: Any) -> int | Literal[False]:
        """It cannot, whatever the mode."""
        return notice("Stream is not writable")


def parameters(about: str) -> tuple[dict[str, str | bool], bool]:
    """What stands before the comma, as stream_get_meta_data shows it; and whether the data are in base64."""
    known: dict[str, str | bool] = {}
    kind, semicolon, rest = about.partition(";")
    if about and not semicolon and "/" not in about:
        raise WrapperError("rfc2397: illegal media type")
    if "/" in kind:
        known["mediatype"] = kind
    elif about and about != ";base64":  # parameters come only after a media type
        raise WrapperError("rfc2397: illegal media type")
    in_base64 = False
    parts = rest.split(";") if semicolon else []
    for number, part in enumerate(parts):
        name, equals, value = part.partition("=")
        if not equals:
            if part != "base64" or number + 1 < len(parts):
                raise WrapperError("rfc2397: illegal parameter")
            in_base64 = True
        elif name != "mediatype":
            known[name] = value
    return known, in_base64


def unpacked(text: bytes) -> bytes:
    """Base64 as PHP takes it when it is strict: white space is passed over, other signs are not."""
    text = text.translate(None, _SPACE)
    body = text.rstrip(b"=")
    pad = len(text) - len(body)
    if _NO_BASE64.search(body) or b"=" in body or len(body) % 4 == 1:
        raise WrapperError("rfc2397: unable to decode")
    if pad and (pad > 2 or (len(body) + pad) % 4):
        raise WrapperError("rfc2397: unable to decode")
    return base64.b64decode(body + b"=" * (-len(body) % 4))


class DataUrls(Wrapper):
    """data:[media type][;name=value ...][;base64],data"""

    label = "RFC2397"
    remote = True  # allow_url_fopen rules it, though it goes nowhere

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """A stream on the data, which can only be read."""
        if not path.startswith("data:"):
            raise WrapperError("")
        rest = path[5:].removeprefix("//")
        about, comma, text = rest.partition(",")
        if not comma:
            raise WrapperError("rfc2397: no comma in URL")
        known, in_base64 = parameters(about)
        data = unpacked(text.encode("utf-8", "surrogateescape")) if in_base64 else decode(text)
        raw = DataRaw("w+b", LIMIT, data)  # it can be cut, and says that it can be written; PHP does this
        raw.known = {**known, "base64": in_base64}
        stream = Stream(raw, mode, None, context)
        stream.buffered = False
        return stream


def wrapper() -> DataUrls:
    """The wrapper, for the table."""
    return DataUrls()

"""Values of ssl options as PHP reads them: anything can be a number or a string."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from php_streams._core.diagnostics import call_site, report
from php_streams._core.values import cast_int, scalar_text, to_text
from php_streams.constants import E_WARNING

integer = cast_int
SNI_MAX = 255

NOT_GIVEN: Any = object()  # for options of which PHP minds that they are null


def bare_warning(message: str) -> None:
    """An E_WARNING that PHP gives without the function's name in front."""
    report(E_WARNING, message, call_site()[1])


def raw_value(value: Any) -> Any:
    """The value as it was given."""
    return value


def text(value: Any) -> str:
    """The value as a string (= try_convert_to_string)."""
    if isinstance(value, (str, bytes, bytearray)):
        return to_text(value)
    if value is None:
        return ""
    if isinstance(value, (bool, int, float)):
        return scalar_text(value)
    if isinstance(value, (list, tuple, dict)):
        bare_warning("Array to string conversion")
        return "Array"
    return str(value)


def path(value: Any) -> str:
    """The value as a file's name."""
    return text(os.fspath(value) if isinstance(value, os.PathLike) else value)


def server_name(values: Mapping[str, Any], url_name: str | None) -> str | bytes | None:
    """The name to send as SNI: peer_name, else the host; None for one that Python does not send.

    It sends no addresses (RFC 6066 does not allow them), nothing that begins with a dot, and non-ASCII names
    in IDNA.
    """
    name = url_name if values["peer_name"] is None else values["peer_name"]
    name = "" if name is None or not values["SNI_enabled"] else name.partition("\0")[0]
    if not name or name.startswith(".") or len(name) > SNI_MAX:
        return None
    try:
        return name.encode("ascii")
    except UnicodeError:
        pass
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return None

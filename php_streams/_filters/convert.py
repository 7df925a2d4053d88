"""convert.*: which of the converters a name asks for, and its options (= strfilter_convert_create)."""

from __future__ import annotations

from typing import Any

from php_streams._core.diagnostics import warn
from php_streams._core.filters import Filter
from php_streams._core.values import cast_string, truth, type_name
from php_streams._filters import base64, quoted_printable
from php_streams._filters.converter import Lines
from php_streams._filters.parameters import entries


def make(name: str, params: Any) -> Filter | None:
    """The filter, or None after a warning when the options are no array."""
    if params is not None and type_name(params) != "array":
        warn(f"Stream filter ({name}): invalid filter parameter")
        return None
    options = entries(params) or {}
    kind = name.partition(".")[2].lower()
    if kind == "base64-encode":
        return base64.Encode(name, Lines.of(options))
    if kind == "base64-decode":
        return base64.Decode(name)
    if kind == "quoted-printable-encode":
        binary, first = (truth(options.get(option)) for option in ("binary", "force-encode-first"))
        return quoted_printable.Encode(name, Lines.of(options), binary, first)
    if kind == "quoted-printable-decode":
        ending = options.get("line-break-chars")
        return quoted_printable.Decode(name, None if ending is None else cast_string(ending))
    return None

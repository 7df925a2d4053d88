"""PHP's weak typing of arguments (rules R2, R4) and the tuples that carry by-reference outputs (rule R3).

Each `to_*` takes an argument as the user gave it, its PHP position and name, and gives the Python value or
raises PHP's TypeError.  Callers test for the usual type first (`length if type(length) is int else ...`),
so the common call pays nothing.
"""

from __future__ import annotations

import math
import os
import re
from collections import namedtuple
from typing import Any, NoReturn

from php_streams._core.diagnostics import argument_type_error, deprecated
from php_streams.constants import PHP_INT_MAX, PHP_INT_MIN

_NUMERIC = re.compile(
    rb"[ \t\n\r\v\f]*[+-]?(?:(\d+)|(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)[ \t\n\r\v\f]*\Z"
)


def type_name(value: Any) -> str:
    """What PHP 8.4 calls the value's type in "..., %s given"."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return "int" if PHP_INT_MIN <= value <= PHP_INT_MAX else "float"
    for types, name in ((float, "float"), ((str, bytes, bytearray, memoryview), "string")):
        if isinstance(value, types):
            return name
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        return "array"
    return str(getattr(value, "php_type", type(value).__name__))


def _mismatch(value: Any, number: int, name: str, wanted: str) -> NoReturn:
    raise argument_type_error(number, name, f"must be of type {wanted}, {type_name(value)} given")


def _null(number: int, name: str, wanted: str) -> None:
    deprecated(f"Passing null to parameter #{number} (${name}) of type {wanted} is deprecated")


def _numeric(text: str | bytes | bytearray) -> int | float | None:
    raw = text.encode() if isinstance(text, str) else bytes(text)
    match = _NUMERIC.match(raw)
    if match is None:
        return None
    if match[1] is not None:
        value = int(raw)
        return value if PHP_INT_MIN <= value <= PHP_INT_MAX else float(value)
    return float(raw)


def _integral(value: float, shown: str) -> int | None:
    """A float as int where PHP allows it; a lost fraction is deprecated, an impossible value None."""
    if not math.isfinite(value) or not -(2.0**63) <= value < 2.0**63:
        return None
    if value != int(value):
        deprecated(f"Implicit conversion from {shown} to int loses precision", prefix=False)
    return int(value)


def to_int(value: Any, number: int, name: str, wanted: str = "int") -> int:
    """An int argument."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and PHP_INT_MIN <= value <= PHP_INT_MAX:
        return value
    if value is None:
        _null(number, name, wanted)
        return 0
    found: int | float | None = None
    shown = f"float {value!r}"
    if isinstance(value, (str, bytes, bytearray)):
        found = _numeric(value)
        shown = f'float-string "{to_text(value)}"'
    elif isinstance(value, (int, float)):
        found = float(value)
    result = found if isinstance(found, int) else None if found is None else _integral(found, shown)
    if result is None:
        _mismatch(value, number, name, wanted)
    return result


def to_float(value: Any, number: int, name: str, wanted: str = "float") -> float:
    """A float argument."""
    if isinstance(value, (bool, int, float)):
        return float(value)
    if value is None:
        _null(number, name, wanted)
        return 0.0
    found = _numeric(value) if isinstance(value, (str, bytes, bytearray)) else None
    if found is None:
        _mismatch(value, number, name, wanted)
    return float(found)


def to_bool(value: Any, number: int, name: str, wanted: str = "bool") -> bool:
    """A bool argument: any scalar, by PHP's idea of truth."""
    if isinstance(value, bool):
        return value
    if value is None:
        _null(number, name, wanted)
        return False
    if not isinstance(value, (int, float, str, bytes, bytearray)):
        _mismatch(value, number, name, wanted)
    return truth(value)


def to_bytes(value: Any, number: int, name: str, wanted: str = "string") -> bytes:
    """A string argument as bytes: bytes as they are, str as UTF-8, numbers as PHP prints them."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if value is None:
        _null(number, name, wanted)
        return b""
    if isinstance(value, (bool, int, float)):
        return scalar_text(value).encode()
    _mismatch(value, number, name, wanted)


def to_string(value: Any, number: int, name: str, wanted: str = "string") -> str:
    """A string argument as str (names, addresses, messages)."""
    if isinstance(value, str):
        return value
    return to_text(to_bytes(value, number, name, wanted))


def to_path(value: Any, number: int, name: str) -> str:
    """A file name: a string or a path object."""
    return os.fsdecode(value) if isinstance(value, os.PathLike) else to_string(value, number, name)


def to_text(value: str | bytes | bytearray) -> str:
    """Bytes shown as text; what is not UTF-8 survives the way back (surrogateescape)."""
    return value if isinstance(value, str) else bytes(value).decode("utf-8", "surrogateescape")


def scalar_text(value: bool | int | float) -> str:
    """A number or bool as PHP's (string) makes it."""
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return "NAN" if math.isnan(value) else "INF" if value > 0 else "-INF"
    digits, _, exponent = repr(value).partition("e")
    if exponent:  # Python's 1e+25 is PHP's 1.0E+25
        return f"{digits if '.' in digits else digits + '.0'}E{int(exponent):+d}"
    return digits.removesuffix(".0")


def truth(value: Any) -> bool:
    """PHP's idea of truth: "" and "0" are false, every resource and object is true."""
    if isinstance(value, (str, bytes, bytearray)):
        return value not in ("", "0", b"", b"0")
    return bool(value)


def outputs(typename: str, fields: str) -> Any:
    """A named tuple for a result and its by-reference outputs, true when its first member is."""
    base = namedtuple(typename, fields)  # type: ignore[misc]
    return type(
        typename, (base,), {"__slots__": (), "__bool__": lambda self: truth(self[0]), "php_type": "array"}
    )

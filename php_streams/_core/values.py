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
from contextvars import ContextVar
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, NoReturn

from php_streams._core.diagnostics import argument_type_error, deprecated, warn
from php_streams.constants import PHP_INT_MAX, PHP_INT_MIN

# PHP's ini setting of that name, which nobody changes: the digits of a float that becomes a string.
precision: ContextVar[int] = ContextVar("precision", default=14)  # the setting, in digits; -1 the shortest

_NUMERIC = re.compile(
    rb"[ \t\n\r\v\f]*[+-]?(?:(\d+)|(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)[ \t\n\r\v\f]*\Z"
)
_BEGINNING = re.compile(
    rb"[ \t\n\r\v\f]*[+-]?(?:\d+(\.\d*(?:[eE][+-]?\d+)?|[eE][+-]?\d+)?|(\.\d+(?:[eE][+-]?\d+)?))"
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
    if isinstance(value, (FunctionType, MethodType, BuiltinFunctionType)):
        return "Closure"
    return str(getattr(value, "php_type", type(value).__name__))


def _mismatch(value: Any, number: int, name: str, wanted: str) -> NoReturn:
    raise argument_type_error(number, name, f"must be of type {wanted}, {type_name(value)} given")


def _null(number: int, name: str, wanted: str) -> None:
    deprecated(f"Passing null to parameter #{number} (${name}) of type {wanted} is deprecated")


def _numeric(text: str | bytes | bytearray) -> int | float | None:
    raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else bytes(text)
    match = _NUMERIC.match(raw)
    if match is None:
        return None
    number = float(raw)
    if match[1] is None or abs(number) > 2.0**63:
        return number
    whole = int(raw)
    return whole if PHP_INT_MIN <= whole <= PHP_INT_MAX else number


def _double(value: int | float) -> float:
    """A number as C's double; what is too large for one is infinite, as a literal of that size is in PHP."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def wrap(number: int) -> int:
    """An integer as 64 bits hold it."""
    return (number + 2**63) % 2**64 - 2**63


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
    shown = ""
    if isinstance(value, (str, bytes, bytearray)):
        found = _numeric(value)
        shown = f'float-string "{to_text(value)}"'
    elif isinstance(value, (int, float)):
        found = _double(value)
        shown = f"float {shortest_text(found)}"
    result = found if isinstance(found, int) else None if found is None else _integral(found, shown)
    if result is None:
        _mismatch(value, number, name, wanted)
    return result


def to_float(value: Any, number: int, name: str, wanted: str = "float") -> float:
    """A float argument."""
    if isinstance(value, (bool, int, float)):
        return _double(value)
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


def cast_string(value: Any) -> bytes:
    """PHP's (string): null is "", an array "Array" with a warning, a resource "Resource id #5"."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if value is None:
        return b""
    if isinstance(value, (bool, int, float)):
        return scalar_text(value).encode()
    if type_name(value) == "array":
        warn("Array to string conversion", prefix=False)
        return b"Array"
    if hasattr(value, "php_type") and hasattr(value, "number"):
        return b"Resource id #%d" % value.number
    if type(value).__str__ is object.__str__:  # type: ignore[comparison-overlap]
        raise TypeError(f"Object of class {type_name(value)} could not be converted to string")
    return str(value).encode()


def cast_int(value: Any) -> int:
    """PHP's (int) (= zval_get_long): what a string begins with, an array's non-emptiness."""
    if isinstance(value, (str, bytes, bytearray)):
        raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)
        match = _BEGINNING.match(raw)
        value = (
            0
            if match is None
            else int(match[0])
            if match[1] is None and match[2] is None
            else float(match[0])
        )
    if isinstance(value, float):
        value = int(value) if math.isfinite(value) else 0
    if isinstance(value, (list, tuple, dict)):
        return int(bool(value))
    if isinstance(value, int):
        return wrap(value)
    if hasattr(value, "php_type") and hasattr(value, "number"):
        return int(value.number)
    if value is not None:
        warn(f"Object of class {type_name(value)} could not be converted to int", prefix=False)
    return int(value is not None)


def scalar_text(value: bool | int | float) -> str:
    """A number or bool as PHP's (string) makes it; floats have the digits of its setting precision."""
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, int):
        return str(value) if PHP_INT_MIN <= value <= PHP_INT_MAX else scalar_text(_double(value))
    digits = precision.get()
    if digits == -1:
        return shortest_text(value)
    most = max(digits, 1)
    text = float_text(value, f"{value:.{most - 1}e}", most)
    return text if math.isfinite(value) else text[:most]  # PHP cuts INF and NAN, too


def float_text(value: float, scientific: str, most: int) -> str:
    """Digits given as "1.25e+03", set as by PHP's zend_gcvt: an exponent from 10**most and below 0.0001."""
    if not math.isfinite(value):
        return "NAN" if math.isnan(value) else "INF" if value > 0 else "-INF"
    mantissa, _, exponent = scientific.partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    digits = mantissa.lstrip("-").replace(".", "").rstrip("0") or "0"
    before = int(exponent) + 1  # digits in front of the point
    if value and not -4 < before <= most:
        return f"{sign}{digits[0]}.{digits[1:] or '0'}E{before - 1:+d}"
    if before <= 0:
        return f"{sign}0.{'0' * -before}{digits}"
    whole, rest = digits[:before].ljust(before, "0"), digits[before:]
    return f"{sign}{whole}.{rest}" if rest else f"{sign}{whole}"


def shortest_text(value: float) -> str:
    """A float with as many digits as give it back (serialize_precision -1), as PHP's messages show one."""
    digits = len(repr(value).partition("e")[0].replace(".", "").replace("-", "").strip("0")) or 1
    return float_text(value, f"{value:.{digits - 1}e}", 17)


def truth(value: Any) -> bool:
    """PHP's idea of truth: "" and "0" are false, every resource and object is true."""
    if isinstance(value, str):
        return value not in ("", "0")
    if isinstance(value, (bytes, bytearray)):
        return value not in (b"", b"0")
    return bool(value)


_DECIMAL = re.compile(r"0|-?[1-9]\d{0,18}")


def array_items(value: dict[Any, Any] | list[Any] | tuple[Any, ...]) -> list[tuple[int | str, Any]]:
    """An array's keys and values.  PHP keeps a key such as "12" as the integer."""
    if not isinstance(value, dict):
        return list(enumerate(value))
    return [(_array_key(key), item) for key, item in value.items()]


def _array_key(key: Any) -> int | str:
    text = to_text(key) if isinstance(key, (str, bytes, bytearray)) else None
    if text is None:
        return int(key)
    return int(text) if _DECIMAL.fullmatch(text) and PHP_INT_MIN <= int(text) <= PHP_INT_MAX else text


def array_copy(value: Any) -> Any:
    """A value as PHP assigns it: arrays are copied, whatever is in them too; objects are not."""
    if isinstance(value, dict):
        return {key: array_copy(item) for key, item in value.items()}
    return [array_copy(item) for item in value] if isinstance(value, list) else value


def outputs(typename: str, fields: str) -> Any:
    """A named tuple for a result and its by-reference outputs, true when its first member is."""
    base = namedtuple(typename, fields)  # type: ignore[misc]
    return type(
        typename, (base,), {"__slots__": (), "__bool__": lambda self: truth(self[0]), "php_type": "array"}
    )

"""Options of a context as wrappers read them: which types count, and what others become."""

from __future__ import annotations

import re
from typing import Any

from php_streams._core.context import Context
from php_streams._core.values import truth

_NUMBER = re.compile(rb"[ \t\n\r\v\f]*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)")

NOT_SET: Any = object()


def option(context: Context | None, wrapper: str, name: str, default: Any = NOT_SET) -> Any:
    """The option's value; NOT_SET, or another default, when it was not set."""
    return default if context is None else context.option(wrapper, name, default)


def string_option(context: Context | None, wrapper: str, name: str) -> bytes | None:
    """A string that is set; None for anything else."""
    value = option(context, wrapper, name)
    return as_bytes(value) if isinstance(value, (str, bytes, bytearray)) else None


def as_bytes(text: str | bytes | bytearray) -> bytes:
    """A string as it goes over the wire."""
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else bytes(text)


def flag(context: Context | None, wrapper: str, name: str, default: bool = False) -> bool:
    """The option by PHP's idea of truth."""
    value = option(context, wrapper, name)
    return default if value is NOT_SET else truth(value)


def double(value: Any) -> float:
    """The value as a float (= zval_get_double): what a string begins with, an array's non-emptiness."""
    if isinstance(value, (str, bytes, bytearray)):
        match = _NUMBER.match(as_bytes(value))
        return float(match[1]) if match else 0.0
    if isinstance(value, (list, tuple, dict)):
        return float(bool(value))
    return float(value) if isinstance(value, (int, float)) else float(value is not None)

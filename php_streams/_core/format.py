"""PHP's printf directives (ext/standard/formatted_print.c): what fprintf and vfprintf write.

%[argnum$][flags][width][.precision]specifier, with flags - + 0 space and 'char; width and precision may be
* or *argnum$.  Arguments are converted as PHP converts them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from php_streams._core.diagnostics import ArgumentCountError, notice
from php_streams._core.values import scalar_text, to_text

_DIRECTIVE = re.compile(
    rb"%(?:%|(?:(?P<n>\d+)\$)?(?P<flags>(?:[-+ 0]|'.)*)(?P<width>\d+|\*(?:\d+\$)?)?"
    rb"(?:\.(?P<precision>\d+|\*(?:\d+\$)?)?)?(?P<dot>)l?(?P<kind>.)?)",
    re.DOTALL,
)
_INT_MAX = 2**31 - 1
_MAX_PRECISION = 53
_NUMBER = re.compile(rb"[ \t\n\r\v\f]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")


class _Spec(NamedTuple):
    """One directive, its arguments resolved."""

    kind: str
    width: int
    precision: int | None
    left: bool
    plus: bool
    pad: bytes


class _Arguments:
    """The values in order, with PHP's errors for what is missing."""

    def __init__(self, values: Sequence[Any], first: int) -> None:
        self.values = values
        self.first = first
        self.next = 0
        self.highest_missing = -1

    def take(self, number: bytes | None) -> Any:
        """The argument of that number, or the next one."""
        if number is None:
            index = self.next
            self.next += 1
        else:
            index = int(number) - 1
            if not 0 <= index < _INT_MAX - 1:
                raise ValueError(
                    f"Argument number specifier must be greater than zero and less than {_INT_MAX}"
                )
        if index >= len(self.values):
            self.highest_missing = max(self.highest_missing, index)
            return None
        return self.values[index]

    def finish(self) -> None:
        """Raises when a directive had no argument."""
        if self.highest_missing < 0:
            return
        needed = self.highest_missing + 1
        if self.first < 0:
            raise ValueError(f"The arguments array must contain {needed} items, {len(self.values)} given")
        before = self.first - 1
        raise ArgumentCountError(
            f"{needed + before} arguments are required, {len(self.values) + before} given"
        )


def php_format(directives: bytes, values: Sequence[Any], first: int) -> bytes:
    """The formatted bytes.  first: the PHP position of the first value, -1 when they came in an array."""
    arguments = _Arguments(values, first)
    parts = []
    end = 0
    for match in _DIRECTIVE.finditer(directives):
        parts.append(directives[end : match.start()])
        end = match.end()
        parts.append(b"%" if match[0] == b"%%" else _directive(match, arguments))
    arguments.finish()
    parts.append(directives[end:])
    return b"".join(parts)


def _directive(match: re.Match[bytes], arguments: _Arguments) -> bytes:
    if match["n"] is not None and not 0 < int(match["n"]) < _INT_MAX:
        raise ValueError(f"Argument number specifier must be greater than zero and less than {_INT_MAX}")
    width = _size(match["width"], arguments, "Width") or 0
    precision = _size(match["precision"], arguments, "Precision")
    if precision is None and b"." in match[0][match.end("flags") - match.start() :].partition(b"'")[0]:
        precision = 0
    if match["kind"] is None:
        raise ValueError("Missing format specifier at end of string")
    kind = match["kind"].decode("latin-1")
    pad, left, plus = b" ", False, False
    for flag in re.findall(rb"'.|.", match["flags"], re.DOTALL):
        left = left or flag == b"-"
        plus = plus or flag == b"+"
        if flag not in (b"-", b"+"):
            pad = flag[-1:]
    if kind == "%":
        return b"%"
    if kind not in "bcdeEfFgGhHosuxX":
        raise ValueError(f'Unknown format specifier "{kind}"')
    value = arguments.take(match["n"])
    return _convert(_Spec(kind, width, precision, left, plus, pad), value)


def _size(text: bytes | None, arguments: _Arguments, name: str) -> int | None:
    """A width or precision, which may be an argument."""
    if text is None:
        return None
    if not text.startswith(b"*"):
        if int(text) > _INT_MAX:
            raise ValueError(f"{name} must be greater than zero and less than {_INT_MAX}")
        return int(text)
    value = arguments.take(text[1:-1] if len(text) > 1 else None)
    if value is None and arguments.highest_missing >= 0:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} must be an integer")
    lowest = -1 if name == "Precision" else 0
    if not lowest <= value <= _INT_MAX:
        raise ValueError(
            f"{name} must be {'between -1 and' if lowest else 'greater than zero and less than'} {_INT_MAX}"
        )
    return None if value == -1 else value


def _convert(spec: _Spec, value: Any) -> bytes:
    if spec.kind == "s":
        text = _string(value)
        return _padded(spec, text if spec.precision is None else text[: spec.precision])
    if spec.kind == "c":
        return bytes([_integer(value) & 0xFF])
    if spec.kind == "d":
        number = _integer(value)
        digits = f"{number:+d}" if spec.plus else str(number)
        # Zeros to the right of an integer would change it.
        spec = spec._replace(pad=b" ") if spec.left and spec.pad == b"0" else spec
        return _padded(spec, digits.encode(), signed=number < 0 or spec.plus)
    if spec.kind in "uxXob":
        code = {"u": "d"}.get(spec.kind, spec.kind)
        spec = spec._replace(pad=b" ") if spec.left and spec.pad == b"0" else spec
        return _padded(spec, format(_integer(value) & 0xFFFFFFFFFFFFFFFF, code).encode())
    return _double(spec, _float(value))


def _padded(spec: _Spec, text: bytes, signed: bool = False) -> bytes:
    if len(text) >= spec.width:
        return text
    if spec.left:
        return text.ljust(spec.width, spec.pad)
    if signed and spec.pad == b"0":
        return text[:1] + text[1:].rjust(spec.width - 1, b"0")
    return text.rjust(spec.width, spec.pad)


def _double(spec: _Spec, number: float) -> bytes:
    if not math.isfinite(number):
        text = "NaN" if math.isnan(number) else "Inf"
        sign = "-" if number < 0 else "+" if spec.plus and not math.isnan(number) else ""
        return _padded(spec, (sign + text).encode(), signed=bool(sign))
    precision = 6 if spec.precision is None else spec.precision
    if precision > _MAX_PRECISION:
        notice(
            f"Requested precision of {precision} digits was truncated"
            f" to PHP maximum of {_MAX_PRECISION} digits"
        )
        precision = _MAX_PRECISION
    if spec.kind in "fF":
        text = f"{number:.{precision}f}"
    elif spec.kind in "eE":
        mantissa, _, exponent = f"{number:.{precision}e}".partition("e")
        text = f"{mantissa}{spec.kind}{int(exponent):+d}"
    else:
        text = _general(number, precision or 1, "E" if spec.kind in "GH" else "e")
    if spec.plus and not text.startswith("-"):
        text = "+" + text
    return _padded(spec, text.encode(), signed=text[0] in "+-")


def _general(number: float, precision: int, letter: str) -> str:
    """%g: the shorter of the two forms; an exponent has at least one digit, its mantissa a point."""
    if number == 0:
        return "-0" if math.copysign(1, number) < 0 else "0"
    mantissa, _, exponent = f"{number:.{precision - 1}e}".partition("e")
    power = int(exponent)
    if -5 < power < precision or (power == precision - 1):
        text = f"{number:.{max(precision - 1 - power, 0)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}{letter}{power:+d}"


def _string(value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if value is None:
        return b""
    if isinstance(value, (bool, int, float)):
        return scalar_text(value).encode()
    return str(value).encode()


def _float(value: Any) -> float:
    if isinstance(value, (str, bytes, bytearray)):
        match = _NUMBER.match(value.encode() if isinstance(value, str) else value)
        return float(match[1]) if match else 0.0
    if isinstance(value, (bool, int, float)):
        return float(value)
    return float(bool(value))


def _integer(value: Any) -> int:
    """(int) of a value: truncates, and wraps to 64 bits."""
    if isinstance(value, (str, bytes, bytearray)) and (whole := re.match(r"\s*[+-]?\d+\Z", to_text(value))):
        return max(min(int(whole[0]), 2**63 - 1), -(2**63))
    if isinstance(value, int):
        return int(value)
    number = _float(value)
    if not math.isfinite(number):
        return 0
    return (int(number) + 2**63) % 2**64 - 2**63

"""PHP's printf directives (ext/standard/formatted_print.c): what fprintf and vfprintf write.

%[argnum$][flags][width][.precision]specifier, with flags - + 0 space and 'char; width and precision may be
* or *argnum$.  Arguments are converted as PHP converts them.

A directive is read as PHP reads it, step by step and not by one pattern, because what is said about a wrong
one depends on how far the reading came.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from php_streams._core.diagnostics import ArgumentCountError, notice
from php_streams._core.values import cast_string, type_name
from php_streams.constants import PHP_INT_MAX, PHP_INT_MIN

_INT_MAX = 2**31 - 1
_DEFAULT_PRECISION = 6
_MAX_PRECISION = 53
_DIGITS = re.compile(rb"\d*")
_NUMBER = re.compile(rb"[ \t\n\r\v\f]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")


class _Missing(Exception):
    """A directive asks for an argument that is not there; the reading goes on behind it."""


class _Spec(NamedTuple):
    """One directive without its specifier."""

    width: int = 0
    precision: int | None = None
    left: bool = False
    plus: bool = False
    pad: bytes = b" "


class _Reader:
    """Reads directives and takes the values that they ask for."""

    def __init__(self, text: bytes, values: Sequence[Any]) -> None:
        self.text = text
        self.values = values
        self.at = 0
        self.next = 0
        self.highest_missing = -1

    def peek(self) -> bytes:
        """The byte to be read next; b"" at the end."""
        return self.text[self.at : self.at + 1]

    def digits(self) -> bytes:
        """The digits from here on, which may be none."""
        found = _DIGITS.match(self.text, self.at)
        return found[0] if found else b""

    def number(self, name: str) -> int:
        """The number that stands here."""
        digits = self.digits()
        self.at += len(digits)
        if int(digits) >= _INT_MAX:
            raise ValueError(f"{name} must be between 0 and {_INT_MAX}")
        return int(digits)

    def position(self) -> int | None:
        """The index in `argnum$`; None where there is none, and the next argument is meant."""
        digits = self.digits()
        if self.text[self.at + len(digits) : self.at + len(digits) + 1] != b"$":
            return None
        if not 0 < int(digits or b"0") < _INT_MAX:
            raise ValueError(f"Argument number specifier must be greater than zero and less than {_INT_MAX}")
        self.at += len(digits) + 1
        return int(digits) - 1

    def take(self, position: int | None) -> Any:
        """The argument there, or the next one."""
        if position is None:
            position = self.next
            self.next += 1
        if position >= len(self.values):
            self.highest_missing = max(self.highest_missing, position)
            raise _Missing
        return self.values[position]

    def directive(self) -> bytes:
        """What comes behind a percent sign, as text."""
        position, spec = None, _Spec()
        if not self.peek().isalpha():
            position = self.position()
            spec = self.flags()
            spec = spec._replace(width=self.size("Width", 0) or 0)
            if self.peek() == b".":
                self.at += 1
                spec = spec._replace(precision=self.size("Precision", -1))
        if self.peek() == b"l":
            self.at += 1
        value = self.take(position)
        kind = self.peek().decode("latin-1")
        if spec.precision == -1 and kind not in tuple("gGhH"):
            raise ValueError("Precision -1 is only supported for %g, %G, %h and %H")
        if not kind:
            raise ValueError("Missing format specifier at end of string")
        if kind not in "bcdeEfFgGhHosuxX%":
            text = f'Unknown format specifier "{self.peek().decode("utf-8", "surrogateescape")}"'
            raise ValueError(text.partition("\0")[0])  # PHP's message is a C string
        self.at += 1
        return _convert(kind, spec, value)

    def flags(self) -> _Spec:
        """The flags, as a directive that has no more than them."""
        spec = _Spec()
        while True:
            flag = self.peek()
            if flag in (b" ", b"0"):
                spec = spec._replace(pad=flag)
            elif flag == b"-":
                spec = spec._replace(left=True)
            elif flag == b"+":
                spec = spec._replace(plus=True)
            elif flag == b"'":
                self.at += 1
                if not self.peek():
                    raise ValueError("Missing padding character")
                spec = spec._replace(pad=self.peek())
            else:
                return spec
            self.at += 1

    def size(self, name: str, lowest: int) -> int | None:
        """A width or precision: digits, or an argument; None where neither stands."""
        if self.peek() != b"*":
            return self.number(name) if self.digits() else None
        self.at += 1
        value = self.take(self.position())
        if type_name(value) != "int":
            raise ValueError(f"{name} must be an integer")
        if not lowest <= value <= _INT_MAX:
            raise ValueError(f"{name} must be between {lowest} and {_INT_MAX}")
        return int(value)


def php_format(directives: bytes, values: Sequence[Any], first: int) -> bytes:
    """The formatted bytes.  first: the PHP position of the first value, -1 when they came in an array."""
    reader = _Reader(directives, values)
    parts = []
    while (percent := directives.find(b"%", reader.at)) >= 0:
        parts.append(directives[reader.at : percent])
        reader.at = percent + 1
        if reader.peek() == b"%":
            reader.at += 1
            parts.append(b"%")
            continue
        try:
            parts.append(reader.directive())
        except _Missing:
            pass  # another fault further on is what PHP would tell
    parts.append(directives[reader.at :])
    _count(reader, first)
    return b"".join(parts)


def _count(reader: _Reader, first: int) -> None:
    """Raises when a directive had no argument."""
    if reader.highest_missing < 0:
        return
    needed, given = reader.highest_missing + 1, len(reader.values)
    if first < 0:
        raise ValueError(f"The arguments array must contain {needed} items, {given} given")
    raise ArgumentCountError(f"{needed + first - 1} arguments are required, {given + first - 1} given")


def _convert(kind: str, spec: _Spec, value: Any) -> bytes:
    if kind == "%":
        return b"%"
    if kind == "c":
        return bytes([_integer(value) & 0xFF])
    if kind == "s":
        return _padded(spec, cast_string(value)[: spec.precision])
    if kind not in "dubxXo":
        return _double(kind, spec, _float(value))
    if spec.left and spec.pad == b"0" and kind in "du":
        spec = spec._replace(pad=b" ")  # zeros to the right of an integer would change it
    number = _integer(value)
    if kind == "d":
        return _padded(spec, (f"{number:+d}" if spec.plus else str(number)).encode(), number < 0 or spec.plus)
    digits = format(number & 0xFFFFFFFFFFFFFFFF, "d" if kind == "u" else kind).encode()
    # A precision leaves nothing of these, whatever it is: PHP does this.
    return _padded(spec, digits if kind == "u" or spec.precision is None else b"")


def _padded(spec: _Spec, text: bytes, signed: bool = False) -> bytes:
    if spec.left:
        return text.ljust(spec.width, spec.pad)
    if signed and spec.pad == b"0":
        return text[:1] + text[1:].rjust(spec.width - 1, b"0")
    return text.rjust(spec.width, spec.pad)


def _double(kind: str, spec: _Spec, number: float) -> bytes:
    precision = _DEFAULT_PRECISION if spec.precision is None else spec.precision
    if precision > _MAX_PRECISION:
        notice(
            f"Requested precision of {precision} digits was truncated"
            f" to PHP maximum of {_MAX_PRECISION} digits"
        )
        precision = _MAX_PRECISION
    if not math.isfinite(number):
        return _not_finite(spec, number)
    if kind in "fF":
        text = f"{number or 0.0:.{precision}f}"  # a negative zero loses its sign here, but not with %g
    elif kind in "eE":
        mantissa, _, exponent = f"{number or 0.0:.{precision}e}".partition("e")
        text = f"{mantissa}{kind}{int(exponent):+d}"
    else:
        text = _general(number, precision, "E" if kind in "GH" else "e")
    signed = text.startswith("-")
    if spec.plus and not signed:
        text, signed = f"+{text}", True
    return _padded(spec, text.encode(), signed)


def _not_finite(spec: _Spec, number: float) -> bytes:
    """Without a width; a sign that zeros should follow takes the place of the first letter: PHP does this."""
    text = b"NaN" if math.isnan(number) else b"-INF" if number < 0 else b"INF"
    covered = spec.plus and spec.pad == b"0" and not spec.left and text[:1] != b"-"
    return b"+" + text[1:] if covered else text


def _general(number: float, precision: int, letter: str) -> str:
    """%g: the shorter of the two forms; an exponent has at least one digit, its mantissa a point.

    precision: significant digits, -1 for as many as tell the number from its neighbours.
    """
    if number == 0:
        return "-0" if math.copysign(1, number) < 0 else "0"
    sign, limit = "-" if number < 0 else "", 17 if precision < 0 else max(precision, 1)
    text = repr(number) if precision < 0 else f"{number:.{limit - 1}e}"
    mantissa, _, exponent = f"{abs(number):.{_count_digits(text) - 1}e}".partition("e")
    digits, power = mantissa.replace(".", "").rstrip("0"), int(exponent)
    if not -5 < power < limit:
        return f"{sign}{digits[0]}.{digits[1:] or '0'}{letter}{power:+d}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    whole, fraction = digits[: power + 1].ljust(power + 1, "0"), digits[power + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _count_digits(text: str) -> int:
    """How many significant digits a number has as Python writes it; zeros at its end may count."""
    return len(text.partition("e")[0].lstrip("-0.").replace(".", ""))


def _float(value: Any) -> float:
    if isinstance(value, (str, bytes, bytearray)):
        match = _NUMBER.match(cast_string(value))
        return float(match[1]) if match else 0.0
    if isinstance(value, (bool, int, float)):
        return float(value)
    return float(bool(value))


def _integer(value: Any) -> int:
    """(int) of a value: truncates; a float wraps to 64 bits, a string stops at the limits, as strtol does."""
    if isinstance(value, (str, bytes, bytearray)):
        match = _NUMBER.match(cast_string(value))
        if match is None:
            return 0
        number = float(match[1])
        if match[1].lstrip(b"+-").isdigit():
            return max(min(int(match[1]), PHP_INT_MAX), PHP_INT_MIN)
        return max(min(int(number), PHP_INT_MAX), PHP_INT_MIN) if math.isfinite(number) else 0
    if isinstance(value, (int, float)):
        return (int(value) + 2**63) % 2**64 - 2**63 if math.isfinite(value) else 0
    return int(bool(value))

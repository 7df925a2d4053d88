"""Quantities: how PHP reads a number from an ini setting ("60", "0x3C", "1k"), and what it says of others.

(= zend_ini_parse_quantity, PHP 8.2 and later)
"""

from __future__ import annotations

import re
from functools import lru_cache

from php_streams._core.values import to_text, wrap
from php_streams.constants import PHP_INT_MAX, PHP_INT_MIN

_SPACE = b" \t\n\r\v\f"
_BASES = {b"x": 16, b"o": 8, b"b": 2}
_DIGITS = {16: rb"[0-9a-fA-F]*", 10: rb"[0-9]*", 8: rb"[0-7]*", 2: rb"[01]*"}
_FACTORS = {b"k": 1 << 10, b"m": 1 << 20, b"g": 1 << 30}
_NAMED = {9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 27: "e", 92: "\\"}
_COMPATIBLY = 'interpreting as "{}" for backwards compatibility'


@lru_cache(maxsize=64)  # every connection asks for default_socket_timeout
def parse(text: str) -> tuple[int, str | None]:
    """The number, and PHP's complaint when the text is not quite one."""
    value = text.encode("utf-8", "surrogateescape")
    end = len(value.rstrip(_SPACE))
    start = end - len(value[:end].lstrip(_SPACE))
    if start == end:
        return 0, None
    negative = value[start : start + 1] == b"-"
    start += value[start : start + 1] in (b"+", b"-")
    invalid = f'Invalid quantity "{_escaped(value)}"'
    if not value[start : start + 1].isdigit():
        return 0, f"{invalid}: no valid leading digits, {_COMPATIBLY.format(0)}"
    base = 8 if value[start : start + 1] == b"0" else 10
    prefix = value[start + 1 : start + 2] if base == 8 and start + 1 < end else b""
    if prefix and not prefix.isdigit() and prefix.lower() not in _FACTORS:
        if prefix.lower() not in _BASES:
            return 0, f'Invalid prefix "0{to_text(prefix)}", {_COMPATIBLY.format(0)}'
        base = _BASES[prefix.lower()]
        start += 2
        if start == end or re.match(rb"[ \t\n\r\v\f+-]|0[xob]", value[start:end], re.IGNORECASE):
            return 0, f"{invalid}: no digits after base prefix, {_COMPATIBLY.format(0)}"
    digits = re.compile(_DIGITS[base]).match(value, start, end)
    if digits is None or not digits[0]:
        return 0, f"{invalid}: no valid leading digits, {_COMPATIBLY.format(0)}"
    number = int(digits[0].lstrip(b"0")[:80] or b"0", base)  # 80 digits are out of range in every base
    return _scaled(value, digits.end(), end, min(number, 2**64 - 1), negative)


def _scaled(value: bytes, digits_end: int, end: int, number: int, negative: bool) -> tuple[int, str | None]:
    """The number with its sign and its K, M or G; results wrap to 64 bits."""
    overflow = number > 2**63 or (number == 2**63 and not negative)
    if negative and not overflow:
        number = -number
    digits_end = end - len(value[digits_end:end].lstrip(_SPACE))
    used, invalid = _escaped(value[:digits_end]), f'Invalid quantity "{_escaped(value)}"'
    suffix = value[end - 1 : end] if digits_end < end else b""
    factor = _FACTORS.get(suffix.lower(), 1)
    if suffix and factor == 1:
        return wrap(number), (
            f'{invalid}: unknown multiplier "{_escaped(suffix)}", {_COMPATIBLY.format(used)}'
        )
    number *= factor
    if suffix and digits_end != end - 1:
        return wrap(number), f"{invalid}, {_COMPATIBLY.format(used + _escaped(suffix))}"
    if overflow or wrap(number) != number:
        return wrap(number), (
            f"{invalid}: value is out of range, using overflow result for backwards compatibility"
        )
    return number, None


def leading_int(text: str) -> int:
    """The number that a text begins with, as C's atoi reads it: 0 for none, 32 bits of it."""
    match = re.match(r"[ \t\n\r\v\f]*([+-]?)0*([0-9]+)", text)
    size = int(match[2][:20]) if match else 0  # 20 digits are out of range
    number = max(PHP_INT_MIN, -size) if match and match[1] == "-" else min(size, PHP_INT_MAX)
    return (number + 2**31) % 2**32 - 2**31


def is_true(text: str) -> bool:
    """An ini setting that is a switch (= zend_ini_parse_bool)."""
    match = re.match(r"[ \t\n\r\v\f]*[+-]?0*([1-9]?)", text)
    return text.lower() in ("true", "yes", "on") or bool(match and match[1])


def _escaped(value: bytes) -> str:
    return "".join(
        chr(byte)
        if 32 <= byte <= 126 and byte != 92
        else f"\\{_NAMED[byte]}"
        if _NAMED.get(byte)
        else f"\\x{byte:02X}"
        for byte in value
    )

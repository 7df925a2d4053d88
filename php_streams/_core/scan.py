"""scanf's formats (= ext/standard/scanf.c), as fscanf reads a line with them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from php_streams._core.values import to_text
from php_streams.constants import PHP_INT_MAX, PHP_INT_MIN

BLANKS = b" \t\n\v\f\r"
MOST_ARGUMENTS = 255
# PHP collects a number in so many bytes; what is longer is read in pieces.
NUMBER_MAX = 63
BASES = {"d": 10, "D": 10, "i": 0, "o": 8, "u": 10, "x": 16, "X": 16}  # 0: as the number itself says
FLOATS = {"f", "e", "E", "g"}
TEXTS = {"s", "c", "["}
LETTERS = {*BASES, *FLOATS, *TEXTS, "n"}
_ALL_ONES = (1 << 64) - 1
_ANY = frozenset(bytes(range(256)))
_EXPONENT = re.compile(rb"([+-]?(?:\d+\.?\d*|\.\d+))[eE][+-]?\Z")


class FormatError(Exception):
    """What is wrong with a format, in PHP's words."""


class Directive(NamedTuple):
    """One %: what it reads, at most how much (0: no limit), and where the result goes (None: nowhere)."""

    letter: str
    width: int
    place: int | None
    members: frozenset[int]


Item = Directive | bytes | None  # a byte stands for itself, None for any blanks


class Format:
    """A format, checked."""

    def __init__(self, text: bytes) -> None:
        self.text = text.partition(b"\0")[0]
        self.at = 0
        self.items: list[Item] = []
        self.places: list[int] = []
        self.numbered = self.sequential = False
        while byte := self._next():
            if byte != b"%":
                self.items.append(None if byte in BLANKS else byte)
            elif self._peek() == b"%":
                self.items.append(self._next())
            else:
                self.items.append(self._directive())
        if len(set(self.places)) < len(self.places):
            raise FormatError('Variable is assigned by multiple "%n$" conversion specifiers')
        self.size = max((place + 1 for place in self.places), default=0)

    def _peek(self) -> bytes:
        return self.text[self.at : self.at + 1]

    def _next(self) -> bytes:
        self.at += 1
        return self.text[self.at - 1 : self.at]

    def _number(self) -> int | None:
        match = re.compile(rb"\d+").match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return int(match[0])

    def _directive(self) -> Directive:
        suppressed = self._peek() == b"*"
        self.at += suppressed
        place = None if suppressed else self._place()
        width = self._number() or 0
        if self._peek() in (b"l", b"L", b"h"):
            self.at += 1
        letter = to_text(self._next())
        if letter not in LETTERS:
            # C's strings end where the format does.
            raise FormatError(f'Bad scan conversion character "{letter}' + ('"' if letter else ""))
        members = self._set() if letter == "[" else frozenset[int]()
        if place is not None:
            self.places.append(place)
        return Directive(letter, width, place, members)

    def _place(self) -> int:
        """Where the result goes: as %2$ says, or behind the one before."""
        start = self.at
        number = self._number()
        if number is not None and self._peek() == b"$":
            self.at += 1
            self.numbered = True
            if self.sequential:
                raise FormatError('cannot mix "%" and "%n$" conversion specifiers')
            if not 1 <= number <= MOST_ARGUMENTS:
                raise FormatError('"%n$" argument index out of range')
            return number - 1
        self.at = start
        self.sequential = True
        if self.numbered:
            raise FormatError('cannot mix "%" and "%n$" conversion specifiers')
        return self.places[-1] + 1 if self.places else 0

    def _set(self) -> frozenset[int]:
        """The bytes of a [...]; ] stands for itself in front, - in front or at the end."""
        exclude = self._peek() == b"^"
        self.at += exclude
        try:
            end = self.text.index(b"]", self.at + 1)
        except ValueError:
            raise FormatError("Unmatched [ in format string") from None
        members = _members(self.text[self.at : end])
        self.at = end + 1
        return _ANY - members if exclude else members


def _members(text: bytes) -> frozenset[int]:
    """The bytes that a set names, with ranges in either direction."""
    found: set[int] = set()
    at = 0
    if text.startswith(b"-"):
        found.add(text[0])
        at = 1
    start = text[0]
    while at < len(text):
        byte = text[at]
        at += 1
        following = text[at] if at < len(text) else ord("]")
        if following == ord("-"):
            start = byte
        elif byte == ord("-"):
            if at >= len(text):
                found.update((start, byte))
            else:
                found.update(_range(start, following))
        else:
            found.add(byte)
    return frozenset(found)


def _range(one: int, other: int) -> set[int]:
    """PHP's characters are signed here: those beyond 127 come before the others."""
    low, high = sorted(byte - 256 if byte > 127 else byte for byte in (one, other))
    return {byte % 256 for byte in range(low, high + 1)}


class _Done(Exception):
    """No more of the format is looked at; `underflow`: because the line has ended."""

    def __init__(self, underflow: bool) -> None:
        self.underflow = underflow


class _Scan:
    """A line on its way through a format."""

    def __init__(self, line: bytes) -> None:
        self.line = line.partition(b"\0")[0]
        self.at = 0

    def blanks(self) -> None:
        while self.at < len(self.line) and self.line[self.at] in BLANKS:
            self.at += 1

    def need(self) -> None:
        if self.at >= len(self.line):
            raise _Done(True)

    def literal(self, byte: bytes) -> None:
        self.need()
        self.at += 1
        if self.line[self.at - 1 : self.at] != byte:
            raise _Done(False)

    def value(self, directive: Directive) -> Any:
        """What the directive reads."""
        if directive.letter == "n":
            return self.at
        self.need()
        if directive.letter not in ("c", "["):
            self.blanks()
            self.need()
        if directive.letter in TEXTS:
            return self._text(directive)
        return self._float(directive) if directive.letter in FLOATS else self._integer(directive)

    def _text(self, directive: Directive) -> bytes:
        most = directive.width or (1 if directive.letter == "c" else len(self.line))
        end = self.at
        limit = min(len(self.line), self.at + most)
        while end < limit and (
            self.line[end] in directive.members if directive.letter == "[" else self.line[end] not in BLANKS
        ):
            end += 1
        text = self.line[self.at : end]
        if directive.letter == "[" and not text:
            raise _Done(False)
        self.at = end
        return text

    def _integer(self, directive: Directive) -> int | bytes:
        base = BASES[directive.letter]
        window = self.line[self.at : self.at + (min(directive.width, NUMBER_MAX) or NUMBER_MAX)]
        found, base = _integer_text(window, base)
        self.at += len(found)
        if not found.strip(b"+-"):
            raise _Done(self.at >= len(self.line))
        if found[-1:] in b"xX":
            found = found[:-1]
            self.at -= 1
        number = int(found.decode(), base or 10)
        if directive.letter != "u":
            return min(max(number, PHP_INT_MIN), PHP_INT_MAX)
        unsigned = _ALL_ONES if abs(number) > _ALL_ONES else number & _ALL_ONES
        return unsigned if unsigned <= PHP_INT_MAX else b"%d" % unsigned

    def _float(self, directive: Directive) -> float:
        window = self.line[self.at : self.at + (min(directive.width, NUMBER_MAX) or NUMBER_MAX)]
        found = _float_text(window)
        self.at += len(found)
        if not any(48 <= byte <= 57 for byte in found):
            raise _Done(self.at >= len(self.line))
        without = _EXPONENT.match(found)
        if without:
            self.at -= len(found) - len(without[1])
            found = without[1]
        return float(found)


def _integer_text(window: bytes, base: int) -> tuple[bytes, int]:
    """The bytes that belong to a number, and its base, which %i learns from them."""
    at, prefix, sign = 0, False, True
    digits = {8: b"01234567", 10: b"0123456789", 16: b"0123456789abcdefABCDEF", 0: b"0123456789"}
    while at < len(window):
        byte = window[at]
        if byte in b"xX" and prefix and at == 1:
            base, prefix = 16, False
        elif byte in b"+-" and sign:
            sign = False
        elif byte in digits[base]:
            if base == 0:
                base, prefix = (8, True) if byte == 48 else (10, False)
            else:
                prefix = byte == 48 and base == 16 and (prefix or not at or window[:at].strip(b"+-") == b"")
            sign = False
        else:
            break
        at += 1
    return window[:at], base


def _float_text(window: bytes) -> bytes:
    """The bytes that may belong to a float, an exponent without digits included."""
    at, sign, point, exponent, digit = 0, True, True, True, False
    for byte in window:
        if 48 <= byte <= 57:
            digit, sign = True, False
        elif byte in b"+-" and sign:
            sign = False
        elif byte == 46 and point:
            point = sign = False
        elif byte in b"eE" and exponent and digit:
            exponent, point, sign, digit = False, False, True, False
        else:
            break
        at += 1
    return window[:at]


@lru_cache(64)
def compiled(text: bytes) -> Format:
    """The format; FormatError says what is wrong with it."""
    return Format(text)


def scan(line: bytes, format: Format) -> list[Any] | None:
    """The values, None for those that were not met; None when the line ended before any."""
    found: list[Any] = [None] * format.size
    converted = False
    state = _Scan(line)
    try:
        for item in format.items:
            if item is None:
                state.blanks()
            elif isinstance(item, bytes):
                state.literal(item)
            else:
                value = state.value(item)
                if item.place is not None:
                    found[item.place] = value
                converted = True
    except _Done as done:
        if done.underflow and not converted:
            return None
    return found

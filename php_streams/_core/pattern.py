"""Shell patterns, as the C library's fnmatch(3) reads them in the locale C.UTF-8, which is PHP's.

`*` goes on from the last one that was met: with FNM_PATHNAME a slash in the text is met by a slash in the
pattern alone, so what stands before it has been settled, and an earlier `*` could not help.  The time is at
worst the product of the two lengths.
"""

from __future__ import annotations

import re
import string

from php_streams.constants import FNM_CASEFOLD, FNM_NOESCAPE, FNM_PATHNAME, FNM_PERIOD

SLASH, STAR, QUESTION, OPEN, BACKSLASH = b"/*?[\\"

CLASS = re.compile(rb"\[:(.*?):\]", re.DOTALL)  # [:digit:]
SYMBOL = re.compile(rb"\[([.=])(.)\1\]", re.DOTALL)  # [.a.] and [=a=]: one byte as it is

LETTERS, DIGITS = string.ascii_letters.encode(), string.digits.encode()
CLASSES = {
    b"alnum": frozenset(LETTERS + DIGITS),
    b"alpha": frozenset(LETTERS),
    b"blank": frozenset(b" \t"),
    b"cntrl": frozenset([*range(32), 127]),
    b"digit": frozenset(DIGITS),
    b"graph": frozenset(range(33, 127)),
    b"lower": frozenset(range(97, 123)),
    b"print": frozenset(range(32, 127)),
    b"punct": frozenset({*range(33, 127)}.difference(LETTERS, DIGITS)),
    b"space": frozenset(b" \t\n\v\f\r"),
    b"upper": frozenset(range(65, 91)),
    b"xdigit": frozenset(string.hexdigits.encode()),
}


def matches(pattern: bytes, text: bytes, flags: int) -> bool:
    """fnmatch(3): whether the pattern fits the whole text, by characters or else, as in glibc, by bytes."""
    return any(_fits(*pair, flags) for pair in {(pattern, text), _single_bytes(pattern, text)})


def _fits(pattern: bytes, text: bytes, flags: int) -> bool:  # one loop, which is clearer than its parts
    at = place = 0
    star: tuple[int, int] | None = None  # behind the last *, and where in the text it has got to
    while at < len(pattern) or place < len(text):
        if at < len(pattern) and pattern[at] == STAR and not _leading_period(text, place, flags):
            at += 1
            star = (at, place)
            continue
        if at < len(pattern) and place < len(text):
            step = _step(pattern, at, text, place, flags)
            if step:
                at, place = at + step, place + 1
                continue
        if star is None:
            break
        at, place = star
        if place >= len(text) or (flags & FNM_PATHNAME and text[place] == SLASH):
            break
        place += 1
        star = (at, place)
    return at == len(pattern) and place == len(text)


def _single_bytes(pattern: bytes, text: bytes) -> tuple[bytes, bytes]:
    """Characters of UTF-8, PHP's locale, as single bytes in the same order; what is not valid stays."""
    try:
        one, other = pattern.decode(), text.decode()
    except UnicodeDecodeError:
        return pattern, text
    wide = sorted(character for character in {*one, *other} if not character.isascii())
    table = str.maketrans({character: chr(128 + number) for number, character in enumerate(wide)})
    try:
        return one.translate(table).encode("latin-1"), other.translate(table).encode("latin-1")
    except UnicodeEncodeError:  # more than 128 of them
        return pattern, text


def _leading_period(text: bytes, place: int, flags: int) -> bool:
    """Whether here is a period that has to be met by one."""
    first = place == 0 or bool(flags & FNM_PATHNAME and text[place - 1] == SLASH)
    return first and flags & FNM_PERIOD != 0 and text[place : place + 1] == b"."


def _step(pattern: bytes, at: int, text: bytes, place: int, flags: int) -> int:
    """How much of the pattern the next byte of the text uses up; 0 when it does not fit."""
    byte, wanted = text[place], pattern[at]
    if wanted in (QUESTION, OPEN):
        free = not _leading_period(text, place, flags) and not (flags & FNM_PATHNAME and byte == SLASH)
        if wanted == QUESTION:
            return int(free)
        bracket = _bracket(pattern, at, byte, flags)
        if bracket is not None:
            length, inside = bracket
            return length if free and inside else 0
    elif wanted == BACKSLASH and not flags & FNM_NOESCAPE:
        return 2 * (at + 1 < len(pattern) and _folded(pattern[at + 1], flags) == _folded(byte, flags))
    return int(_folded(wanted, flags) == _folded(byte, flags))


def _folded(byte: int, flags: int) -> int:
    return byte + 32 if flags & FNM_CASEFOLD and 65 <= byte <= 90 else byte


def _bracket(pattern: bytes, at: int, byte: int, flags: int) -> tuple[int, bool] | None:
    """The length of a bracket expression, and whether the byte is in it; None when it does not end."""
    start = at + 1
    negated = pattern[start : start + 1] in (b"!", b"^")
    place = first = start + negated
    found = False
    while place < len(pattern):
        if pattern[place : place + 1] == b"]" and place > first:
            return place + 1 - at, found is not negated
        if named := CLASS.match(pattern, place):
            members = CLASSES.get(named[1])
            if members is None and not found:
                return len(pattern), False  # no class of that name: nothing fits any more
            found |= byte in (members or ())
            place = named.end()
            continue
        if pattern.startswith(b"[.", place) and not SYMBOL.match(pattern, place):
            end = pattern.find(b".]", place + 2)
            if not found or end < 0:
                return len(pattern), False  # no character of that name
            place = end + 2
            continue
        low, place, exact = _member(pattern, place, flags)
        high = low
        if pattern[place : place + 1] == b"-" and pattern[place + 1 : place + 2] not in (b"]", b""):
            high, place, exact = *_member(pattern, place + 1, flags)[:2], False
        if exact:
            found |= byte == low
        else:
            found |= _folded(low, flags) <= _folded(byte, flags) <= _folded(high, flags)
    return None


def _member(pattern: bytes, place: int, flags: int) -> tuple[int, int, bool]:
    """One byte of a bracket expression, the place behind it, and whether it stands for no other case."""
    if symbol := SYMBOL.match(pattern, place):
        return symbol[2][0], symbol.end(), True
    if pattern[place] == BACKSLASH and not flags & FNM_NOESCAPE and place + 1 < len(pattern):
        place += 1
    return pattern[place], place + 1, False

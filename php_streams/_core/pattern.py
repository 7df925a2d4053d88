"""Shell patterns, as the C library's fnmatch(3) reads them in the locale C.UTF-8, which is PHP's.

`*` goes on from the last one that was met: with FNM_PATHNAME a slash in the text is met by a slash in the
pattern alone, so what stands before it has been settled, and an earlier `*` could not help.  The time is at
worst the product of the two lengths.
"""

from __future__ import annotations

from php_streams.constants import FNM_CASEFOLD, FNM_NOESCAPE, FNM_PATHNAME, FNM_PERIOD

SLASH, DOT, STAR, QUESTION, OPEN, BACKSLASH = b"/.*?[\\"

CLASSES = {
    b"alnum": frozenset(b for b in range(128) if chr(b).isalnum()),
    b"alpha": frozenset(b for b in range(128) if chr(b).isalpha()),
    b"blank": frozenset(b" \t"),
    b"cntrl": frozenset([*range(32), 127]),
    b"digit": frozenset(b"0123456789"),
    b"graph": frozenset(range(33, 127)),
    b"lower": frozenset(range(97, 123)),
    b"print": frozenset(range(32, 127)),
    b"punct": frozenset(b for b in range(33, 127) if not chr(b).isalnum()),
    b"space": frozenset(b" \t\n\v\f\r"),
    b"upper": frozenset(range(65, 91)),
    b"xdigit": frozenset(b"0123456789abcdefABCDEF"),
}


def matches(pattern: bytes, text: bytes, flags: int) -> bool:
    """fnmatch(3): whether the pattern fits the whole text, by characters or else, as in glibc, by bytes."""
    if not (pattern.isascii() and text.isascii()) and _fits(*_single_bytes(pattern, text), flags):
        return True
    return _fits(pattern, text, flags)


def _fits(pattern: bytes, text: bytes, flags: int) -> bool:  # one loop, which is clearer than its parts
    at = place = 0
    star = (-1, 0)  # behind the last *, and where in the text it has got to
    while at < len(pattern) or place < len(text):
        if at < len(pattern) and pattern[at] == STAR and not _leading_period(text, place, flags):
            star = (at + 1, place)
            at += 1
            continue
        step = _step(pattern, at, text, place, flags) if place < len(text) else 0
        if step:
            at, place = at + step, place + 1
            continue
        behind, reached = star
        if behind < 0 or reached >= len(text) or (flags & FNM_PATHNAME and text[reached] == SLASH):
            return False
        star = (behind, reached + 1)
        at, place = star
    return True


def _single_bytes(pattern: bytes, text: bytes) -> tuple[bytes, bytes]:
    """Characters of UTF-8, PHP's locale, as single bytes in the same order; what is not valid stays."""
    try:
        one, other = pattern.decode(), text.decode()
    except UnicodeDecodeError:
        return pattern, text
    wide = sorted({character for character in one + other if character > "\x7f"})
    if len(wide) > 128:
        return pattern, text
    table = str.maketrans({character: chr(128 + number) for number, character in enumerate(wide)})
    return one.translate(table).encode("latin-1"), other.translate(table).encode("latin-1")


def _leading_period(text: bytes, place: int, flags: int) -> bool:
    """Whether here is a period that has to be met by one."""
    if not flags & FNM_PERIOD or text[place : place + 1] != b".":
        return False
    return place == 0 or bool(flags & FNM_PATHNAME and text[place - 1] == SLASH)


def _step(pattern: bytes, at: int, text: bytes, place: int, flags: int) -> int:
    """How much of the pattern the next byte of the text uses up; 0 when it does not fit."""
    if at >= len(pattern):
        return 0
    byte, wanted = text[place], pattern[at]
    if wanted in (QUESTION, OPEN):
        free = not _leading_period(text, place, flags) and not (flags & FNM_PATHNAME and byte == SLASH)
        if wanted == QUESTION:
            return int(free)
        length, inside = _bracket(pattern, at, byte, flags)
        if length:
            return length if free and inside else 0
    elif wanted == BACKSLASH and not flags & FNM_NOESCAPE:
        if at + 1 == len(pattern):
            return 0
        return 2 * (_folded(pattern[at + 1], flags) == _folded(byte, flags))
    return int(_folded(wanted, flags) == _folded(byte, flags))


def _folded(byte: int, flags: int) -> int:
    return byte + 32 if flags & FNM_CASEFOLD and 65 <= byte <= 90 else byte


def _bracket(pattern: bytes, at: int, byte: int, flags: int) -> tuple[int, bool]:
    """The length of a bracket expression, and whether the byte is in it; 0 when it does not end."""
    start = at + 1
    negated = pattern[start : start + 1] in (b"!", b"^")
    place = first = start + negated
    found = False
    while place < len(pattern):
        if pattern[place : place + 1] == b"]" and place > first:
            return place + 1 - at, found is not negated
        if pattern[place : place + 2] == b"[:" and (end := pattern.find(b":]", place + 2)) > 0:
            members = CLASSES.get(pattern[place + 2 : end])
            if members is None and not found:
                return len(pattern), False  # no class of that name: nothing fits any more
            found |= byte in (members or ())
            place = end + 2
            continue
        if not found and pattern[place : place + 2] == b"[." and pattern[place + 3 : place + 5] != b".]":
            return len(pattern), False
        low, after = _member(pattern, place, flags)
        exact = after > place + 2  # [.a.] and [=a=] are one byte as it is
        high, place = low, after
        if pattern[place : place + 1] == b"-" and pattern[place + 1 : place + 2] not in (b"]", b""):
            high, place = _member(pattern, place + 1, flags)
            exact = False
        seen = byte if exact else _folded(byte, flags)
        found |= (low if exact else _folded(low, flags)) <= seen <= (low if exact else _folded(high, flags))
    return 0, False


def _member(pattern: bytes, place: int, flags: int) -> tuple[int, int]:
    """One byte of a bracket expression, and the place behind it."""
    if pattern[place] == BACKSLASH and not flags & FNM_NOESCAPE and place + 1 < len(pattern):
        return pattern[place + 1], place + 2
    for mark in (b".", b"="):
        end = place + 3
        if pattern[place : place + 2] == b"[" + mark and pattern[end : end + 2] == mark + b"]":
            return pattern[place + 2], end + 2
    return pattern[place], place + 1

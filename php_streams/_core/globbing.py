"""Names that fit a shell pattern, as the C library's glob(3) finds them: folder by folder, in order."""

from __future__ import annotations

import os
from collections.abc import Iterator

from php_streams._core.pattern import matches
from php_streams._core.signals import from_system
from php_streams.constants import (
    FNM_NOESCAPE,
    FNM_PERIOD,
    GLOB_BRACE,
    GLOB_ERR,
    GLOB_MARK,
    GLOB_NOCHECK,
    GLOB_NOESCAPE,
    GLOB_NOSORT,
)


def expand(pattern: str, flags: int = 0) -> list[str]:
    """The names, [] for none; OSError when a folder cannot be read and GLOB_ERR is set."""
    return [os.fsdecode(name) for name in _names(os.fsencode(pattern), flags)]


def _names(pattern: bytes, flags: int) -> list[bytes]:
    """The names as bytes, sorted as such."""
    if flags & GLOB_BRACE and (alternatives := _braces(pattern, flags)) is not None:
        found = [name for each in alternatives for name in _names(each, flags & ~GLOB_NOCHECK)]
        if found or not flags & GLOB_NOCHECK:
            return found
    bare = pattern.rstrip(b"/") or pattern[:1]
    found = list(_fitting(bare, flags))
    if bare != pattern:
        found = list(_folders(found, bare.rpartition(b"/")[2], flags))
    elif flags & GLOB_MARK:
        found = [name + b"/" if os.path.isdir(name) else name for name in found]
    if not flags & GLOB_NOSORT:
        found.sort()
    return found or ([bare] if flags & GLOB_NOCHECK else [])


def _folders(found: list[bytes], last: bytes, flags: int) -> Iterator[bytes]:
    """What fits a pattern with a slash at the end: folders, with it, and what is called by its name there."""
    for name in found:
        if os.path.isdir(name):
            yield name + b"/"
        elif not _special(last, flags) and (flags & GLOB_NOESCAPE or b"\\" not in last):
            yield name


def _braces(pattern: bytes, flags: int) -> list[bytes] | None:
    """What the first {a,b} of the pattern stands for; None when there is none that ends."""
    start = _find(pattern, 0, b"{", flags)
    if start < 0:
        return None
    parts, depth, place, begin = [], 0, start + 1, start + 1
    while place < len(pattern):
        byte = pattern[place : place + 1]
        if byte == b"\\" and not flags & GLOB_NOESCAPE:
            place += 1
        elif byte == b"{":
            depth += 1
        elif byte in (b",", b"}") and not depth:
            parts.append(pattern[begin:place])
            begin = place + 1
            if byte == b"}":
                return [pattern[:start] + part + pattern[begin:] for part in parts]
        elif byte == b"}":
            depth -= 1
        place += 1
    return None


def _find(pattern: bytes, place: int, wanted: bytes, flags: int) -> int:
    """Where one of the `wanted` bytes stands, not escaped; -1 for nowhere."""
    while place < len(pattern):
        if pattern[place] in wanted:
            return place
        place += 2 if pattern[place] == 0x5C and not flags & GLOB_NOESCAPE else 1
    return -1


def _fitting(pattern: bytes, flags: int) -> Iterator[bytes]:
    """The names that fit, in no order."""
    folder, slash, last = pattern.rpartition(b"/")
    if not flags & GLOB_NOESCAPE and (len(folder) - len(folder.rstrip(b"\\"))) % 2:
        folder = folder[:-1]  # it was the slash that was escaped, for nothing
    head = folder + slash if not folder.rstrip(b"/") else folder
    if not slash:
        yield from _within(b"", last, flags)
        return
    if not folder.strip(b"/"):
        above = [head]
    elif _special(folder, flags):
        above = [name + b"/" for name in _fitting(folder, flags) if os.path.isdir(name)]
    else:
        above = [_literal(folder, flags) + b"/"]
    for place in above:
        if last:
            yield from (place + name for name in _within(place, last, flags))
        else:
            yield place


def _within(folder: bytes, pattern: bytes, flags: int) -> Iterator[bytes]:
    """The names in one folder that fit."""
    if not _special(pattern, flags):
        name = _literal(pattern, flags)
        if name and os.path.lexists(folder + name):
            yield name
        return
    how = FNM_PERIOD | (FNM_NOESCAPE if flags & GLOB_NOESCAPE else 0)
    try:
        names = [b".", b"..", *os.listdir(folder or b".")]
    except from_system(OSError):
        if flags & GLOB_ERR:
            raise
        return
    yield from (name for name in names if matches(pattern, name, how))


def _special(pattern: bytes, flags: int) -> bool:
    """Whether there is anything to be found out: * or ? or a bracket that ends."""
    bracket = _find(pattern, 0, b"[", flags)
    return _find(pattern, 0, b"*?", flags) >= 0 or (bracket >= 0 and b"]" in pattern[bracket:])


def _literal(pattern: bytes, flags: int) -> bytes:
    """The one name that a pattern without wildcards means."""
    if flags & GLOB_NOESCAPE or b"\\" not in pattern:
        return pattern
    parts, place = [], 0
    while place < len(pattern):
        place += pattern[place] == 0x5C and place + 1 < len(pattern)
        parts.append(pattern[place : place + 1])
        place += 1
    return b"".join(parts)

"""Lines of fields as PHP reads and writes them (= php_fgetcsv, php_fputcsv of ext/standard/file.c).

PHP's format is no standard's: a field may begin with blanks in front of its enclosure, text behind the
closing enclosure belongs to the field, and an escape character takes the meaning from the character behind
it, but stays.  Characters are UTF-8's, as far as the bytes are valid; separators are single bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

from php_streams._core.buffer import Buffer
from php_streams._core.diagnostics import argument_value_error, deprecated
from php_streams._core.values import to_bytes

More = Callable[[], bytes | Literal[False]]

_BLANKS = b" \t\n\v\f\r"
BLANKS = frozenset(_BLANKS)
NO_ESCAPE = -1
# Inside of an enclosure: after an escape character; after what may be the closing enclosure.
ESCAPED, CLOSING = 1, 2
_INVALID = re.compile("[\udc80-\udcff]")


def end_of_text(data: bytes) -> int:
    """Where the line's end begins: one LF, CR or CRLF.  PHP does not see bytes that are not valid there."""
    if data.isascii():
        last, before = data[-1:], data[-2:-1]
    else:
        text = _INVALID.sub("", data.decode("utf-8", "surrogateescape"))
        last, before = text[-1:].encode(), text[-2:-1].encode()
    if last == b"\n" and before == b"\r":
        return len(data) - 2
    return len(data) - (last in (b"\n", b"\r"))


class _Line:
    """A line that is being taken apart."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.limit = end_of_text(data)
        self.ending = data[self.limit :]
        self.widths: dict[int, int] = {}
        if not data.isascii():
            at = 0
            for character in data.decode("utf-8", "surrogateescape"):
                width = len(character.encode("utf-8", "surrogateescape"))
                self.widths[at] = width
                at += width

    def width(self, at: int) -> int:
        """Bytes of the character there; 0 at the end of the text."""
        return self.widths.get(at, 1) if at < self.limit else 0

    def byte(self, at: int) -> int | None:
        """The byte there; none behind the line."""
        return self.data[at] if at < len(self.data) else None


class Reader:
    """The fields of a line, and of the lines that an enclosed field goes on in."""

    def __init__(self, line: bytes, more: More, separator: int, enclosure: int, escape: int) -> None:
        self.line = _Line(line)
        self.more = more
        self.separator, self.enclosure = separator, enclosure
        self.escape = escape if escape < 128 else NO_ESCAPE  # PHP's characters are signed: it is never met
        self.at = 0
        self.width = 0

    def fields(self) -> list[bytes | None]:
        """All of them; a blank line is one that is None."""
        found: list[bytes | None] = []
        while True:
            self.width = self.line.width(self.at)
            if self.width == 1:
                self._pass_blanks()
            if not found and self.at == self.line.limit:
                return [None]
            enclosed = self.width and self.line.byte(self.at) == self.enclosure
            found.append(self._enclosed() if enclosed else self._bare())
            if not self.width:
                return found

    def _pass_blanks(self) -> None:
        """Blanks in front of an enclosure do not count."""
        at = self.at
        while (byte := self.line.byte(at)) != self.separator and byte in BLANKS:
            at += 1
        if self.line.byte(at) == self.enclosure:
            self.at = at

    def _bare(self) -> bytes:
        begin = self.at
        self._to_separator()
        text = self.line.data[begin : self.at]
        if self.line.byte(self.at) == self.separator:
            self.at += 1
        return text[: end_of_text(text)]

    def _to_separator(self) -> None:
        while self.width and not (self.width == 1 and self.line.byte(self.at) == self.separator):
            self.at += self.width
            self.width = self.line.width(self.at)

    def _enclosed(self) -> bytes:
        self.at += 1
        parts: list[bytes] = []
        begin = self._to_closing(parts)
        self._to_separator()
        parts.append(self.line.data[begin : self.at])
        self.at += self.width
        return b"".join(parts)

    def _to_closing(self, parts: list[bytes]) -> int:
        """Gathers what is enclosed; where what stands behind it begins."""
        begin, state = self.at, 0
        while True:
            self.width = self.line.width(self.at)
            byte = self.line.byte(self.at) if self.width == 1 else NO_ESCAPE
            if state == CLOSING and byte != self.enclosure:
                parts.append(self.line.data[begin : self.at - 1])
                return self.at
            if not self.width:
                parts.append(self.line.data[begin : self.at] + self.line.ending)
                if not self._go_on():
                    return self.at
                begin, state = 0, 0
                continue
            if state == CLOSING:  # it was doubled
                parts.append(self.line.data[begin : self.at])
                begin = self.at + 1
            if state or byte == NO_ESCAPE:
                state = 0
            elif byte == self.enclosure:
                state = CLOSING
            elif byte == self.escape:
                state = ESCAPED
            self.at += self.width

    def _go_on(self) -> bool:
        """The next line; False when there is none: it is never closed, and all the rest belongs to it."""
        following = self.more()
        if following is False:
            return False
        self.line, self.at = _Line(following), 0
        return True


@lru_cache(32)
def _usual(
    separator: bytes, enclosure: bytes, escape: bytes
) -> tuple[re.Pattern[bytes], re.Pattern[bytes]] | None:
    """What a line looks like that has none of PHP's peculiarities, and its fields; None where marks clash."""
    if len({separator, enclosure, escape}) < 3 or enclosure in _BLANKS:
        return None
    around, between = re.escape(enclosure), re.escape(separator)
    inner = b"[^" + around + re.escape(escape) + b"]*"
    enclosed = around + b"(" + inner + b"(?:" + around * 2 + inner + b")*)" + around
    field = b"(?:" + enclosed + b"|([^" + between + around + b"\r\n]*))"
    line = field + b"(?:" + between + field + b")*"
    return re.compile(line), re.compile(rb"(?:\A|" + between + b")" + field)


class NotGiven(bytes):
    """A default that can be told from the same text, when it is given."""


ESCAPE = NotGiven(b"\\")


def csv_marks(separator: Any, enclosure: Any, escape: Any) -> tuple[bytes, bytes, bytes]:
    """The three characters, checked in PHP's order."""
    between, around = to_bytes(separator, 3, "separator"), to_bytes(enclosure, 4, "enclosure")
    before = to_bytes(escape, 5, "escape")
    for number, name, mark in ((3, "separator", between), (4, "enclosure", around)):
        if len(mark) != 1:
            raise argument_value_error(number, name, "must be a single character")
    if len(before) > 1:
        raise argument_value_error(5, "escape", "must be empty or a single character")
    if isinstance(escape, NotGiven):
        deprecated("the $escape parameter must be provided as its default value will change")
    return between, around, before


def read_row(
    source: Buffer, most: int, separator: bytes, enclosure: bytes, escape: bytes
) -> list[bytes | None] | Literal[False]:
    """fgetcsv's fields, within an undivided read; False at the end."""
    line = source.whole_line(most)
    return line is not False and read_fields(line, source.whole_line, separator, enclosure, escape)


def read_fields(
    line: bytes, more: More, separator: bytes, enclosure: bytes, escape: bytes
) -> list[bytes | None]:
    """The fields of a line; `more` gives the next one when an enclosure is still open."""
    if not line.isascii():
        return Reader(line, more, separator[0], enclosure[0], escape[0] if escape else NO_ESCAPE).fields()
    limit = end_of_text(line)
    text = line[:limit]
    if enclosure in line:
        usual = _usual(separator, enclosure, escape)
        if usual is None or not usual[0].fullmatch(text):
            return Reader(line, more, separator[0], enclosure[0], escape[0] if escape else NO_ESCAPE).fields()
        twice = enclosure * 2
        return [
            bare or (enclosed.replace(twice, enclosure) if twice in enclosed else enclosed)
            for enclosed, bare in usual[1].findall(text)
        ]
    if not text:
        return [None]
    fields = text.split(separator)
    if b"\r" in text or b"\n" in text:
        return [field[: end_of_text(field)] for field in fields]
    return list(fields)


@lru_cache(32)
def _special(marks: bytes) -> re.Pattern[bytes]:
    return re.compile(b"[" + re.escape(marks + b"\n\r\t ") + b"]")


def write_fields(fields: list[bytes], separator: bytes, enclosure: bytes, escape: bytes, end: bytes) -> bytes:
    """A line; enclosed is what has blanks, ends of lines or one of the three characters in it."""
    special = _special(separator + enclosure + escape).search
    line = [_enclose(field, enclosure, escape) if special(field) else field for field in fields]
    return separator.join(line) + end


def _enclose(field: bytes, enclosure: bytes, escape: bytes) -> bytes:
    """Enclosures are doubled, but not behind an escape character."""
    if not escape.isascii() or not escape or escape not in field:  # beyond ASCII PHP never meets it
        return enclosure + field.replace(enclosure, enclosure * 2) + enclosure
    parts = [enclosure]
    escaped = False
    for number in range(len(field)):
        byte = field[number : number + 1]
        if byte == escape:
            escaped = True
        elif not escaped and byte == enclosure:
            parts.append(enclosure)
        else:
            escaped = False
        parts.append(byte)
    return b"".join([*parts, enclosure])

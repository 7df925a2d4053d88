"""convert.quoted-printable-encode and -decode (= php_conv_qprint_* of ext/standard/filters.c).

The encoder looks ahead for blanks at a line's end, but never past the bucket that it is given, and forgets
what it saw when PHP's output buffer has to grow: so what it makes of blanks depends on how the input was cut,
and on `space`, that buffer's rest.  PHP does this, and so do we.  Runs of plain text go through in one piece;
what is left is done byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from php_streams._filters.converter import Converter, Lines

PLAIN = frozenset(range(33, 127)) - {61}
BLANK = frozenset(b" \t")
# Text as it stands: also a blank before a plain character that is not the last of the bucket.
_TEXT = re.compile(rb"(?:[!-<>-~]|[ \t](?=[!-<>-~](?s:.)))+")
_PLAIN_RUN = re.compile(rb"[!-<>-~]+")
_HEX = [b"=%02X" % byte for byte in range(256)]


class Encode(Converter):
    """Bytes to quoted-printable."""

    __slots__ = (
        "ahead",
        "binary",
        "breaks",
        "ending",
        "first",
        "left",
        "length",
        "quick",
        "replayed",
        "space",
        "trailing",
    )

    def __init__(self, name: str, lines: Lines, binary: bool, first: bool) -> None:
        super().__init__(name)
        self.binary = binary
        self.first = first  # the first character of a line is always encoded
        self.length = self.left = lines.length  # of a line, and what is left of this one
        self.ending = lines.ending
        self.breaks = b"" if binary else lines.ending or b""  # what is passed on as it is
        special = PLAIN.union(BLANK).intersection(lines.ending or b"")
        self.quick = None if special else _PLAIN_RUN if binary else _TEXT
        self.ahead = 0  # bytes of a line's end that came, and wait for the others
        self.replayed = 0  # of these, how many were encoded after all
        self.space = 0
        self.trailing = 0  # blanks to be encoded

    def filter(self, data: bytes, closing: bool) -> bytes:
        """One bucket."""
        made: list[bytes] = []
        size, place = len(data) or 1, 0
        self.space, self.trailing = len(data), 0
        while place < len(data) or self.replayed < self.ahead:
            place, needed = self._next(data, place, made)
            if needed and place == len(data):
                break  # there is nothing to go on for: what was to be encoded waits
            if needed:
                # PHP makes its buffer twice as large, and forgets the blanks that were counted.
                self.space += size
                size *= 2
                self.trailing = 0
        return b"".join(made)

    def _next(self, data: bytes, place: int, made: list[bytes]) -> tuple[int, bool]:
        """One step; where to go on, and whether the buffer has to grow before."""
        if self.breaks and place < len(data) and data[place] == self.breaks[self.ahead]:
            return self._see_break(place, made)
        if self.quick is not None and not self.ahead and not self.trailing:
            run = self.quick.match(data, place, place + self._fit())
            if run is not None:
                return self._pass(run, made), False
        return self._one(data, place, made)

    def _line_begins(self) -> bool:
        """Whether the next character has to be encoded; without lines each one, PHP does this."""
        return self.first and (self.ending is None or self.left >= self.length)

    def _fit(self) -> int:
        """How many plain characters may go into this line as they are, and into the buffer."""
        if self._line_begins():
            return 0
        return self.space if self.ending is None else max(0, min(self.left - 1, self.space))

    def _pass(self, run: re.Match[bytes], made: list[bytes]) -> int:
        made.append(run[0])
        size = len(run[0])
        self.left -= size
        self.space -= size
        return run.end()

    def _see_break(self, place: int, made: list[bytes]) -> tuple[int, bool]:
        """A byte of a line's end; the whole of it is passed on."""
        if self.ahead + 1 < len(self.breaks):
            self.ahead += 1
            return place + 1, False
        if self.space < len(self.breaks):
            return place, True
        made.append(self.breaks)
        self.space -= len(self.breaks)
        self.left = self.length
        self.replayed = self.ahead = 0
        return place + 1, False

    def _one(self, data: bytes, place: int, made: list[bytes]) -> tuple[int, bool]:
        """The next byte, as it is or encoded, after a soft line break when the line is full."""
        waiting = self.replayed < self.ahead
        byte = self.breaks[self.replayed] if waiting else data[place]
        blank = not self.binary and not self.trailing and byte in BLANK
        as_it_is = not blank and byte in PLAIN and not self._line_begins()
        if self.ending is not None and self.left < (2 if blank or as_it_is else 4):
            if not self._break_softly(self.ending, made):
                return place, True
            if blank:
                return place, False
        if blank:
            if self.space < 1:
                return place, True
            if self.ending is not None:
                self.trailing = self._count_trailing(data, place, self.ending)
            if self.trailing:
                return place, False
        text = bytes((byte,)) if blank or as_it_is else _HEX[byte]
        if self.space < len(text):
            return place, True
        self._put(text, made)
        if waiting:
            self.replayed += 1
            return place, False
        self.ahead = self.replayed = 0
        return place + 1, False

    def _break_softly(self, ending: bytes, made: list[bytes]) -> bool:
        if self.space <= len(ending):
            return False
        made.append(b"=" + ending)
        self.space -= len(ending) + 1
        self.left = self.length
        return True

    def _put(self, text: bytes, made: list[bytes]) -> None:
        made.append(text)
        self.space -= len(text)
        self.left -= len(text)
        if len(text) > 1 and self.trailing:
            self.trailing -= 1

    def _count_trailing(self, data: bytes, place: int, ending: bytes) -> int:
        """Blanks from here to a line's end, one more than there are; 0 when something else follows."""
        found, seen = 1, 0
        for byte in data[place : len(data) - 1]:
            if seen < len(ending) and byte == ending[seen]:
                seen += 1
                if seen >= len(ending):
                    break
            elif seen or byte not in BLANK:
                return 0
            else:
                found += 1
        return found


# Escapes that are complete as they stand, and what they stand for, when any line's end will do.
_COMPLETE = re.compile(rb"(?:[^=]++|=(?:[0-9A-F]{2}|\r\n|\n|\r(?=[^\n])))++")
_ESCAPE = re.compile(rb"=(?:[0-9A-F]{2}|\r\n?|\n)")
_BYTES = {text: bytes((byte,)) for byte, text in enumerate(_HEX)} | dict.fromkeys(
    (b"=\r\n", b"=\r", b"=\n"), b""
)
_DIGITS = b"0123456789ABCDEFabcdef"


def _unescape(match: re.Match[bytes]) -> bytes:
    return _BYTES[match[0]]


class Decode(Converter):
    """Quoted-printable to bytes.

    `state` is the method that takes the next byte, and says whether it is done with it; None in plain text.
    """

    __slots__ = ("code", "ending", "made", "seen", "state")

    def __init__(self, name: str, ending: bytes | None) -> None:
        super().__init__(name)
        self.ending = ending  # of a line; None: any
        self.made: list[bytes] = []
        self.seen = 0  # bytes of a line's end
        self.code = 0
        self.state: Callable[[Decode, int], bool] | None = None

    def filter(self, data: bytes, closing: bool) -> bytes:
        """All that is complete.  What is missing at the end is not missed; PHP does this."""
        self.made = []
        place = 0
        while place < len(data):
            if self.state is not None:
                place += self.state(self, data[place])
            elif self.ending is None and (run := _COMPLETE.match(data, place)):
                self.made.append(_ESCAPE.sub(_unescape, run[0]))
                place = run.end()
            else:
                end = data.find(b"=", place)
                self.made.append(data[place:] if end < 0 else data[place:end])
                place = len(data) if end < 0 else end + 1
                self.state = None if end < 0 else Decode._begin
        return b"".join(self.made)

    def _begin(self, byte: int) -> bool:
        """After a "="."""
        if byte in BLANK:
            self.state = Decode._blanks
        elif self.ending is None and byte == 13:
            self.state = Decode._after_cr
        elif self.ending is None and byte == 10:
            self.state = None
        elif self.ending and byte == self.ending[0]:
            self.seen = 1
            self.state = Decode._line_end
        else:
            self._digit(byte)
            self.state = Decode._second_digit
        return True

    def _digit(self, byte: int) -> None:
        if byte not in _DIGITS:
            raise self.invalid()
        # Small letters count as what their code makes of them, 0x2A to 0x2F; PHP does this.
        self.code = (self.code << 4 | byte - (0x37 if byte >= 65 else 0x30)) & 0xFF

    def _second_digit(self, byte: int) -> bool:
        self._digit(byte)
        self.made.append(bytes((self.code,)))
        self.state = None
        return True

    def _blanks(self, byte: int) -> bool:
        """After a "=" and blanks only a line's end may come, one that was named."""
        if self.ending and byte == self.ending[0]:
            self.seen = 1
            self.state = Decode._line_end
        elif byte not in BLANK:
            raise self.invalid()
        return True

    def _after_cr(self, byte: int) -> bool:
        self.state = None
        return byte == 10

    def _line_end(self, byte: int) -> bool:
        """Within a line's end that was named; what only looked like one is text."""
        ending = self.ending or b""
        if self.seen >= len(ending):
            self.state = None
            return False
        if byte == ending[self.seen]:
            self.seen += 1
            return True
        self.made.append(ending[: self.seen])
        self.state = None
        return False

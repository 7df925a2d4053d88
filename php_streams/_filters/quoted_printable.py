"""convert.quoted-printable-encode and -decode (= php_conv_qprint_* of ext/standard/filters.c).

The encoder looks ahead for blanks at a line's end, but never past the bucket that it is given, and forgets
what it saw when PHP's output buffer has to grow: so what it makes of blanks depends on how the input was cut,
and on `space`, that buffer's rest.  PHP does this, and so do we.  What no such blank is near goes through in
one piece, and is cut into lines afterwards; what is left is done byte by byte.
"""

from __future__ import annotations

import re
from binascii import a2b_qp
from collections.abc import Callable

from php_streams._filters.converter import Converter, Lines

PLAIN = frozenset(range(33, 127)) - {61}
BLANK = frozenset(b" \t")
# Text as it stands: also a blank before a plain character that is not the last of the bucket.
_TEXT = re.compile(rb"(?:[!-<>-~]|[ \t](?=[!-<>-~](?s:.)))+")
_PLAIN_RUN = re.compile(rb"[!-<>-~]+")
_HEX = [b"=%02X" % byte for byte in range(256)]
_KINDS = 24  # bytes to be encoded: when there are more different ones, a table is quicker than replacing each


def _stops(ending: bytes) -> re.Pattern[bytes] | None:
    """What is not to be passed on in one piece: a line's end after a blank, or one begun twice.

    None when nothing is: there is no end, it is too long, or may be taken for something else.
    """
    if not 1 <= len(ending) <= 2 or b"=" in ending or ending[:1] == ending[1:]:
        return None
    first, second = re.escape(ending[:1]), re.escape(ending[1:])
    again = b"|" + first if second else b""
    return re.compile(first + b"(?:(?<=[ \\t]" + first + b")" + second + again + b")")


class Encode(Converter):
    """Bytes to quoted-printable."""

    __slots__ = (
        "ahead",
        "binary",
        "breaks",
        "ending",
        "first",
        "kept",
        "left",
        "length",
        "lined",
        "quick",
        "replayed",
        "size",
        "space",
        "stops",
        "table",
        "trailing",
    )

    def __init__(self, name: str, lines: Lines, binary: bool, first: bool) -> None:
        super().__init__(name)
        self.binary = binary
        self.first = first  # the first character of a line is always encoded
        self.length = self.left = lines.length  # of a line, and what is left of this one
        self.lined = lines.ending is not None
        self.ending = lines.ending or b""
        self.breaks = b"" if binary else self.ending  # what is passed on as it is
        special = PLAIN.union(BLANK).intersection(self.ending)
        self.quick = None if special else _PLAIN_RUN if binary else _TEXT
        self.stops = None if special or first else _stops(self.breaks)
        # Without lines each character is the first one, PHP does this.
        kept = (frozenset() if first and not self.lined else PLAIN) | (frozenset() if binary else BLANK)
        self.kept = bytes(kept.union(self.breaks if len(self.breaks) == 1 else b""))
        self.table = [bytes((byte,)) if byte in self.kept else _HEX[byte] for byte in range(256)]
        self.ahead = 0  # bytes of a line's end that came, and wait for the others
        self.replayed = 0  # of these, how many were encoded after all
        self.size = self.space = 0  # of PHP's buffer, and of its rest
        self.trailing = 0  # blanks to be encoded

    def filter(self, data: bytes, closing: bool) -> bytes:
        """One bucket."""
        if not self.lined:
            return self._encode(data)
        if self.binary and not self.first:
            return self._in_lines(self._encode(data))
        made: list[bytes] = []
        self.size, self.space, self.trailing = len(data) or 1, len(data), 0
        place, slow = 0, 0 if self.stops else len(data)  # until where it goes byte by byte
        end = len(data[:-1].rstrip(b" \t" + self.breaks))  # behind it blanks may be a line's last
        while place < len(data) or self.replayed < self.ahead:
            if slow <= place < end and not self.ahead and not self.trailing:
                place, slow = self._pass_many(data, place, end, made)
                continue
            place, needed = self._next(data, place, made)
            if needed and place == len(data):
                break  # there is nothing to go on for: what was to be encoded waits
            if needed:
                self._grow()
                self.trailing = 0
        return b"".join(made)

    def _grow(self) -> None:
        """PHP makes its buffer twice as large, and forgets the blanks that were counted."""
        self.space += self.size
        self.size *= 2

    def _encode(self, data: bytes) -> bytes:
        """All that cannot stay is encoded, but for lines' ends of one byte."""
        odd = data.translate(None, self.kept)
        if self.first or len(set(odd[:200])) > _KINDS or len(kinds := set(odd)) > _KINDS:
            table = self.table
            return b"".join([table[byte] for byte in data])
        for byte in sorted(kinds, key=lambda kind: kind != 61):  # the "=" before those that are made here
            data = data.replace(bytes((byte,)), _HEX[byte])
        return data

    def _pass_many(self, data: bytes, place: int, end: int, made: list[bytes]) -> tuple[int, int]:
        """All up to the next blanks at a line's end; where to go on, and until where it goes byte by byte."""
        stop = self.stops.search(data, place, end) if self.stops else None
        piece = data[place : stop.start()].rstrip(b" \t") if stop else data[place:end]
        if piece:
            text = self._encode(piece)
            if len(self.breaks) > 1:
                text = text.replace(b"".join(map(_HEX.__getitem__, self.breaks)), self.breaks)
            made.append(text := self._in_lines(text))
            self.space -= len(text)
            while self.space < 0:
                self._grow()
        return place + len(piece), stop.start() + 1 if stop else len(data)

    def _in_lines(self, text: bytes) -> bytes:
        """What is encoded already, with soft line breaks."""
        lines = text.split(self.breaks) if self.breaks else [text]
        made, full = [self._cut(lines.pop(0), self.left)], self.length
        if lines:
            made += [line if len(line) < full else self._cut(line, full) for line in lines]
            if len(lines[-1]) < full:
                self.left = full - len(lines[-1])
        return self.breaks.join(made)

    def _cut(self, line: bytes, left: int) -> bytes:
        """One line, softly broken where it is full; `left` is what is left of the first one."""
        pieces, place = [], 0
        while len(line) - place >= left:
            end = place + left - 1
            if end > place and line[end - 1] == 61:  # not within an escape
                end -= 1
            elif end > place + 1 and line[end - 2] == 61:
                end -= 2
            pieces.append(line[place:end])
            place, left = end, self.length
        self.left = left - len(line) + place
        return (b"=" + self.ending).join([*pieces, line[place:]])

    def _line_begins(self) -> bool:
        """Whether the next character has to be encoded."""
        return self.first and self.left >= self.length

    def _next(self, data: bytes, place: int, made: list[bytes]) -> tuple[int, bool]:
        """One step; where to go on, and whether the buffer has to grow before."""
        if self.breaks and place < len(data) and data[place] == self.breaks[self.ahead]:
            return self._see_break(place, made)
        if self.quick is not None and not self.ahead:
            quick = _PLAIN_RUN if self.trailing else self.quick
            run = quick.match(data, place, place + self._fit())
            if run is not None:
                return self._pass(run, made), False
        return self._one(data, place, made)

    def _fit(self) -> int:
        """How many plain characters may go into this line as they are, and into the buffer."""
        return 0 if self._line_begins() else max(0, min(self.left - 1, self.space))

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
        if self.left < (2 if blank or as_it_is else 4):
            if not self._break_softly(made):
                return place, True
            if blank:
                return place, False
        if blank:
            if self.space < 1:
                return place, True
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

    def _break_softly(self, made: list[bytes]) -> bool:
        if self.space <= len(self.ending):
            return False
        made.append(b"=" + self.ending)
        self.space -= len(self.ending) + 1
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
        for at in range(place, len(data) - 1):
            byte = data[at]
            if seen < len(ending) and byte == ending[seen]:
                seen += 1
                if seen >= len(ending):
                    break
            elif seen or byte not in BLANK:
                return 0
            else:
                found += 1
        return found


# Where an escape is not complete as it stands, when any line's end will do.  What is before it Python's own
# decoder takes for what PHP takes it.
_INCOMPLETE = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n)")


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
            elif self.ending is None and (end := self._complete(data, place)) > place:
                self.made.append(a2b_qp(data[place:end]))
                place = end
            else:
                end = data.find(b"=", place)
                self.made.append(data[place:] if end < 0 else data[place:end])
                place = len(data) if end < 0 else end + 1
                self.state = None if end < 0 else Decode._begin
        return b"".join(self.made)

    def _complete(self, data: bytes, place: int) -> int:
        """Up to where all escapes are complete."""
        found = _INCOMPLETE.search(data, place)
        return found.start() if found else len(data)

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
        try:
            self.code = (self.code << 4 | int(chr(byte), 16)) & 0xFF
        except ValueError:
            raise self.invalid() from None

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

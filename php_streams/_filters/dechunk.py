"""dechunk: HTTP's chunked transfer coding taken off (= php_dechunk of ext/standard/filters.c)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from php_streams._core.filters import ByteFilter, Filter

_HEX = re.compile(rb"[0-9A-Fa-f]*")
# The line of a size as servers write it.
_USUAL = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_LINE_END = re.compile(rb"[\r\n]")
_SIZE_DIGITS = 16  # of 64 bits, as in C


class Dechunk(ByteFilter):
    """What is no chunk passes through as it is, and all that comes after it: PHP does this.

    `state` is the method that takes what comes next; it gets the data and where to begin, adds to `made`, and
    returns where the next one begins.
    """

    __slots__ = ("made", "size", "started", "state")
    in_place = True

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.made: list[bytes] = []
        self.size = 0  # of the chunk, or of what is still to come of it
        self.started = False  # a digit of the size was seen
        self.state: Callable[[Dechunk, bytes, int], int] = Dechunk._read_size

    def filter(self, data: bytes, closing: bool) -> bytes:
        """The chunks' contents."""
        place = 0
        while place < len(data):
            if self.state is Dechunk._read_size and not self.started:
                place = self._whole_chunks(data, place)
                if place == len(data):
                    break
            place = self.state(self, data, place)
        made, self.made = b"".join(self.made), []
        return made

    def _whole_chunks(self, data: bytes, place: int) -> int:
        """The chunks that stand there as they usually do, in one go; where the first other one begins."""
        while head := _USUAL.match(data, place):
            begin = head.end()
            end = begin + int(head[1], 16)
            if end == begin or not data.startswith(b"\r\n", end):
                break
            self.made.append(data[begin:end])
            place = end + 2
        return place

    def _read_size(self, data: bytes, place: int) -> int:
        digits = _HEX.match(data, place)[0]  # type: ignore[index]
        if not digits and not self.started:
            self.state = Dechunk._pass_on
            return place
        room = _SIZE_DIGITS - len(f"{self.size:x}") if self.size else _SIZE_DIGITS
        zeros = 0 if self.size else len(digits) - len(digits.lstrip(b"0"))
        taken = digits[: zeros + room]
        if taken:
            self.size = self.size << 4 * len(taken) | int(taken, 16)
            self.started = True
        if len(taken) < len(digits):
            self.state = Dechunk._pass_on  # what is too large is no size
        elif place + len(digits) < len(data):
            self.state = Dechunk._skip_extension
        return place + len(taken)

    def _skip_extension(self, data: bytes, place: int) -> int:
        end = _LINE_END.search(data, place)
        if end is None:
            return len(data)
        self.state = Dechunk._end_size_line
        return end.end() if end[0] == b"\r" else end.start()

    def _end_size_line(self, data: bytes, place: int) -> int:
        self.started = False
        if data[place] != 10:
            self.state = Dechunk._pass_on
            return place
        self.state = Dechunk._read_body if self.size else Dechunk._skip_trailer
        return place + 1

    def _read_body(self, data: bytes, place: int) -> int:
        part = data[place : place + self.size]
        self.made.append(part)
        self.size -= len(part)
        if not self.size:
            self.state = Dechunk._end_body
        return place + len(part)

    def _end_body(self, data: bytes, place: int) -> int:
        self.state = Dechunk._end_body_line
        return place + 1 if data[place] == 13 else place

    def _end_body_line(self, data: bytes, place: int) -> int:
        self.size = 0
        self.state = Dechunk._read_size if data[place] == 10 else Dechunk._pass_on
        return place + 1 if data[place] == 10 else place

    def _skip_trailer(self, data: bytes, place: int) -> int:
        return len(data)

    def _pass_on(self, data: bytes, place: int) -> int:
        self.made.append(data[place:])
        return len(data)


def make(name: str, params: Any) -> Filter | None:
    """The filter; it has no parameters."""
    return Dechunk(name)

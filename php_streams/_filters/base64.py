"""convert.base64-encode, convert.base64-decode (= php_conv_base64_* of ext/standard/filters.c).

Encoding works on three bytes at a time, and keeps one or two of them until more come or the filter goes.
Lines are as many whole quartets as fit into line-length; a line's end is only written when something follows.
Decoding skips what is no base64; after a "=" no more of it may come.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from struct import unpack_from

from php_streams._filters.converter import Converter, Lines

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
MOST = 4096  # lines that are taken apart in one step
FOREIGN = bytes(set(range(256)) - set(ALPHABET + b"="))


class Encode(Converter):
    """Bytes to base64."""

    __slots__ = ("held", "lines", "room", "width")

    def __init__(self, name: str, lines: Lines) -> None:
        super().__init__(name)
        self.held = b""  # one or two bytes that make no quartet yet
        self.lines = lines.ending
        self.width = self.room = lines.length // 4 * 4  # characters in a line, and left in this one

    def filter(self, data: bytes, closing: bool) -> bytes:
        """What the bytes, with those held back, make in whole quartets; all when closing."""
        data = self.held + data if self.held else data
        whole = len(data) if closing else len(data) // 3 * 3
        self.held = data[whole:]
        text = b2a_base64(data[:whole] if self.held else data, newline=False)
        return text if self.lines is None else self._cut(text, self.lines)

    def _cut(self, text: bytes, ending: bytes) -> bytes:
        """The text in lines; the first goes on where the last one stopped."""
        if len(text) <= self.room:
            self.room -= len(text)
            return text
        width, first = self.width, self.room
        count = (len(text) - first - 1) // width  # whole lines that something follows
        last = first + count * width
        self.room = last + width - len(text)
        if count > MOST:  # a format of its own for each size would be large
            cuts = range(first, last, width)
            return ending.join([text[:first], *[text[cut : cut + width] for cut in cuts], text[last:]])
        return ending.join([text[:first], *unpack_from(f"{width}s" * count, text, first), text[last:]])


class Decode(Converter):
    """Base64 to bytes."""

    __slots__ = ("ended", "held")

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.held = b""  # the characters of a quartet that is not complete
        self.ended = False  # a "=" was there

    def filter(self, data: bytes, closing: bool) -> bytes:
        """All bytes that are complete.  What is missing at the end is not missed; PHP does this."""
        text = data.translate(None, FOREIGN)
        if self.ended:
            if data and (len(self.held) < 2 or text.strip(b"=")):
                raise self.invalid()
            return b""
        made = b""
        end = text.find(b"=")
        coming = self.held + (text if end < 0 else text[:end])
        complete = len(self.held) * 6 // 8  # bytes of the quartet that were given out already
        if coming:
            size = len(coming) * 6 // 8
            made = a2b_base64(coming + b"A" * (-len(coming) % 4))[complete:size]
            self.held = coming[len(coming) // 4 * 4 :]
        if end >= 0:
            self.ended = True
            if len(self.held) < 2 or text[end:].strip(b"="):
                raise self.invalid()
        return made

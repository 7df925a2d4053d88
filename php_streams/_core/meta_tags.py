"""The meta tags of a page, as get_meta_tags finds them (= php_next_meta_token of ext/standard/file.c).

A tokenizer that reads a byte at a time, and a reader that looks for `name = value` in tags called meta, up to
the end of the head.  Neither knows HTML well, and a port may lean on what they make of bad HTML: PHP's loops
are kept, the place where the end of the stream is looked for included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto

from php_streams._core.stream import Stream
from php_streams._core.values import to_text

_TOKEN_MAX = 8192
_IN_NAMES = b"-_.:"
_UNSAFE = re.compile(rb"[.\\+*?\[^\]$() ]")
_INTEGER = re.compile(r"-?[1-9][0-9]{0,17}|0")


class Token(Enum):
    """What a page consists of."""

    OPEN = auto()
    CLOSE = auto()
    EQUAL = auto()
    SLASH = auto()
    SPACE = auto()
    STRING = auto()
    NAME = auto()
    OTHER = auto()


_SIGNS = {b"<": Token.OPEN, b">": Token.CLOSE, b"=": Token.EQUAL, b"/": Token.SLASH, b" ": Token.SPACE}


def _tokens(stream: Stream) -> Iterator[tuple[Token, bytes]]:
    """The tokens of the stream, with the text of strings and names."""
    put_back = b""
    while put_back or not stream.at_end():
        byte = put_back or _byte(stream)
        if (byte == b"\0" and not put_back) or stream.at_end():
            return  # with the last byte unread: PHP does this
        put_back = b""
        if byte in _SIGNS:
            yield _SIGNS[byte], b""
        elif byte in b"\"'":
            text, put_back = _string(stream, byte)
            yield Token.STRING, text
        elif byte in b"\r\n\t":
            continue
        elif byte.isalnum():
            text, last = _name(stream, byte)
            put_back = last if last and not last.isalpha() and last != b"-" else b""
            yield Token.NAME, text
        else:
            yield Token.OTHER, b""


def _byte(stream: Stream) -> bytes:
    return stream.readchar(1) or stream.next_byte() or b"\xff"


def _string(stream: Stream, quote: bytes) -> tuple[bytes, bytes]:
    """The rest of a quoted string, and the < or > that ended it instead of a quote."""
    text = bytearray()
    byte = quote
    while not stream.at_end() and len(text) < _TOKEN_MAX:
        byte = _byte(stream)
        if byte in (quote, b"<", b">", b"\0"):
            break
        text += byte
    return bytes(text), byte if byte in b"<>" else b""


def _name(stream: Stream, first: bytes) -> tuple[bytes, bytes]:
    """The rest of a word, and the byte that was read last."""
    text = bytearray(first)
    byte = first
    while not stream.at_end() and len(text) < _TOKEN_MAX:
        byte = _byte(stream)
        if not (byte.isalnum() or byte in _IN_NAMES):
            break
        text += byte
    return bytes(text), byte


class _Tag:
    """What is known of a tag that has not ended."""

    def __init__(self) -> None:
        self.is_meta = False
        self.attribute = b""  # name or content, whichever was met last
        self.wanted = False  # its value is still to come
        self.found: dict[bytes, bytes] = {}

    def take_name(self, text: bytes, before: Token | None) -> None:
        """A word, after another token."""
        word = text.lower()
        if before is Token.OPEN:
            self.is_meta = word == b"meta"
        elif before is Token.EQUAL and self.wanted:
            self.take_value(text)
        elif self.is_meta and word in (b"name", b"content"):
            self.attribute, self.wanted = word, True

    def take_value(self, text: bytes) -> None:
        """The value of an attribute."""
        self.found[self.attribute] = text
        self.wanted = False

    def begin_again(self) -> None:
        """A < where a value was expected."""
        if self.wanted:
            self.found.clear()
            self.wanted = False


def read(stream: Stream) -> dict[int | str, bytes]:
    """Contents by name; names are lower case, with _ for special characters."""
    found: dict[int | str, bytes] = {}
    tag, in_tag = _Tag(), False
    before: Token | None = None
    for token, text in _tokens(stream):
        if token is Token.NAME:
            if before is Token.SLASH and in_tag:
                if text.lower() == b"head":
                    break
            else:
                tag.take_name(text, before)
        elif token is Token.STRING and before is Token.EQUAL and tag.wanted:
            tag.take_value(text if tag.is_meta else b"")
        elif token is Token.OPEN:
            tag.begin_again()
            in_tag = True
        elif token is Token.CLOSE:
            if b"name" in tag.found:
                found[_key(tag.found[b"name"])] = tag.found.get(b"content", b"")
            tag, in_tag = _Tag(), False
        before = token
    return found


def _key(name: bytes) -> int | str:
    key = to_text(_UNSAFE.sub(b"_", name).lower())
    return int(key) if _INTEGER.fullmatch(key) else key

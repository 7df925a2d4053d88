"""Quoted-printable: the quick ways give what the slow one gives, byte by byte, however the data are cut."""

from __future__ import annotations

import binascii
import random
from typing import Any

import pytest

from php_streams._filters import convert
from php_streams._filters.quoted_printable import Decode, Encode

DRAW = random.Random(20240717)
ALPHABETS = [b"ab =.~\t \r\n\r\n\x00\xe9Z", b"a \r\n", b"a\t\r", bytes(range(256)), b"=\r\n ab", b"|ab| "]
ENDINGS = ["\r\n", "\n", "\r", "ab", "|", "\r\r\n", "=", "= "]


def some_data() -> bytes:
    return bytes(DRAW.choices(DRAW.choice(ALPHABETS), k=DRAW.choice([0, 1, 2, 5, 30, 200, 1000])))


def some_options() -> dict[str, Any]:
    options: dict[str, Any] = {"line-length": DRAW.choice([4, 5, 8, 20, 76])}
    if DRAW.random() < 0.7:
        options["line-break-chars"] = DRAW.choice(ENDINGS)
    return options | DRAW.choice([{}, {"binary": True}, {"force-encode-first": True}])


def some_cuts(data: bytes) -> list[bytes]:
    places = sorted(DRAW.randrange(len(data) + 1) for _ in range(DRAW.choice([0, 0, 1, 3])))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


class Slowly(Encode):
    """The encoder without what is passed on in one piece."""

    __slots__ = ()

    def __init__(self, one: Encode) -> None:
        for name in Encode.__slots__:
            setattr(self, name, getattr(one, name))
        self.quick = self.stops = None

    def filter(self, data: bytes, closing: bool) -> bytes:
        """One bucket, byte by byte."""
        made: list[bytes] = []
        self.size, self.space, self.trailing = len(data) or 1, len(data), 0
        place = 0
        while place < len(data) or self.replayed < self.ahead:
            place, needed = self._next(data, place, made)
            if needed and place == len(data):
                break
            if needed:
                self._grow()
                self.trailing = 0
        return b"".join(made)


def made_by(one: Encode, pieces: list[bytes]) -> bytes:
    return b"".join(one.filter(piece, False) for piece in pieces)


def test_encoding_in_pieces_is_encoding_byte_by_byte() -> None:
    for _ in range(1000):
        options, pieces = some_options(), some_cuts(some_data())
        quick, slow = (convert.make("convert.quoted-printable-encode", options) for _ in range(2))
        assert isinstance(quick, Encode) and isinstance(slow, Encode)
        assert made_by(quick, pieces) == made_by(Slowly(slow), pieces), (options, pieces)


@pytest.mark.parametrize("options", [{}, {"binary": True}, {"force-encode-first": True}])
def test_without_lines_each_byte_is_on_its_own(options: dict[str, bool]) -> None:
    for _ in range(100):
        data = some_data()
        one = convert.make("convert.quoted-printable-encode", options)
        assert isinstance(one, Encode)
        kept = b"" if options.get("force-encode-first") else bytes({*range(33, 127)} - {61})
        kept += b"" if options.get("binary") else b" \t"
        text = b"".join(b"%c" % byte if byte in kept else b"=%02X" % byte for byte in data)
        assert made_by(one, some_cuts(data)) == text


def test_what_was_encoded_can_be_decoded() -> None:
    for _ in range(200):
        data, options = some_data(), {"line-length": DRAW.choice([4, 20, 76]), "binary": True}
        one = convert.make("convert.quoted-printable-encode", options)
        back = convert.make("convert.quoted-printable-decode", None)
        assert isinstance(one, Encode) and isinstance(back, Decode)
        text = made_by(one, [data])
        assert all(len(line) <= options["line-length"] for line in text.split(b"\r\n"))
        assert binascii.a2b_qp(text) == data
        assert b"".join(back.filter(piece, False) for piece in some_cuts(text)) == data

"""Whole strings, deflated and inflated as PHP does it (= php_zlib_encode, php_zlib_decode of ext/zlib)."""

from __future__ import annotations

import zlib

from php_streams._core.gzio import error_number

RAW, ANY = -zlib.MAX_WBITS, 32 + zlib.MAX_WBITS
# zError(): what zlib calls its errors.
NEED_DICTIONARY, STREAM_ERROR, DATA_ERROR, MEM_ERROR, BUF_ERROR = 2, -2, -3, -4, -5
TEXTS = {
    NEED_DICTIONARY: "need dictionary",
    STREAM_ERROR: "stream error",
    DATA_ERROR: "data error",
    MEM_ERROR: "insufficient memory",
    BUF_ERROR: "buffer error",
}
ROUNDS = 100
BLOCK = 65535


class Damaged(Exception):
    """Why data could not be inflated, in zlib's words."""


def stored(packed: bytes, data: bytes, encoding: int) -> bytes:
    """Level 0: what zlib makes of it when it has all the room it wants, as PHP gives it.

    (Python hands its result on in parts, and zlib then cuts the blocks there.)
    """
    head = {zlib.MAX_WBITS: 2, 16 + zlib.MAX_WBITS: 10}.get(encoding, 0)
    tail = {zlib.MAX_WBITS: 4, 16 + zlib.MAX_WBITS: 8}.get(encoding, 0)
    blocks = []
    for start in range(0, len(data) or 1, BLOCK):
        block = data[start : start + BLOCK]
        size = len(block).to_bytes(2, "little")
        last = start + BLOCK >= len(data)
        blocks.append(bytes([last]) + size + bytes(255 - byte for byte in size) + block)
    return packed[:head] + b"".join(blocks) + packed[len(packed) - tail :]


def inflate(packed: bytes, most: int, encoding: int) -> bytes:
    """The data; Damaged says why not.  most: a limit, 0 for none.

    PHP lets zlib read one NUL behind the data, and looks at the limit only when its room is used up.
    """
    if not packed:
        raise Damaged(TEXTS[DATA_ERROR])
    number, made = _rounds(packed, most, encoding)
    if number == DATA_ERROR and encoding == ANY:
        number, made = _rounds(packed, most, RAW)
    if number:
        raise Damaged(TEXTS.get(number, TEXTS[DATA_ERROR]))
    return made


def _rounds(packed: bytes, most: int, encoding: int) -> tuple[int, bytes]:
    """0 and the data, or zlib's error number.  The room grows by an eighth each time, as PHP's."""
    unpacker = zlib.decompressobj(encoding)
    parts: list[bytes] = []
    used, rest = 0, packed + b"\0"
    room = min(most, len(rest)) if most else len(rest)
    for _ in range(ROUNDS):
        if most and most <= used:
            return MEM_ERROR, b""
        try:
            part = unpacker.decompress(rest, room - used)
        except zlib.error as error:
            return error_number(error), b""
        parts.append(part)
        used += len(part)
        if unpacker.eof:
            return 0, b"".join(parts)
        stuck = not part and len(unpacker.unconsumed_tail) == len(rest)
        rest = unpacker.unconsumed_tail
        if not rest and not stuck:
            break
        room += (room >> 3) + 1
    return DATA_ERROR, b""

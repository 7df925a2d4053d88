"""What fgets calls, where that is not simply the reader's own readline.

PHP chooses a line's end per stream: LF, or, when auto_detect_line_endings was on as the stream was opened,
CR if the first line of the stream turns out to end so (streams.c, php_stream_locate_eol).
"""

from __future__ import annotations

import io
from collections.abc import Callable

from php_streams._core import ini
from php_streams._core.raw import Raw

ReadLine = Callable[..., bytes]


def line_end() -> bytes | None:
    """How lines end on a stream that is opened now: LF, or None as long as that has to be found out."""
    return None if ini.get("auto_detect_line_endings") not in ("", "0") else b"\n"


def read_line_of(reader: io.BufferedReader, raw: Raw) -> ReadLine:
    """The readline for this stream: readline(), or readline(size) for at most `size` bytes."""
    if raw.line_end != b"\n":
        return _found_out(reader, raw)
    return _to_the_end(reader, raw) if raw.revives else reader.readline


def _to_the_end(reader: io.BufferedReader, raw: Raw) -> ReadLine:
    """For a raw that may give data after an end: fgets asks it no more, PHP does this."""

    def readline(size: int = -1) -> bytes:
        if raw.eof and raw.total == reader.tell():
            return b""
        return reader.readline(size)

    return readline


def _found_out(reader: io.BufferedReader, raw: Raw) -> ReadLine:
    """For a stream whose lines may end in CR: what is buffered is looked through, then filled again."""

    def readline(size: int = -1) -> bytes:
        parts = []
        while size and not (raw.eof and raw.total == reader.tell()):
            window = reader.peek(1)
            end = _end_in(window, raw) + 1
            part = reader.read(min(end or len(window), size if size > 0 else len(window)))
            parts.append(part)
            size -= len(part) if size > 0 else 0
            if end or not part:
                break
        return b"".join(parts)

    return readline


def _end_in(window: bytes, raw: Raw) -> int:
    """Where the first line of the window ends, -1 for nowhere; the first end that is met decides."""
    if raw.line_end is not None:
        return window.find(raw.line_end)
    cr, lf = window.find(b"\r"), window.find(b"\n")
    if cr >= 0 and lf != cr + 1 and not 0 <= lf < cr:
        raw.line_end = b"\r"
        return cr
    if lf >= 0:
        raw.line_end = b"\n"
    return lf

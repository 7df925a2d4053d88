"""How the lines of a stream end.

PHP chooses a line's end per stream: LF, or, when auto_detect_line_endings was on as the stream was opened,
CR if the first line of the stream turns out to end so (streams.c, php_stream_locate_eol).
"""

from __future__ import annotations

from php_streams._core import ini
from php_streams._core.raw import Raw


def line_end() -> bytes | None:
    """How lines end on a stream that is opened now: LF, or None as long as that has to be found out."""
    return None if ini.get("auto_detect_line_endings") not in ("", "0") else b"\n"


def end_of_line(data: bytes, start: int, raw: Raw) -> int:
    """Where the first line from `start` on ends, -1 for nowhere; the first end that is met decides."""
    if raw.line_end is not None:
        return data.find(raw.line_end, start)
    cr, lf = data.find(b"\r", start), data.find(b"\n", start)
    if cr >= 0 and lf != cr + 1 and not 0 <= lf < cr:
        raw.line_end = b"\r"
        return cr
    if lf >= 0:
        raw.line_end = b"\n"
    return lf

"""PHP's output (echo, php://output, readfile): sys.stdout, whatever stands there."""

from __future__ import annotations

import sys

from php_streams._core.stream import Stream


def output(data: bytes) -> None:
    """Writes to sys.stdout what PHP would echo."""
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:  # sys.stdout was replaced by something that takes text only
        sys.stdout.write(data.decode("utf-8", "replace"))
        return
    sys.stdout.flush()
    binary.write(data)
    binary.flush()


def pass_through(source: Stream) -> int:
    """fpassthru's work: the number of bytes that went to the output, -1 when the first read failed."""
    count = 0
    while data := source.read(8192):
        output(data)
        count += len(data)
    if count and source.raw.mappable:
        source.raw.eof = False  # PHP maps the file into memory and seeks behind it
    return -1 if source.no_bytes() is False and not count else count

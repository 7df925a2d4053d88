"""Moving bytes from stream to stream (= _php_stream_copy_to_stream_ex)."""

from __future__ import annotations

from typing import Literal

from php_streams._core.stream import Stream

# So much at once, where the source gives it.
STEP = 262144


def copy_stream(source: Stream, target: Stream, size: int = -1) -> int | Literal[False]:
    """Copies so many bytes (-1: all there are); how many that were, False when a write failed."""
    done = 0
    while size < 0 or done < size:
        data = source.read(STEP if size < 0 else min(STEP, size - done))
        if not data:
            source.nothing()
            break
        if not _write_all(target, data):
            return False
        done += len(data)
    return done


def _write_all(target: Stream, data: bytes) -> bool:
    sent = 0
    while sent < len(data):
        step = target.write(data[sent:] if sent else data)
        if not step:
            return False
        sent += step
    return True

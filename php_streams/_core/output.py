"""PHP's output (echo, php://output, readfile): sys.stdout, whatever stands there."""

from __future__ import annotations

import sys


def output(data: bytes) -> None:
    """Writes to sys.stdout what PHP would echo."""
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:  # sys.stdout was replaced by something that takes text only
        sys.stdout.write(data.decode("utf-8", "replace"))
        return
    sys.stdout.flush()
    binary.write(data)
    binary.flush()

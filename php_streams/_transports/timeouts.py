"""Timeouts as the system and Python have them."""

from __future__ import annotations

import errno
import struct

NOT_NOW = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINPROGRESS)


def code_of(error: OSError) -> int | None:
    """The error's number; Python's own timeouts have none."""
    if error.errno is None and isinstance(error, TimeoutError):
        return errno.EAGAIN
    return error.errno


def within_limits(seconds: float | None) -> float | None:
    """No timeout above what poll() can count in milliseconds: 24 days.  PHP's overflow there."""
    return None if seconds is None else min(seconds, 2_000_000.0)


def kernel_timeout(seconds: float | None) -> bytes:
    """A struct timeval for SO_RCVTIMEO: 0 means for ever there, so what rounds to it is a microsecond."""
    if seconds is None:
        return struct.pack("@ll", 0, 0)
    whole = int(seconds)
    micro = round((seconds - whole) * 1_000_000)
    return struct.pack("@ll", whole, micro if whole or micro else 1)

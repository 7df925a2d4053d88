"""The descriptors that this process has open: what a test compares before and after."""

from __future__ import annotations

import contextlib
import os

import pytest

FOLDER = "/proc/self/fd"

only_where_listed = pytest.mark.skipif(
    not os.path.isdir(FOLDER), reason="descriptors are listed by Linux only"
)


def open_descriptors() -> dict[int, str]:
    """What each one is; nothing on systems that do not list them."""
    found = {}
    for name in os.listdir(FOLDER) if os.path.isdir(FOLDER) else ():
        with contextlib.suppress(OSError):  # the listing's own
            found[int(name)] = os.readlink(f"{FOLDER}/{name}")
    return found


def open_sockets() -> list[str]:
    """The sockets alone; stream_select keeps descriptors of another kind from call to call."""
    return sorted(target for target in open_descriptors().values() if target.startswith("socket:"))

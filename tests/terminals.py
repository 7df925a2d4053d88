"""Pseudo terminals, for tests; a container or chroot may have none."""

from __future__ import annotations

import os

import pytest

MISSING = "no pseudo terminal can be made here: no /dev/pts is mounted"


def can_be_made() -> bool:
    """Whether the system gives one."""
    try:
        made = os.openpty()
        os.ttyname(made[1])
    except OSError:
        return False
    for descriptor in made:
        os.close(descriptor)
    return True


def make() -> tuple[int, int]:
    """Its two descriptors, the controlling one first; skips the test where there is none."""
    if not can_be_made():
        pytest.skip(MISSING)
    return os.openpty()

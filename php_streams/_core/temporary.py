"""Temporary files: where they go, and a new one that nobody else has (= main/php_open_temporary_file.c)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

Opened = TypeVar("Opened")

_BASE32 = "0123456789abcdefghijklmnopqrstuv"


def temporary_folder() -> str:
    """TMPDIR of the environment, or /tmp; without a slash at its end."""
    found = os.environ.get("TMPDIR", "")
    return (found.rstrip("/") or "/") if found else "/tmp"


def make_temporary(folder: str, prefix: str, opens: Callable[[str, int, int], Opened]) -> tuple[Opened, str]:
    """A new file, open for reading and writing, and its path.  Its owner's alone.

    opens: makes what owns the descriptor, of what os.open takes.
    """
    name = prefix + "".join(_BASE32[byte % 32] for byte in os.urandom(19))  # 95 bits: nobody has it
    path = os.path.join(folder, name)
    return opens(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), path

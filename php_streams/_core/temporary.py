"""Temporary files: where they go, and a new one that nobody else has (= main/php_open_temporary_file.c)."""

from __future__ import annotations

import os
import secrets
import string

_BASE32 = string.digits + string.ascii_lowercase[:22]


def temporary_folder() -> str:
    """TMPDIR of the environment, or /tmp; without a slash at its end."""
    found = os.environ.get("TMPDIR", "")
    return (found.rstrip("/") or "/") if found else "/tmp"


def make_temporary(folder: str, prefix: str) -> tuple[int, str]:
    """A new file, open for reading and writing, and its path.  Its owner's alone."""
    for _ in range(100):
        name = prefix + "".join(secrets.choice(_BASE32) for _ in range(19))
        path = os.path.join(folder, name)
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), path
        except FileExistsError:
            continue
    raise FileExistsError

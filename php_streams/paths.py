"""Questions about names (the manual's book.filesystem): what is there, and what a path consists of."""

from __future__ import annotations

import os

__all__ = [
    "sys_get_temp_dir",
]


def sys_get_temp_dir() -> str:
    """Returns directory path used for temporary files.  https://www.php.net/function.sys-get-temp-dir

    TMPDIR of the environment, or /tmp; without a slash at its end.
    """
    found = os.environ.get("TMPDIR", "")
    return (found.rstrip("/") or "/") if found else "/tmp"

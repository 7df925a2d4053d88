"""Asking the wrappers about names."""

from __future__ import annotations

import os

from php_streams._core.context import Context
from php_streams._core.wrapper import WrapperError
from php_streams._wrappers import locate


def status_of(
    path: str, context: Context | None = None, *, follow: bool = True, flags: int = 0
) -> os.stat_result | None:
    """stat of a path or URL; None where there is nothing of that name, or nothing to ask."""
    try:
        wrapper, target = locate(path, report=False)
        return wrapper.stat(target, follow, flags, context)
    except (OSError, ValueError, WrapperError):
        return None


def allowed(path: str, access: int) -> bool:
    """Whether this process may read, write or execute what has that name (os.R_OK ...)."""
    try:
        wrapper, target = locate(path, report=False)
        return wrapper.allowed(target, access)
    except (OSError, ValueError, WrapperError):
        return False

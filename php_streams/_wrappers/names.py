"""Asking the wrappers about names."""

from __future__ import annotations

import os

from php_streams._core import stat_cache
from php_streams._core.context import Context
from php_streams._core.signals import from_system
from php_streams._core.wrapper import WrapperError
from php_streams._wrappers import locate
from php_streams.constants import STREAM_URL_STAT_QUIET

# What PHP adds to the flags that url_stat gets.
FRESH = 4


def status_of(
    path: str, context: Context | None = None, *, follow: bool = True, flags: int = 0
) -> os.stat_result | None:
    """stat of a path or URL; None where there is nothing of that name, or nothing to ask."""
    status = stat_cache.known(path, follow)
    if status is not None:
        return status
    try:
        wrapper, target = locate(path, report=False)
        status = wrapper.stat(target, follow, flags, context)
    except from_system(OSError, ValueError, WrapperError):
        return None
    stat_cache.keep(path, follow, status)
    return status


def allowed(path: str, access: int) -> bool:
    """Whether this process may read, write or execute what has that name (os.R_OK ...)."""
    try:
        wrapper, target = locate(path, report=False)
        answer = wrapper.access(target, access)
    except from_system(OSError, ValueError, WrapperError):
        return False
    if answer is not None:
        return answer
    status = status_of(path, flags=STREAM_URL_STAT_QUIET | FRESH)
    return status is not None and (access == os.F_OK or bool(_mode_for_us(status) & access))


def _mode_for_us(status: os.stat_result) -> int:
    """The permissions of this process: the owner's, the group's or those of others, for root too."""
    if status.st_uid == os.getuid():
        return status.st_mode >> 6
    if status.st_gid in (os.getgid(), *os.getgroups()):
        return status.st_mode >> 3
    return status.st_mode

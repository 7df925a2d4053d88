"""Patterns over the names in the file system: the system's own glob(3), which PHP calls too."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

NO_SPACE, ABORTED, NO_MATCH = 1, 2, 3


class _Glob(ctypes.Structure):
    """glob_t of glibc and musl; behind `found` comes what is no business of ours."""

    _fields_ = [
        ("count", ctypes.c_size_t),
        ("found", ctypes.POINTER(ctypes.c_char_p)),
        ("rest", ctypes.c_char * 256),
    ]


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def expand(pattern: str, flags: int = 0) -> list[str]:
    """The names that match, sorted as glob(3) does; OSError when a folder could not be read (GLOB_ERR).

    flags: GLOB_*, which are the system's own.
    """
    result = _Glob()
    status = _libc().glob(os.fsencode(pattern), flags, None, ctypes.byref(result))
    try:
        if status == NO_MATCH:
            return []
        if status:
            raise OSError(ctypes.get_errno(), "glob")
        return [os.fsdecode(result.found[number]) for number in range(result.count)]
    finally:
        _libc().globfree(ctypes.byref(result))

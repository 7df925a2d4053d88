"""What stat() and its kin give: an array with numbers and names for keys."""

from __future__ import annotations

import os
from typing import Any

from php_streams._core.values import cast_int, type_name

NAMES = "dev ino mode nlink uid gid rdev size atime mtime ctime blksize blocks".split()


def stat_array(status: os.stat_result) -> dict[int | str, int]:
    """The array of stat, lstat and fstat: 0 to 12, then the names."""
    values = [
        status.st_dev,
        status.st_ino,
        status.st_mode,
        status.st_nlink,
        status.st_uid,
        status.st_gid,
        status.st_rdev,
        status.st_size,
        int(status.st_atime_ns // 1_000_000_000),
        int(status.st_mtime_ns // 1_000_000_000),
        int(status.st_ctime_ns // 1_000_000_000),
        status.st_blksize,
        status.st_blocks,
    ]
    return {**dict(enumerate(values)), **dict(zip(NAMES, values, strict=True))}


def status_from(array: Any) -> os.stat_result | None:
    """A stat_result out of what a user's stat method returned, by name; None for what is no array."""
    if type_name(array) != "array":
        return None
    given = array if isinstance(array, dict) else {}  # a list has no names, so all is 0

    def of(name: str, mask: int = -1) -> int:
        return cast_int(given.get(name, 0)) & mask

    id_ = 0xFFFFFFFF  # C's types for these are unsigned
    first = (of("mode", id_), of("ino"), of("dev"), of("nlink"), of("uid", id_), of("gid", id_), of("size"))
    times = [of(name) for name in ("atime", "mtime", "ctime")]
    more = {f"st_{name}": of(name) for name in ("rdev", "blksize", "blocks")}
    for name, seconds in zip(("atime", "mtime", "ctime"), times, strict=True):
        more[f"st_{name}_ns"] = seconds * 1_000_000_000
    return os.stat_result((*first, *times), more)

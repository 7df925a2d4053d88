"""What stat() and its kin give: an array with numbers and names for keys."""

from __future__ import annotations

import os

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

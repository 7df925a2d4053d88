"""Questions about names (the manual's book.filesystem): what is there, and what a path consists of.

PHP remembers what it learned about the last name (clearstatcache); here the answer is a new one, unless the
setting php_streams.stat_cache is "php".
"""

from __future__ import annotations

import os
import stat as status
from collections.abc import Callable
from typing import Any, Literal

from php_streams._core import stat_cache
from php_streams._core.alias import alias
from php_streams._core.arguments import to_filename
from php_streams._core.diagnostics import argument_value_error, warn
from php_streams._core.globbing import expand
from php_streams._core.pattern import matches
from php_streams._core.signals import from_system
from php_streams._core.status import stat_array
from php_streams._core.temporary import temporary_folder
from php_streams._core.values import to_bool, to_int, to_path, to_string
from php_streams._wrappers.names import FRESH, allowed, status_of
from php_streams.constants import (
    GLOB_AVAILABLE_FLAGS,
    GLOB_ONLYDIR,
    STREAM_URL_STAT_LINK,
    STREAM_URL_STAT_QUIET,
)

__all__ = [
    "basename",
    "clearstatcache",
    "dirname",
    "disk_free_space",
    "disk_total_space",
    "diskfreespace",
    "file_exists",
    "fileatime",
    "filectime",
    "filegroup",
    "fileinode",
    "filemtime",
    "fileowner",
    "fileperms",
    "filesize",
    "filetype",
    "fnmatch",
    "glob",
    "is_dir",
    "is_executable",
    "is_file",
    "is_link",
    "is_readable",
    "is_writable",
    "is_writeable",
    "lstat",
    "pathinfo",
    "realpath",
    "stat",
    "sys_get_temp_dir",
]

Name = str | bytes | os.PathLike[str]

# The longest path, its end included, that the system takes.
PATH_MAX = 4096
KINDS = {
    status.S_IFLNK: "link",
    status.S_IFIFO: "fifo",
    status.S_IFCHR: "char",
    status.S_IFDIR: "dir",
    status.S_IFBLK: "block",
    status.S_IFREG: "file",
    status.S_IFSOCK: "socket",
}


def _status(filename: Any, follow: bool = True) -> os.stat_result | None:
    """What there is of that name; None after PHP's warning."""
    path = to_path(filename, 1, "filename")
    if "\0" in path:
        warn("Filename contains null byte")
        return None
    if not path:
        return None
    found = status_of(path, follow=follow, flags=FRESH if follow else FRESH | STREAM_URL_STAT_LINK)
    if found is None:
        warn(f"{'stat' if follow else 'Lstat'} failed for {path}")
    return found


def _quietly(filename: Any, follow: bool = True) -> os.stat_result | None:
    """What there is of that name; None without a word."""
    path = to_path(filename, 1, "filename")
    if not path or "\0" in path:
        return None
    flags = FRESH | STREAM_URL_STAT_QUIET | (0 if follow else STREAM_URL_STAT_LINK)
    return status_of(path, follow=follow, flags=flags)


def stat(filename: Name) -> dict[int | str, int] | Literal[False]:
    """Gives information about a file.  https://www.php.net/function.stat

    0 to 12, then dev, ino, mode, nlink, uid, gid, rdev, size, atime, mtime, ctime, blksize, blocks.
    """
    found = _status(filename)
    return False if found is None else stat_array(found)


def lstat(filename: Name) -> dict[int | str, int] | Literal[False]:
    """Gives information about a file or symbolic link.  https://www.php.net/function.lstat"""
    found = _status(filename, follow=False)
    return False if found is None else stat_array(found)


def fileperms(filename: Name) -> int | Literal[False]:
    """Gets file permissions.  https://www.php.net/function.fileperms

    With the bits that tell what kind of file it is.
    """
    found = _status(filename)
    return False if found is None else found.st_mode


def fileinode(filename: Name) -> int | Literal[False]:
    """Gets file inode.  https://www.php.net/function.fileinode"""
    found = _status(filename)
    return False if found is None else found.st_ino


def filesize(filename: Name) -> int | Literal[False]:
    """Gets file size.  https://www.php.net/function.filesize

    In bytes.
    """
    found = _status(filename)
    return False if found is None else found.st_size


def fileowner(filename: Name) -> int | Literal[False]:
    """Gets file owner.  https://www.php.net/function.fileowner"""
    found = _status(filename)
    return False if found is None else found.st_uid


def filegroup(filename: Name) -> int | Literal[False]:
    """Gets file group.  https://www.php.net/function.filegroup"""
    found = _status(filename)
    return False if found is None else found.st_gid


def fileatime(filename: Name) -> int | Literal[False]:
    """Gets last access time of file.  https://www.php.net/function.fileatime

    Seconds since 1970.
    """
    found = _status(filename)
    return False if found is None else found.st_atime_ns // 1_000_000_000


def filemtime(filename: Name) -> int | Literal[False]:
    """Gets file modification time.  https://www.php.net/function.filemtime

    Seconds since 1970.
    """
    found = _status(filename)
    return False if found is None else found.st_mtime_ns // 1_000_000_000


def filectime(filename: Name) -> int | Literal[False]:
    """Gets inode change time of file.  https://www.php.net/function.filectime

    Seconds since 1970.
    """
    found = _status(filename)
    return False if found is None else found.st_ctime_ns // 1_000_000_000


def filetype(filename: Name) -> str | Literal[False]:
    """Gets file type.  https://www.php.net/function.filetype

    fifo, char, dir, block, link, file, socket or unknown.
    """
    found = _status(filename, follow=False)
    return False if found is None else KINDS.get(status.S_IFMT(found.st_mode), "unknown")


def file_exists(filename: Name) -> bool:
    """Checks whether a file or directory exists.  https://www.php.net/function.file-exists"""
    return _may(filename, os.F_OK)


def is_file(filename: Name) -> bool:
    """Tells whether the filename is a regular file.  https://www.php.net/function.is-file"""
    found = _quietly(filename)
    return found is not None and status.S_ISREG(found.st_mode)


def is_dir(filename: Name) -> bool:
    """Tells whether the filename is a directory.  https://www.php.net/function.is-dir"""
    found = _quietly(filename)
    return found is not None and status.S_ISDIR(found.st_mode)


def is_link(filename: Name) -> bool:
    """Tells whether the filename is a symbolic link.  https://www.php.net/function.is-link"""
    found = _quietly(filename, follow=False)
    return found is not None and status.S_ISLNK(found.st_mode)


def _may(filename: Any, access: int) -> bool:
    path = to_path(filename, 1, "filename")
    return bool(path) and "\0" not in path and allowed(path, access)


def is_readable(filename: Name) -> bool:
    """Tells whether a file exists and is readable.  https://www.php.net/function.is-readable"""
    return _may(filename, os.R_OK)


def is_writable(filename: Name) -> bool:
    """Tells whether the filename is writable.  https://www.php.net/function.is-writable"""
    return _may(filename, os.W_OK)


def is_executable(filename: Name) -> bool:
    """Tells whether the filename is executable.  https://www.php.net/function.is-executable"""
    return _may(filename, os.X_OK)


def clearstatcache(clear_realpath_cache: bool = False, filename: Name = "") -> None:
    """Clears file status cache.  https://www.php.net/function.clearstatcache

    There is one where the setting php_streams.stat_cache is "php".  filename: PHP forgets all names whatever
    it is.
    """
    to_bool(clear_realpath_cache, 1, "clear_realpath_cache")
    to_filename(filename, 2, "filename")
    stat_cache.forget()


# --- what a path consists of ---------------------------------------------------------------------------


def basename(path: Name, suffix: str | bytes = "") -> str:
    """Returns trailing name component of path.  https://www.php.net/function.basename

    suffix: taken off the end, unless the name is nothing else.
    """
    name = to_path(path, 1, "path").rstrip("/").rpartition("/")[2]
    end = to_string(suffix, 2, "suffix")
    return name.removesuffix(end) if name != end else name


def dirname(path: Name, levels: int = 1) -> str:
    """Returns a parent directory's path.  https://www.php.net/function.dirname

    levels: how many to go up.
    """
    name = to_path(path, 1, "path")
    steps = to_int(levels, 2, "levels")
    if steps < 1:
        raise argument_value_error(2, "levels", "must be greater than or equal to 1")
    for _ in range(steps):
        above = _above(name)
        if above == name:
            break
        name = above
    return name


def _above(path: str) -> str:
    if not path:
        return ""
    bare = path.rstrip("/")
    head, slash, _ = bare.rpartition("/")
    if not slash:
        return "." if bare else "/"
    return head.rstrip("/") or "/"


def pathinfo(path: Name, flags: int = 15) -> dict[str, str] | str:
    """Returns information about a file path.  https://www.php.net/function.pathinfo

    dirname, basename, extension (when there is one) and filename; flags: PATHINFO_*, of which one alone gives
    its text instead.
    """
    name = to_path(path, 1, "path")
    wanted = to_int(flags, 2, "flags")
    base = basename(name)
    stem, dot, extension = base.rpartition(".")
    parts = {"dirname": (1, dirname(name)), "basename": (2, base), "extension": (4, extension)}
    parts["filename"] = (8, stem if dot else base)
    present = {
        key: text
        for key, (bit, text) in parts.items()
        if wanted & bit and (key not in ("dirname", "extension") or (dot if key == "extension" else text))
    }
    return present if wanted == 15 else next(iter(present.values()), "")


def realpath(path: Name) -> str | Literal[False]:
    """Returns canonicalized absolute pathname.  https://www.php.net/function.realpath

    Links followed; False when there is nothing of that name.
    """
    name = to_filename(path, 1, "path")
    try:
        os.stat(name or ".")  # the system knows that nothing is below a file, as in f/.
        return os.path.realpath(name or ".", strict=True)
    except from_system(OSError):
        return False


def glob(pattern: Name, flags: int = 0) -> list[str] | Literal[False]:
    """Find pathnames matching a pattern.  https://www.php.net/function.glob

    pattern: * ? [...] and, with GLOB_BRACE, {a,b}.  flags: GLOB_*.  The names, sorted by bytes unless
    GLOB_NOSORT is given; [] for none; False when a folder could not be read and GLOB_ERR is given.
    """
    text = to_filename(pattern, 1, "pattern")
    how = to_int(flags, 2, "flags")
    if len(os.fsencode(text)) >= PATH_MAX:
        return warn(f"Pattern exceeds the maximum allowed length of {PATH_MAX} characters")
    if how & ~GLOB_AVAILABLE_FLAGS:
        return warn("At least one of the passed flags is invalid or not supported on this platform")
    try:
        found = expand(text, how)
    except from_system(OSError):
        return False
    return [name for name in found if not how & GLOB_ONLYDIR or os.path.isdir(name)]


def fnmatch(pattern: str | bytes, filename: Name, flags: int = 0) -> bool:
    """Match filename against a pattern.  https://www.php.net/function.fnmatch

    flags: FNM_NOESCAPE, FNM_PATHNAME, FNM_PERIOD, FNM_CASEFOLD.  Bytes are compared, as in the C locale.
    """
    text = os.fsencode(to_filename(pattern, 1, "pattern"))
    name = os.fsencode(to_filename(filename, 2, "filename"))
    how = to_int(flags, 3, "flags")
    for what, value in (("Filename", name), ("Pattern", text)):
        if len(value) >= PATH_MAX:
            return warn(f"{what} exceeds the maximum allowed length of {PATH_MAX} characters")
    return matches(text, name, how)


def sys_get_temp_dir() -> str:
    """Returns directory path used for temporary files.  https://www.php.net/function.sys-get-temp-dir

    TMPDIR of the environment, or /tmp; without a slash at its end.
    """
    return temporary_folder()


# --- disks ---------------------------------------------------------------------------------------------


def disk_free_space(directory: Name) -> float | Literal[False]:
    """Returns available space on filesystem or disk partition.
    https://www.php.net/function.disk-free-space

    Bytes.
    """
    return _space(directory, lambda disk: disk.f_bavail)


def disk_total_space(directory: Name) -> float | Literal[False]:
    """Returns the total size of a filesystem or disk partition.
    https://www.php.net/function.disk-total-space

    Bytes.
    """
    return _space(directory, lambda disk: disk.f_blocks)


def _space(directory: Any, blocks: Callable[[os.statvfs_result], int]) -> float | Literal[False]:
    path = to_filename(directory, 1, "directory")
    if not path:
        return False
    try:
        disk = os.statvfs(os.path.realpath(path))
    except from_system(OSError) as error:
        return warn(f"{error.strerror}")
    return float((disk.f_frsize or disk.f_bsize) * blocks(disk))


diskfreespace = alias(disk_free_space, "diskfreespace", __name__)
is_writeable = alias(is_writable, "is_writeable", __name__)

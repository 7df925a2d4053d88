"""Directories (the manual's book.dir)."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import Any, Literal

from php_streams._core import stat_cache
from php_streams._core.arguments import expect_context, to_context, to_filename
from php_streams._core.context import Context
from php_streams._core.diagnostics import argument_type_error, argument_value_error, warn
from php_streams._core.directory import ENTRY, DirectoryRaw
from php_streams._core.signals import from_system
from php_streams._core.stream import Stream, expect_resource, invalid_resource
from php_streams._core.values import to_int
from php_streams._wrappers.open import open_directory
from php_streams.constants import SCANDIR_SORT_ASCENDING, SCANDIR_SORT_NONE

# `dir` is a builtin of Python's: it is php_streams.dir, and does not come with the star (rule R1).
__all__ = [
    "Directory",
    "chdir",
    "closedir",
    "getcwd",
    "opendir",
    "readdir",
    "rewinddir",
    "scandir",
]

Name = str | bytes | os.PathLike[str]

# The handle that was opened last: what readdir() and its like take without an argument.
_last: ContextVar[Stream | None] = ContextVar("last_directory", default=None)


def opendir(directory: Name, context: Context | None = None) -> Stream | Literal[False]:
    """Opens directory handle.  https://www.php.net/function.opendir"""
    path = to_filename(directory, 1, "directory")
    options = to_context(context, 2)
    handle = open_directory(path, options) if path else None
    if handle is None:
        return False
    _last.set(handle)
    return handle


def readdir(dir_handle: Stream | None = None) -> str | Literal[False]:
    """Reads entry from directory handle.  https://www.php.net/function.readdir

    The next name, in the order of the file system, with . and ..; False at the end.
    dir_handle: left out, the one that was opened last.
    """
    return _next(_handle(dir_handle))


def _next(handle: Stream) -> str | Literal[False]:
    name = _names(handle).next_name()
    if name is not False:
        handle.base += ENTRY
    return name


def rewinddir(dir_handle: Stream | None = None) -> None:
    """Rewinds directory handle.  https://www.php.net/function.rewinddir"""
    _names(_handle(dir_handle)).restart()


def closedir(dir_handle: Stream | None = None) -> None:
    """Closes directory handle.  https://www.php.net/function.closedir"""
    handle = _handle(dir_handle)
    _names(handle)
    if handle is _last.get():
        _last.set(None)
    handle.close()


def _handle(dir_handle: Any) -> Stream:
    if dir_handle is not None:
        expect_resource(dir_handle, 1, "dir_handle", "resource or null")
        return dir_handle  # type: ignore[no-any-return]
    last = _last.get()
    if last is None:
        raise TypeError("No resource supplied")
    return last


def _names(handle: Any) -> DirectoryRaw:
    """The names of a handle, or PHP's TypeError."""
    if not isinstance(handle, Stream) or not handle.is_open:
        raise invalid_resource("Directory")
    if not isinstance(handle.raw, DirectoryRaw):
        raise argument_type_error(1, "dir_handle", "must be a valid Directory resource")
    return handle.raw


def scandir(
    directory: Name, sorting_order: int = SCANDIR_SORT_ASCENDING, context: Context | None = None
) -> list[str] | Literal[False]:
    """Lists files and directories inside the specified path.  https://www.php.net/function.scandir

    sorting_order: SCANDIR_SORT_ASCENDING, SCANDIR_SORT_DESCENDING or SCANDIR_SORT_NONE.
    """
    path = to_filename(directory, 1, "directory")
    order = to_int(sorting_order, 2, "sorting_order")
    expect_context(context, 3)
    if not path:
        raise argument_value_error(1, "directory", "must not be empty")
    options = to_context(context, 3, default=False)
    code: list[int] = []
    handle = open_directory(path, options, code)
    if handle is None:
        return warn(f"(errno {code[0]}): {os.strerror(code[0])}")
    with handle:
        names = _names(handle)
        found: list[str] = []
        while (name := names.next_name()) is not False:
            found.append(name)
    if order == SCANDIR_SORT_NONE:
        return found
    return sorted(found, key=os.fsencode, reverse=order != SCANDIR_SORT_ASCENDING)


class Directory:
    """A directory as an object: what dir() gives.  https://www.php.net/class.directory"""

    __slots__ = ("handle", "path")

    path: str
    handle: Stream

    def read(self) -> str | Literal[False]:
        """Reads the next name.  https://www.php.net/directory.read"""
        return _next(self._opened())

    def rewind(self) -> None:
        """Begins anew.  https://www.php.net/directory.rewind"""
        _names(self._opened()).restart()

    def close(self) -> None:
        """Closes the handle.  https://www.php.net/directory.close"""
        _names(self._opened())
        self.handle.close()

    def _opened(self) -> Stream:
        if not hasattr(self, "handle"):
            raise RuntimeError("Unable to find my handle property")
        return self.handle


def dir(directory: Name, context: Context | None = None) -> Directory | Literal[False]:
    """Returns an instance of the Directory class.  https://www.php.net/function.dir"""
    path = to_filename(directory, 1, "directory")
    options = to_context(context, 2)
    handle = open_directory(path, options) if path else None
    if handle is None:
        return False
    _last.set(handle)
    found = Directory()
    found.path, found.handle = path, handle
    return found


def getcwd() -> str | Literal[False]:
    """Gets the current working directory.  https://www.php.net/function.getcwd"""
    try:
        return os.getcwd()
    except from_system(OSError):
        return False


def chdir(directory: Name) -> bool:
    """Changes directory.  https://www.php.net/function.chdir"""
    path = to_filename(directory, 1, "directory")
    try:
        os.chdir(path)
        stat_cache.forget()
    except from_system(OSError) as error:
        return warn(f"{error.strerror} (errno {error.errno})")
    return True

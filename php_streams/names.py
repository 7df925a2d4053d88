"""Changing names (the manual's book.filesystem): removing, renaming, folders, links, times, permissions."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any, Literal

from php_streams._core.arguments import expect_context, to_context, to_filename
from php_streams._core.context import Context
from php_streams._core.diagnostics import argument_value_error, warn
from php_streams._core.signals import from_system
from php_streams._core.values import to_bool, to_int, to_string
from php_streams._core.wrapper import Wrapper, WrapperError
from php_streams._wrappers import locate
from php_streams._wrappers.open import open_url
from php_streams.constants import PHP_INT_MAX, PHP_INT_MIN

__all__ = [
    "chgrp",
    "chmod",
    "chown",
    "lchgrp",
    "lchown",
    "link",
    "linkinfo",
    "mkdir",
    "readlink",
    "rename",
    "rmdir",
    "symlink",
    "touch",
    "umask",
    "unlink",
]

Name = str | bytes | os.PathLike[str]


def _done(act: Callable[[], Any], about: str | None = "", text: str = "{}") -> bool:
    """Does it; False and the system's words when it fails."""
    try:
        return act() is not False
    except from_system(OSError) as error:
        return warn(text.format(error.strerror), about=about or "")
    except WrapperError as error:
        return bool(error.args) and warn(str(error), about=about or "")


def _wrapper(path: str) -> tuple[Wrapper | None, str]:
    try:
        return locate(path, report=False)
    except WrapperError:
        return None, path


def unlink(filename: Name, context: Context | None = None) -> bool:
    """Deletes a file.  https://www.php.net/function.unlink"""
    path = to_filename(filename)
    options = to_context(context, 2)
    wrapper, target = _wrapper(path)
    if wrapper is None:
        return warn("Unable to locate stream wrapper")
    if not wrapper.can_unlink:
        return warn(f"{wrapper.label} does not allow unlinking")
    return _done(lambda: wrapper.unlink(target, options), target)


def rename(from_: Name, to: Name, context: Context | None = None) -> bool:
    """Renames a file or directory.  https://www.php.net/function.rename

    Across file systems a file is copied.  Both names have to belong to the same wrapper.
    """
    source, target = to_filename(from_, 1, "from"), to_filename(to, 2, "to")
    expect_context(context, 3)
    wrapper, old = _wrapper(source)
    if wrapper is None:
        return warn("Unable to locate stream wrapper")
    if not wrapper.can_rename:
        return warn(f"{wrapper.label} wrapper does not support renaming")
    other, new = _wrapper(target)
    if other is not wrapper:
        return warn("Cannot rename a file across wrapper types")
    options = to_context(context, 3)
    return _done(lambda: wrapper.rename(old, new, options), f"{old},{new}")


def mkdir(
    directory: Name, permissions: int = 0o777, recursive: bool = False, context: Context | None = None
) -> bool:
    """Makes directory.  https://www.php.net/function.mkdir

    permissions: as the umask leaves them; recursive: also the folders on the way.
    """
    path = to_filename(directory, 1, "directory")
    mode = to_int(permissions, 2, "permissions")
    parents = to_bool(recursive, 3, "recursive")
    options = to_context(context, 4)
    wrapper, target = _wrapper(path)
    if wrapper is None or not wrapper.can_make_directories:
        return False
    return _done(lambda: wrapper.mkdir(target, mode, parents, options))


def rmdir(directory: Name, context: Context | None = None) -> bool:
    """Removes directory.  https://www.php.net/function.rmdir

    It has to be empty.
    """
    path = to_filename(directory, 1, "directory")
    options = to_context(context, 2)
    wrapper, target = _wrapper(path)
    if wrapper is None or not wrapper.can_make_directories:
        return False
    return _done(lambda: wrapper.rmdir(target, options), target)


def _is_url(path: str) -> bool:
    """Whether a file is named by its URL: what fails is worded in another way then."""
    return path[:7].lower() == "file://"


def touch(filename: Name, mtime: int | None = None, atime: int | None = None) -> bool:
    """Sets access and modification time of file.  https://www.php.net/function.touch

    mtime, atime: seconds since 1970; left out: now, and atime as mtime.  A file that is not there is made.
    """
    path = to_filename(filename)
    if not path:
        return False
    modified = None if mtime is None else to_int(mtime, 2, "mtime", "?int")
    accessed = modified if atime is None else to_int(atime, 3, "atime", "?int")
    if modified is None and accessed is not None:
        raise argument_value_error(2, "mtime", "cannot be null when argument #3 ($atime) is an integer")
    wrapper, target = _wrapper(path)
    if wrapper is not None and wrapper.can_touch:
        times = None if modified is None or accessed is None else (accessed, modified)
        if _is_url(path):
            return _done(lambda: wrapper.touch(target, times), target, "Operation failed: {}")
        return _done(lambda: wrapper.touch(target, times), text="Utime failed: {}")
    if modified is not None:
        return warn("Cannot call touch() for a non-standard stream")
    made = open_url(path, "c")
    if made is None:
        return False
    made.close()
    return True


def chmod(filename: Name, permissions: int) -> bool:
    """Changes file mode.  https://www.php.net/function.chmod"""
    path = to_filename(filename)
    mode = to_int(permissions, 2, "permissions")
    wrapper, target = _wrapper(path)
    if wrapper is None or not wrapper.can_touch:
        return warn("Cannot call chmod() for a non-standard stream")
    if _is_url(path):
        return _done(lambda: wrapper.chmod(target, mode), target, "Operation failed: {}")
    return _done(lambda: wrapper.chmod(target, mode))


def chown(filename: Name, user: str | bytes | int) -> bool:
    """Changes file owner.  https://www.php.net/function.chown

    user: a name or a number.  Of a link: what it leads to.
    """
    return _give(filename, user, "user")


def chgrp(filename: Name, group: str | bytes | int) -> bool:
    """Changes file group.  https://www.php.net/function.chgrp

    group: a name or a number.  Of a link: what it leads to.
    """
    return _give(filename, group, "group")


def lchown(filename: Name, user: str | bytes | int) -> bool:
    """Changes user ownership of symlink.  https://www.php.net/function.lchown

    user: a name or a number.  Of a link: the link itself.
    """
    return _give(filename, user, "user", follow=False)


def lchgrp(filename: Name, group: str | bytes | int) -> bool:
    """Changes group ownership of symlink.  https://www.php.net/function.lchgrp

    group: a name or a number.  Of a link: the link itself.
    """
    return _give(filename, group, "group", follow=False)


def _give(filename: Name, to: str | bytes | int, what: str, follow: bool = True) -> bool:
    path = to_filename(filename)
    if isinstance(to, (str, bytes, bytearray)):
        to = to_string(to, 2, what)
    elif isinstance(to, (int, float)) and not PHP_INT_MIN <= to <= PHP_INT_MAX:
        to = to_string(float(to), 2, what)  # what is no int of PHP's, nan among it, is a name
    else:
        to = to_int(to, 2, what, "string|int")
    wrapper, target = _wrapper(path)
    if wrapper is None or not wrapper.can_touch:
        return warn(f"Cannot call {'chown' if what == 'user' else 'chgrp'}() for a non-standard stream")
    if _is_url(path):
        return _done(lambda: wrapper.give(target, to, what == "group", True), target, "Operation failed: {}")
    return _done(lambda: wrapper.give(target, to, what == "group", follow))


def umask(mask: int | None = None) -> int:
    """Changes the current umask.  https://www.php.net/function.umask

    Returns the one before; without a mask it stays.
    """
    new = None if mask is None else to_int(mask, 1, "mask", "?int") & 0o777
    before = os.umask(0o077 if new is None else new)
    if new is None:
        os.umask(before)
    return before


# --- links, which have nothing to do with wrappers -----------------------------------------------------


def _expect_way(path: str, folder: str = "") -> None:
    """Raises where a name leads through what is no folder, or in circles: PHP calls that nothing there."""
    try:
        os.stat(os.path.join(folder, path))
    except from_system(OSError) as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT)) from None


def symlink(target: Name, link: Name) -> bool:
    """Creates a symbolic link.  https://www.php.net/function.symlink"""
    what, name = to_filename(target, 1, "target"), to_filename(link, 2, "link")

    def make() -> None:
        _expect_way(name)
        # PHP follows links in the new link's own name, too: it makes what a link that leads nowhere is about.
        place = name and os.path.realpath(name) + ("/" if name.endswith("/") else "")
        _expect_way(what, os.path.dirname(place))
        os.symlink(what, place)

    return _done(make)


def link(target: Name, link: Name) -> bool:
    """Create a hard link.  https://www.php.net/function.link"""
    what, name = to_filename(target, 1, "target"), to_filename(link, 2, "link")

    def make() -> None:
        _expect_way(name)
        _expect_way(what)
        os.link(what, name)

    return _done(make)


def readlink(path: Name) -> str | Literal[False]:
    """Returns the target of a symbolic link.  https://www.php.net/function.readlink"""
    name = to_filename(path, 1, "path")
    try:
        return os.readlink(name)
    except from_system(OSError) as error:
        return warn(f"{error.strerror}")


def linkinfo(path: Name) -> int | Literal[False]:
    """Gets information about a link.  https://www.php.net/function.linkinfo

    The number of the device it is on; -1, with a warning, when there is nothing of that name.
    """
    name = to_filename(path, 1, "path")
    try:
        return os.lstat(name).st_dev
    except from_system(OSError) as error:
        warn(f"{error.strerror}")
        return -1

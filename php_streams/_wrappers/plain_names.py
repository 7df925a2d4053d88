"""What plain files do with names: another name, other times, another owner (= plain_wrapper.c)."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat

from php_streams._core import stat_cache
from php_streams._core.diagnostics import warn
from php_streams._core.signals import from_system
from php_streams._core.wrapper import WrapperError
from php_streams._wrappers.copying import copy_file

# uid_t and gid_t have 32 bits; all of them set mean: leave it.
ID_LIMIT = 2**32


def rename(old: str, new: str) -> None:
    """rename(2); what lies in another file system is copied there, and removed here."""
    try:
        os.rename(old, new)
        stat_cache.forget()
    except from_system(OSError) as error:
        if error.errno != errno.EXDEV:
            raise
        mask = os.umask(0o077)  # nobody else may read it before it has its owner
        try:
            _move(old, new)
        finally:
            os.umask(mask)


def _move(old: str, new: str) -> None:
    """A file, with its owner and permissions but not its times; an OSError says why that failed."""
    code: list[int] = []
    if not copy_file(old, new, None, code):
        number = code[-1] if code else errno.EXDEV
        raise OSError(number, os.strerror(number))
    status = os.stat(old)
    try:
        os.chown(new, status.st_uid, status.st_gid)
    except from_system(OSError) as error:
        _go_on(error, old, new)
    try:
        os.chmod(new, stat.S_IMODE(status.st_mode))
    except from_system(OSError) as error:
        _go_on(error, old, new)
    try:
        os.unlink(old)
    except from_system(OSError):
        pass


def _go_on(error: OSError, old: str, new: str) -> None:
    """Who is not root may not give files away: PHP says so, and goes on."""
    if error.errno != errno.EPERM:
        raise error
    warn(f"{error.strerror}", about=f"{old},{new}")


def mkdir(path: str, mode: int, parents: bool) -> None:
    """mkdir(2), with the folders on the way if wanted: .. then takes back what stands before it."""
    if not parents:
        os.mkdir(path, mode)
        return
    if not path:
        raise WrapperError("Invalid path")
    whole = os.path.abspath(path)
    missing = []
    while not os.path.exists(whole):
        missing.append(whole)
        whole = os.path.dirname(whole)
    for folder in reversed(missing):
        try:
            os.mkdir(folder, mode)
        except FileExistsError:
            os.stat(folder)  # a link that leads nowhere tells why
            raise
    if not missing:
        os.mkdir(path, mode)


def touch(path: str, times: tuple[int, int] | None) -> None:
    """utime(2), on a file that is made if need be.  None: now, for which write access is enough."""
    if not os.access(path, os.F_OK):
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))
        except from_system(OSError) as error:
            raise WrapperError(f"Unable to create file {path} because {error.strerror}") from None
    os.utime(path, times)
    stat_cache.forget()


def give(path: str, to: int | str, group: bool, follow: bool) -> None:
    """Another owner, or group, by its number or name."""
    number = (to if isinstance(to, int) else _number_of(to, group)) % ID_LIMIT
    if number == ID_LIMIT - 1:
        number = -1
    os.chown(path, -1 if group else number, number if group else -1, follow_symlinks=follow)
    stat_cache.forget()


def _number_of(name: str, group: bool) -> int:
    try:
        return grp.getgrnam(name).gr_gid if group else pwd.getpwnam(name).pw_uid
    except (KeyError, ValueError):
        raise WrapperError(f"Unable to find {'gid' if group else 'uid'} for {name}") from None

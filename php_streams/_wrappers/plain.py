"""Plain files: paths and file:// (= main/streams/plain_wrapper.c).

A file is read through the stream's buffer and written directly: what fwrite took, others see at once.
The position that PHP shows is the stream's own; before a write that follows a read the descriptor goes back
to it (Stream.write_at_position).
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from itertools import starmap
from typing import Any, Literal

from php_streams._core import stat_cache
from php_streams._core.buffer import CHUNK_SIZE
from php_streams._core.context import Context
from php_streams._core.diagnostics import notice
from php_streams._core.directory import DirectoryRaw
from php_streams._core.raw import Raw, close_descriptor, later
from php_streams._core.signals import from_system, is_handlers
from php_streams._core.spare import SPARE
from php_streams._core.stream import Stream
from php_streams._core.wrapper import Wrapper, WrapperError
from php_streams._wrappers import plain_names, wrapper_of
from php_streams._wrappers.plain_watched import watched
from php_streams.constants import LOCK_NB, LOCK_UN

# The flags of open(2) by the mode's first letter.
ACCESS = {
    "r": 0,
    "w": os.O_CREAT | os.O_TRUNC,
    "a": os.O_CREAT | os.O_APPEND,
    "x": os.O_CREAT | os.O_EXCL,
    "c": os.O_CREAT,
}
# So much, or less, goes into a pipe at once or not at all (PIPE_BUF).
ATOMIC = 4096
# Of the devices these can be sought in: mem, kmem, null, port, zero, full.
SEEKABLE_DEVICES = frozenset(os.makedev(1, minor) for minor in (1, 2, 3, 4, 5, 7))


def open_flags(mode: str) -> int:
    """The flags of open(2) for a mode of fopen's; ValueError for what is no mode."""
    if mode[:1] not in ACCESS:
        raise ValueError(mode)
    flags = ACCESS[mode[0]]
    if "+" in mode:
        flags |= os.O_RDWR
    elif flags:
        flags |= os.O_WRONLY
    return flags | (os.O_NONBLOCK if "n" in mode else 0) | os.O_CLOEXEC


class FileRaw(Raw):
    """A descriptor: a file, a directory that was opened as one, a pipe, a terminal."""

    label = "STDIO"
    lockable = True
    takes = True
    fd = -1
    temporary: str | None = None  # a file that goes when the stream is closed

    def __init__(self, fd: int | Callable[..., int], *arguments: Any) -> None:
        """fd: the descriptor, or what opens it, called when there is somebody to close it."""
        super().__init__()
        (self.fd,) = (fd,) if isinstance(fd, int) else starmap(fd, (arguments,))
        fd = self.fd
        status = os.fstat(fd)
        self.seek_allowed = not stat.S_ISFIFO(status.st_mode) and (
            not stat.S_ISCHR(status.st_mode) or status.st_rdev in SEEKABLE_DEVICES
        )
        access = fcntl.fcntl(fd, fcntl.F_GETFL)
        self.mappable = stat.S_ISREG(status.st_mode) and access & os.O_ACCMODE != os.O_WRONLY
        self.appends = bool(access & os.O_APPEND)
        # PHP counts from -1 on what cannot seek.
        self.total = os.lseek(fd, 0, os.SEEK_CUR) if self.seek_allowed else -1

    def readinto(self, buffer: Any) -> int | None:
        """One read(2); None where it would wait, or when a signal's handler raised."""
        data = self.take(len(buffer))
        memoryview(buffer).cast("B")[: len(data)] = data
        return len(data) or (0 if self.raised is None and (self.eof or self.failed) else None)

    def add_to(self, came: list[bytes], size: int) -> bytes:
        """One read(2), right into the bytes that are handed up."""
        if self.raised is not None:
            return b""
        try:
            came += map(os.read, (self.fd,), (size,))
        except BaseException:  # not named: with a name a frame and its exception may keep each other
            return self._not_read(sys.exception(), size)
        data = came[-1]
        self.failed = False
        if data:
            self.total += len(data)
        else:
            self.eof = True
        return data

    def _not_read(self, error: Any, size: int) -> bytes:
        """Why no byte came: not now, an error, or what a signal's handler raised; b""."""
        if not isinstance(error, OSError) or is_handlers(error):
            self.raised = later(error)
        elif not isinstance(error, BlockingIOError):
            self._unread(error, size)
        return b""

    def _unread(self, error: OSError, size: int) -> int:
        """A read that failed: PHP's notice.  A descriptor that is not open for reading is no end."""
        self.failed = True
        self.eof = self.eof or error.errno != errno.EBADF
        text = f"Read of {size} bytes failed with errno={error.errno} {error.strerror}"
        try:
            notice(text)
        except BaseException as raised:  # from a handler: the reader above must not lose its half line
            self.raised = later(raised)
        return 0

    def all_to(self, came: list[bytes]) -> list[bytes]:
        """Everything: a file in one read of its size, and one more that finds the end."""
        size = (
            max(os.fstat(self.fd).st_size - os.lseek(self.fd, 0, os.SEEK_CUR), 0) if self.seek_allowed else 0
        )
        while self.raised is None:
            try:
                came += map(os.read, (self.fd,), (size + 1 if size else 65536,))
            except BaseException:
                left = os.fstat(self.fd).st_size - self.total - self.written if self.direct else 0
                self._not_read(sys.exception(), CHUNK_SIZE + max(left, 0))
                break
            data = came[-1]
            self.eof = self.eof or not data
            self.total += len(data)
            if not data:
                break
            size = max(size - len(data), 0)
        return came

    def write(self, data: Any) -> int | Literal[False]:
        """write(2), until all is written or nothing more is taken."""
        if not self.seek_allowed and len(data) > ATOMIC:  # a signal cuts no write to a file short
            return self._write_rest(data, 0)
        try:
            size = os.write(self.fd, data)
        except from_system(OSError) as error:
            return self._unwritten(error, len(data))
        self.written += size
        return size if size == len(data) else self._write_rest(data, size)

    def _write_rest(self, data: Any, done: int) -> int | Literal[False]:
        """write behind the first bytes; what went is counted also where a signal cuts the call short."""
        view = memoryview(data)
        while done < len(view):
            try:
                for size in map(os.write, (self.fd,), (view[done:],)):
                    self.written += size; done += size  # fmt: skip  # noqa: E702
            except from_system(OSError) as error:
                result = self._unwritten(error, len(view) - done)
                return done or result
        return done

    def _unwritten(self, error: OSError, size: int) -> int | Literal[False]:
        if isinstance(error, BlockingIOError):
            return 0
        self.error = error.errno or 0
        return notice(f"Write of {size} bytes failed with errno={error.errno} {error.strerror}")

    def move(self, offset: int, whence: int) -> bool:
        """lseek(2)."""
        self.place = None
        try:
            self.place = os.lseek(self.fd, offset, whence)
        except from_system(OSError, OverflowError):
            return False
        return True

    def truncate_to(self, size: int) -> bool | None:
        """ftruncate(2)."""
        try:
            os.ftruncate(self.fd, size)
        except from_system(OSError, OverflowError):
            return False
        return True

    def stat(self) -> os.stat_result | None:
        """fstat(2)."""
        return os.fstat(self.fd)

    def sync(self, data_only: bool) -> bool | None:
        """fsync(2) or fdatasync(2)."""
        try:
            os.fdatasync(self.fd) if data_only else os.fsync(self.fd)
        except from_system(OSError):
            return False
        return True

    def lock(self, operation: int) -> bool | None:
        """flock(2), whose constants are not PHP's."""
        kind = fcntl.LOCK_UN if operation & 3 == LOCK_UN else operation & 3
        try:
            fcntl.flock(self.fd, kind | (fcntl.LOCK_NB if operation & LOCK_NB else 0))
        except from_system(OSError) as error:
            return False if error.errno == errno.EWOULDBLOCK else None
        return True

    def set_blocking(self, enable: bool) -> bool:
        """O_NONBLOCK, which pipes and terminals heed."""
        os.set_blocking(self.fd, enable)
        return True

    def meta(self) -> dict[str, Any]:
        """The descriptor's own part of stream_get_meta_data."""
        return {"timed_out": False, "blocked": os.get_blocking(self.fd), "eof": self.eof}

    def select_descriptor(self) -> int | None:
        """The descriptor; a plain file is always ready."""
        return self.fd

    def plain_descriptor(self) -> int | None:
        """The descriptor, unless it must not wait."""
        return self.fd if os.get_blocking(self.fd) else None

    def fileno(self) -> int:
        """The descriptor."""
        return self.fd

    def close(self) -> None:
        """Closes the descriptor, and takes a temporary file with it."""
        if self.closed:
            return
        try:
            close_descriptor(self)
        except from_system(OSError):  # somebody closed it behind our back: silent, as every close here
            pass
        if self.temporary is not None:
            try:
                os.unlink(self.temporary)
            except from_system(OSError):
                pass
        super().close()


class FolderRaw(DirectoryRaw):
    """readdir(3): in the order of the file system, . and .. first."""

    fd = -1
    private = True

    def __init__(self, path: str) -> None:
        super().__init__()
        (self.fd,) = starmap(os.open, ((path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC),))

    def entries(self) -> Iterator[str]:
        """The names; the folder is read as they are asked for."""
        yield "."
        yield ".."
        os.lseek(self.fd, 0, os.SEEK_SET)
        try:
            entries = os.scandir(self.fd)
        except from_system(OSError):  # it takes a second descriptor, which PHP does not
            with SPARE:
                yield from os.listdir(self.fd)
            return
        with entries:
            for entry in entries:
                yield entry.name

    def close(self) -> None:
        """Closes the folder."""
        if not self.closed:
            self.names.close()  # type: ignore[attr-defined]
            try:
                close_descriptor(self)
            except from_system(OSError):
                pass
            super().close()


def _open(path: str, flags: int) -> FileRaw:
    """open(2); PHP takes links and dots out of the path itself, also where the system could not."""
    try:
        return watched(FileRaw)(os.open, os.fsencode(path), flags, 0o666)
    except from_system(OSError) as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT)) from None
        # A folder that is not there and .. behind it; O_EXCL and a link that leads nowhere.
        if error.errno not in (errno.ENOENT, errno.EEXIST) or os.path.exists(path) or path.endswith("/"):
            raise
        if ".." not in path and not os.path.islink(path):
            raise
        try:
            return watched(FileRaw)(os.open, os.fsencode(os.path.realpath(path)), flags, 0o666)
        except from_system(OSError):
            raise error from None


class PlainFiles(Wrapper):
    """Paths, and file:// in front of them."""

    label = "plainfile"
    can_unlink = can_rename = can_make_directories = can_touch = can_list = True

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """A stream on a file, or what else has a name in the file system."""
        try:
            flags = open_flags(mode)
        except ValueError:
            raise WrapperError(f"`{mode}' is not a valid mode for fopen") from None
        raw = _open(path, flags)
        stat_cache.forget()
        raw.greedy = True
        raw.private = "e" in mode
        return Stream(raw, mode, path)  # PHP gives plain files no context

    def open_directory(self, path: str, context: Context | None) -> DirectoryRaw:
        """The names in a folder."""
        return FolderRaw(path)

    def stat(self, path: str, follow: bool, flags: int, context: Context | None) -> os.stat_result:
        """stat(2) or lstat(2)."""
        return os.stat(path, follow_symlinks=follow)

    def access(self, path: str, access: int) -> bool | None:
        """access(2)."""
        return os.access(path, access)

    def unlink(self, path: str, context: Context | None) -> None:
        """unlink(2)."""
        os.unlink(path)
        stat_cache.forget()

    def rename(self, old: str, new: str, context: Context | None) -> None:
        """rename(2); from one file system to another what a file holds, its owner and permissions."""
        plain_names.rename(old, new)

    def mkdir(self, path: str, mode: int, parents: bool, context: Context | None) -> None:
        """mkdir(2), with the folders on the way if wanted."""
        plain_names.mkdir(path, mode, parents)

    def rmdir(self, path: str, context: Context | None) -> None:
        """rmdir(2)."""
        os.rmdir(path)
        stat_cache.forget()

    def touch(self, path: str, times: tuple[int, int] | None) -> None:
        """utime(2)."""
        plain_names.touch(path, times)

    def chmod(self, path: str, mode: int) -> None:
        """chmod(2)."""
        os.chmod(path, mode)
        stat_cache.forget()

    def give(self, path: str, to: int | str, group: bool, follow: bool) -> None:
        """chown(2) or lchown(2)."""
        plain_names.give(path, to, group, follow)


def adopt(file: io.IOBase) -> Stream:
    """A stream on what a file of Python's is open on, where that stands."""
    file.flush()
    position = file.tell() if file.seekable() else None
    raw = FileRaw(os.dup, file.fileno())
    access = fcntl.fcntl(raw.fd, fcntl.F_GETFL)
    raw.greedy = raw.mappable
    mode = {os.O_RDONLY: "rb", os.O_WRONLY: "ab" if access & os.O_APPEND else "wb"}
    name = getattr(file, "name", None)
    stream = Stream(raw, mode.get(access & os.O_ACCMODE, "r+b"), name if isinstance(name, str) else None)
    stream.wrapper = wrapper_of("file")
    if position is not None:
        stream.seek(position)
    return stream


def wrapper() -> PlainFiles:
    """The wrapper, for the table."""
    return PlainFiles()

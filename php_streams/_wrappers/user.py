"""Wrappers that are classes of the user's own (= main/streams/userspace.c).

For each thing to be done an object is made: its `context` is set before its constructor runs, then the method
is called.  What is missing is PHP's warning, and PHP's failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Literal

from php_streams._core.context import Context
from php_streams._core.diagnostics import warn
from php_streams._core.directory import DirectoryRaw
from php_streams._core.raw import Raw
from php_streams._core.status import status_from
from php_streams._core.stream import Stream
from php_streams._core.values import cast_int, cast_string, truth
from php_streams._core.wrapper import Wrapper, WrapperError
from php_streams.constants import (
    STREAM_BUFFER_FULL,
    STREAM_BUFFER_NONE,
    STREAM_CAST_AS_STREAM,
    STREAM_CAST_FOR_SELECT,
    STREAM_META_ACCESS,
    STREAM_META_TOUCH,
    STREAM_MKDIR_RECURSIVE,
    STREAM_OPTION_BLOCKING,
    STREAM_OPTION_READ_BUFFER,
    STREAM_OPTION_READ_TIMEOUT,
    STREAM_OPTION_WRITE_BUFFER,
    STREAM_REPORT_ERRORS,
)

CHUNK = 8192
MISSING: Any = object()


class Methods:
    """An object of the user's class, whose methods may be missing."""

    def __init__(self, instance: Any) -> None:
        self.instance = instance
        self.name = type(instance).__name__

    def has(self, method: str) -> bool:
        """Whether it can be called."""
        return callable(getattr(self.instance, method, None))

    def try_(self, method: str, *arguments: Any) -> Any:
        """What the method returns; MISSING when there is none."""
        return getattr(self.instance, method)(*arguments) if self.has(method) else MISSING

    def call(self, method: str, *arguments: Any, more: str = "") -> Any:
        """What the method returns; False, after PHP's warning, when there is none."""
        found = self.try_(method, *arguments)
        return warn(f"{self.name}::{method} is not implemented!{more}") if found is MISSING else found


class UserRaw(Raw):
    """A stream that a user's object reads and writes."""

    label = "user-space"
    revives = True
    asks_for_end = True
    buffering_is_fixed = True  # stream_set_option has the last word
    descriptor_moves = True

    def __init__(self, methods: Methods, remote: bool) -> None:
        super().__init__()
        self.methods = methods
        self.seek_allowed = True
        self.local = not remote
        self.was_written = False

    def readinto(self, buffer: Any) -> int | None:
        """stream_read, then stream_eof."""
        if self.raised is not None:
            return None
        room = min(len(buffer), CHUNK)
        try:
            data = self._read(room)
        except BaseException as error:  # the reader above must not lose its half line
            self.raised = error
            self.failed = True
            return None
        self.failed = data is None
        size = len(data or b"")
        memoryview(buffer).cast("B")[:size] = data or b""
        self.total += size
        return size

    def readall(self) -> bytes:
        """stream_stat first: PHP wants to know how much it will be."""
        try:
            self.stat()
        except BaseException as error:
            self.raised = error
            return b""
        return super().readall()

    def _read(self, room: int) -> bytes | None:
        found = self.methods.call("stream_read", room)
        if found is False:
            return None
        data = cast_string(found)
        if len(data) > room:
            more = len(data) - room
            warn(
                f"{self.methods.name}::stream_read - read {more} bytes more data than requested"
                f" ({len(data)} read, {room} max) - excess data will be lost"
            )
            data = data[:room]
        self._ask_for_end()
        return data

    def _ask_for_end(self) -> None:
        end = self.methods.try_("stream_eof")
        if end is MISSING:
            warn(f"{self.methods.name}::stream_eof is not implemented! Assuming EOF")
        self.eof = self.eof or end is MISSING or truth(end)

    def at_end(self) -> bool:
        """stream_eof, unless the end was seen already."""
        if not self.eof:
            self._ask_for_end()
        return self.eof

    def write(self, data: Any) -> int | Literal[False]:
        """stream_write."""
        self.was_written = True
        rest = bytes(data)
        while rest:
            size = self._write(rest)
            if not size:
                return (len(data) - len(rest)) or size
            rest = rest[size:]
        return len(data)

    def _write(self, data: bytes) -> int | Literal[False]:
        found = self.methods.call("stream_write", data)
        if found is False:
            return False
        size = cast_int(found)
        if size > len(data):
            warn(
                f"{self.methods.name}::stream_write wrote {size - len(data)} bytes more data than requested"
                f" ({size} written, {len(data)} max)"
            )
            size = len(data)
        if size < 0:
            return False
        self.written += size
        return size

    def move(self, offset: int, whence: int) -> bool:
        """stream_seek, then stream_tell.  Without stream_seek the stream cannot seek any more."""
        self.place = None
        found = self.methods.try_("stream_seek", offset, whence)
        if found is MISSING:
            self.seek_allowed = False
        if found is MISSING or not truth(found):
            return False
        told = self.methods.call("stream_tell")
        if type(told) is not int:
            return False
        self.place = told
        return True

    def flush_written(self) -> bool:
        """stream_flush."""
        self.was_written = False
        found = self.methods.try_("stream_flush")
        return found is not MISSING and truth(found)

    def stat(self) -> os.stat_result | None:
        """stream_stat."""
        return status_from(self.methods.call("stream_stat"))

    def truncate_to(self, size: int) -> bool | None:
        """stream_truncate."""
        if not self.methods.has("stream_truncate"):
            return None
        found = self.methods.call("stream_truncate", size)
        if not isinstance(found, bool):
            return warn(f"{self.methods.name}::stream_truncate did not return a boolean!")
        return found

    @property
    def lockable(self) -> bool:  # type: ignore[override]
        """stream_lock, asked for no lock; a class without it is taken to be able to."""
        found = self.methods.try_("stream_lock", 0)
        return found is MISSING or truth(found)

    def lock(self, operation: int) -> bool | None:
        """stream_lock, with PHP's LOCK_* constants."""
        return truth(self.methods.call("stream_lock", operation)) or None

    def _set(self, option: int, first: Any, second: Any) -> bool:
        return truth(self.methods.call("stream_set_option", option, first, second))

    def set_blocking(self, enable: bool) -> bool:
        """stream_set_option."""
        return self._set(STREAM_OPTION_BLOCKING, int(enable), None)

    def set_timeout(self, seconds: float | None) -> bool:
        """stream_set_option, with seconds and microseconds."""
        micro = round((-1.0 if seconds is None else seconds) * 1_000_000)
        return self._set(STREAM_OPTION_READ_TIMEOUT, *divmod(micro, 1_000_000))

    def set_write_buffer(self, size: int) -> int:
        """stream_set_option."""
        return self._set_buffer(STREAM_OPTION_WRITE_BUFFER, size)

    def set_read_buffer(self, size: int) -> int:
        """stream_set_option."""
        return self._set_buffer(STREAM_OPTION_READ_BUFFER, size)

    def _set_buffer(self, option: int, size: int) -> int:
        kind = STREAM_BUFFER_FULL if size else STREAM_BUFFER_NONE
        return 0 if self._set(option, kind, size or CHUNK) else -1

    def select_descriptor(self) -> int | None:
        """stream_cast: the descriptor of the stream that it gives."""
        return self._cast(STREAM_CAST_FOR_SELECT)

    def is_terminal(self) -> bool:
        """Of the stream that stream_cast gives, for either purpose."""
        for purpose in (STREAM_CAST_FOR_SELECT, STREAM_CAST_AS_STREAM):
            descriptor = self._cast(purpose, report=False)
            if descriptor is not None:
                return os.isatty(descriptor)
        return False

    def _cast(self, purpose: int, *, report: bool = True) -> int | None:
        found = self.methods.try_("stream_cast", purpose)
        if found is MISSING:
            wrong = "is not implemented!"
        elif not truth(found):
            return None
        elif not isinstance(found, Stream) or not found.is_open:
            wrong = "must return a stream resource"
        elif found.raw is self:
            wrong = "must not return itself"
        else:
            return found.raw.select_descriptor()
        if report:
            warn(f"{self.methods.name}::stream_cast {wrong}")
        return None

    def fileno(self) -> int:
        """The descriptor of the stream that stream_cast gives."""
        descriptor = self._cast(STREAM_CAST_AS_STREAM)
        if descriptor is None:
            raise OSError("a stream of type user-space has no descriptor")
        return descriptor

    def close(self) -> None:
        """stream_flush when something was written, then stream_close."""
        if self.closed:
            return
        try:
            if self.was_written:
                self.flush_written()
        finally:
            super().close()
            self.methods.try_("stream_close")


class UserDirectory(DirectoryRaw):
    """A directory handle that a user's object serves."""

    label = "user-space-dir"

    def __init__(self, methods: Methods) -> None:
        self.methods = methods
        super().__init__()

    def entries(self) -> Iterator[str]:
        """They are asked for one by one."""
        return iter(())

    def next_name(self) -> str | Literal[False]:
        """dir_readdir."""
        found = self.methods.call("dir_readdir")
        return False if isinstance(found, bool) else os.fsdecode(cast_string(found))

    def restart(self) -> None:
        """dir_rewinddir."""
        self.methods.try_("dir_rewinddir")

    def close(self) -> None:
        """dir_closedir."""
        if not self.closed:
            super().close()
            self.methods.try_("dir_closedir")


class UserWrapper(Wrapper):
    """A class under a scheme."""

    label = "user-space"
    can_unlink = can_rename = can_make_directories = can_touch = can_list = True

    def __init__(self, class_: Any, remote: bool) -> None:
        self.class_ = class_
        self.remote = remote
        self.opening = False

    def _object(self, context: Context | None) -> Methods:
        instance = self.class_.__new__(self.class_)
        instance.context = context
        instance.__init__()
        return Methods(instance)

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """stream_open."""
        if self.opening:
            raise WrapperError("infinite recursion prevented")
        self.opening = True
        try:
            methods = self._object(context)
            opened = methods.try_("stream_open", path, mode, options, None)
        finally:
            self.opening = False
        if opened is MISSING or not truth(opened[0] if isinstance(opened, tuple) else opened):
            raise WrapperError(f'"{methods.name}::stream_open" call failed')
        stream = Stream(UserRaw(methods, self.remote), mode, path, context)
        stream.set_chunk_size(CHUNK)
        stream.wrapper_data = methods.instance
        return stream

    def open_directory(self, path: str, context: Context | None) -> DirectoryRaw:
        """dir_opendir."""
        methods = self._object(context)
        opened = methods.try_("dir_opendir", path, 0)
        if opened is MISSING or not truth(opened):
            raise WrapperError(f'"{methods.name}::dir_opendir" call failed')
        return UserDirectory(methods)

    def stat(self, path: str, follow: bool, flags: int = 0, context: Context | None = None) -> os.stat_result:
        """url_stat."""
        found = status_from(self._object(context).call("url_stat", path, flags))
        if found is None:
            raise OSError
        return found

    def unlink(self, path: str, context: Context | None) -> bool:
        """unlink."""
        return self._object(context).call("unlink", path) is True

    def rename(self, old: str, new: str, context: Context | None) -> bool:
        """rename."""
        return self._object(context).call("rename", old, new) is True

    def mkdir(self, path: str, mode: int, parents: bool, context: Context | None) -> bool:
        """mkdir."""
        options = STREAM_REPORT_ERRORS | (STREAM_MKDIR_RECURSIVE if parents else 0)
        return self._object(context).call("mkdir", path, mode, options) is True

    def rmdir(self, path: str, context: Context | None) -> bool:
        """rmdir."""
        return self._object(context).call("rmdir", path, STREAM_REPORT_ERRORS) is True

    def touch(self, path: str, times: tuple[int, int] | None) -> bool:
        """stream_metadata, with the times of modification and access, if they were given."""
        value = [] if times is None else [times[1], times[0]]
        return self._object(None).call("stream_metadata", path, STREAM_META_TOUCH, value) is True

    def chmod(self, path: str, mode: int) -> bool:
        """stream_metadata, with the permissions."""
        return self._object(None).call("stream_metadata", path, STREAM_META_ACCESS, mode) is True

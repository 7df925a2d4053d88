"""Wrappers that are classes of the user's own (= main/streams/userspace.c).

For each thing to be done an object is made: its `context` is set before its constructor runs, then the method
is called.  What is missing is PHP's warning, and PHP's failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Literal

from php_streams._core.context import Context
from php_streams._core.directory import DirectoryRaw
from php_streams._core.status import status_from
from php_streams._core.stream import Stream
from php_streams._core.values import cast_string, truth
from php_streams._core.wrapper import Wrapper, WrapperError
from php_streams._wrappers.user_stream import CHUNK, MISSING, Methods, UserRaw
from php_streams.constants import (
    STREAM_META_ACCESS,
    STREAM_META_GROUP,
    STREAM_META_GROUP_NAME,
    STREAM_META_OWNER,
    STREAM_META_OWNER_NAME,
    STREAM_META_TOUCH,
    STREAM_MKDIR_RECURSIVE,
    STREAM_REPORT_ERRORS,
)

# The URL that a class is opening just now, in this thread or task; as PHP has it, the innermost one only.
_opening: ContextVar[str | None] = ContextVar("opening", default=None)


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


def _require(methods: Methods, method: str, opened: Any) -> None:
    """Raises PHP's reason when the method is missing or said no."""
    if opened is MISSING or not truth(opened):
        raise WrapperError(f'"{methods.name}::{method}" call failed')


class UserWrapper(Wrapper):
    """A class under a scheme."""

    label = "user-space"
    can_unlink = can_rename = can_make_directories = can_touch = can_list = True

    def __init__(self, class_: Any, remote: bool) -> None:
        self.class_ = class_
        self.remote = remote

    def _object(self, context: Context | None) -> Methods:
        instance = self.class_.__new__(self.class_)
        instance.context = context
        instance.__init__()
        return Methods(instance)

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """stream_open."""
        methods, opened = self._opened(path, context, "stream_open", path, mode, options, None)
        if isinstance(opened, tuple):
            opened = opened[0]
        _require(methods, "stream_open", opened)
        stream = Stream(UserRaw(methods, self.remote), mode, path, context)
        stream.raw.serve(stream)  # type: ignore[attr-defined]
        stream.set_chunk_size(CHUNK)
        stream.wrapper_data = methods.instance
        return stream

    def _opened(
        self, path: str, context: Context | None, method: str, *arguments: Any
    ) -> tuple[Methods, Any]:
        """An object of the class, and what it says to opening the path."""
        if _opening.get() == path:
            raise WrapperError("infinite recursion prevented")
        _opening.set(path)
        try:
            methods = self._object(context)
            return methods, methods.try_(method, *arguments)
        finally:
            _opening.set(None)

    def open_directory(self, path: str, context: Context | None) -> DirectoryRaw:
        """dir_opendir."""
        methods, opened = self._opened(path, context, "dir_opendir", path, 0)
        _require(methods, "dir_opendir", opened)
        return UserDirectory(methods)

    def stat(self, path: str, follow: bool, flags: int, context: Context | None) -> os.stat_result:
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

    def give(self, path: str, to: int | str, group: bool, follow: bool) -> bool:
        """stream_metadata, with a number or a name."""
        number, name = (
            (STREAM_META_GROUP, STREAM_META_GROUP_NAME)
            if group
            else (STREAM_META_OWNER, STREAM_META_OWNER_NAME)
        )
        option = number if isinstance(to, int) else name
        return self._object(None).call("stream_metadata", path, option, to) is True

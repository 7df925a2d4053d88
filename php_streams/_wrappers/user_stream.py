"""Streams that objects of the user's classes read and write (= php_stream_userspace_ops of userspace.c).

How much stream_read is asked for is seen by the user, so the room in PHP's read buffer is counted as PHP
counts it: a chunk, and more behind what is buffered already.
"""

from __future__ import annotations

import os
import weakref
from typing import Any, Literal

from php_streams._core.callback import call
from php_streams._core.diagnostics import warn
from php_streams._core.raw import Raw
from php_streams._core.status import status_from
from php_streams._core.stream import Stream, no_stream
from php_streams._core.values import cast_int, cast_string, truth
from php_streams.constants import (
    STREAM_BUFFER_FULL,
    STREAM_BUFFER_NONE,
    STREAM_CAST_AS_STREAM,
    STREAM_CAST_FOR_SELECT,
    STREAM_OPTION_BLOCKING,
    STREAM_OPTION_READ_BUFFER,
    STREAM_OPTION_READ_TIMEOUT,
    STREAM_OPTION_WRITE_BUFFER,
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
        """What the method returns; MISSING when there is none.  It may take fewer arguments."""
        found = getattr(self.instance, method, None)
        if not callable(found):
            return MISSING
        try:
            return found(*arguments)
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise  # the method's own, for it has been entered
        return call(found, *arguments)

    def call(self, method: str, *arguments: Any, more: str = "") -> Any:
        """What the method returns; False, after PHP's warning, when there is none."""
        found = self.try_(method, *arguments)
        return warn(f"{self.name}::{method} is not implemented!{more}") if found is MISSING else found


class UserRaw(Raw):
    """A stream that a user's object reads and writes."""

    label = "user-space"
    takes = True
    asks_for_chunks = True
    asks_for_end = True
    buffering_is_fixed = True  # stream_set_option has the last word
    descriptor_moves = True

    def __init__(self, methods: Methods, remote: bool) -> None:
        super().__init__()
        self.methods = methods
        self.seek_allowed = True
        self.local = not remote
        self.was_written = False
        self.stream: weakref.ref[Stream] | None = None
        self.room = self.filled = 0  # the length of PHP's read buffer, and how far it is filled

    def serve(self, stream: Stream) -> None:
        """The stream above: its chunk size rules how much is asked for and written."""
        self.stream = weakref.ref(stream)

    def _above(self) -> Stream | None:
        stream = self.stream() if self.stream is not None else None
        return stream if stream is not None and stream.is_open else None

    def add_to(self, came: list[bytes], size: int) -> bytes:
        """stream_read, of what PHP's buffer has room for, then stream_eof."""
        data = self.take_just(self._asked(size))
        came += (data,)
        self.filled += len(data)
        return data

    def take_just(self, size: int) -> bytes:
        """stream_read, of so much, then stream_eof."""
        if self.raised is not None:
            return b""
        self.closed_by_fclose = False  # the reader above is not to lose its ground
        try:
            data = self._read(size)
        except BaseException as error:  # the reader above must not lose its half line
            self.raised = error
            data = None
        finally:
            self.closed_by_fclose = True
        self.failed = data is None
        self.total += len(data or b"")
        return data or b""

    def _asked(self, size: int) -> int:
        """How much PHP asks for: what its buffer has room for, which holds a chunk or more."""
        stream = self._above()
        if stream is None or not stream.buffered:
            return size
        chunk = stream.chunk_size
        if stream.raw.filtered:
            return chunk
        if self.room - self.filled < chunk:  # what was handed out makes room
            self.filled = self.kept
        if self.room - self.filled < chunk:
            self.room += chunk
        return self.room - self.filled

    def readinto(self, buffer: Any) -> int | None:
        """As take, for a reader that brings its own room; what does not fit is lost, and PHP says so."""
        data = self.take_just(len(buffer))
        memoryview(buffer).cast("B")[: len(data)] = data
        return len(data) if data or not self.failed else None

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
        if self.eof:
            return True
        end = self.methods.try_("stream_eof")
        if not isinstance(end, bool):  # missing or not: PHP says the same
            warn(f"{self.methods.name}::stream_eof is not implemented! Assuming EOF")
        self.eof = end is not False
        return self.eof

    def write(self, data: Any) -> int | Literal[False]:
        """stream_write, a chunk at a time."""
        stream = self._above()
        chunk = CHUNK if stream is None else stream.chunk_size
        done = 0
        size: int | Literal[False] = False
        try:
            while done < len(data):
                size = self._write(bytes(data[done : done + chunk]))
                if not size:
                    break
                done += size
        finally:
            self.was_written = self.was_written or bool(done) or size is False
        return done or size

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
            return False
        self.filled = 0
        if not truth(found):
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
        return found is MISSING or found is True

    def lock(self, operation: int) -> bool | None:
        """stream_lock, with PHP's LOCK_* constants."""
        return self.methods.call("stream_lock", operation) is True or None

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

    def file_descriptor(self) -> int | None:
        """As select_descriptor, for a program."""
        return self._cast(STREAM_CAST_AS_STREAM)

    def is_terminal(self) -> bool:
        """Of the stream that stream_cast gives, for either purpose."""
        for purpose in (STREAM_CAST_FOR_SELECT, STREAM_CAST_AS_STREAM):
            if self._cast(purpose, report=False) is not None:
                descriptor = self._cast(purpose, report=False)  # first whether, then which; PHP does this
                return descriptor is not None and os.isatty(descriptor)
            if self.closed:  # the method has done it
                break
        return False

    def _cast(self, purpose: int, *, report: bool = True) -> int | None:
        """report: warn of what is no stream; else it is refused at once."""
        self.refused = ()
        found = self.methods.try_("stream_cast", purpose)
        if found is MISSING:
            wrong = "is not implemented!"
        elif not truth(found):
            return None
        elif not isinstance(found, Stream) or not found.is_open:
            if not report:
                raise no_stream(found)
            wrong = "must return a stream resource"
            self.refused = (found,)
        elif found is self._above():
            wrong = "must not return itself"
        else:
            return _descriptor_of(found.raw, purpose)
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


def _descriptor_of(raw: Raw, purpose: int) -> int | None:
    """The descriptor of a stream that a class gives in its own place; None after PHP's warning."""
    found = raw.select_descriptor() if purpose == STREAM_CAST_FOR_SELECT else raw.file_descriptor()
    if found is None:
        warn(raw.why_not_selectable() if purpose == STREAM_CAST_FOR_SELECT else raw.why_no_descriptor())
    return found

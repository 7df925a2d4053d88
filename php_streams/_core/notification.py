"""Notifications: what a wrapper tells the callback of a context while it works (= php_stream_notification_*).

The callback is the context's parameter `notification`; it gets (code, severity, message, message_code,
bytes_transferred, bytes_max).  From `begin` on, each read and write of a watched stream is told as progress.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

from php_streams._core.callback import call, problem, resolve
from php_streams._core.diagnostics import Error
from php_streams._core.signals import is_handlers
from php_streams._core.values import scalar_text, to_text
from php_streams.constants import (
    STREAM_NOTIFY_COMPLETED,
    STREAM_NOTIFY_FILE_SIZE_IS,
    STREAM_NOTIFY_PROGRESS,
    STREAM_NOTIFY_SEVERITY_ERR,
    STREAM_NOTIFY_SEVERITY_INFO,
)

if TYPE_CHECKING:
    from php_streams._core.context import Context
    from php_streams._core.stream import Stream


# What callbacks have raised in the dialogue that is going on; None outside of any.
_raised: ContextVar[list[Exception] | None] = ContextVar("raised_in_notification", default=None)


@contextmanager
def deferred() -> Iterator[list[Exception]]:
    """A dialogue that goes on to its end when a callback raises; that is raised then, and nobody told more.

    A server sees the same requests as from PHP.  What ends the program, KeyboardInterrupt and its like, or
    comes from a signal's handler, does not wait.

    Gives the list of what was raised: who has opened something has to close it then.
    """
    raised: list[Exception] = []
    token = _raised.set(raised)
    try:
        yield raised
    except Exception:
        if raised:  # it came first, and is all that PHP tells
            raise raised[0] from None
        raise
    finally:
        _raised.reset(token)
    if raised:
        raise raised[0]


def has_callback(context: Context | None) -> bool:
    """Whether anybody is to be told."""
    return context is not None and "notification" in context.params


def info(context: Context | None, code: int, message: str | None = None, number: int = 0) -> None:
    """Something has come to pass."""
    _notify(context, code, STREAM_NOTIFY_SEVERITY_INFO, message, number, 0, 0)


def error(context: Context | None, code: int, message: str | None, number: int) -> None:
    """Something has failed."""
    _notify(context, code, STREAM_NOTIFY_SEVERITY_ERR, message, number, 0, 0)


def file_size(context: Context | None, size: int, message: str | None, number: int = 0) -> None:
    """How many bytes there will be is known now."""
    _notify(context, STREAM_NOTIFY_FILE_SIZE_IS, STREAM_NOTIFY_SEVERITY_INFO, message, number, 0, size)


def begin(context: Context | None, size: int) -> None:
    """From now on bytes count: none so far, of so many."""
    if context is not None and has_callback(context):
        context.progress = [0, size]
        _progress(context)


def progress(context: Context | None, step: int) -> None:
    """So many bytes more; nothing before `begin`."""
    if context is not None and context.progress is not None and has_callback(context):
        context.progress[0] += step
        _progress(context)


def completed(context: Context | None) -> None:
    """There is nothing more to come."""
    if context is not None:
        done, size = context.progress or (0, 0)
        _notify(context, STREAM_NOTIFY_COMPLETED, STREAM_NOTIFY_SEVERITY_INFO, None, 0, done, size)


def _progress(context: Context) -> None:
    assert context.progress is not None
    done, size = context.progress
    _notify(context, STREAM_NOTIFY_PROGRESS, STREAM_NOTIFY_SEVERITY_INFO, None, 0, done, size)


def _notify(
    context: Context | None, code: int, severity: int, message: str | None, number: int, done: int, most: int
) -> None:
    if context is None or not has_callback(context):
        return
    raised = _raised.get()
    if raised:
        return
    text = message if message is None else message.partition("\0")[0]  # as C reads it
    try:
        callback = resolve(context.params["notification"])
        if callback is None:
            raise _no_callback(context.params["notification"])
        call(callback, code, severity, text, number, done, most)
    except Exception as error:
        if raised is None or is_handlers(error):
            raise
        raised.append(error)


def _no_callback(value: Any) -> Error:
    """PHP's Error; only now does it look at what it was given."""
    return Error(f"Invalid callback {_callback_name(value)}, {problem(value)}")


def _callback_name(value: Any) -> str:
    """What PHP calls a callback, whether it is one or not."""
    if value is None or isinstance(value, (bool, int, float)):
        return scalar_text(False if value is None else value)
    if isinstance(value, (str, bytes)):
        return to_text(value)
    if not isinstance(value, (list, tuple, dict)):
        return f"{type(value).__name__}::__invoke"
    if len(value) != 2 or isinstance(value, dict) or not isinstance(value[1], str):
        return "Array"
    target = value[0]
    if target is None or isinstance(target, (bool, int, float, list, tuple, dict)):
        return "Array"
    owner = target if isinstance(target, str) else getattr(target, "__name__", type(target).__name__)
    return f"{owner}::{value[1]}"


# --- streams that are watched --------------------------------------------------------------------------


def watch(stream: Stream, context: Context | None) -> None:
    """Tells each read and write of the stream as progress, and its end; costs nothing where nobody listens.

    Reads are then PHP's, a chunk each, so that a callback is called as often as there.
    """
    if context is None or not has_callback(context):
        return
    stream.read_ahead = min(stream.read_ahead, stream.chunk_size)
    watched = _Watched(stream, context)
    stream.raw.watcher = watched
    # On the object, in the place of the class's methods: a stream that is not watched asks nothing.
    stream.raw.count = watched.count  # type: ignore[method-assign]
    stream.raw.readinto = watched.readinto  # type: ignore[method-assign]
    stream.raw.takes = False
    stream.raw.readall = watched.readall  # type: ignore[method-assign]
    stream.write = stream.raw.write = watched.write  # type: ignore[method-assign]


class _Watched:
    """Methods for the raw of a stream that is watched.

    It knows the raw, which knows it, until the raw is closed: known weakly, a raw that the collector finds in
    a cycle would be gone before its stream has written what filters hold back.
    """

    METHODS = ("count", "readinto", "takes", "readall", "write", "watcher")

    def __init__(self, stream: Stream, context: Context) -> None:
        self.stream = weakref.ref(stream)
        self.raw = stream.raw
        self.context = context
        self.step = stream.chunk_size

    def end(self) -> None:
        """The raw has its own methods again, and nothing leads back to it from here."""
        for name in self.METHODS:
            vars(self.raw).pop(name, None)

    def count(self, size: int) -> int:
        """Raw.count: it is called in a read, which must not raise."""
        raw = self.raw
        raw.total += size
        try:
            progress(self.context, size)
        except BaseException as raised:
            raw.raised = raised
        return size

    def readinto(self, buffer: Any) -> int | None:
        """Raw.readinto; an end that a read finds is told, unless filters are in the way."""
        raw, stream = self.raw, self.stream()
        before = raw.eof
        size = type(raw).readinto(raw, buffer)
        if raw.eof and not before and stream is not None and stream.is_open and not stream.raw.filtered:
            try:
                completed(self.context)
            except BaseException as raised:
                raw.raised = raised
        return size

    def readall(self) -> bytes:
        """Raw.readall, a chunk at a time."""
        parts = []
        room = memoryview(bytearray(self.step))
        while size := self.raw.readinto(room):
            parts.append(bytes(room[:size]))
        return b"".join(parts)

    def write(self, data: Any) -> int | Literal[False]:
        """Raw.write."""
        raw = self.raw
        size = type(raw).write(raw, data)
        if size:
            progress(self.context, size)
        return size

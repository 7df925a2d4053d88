"""Notifications: what a wrapper tells the callback of a context while it works (= php_stream_notification_*).

The callback is the context's parameter `notification`; it gets (code, severity, message, message_code,
bytes_transferred, bytes_max).  From `begin` on, each read and write of a watched stream is told as progress.
"""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from php_streams._core.callback import call, resolve
from php_streams._core.diagnostics import warn
from php_streams._core.raw import Raw
from php_streams.constants import (
    STREAM_NOTIFY_FILE_SIZE_IS,
    STREAM_NOTIFY_PROGRESS,
    STREAM_NOTIFY_SEVERITY_ERR,
    STREAM_NOTIFY_SEVERITY_INFO,
)

if TYPE_CHECKING:
    from php_streams._core.context import Context
    from php_streams._core.stream import Stream


def has_callback(context: Context | None) -> bool:
    """Whether anybody is to be told."""
    return context is not None and "notification" in context.params


def info(context: Context | None, code: int, message: str | None = None, number: int = 0) -> None:
    """Something has come to pass."""
    _notify(context, code, STREAM_NOTIFY_SEVERITY_INFO, message, number, 0, 0)


def error(context: Context | None, code: int, message: str | None, number: int) -> None:
    """Something has failed."""
    _notify(context, code, STREAM_NOTIFY_SEVERITY_ERR, message, number, 0, 0)


def file_size(context: Context | None, size: int, message: str | None) -> None:
    """How many bytes there will be is known now."""
    _notify(context, STREAM_NOTIFY_FILE_SIZE_IS, STREAM_NOTIFY_SEVERITY_INFO, message, 0, 0, size)


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


def _progress(context: Context) -> None:
    assert context.progress is not None
    done, size = context.progress
    _notify(context, STREAM_NOTIFY_PROGRESS, STREAM_NOTIFY_SEVERITY_INFO, None, 0, done, size)


def _notify(
    context: Context | None, code: int, severity: int, message: str | None, number: int, done: int, most: int
) -> None:
    if context is None or not has_callback(context):
        return
    callback = resolve(context.params["notification"])
    if callback is None:
        warn("Failed to call user notifier")
    else:
        call(callback, code, severity, message, number, done, most)


# --- streams that are watched --------------------------------------------------------------------------


def watch(stream: Stream, context: Context | None) -> None:
    """Tells each read and write of the stream as progress; where nobody listens it costs nothing.

    Reads are then PHP's: a chunk each, so that a callback is called as often as there.
    """
    if context is None or not has_callback(context):
        return
    raw = weakref.ref(stream.raw)
    stream.read_ahead = min(stream.read_ahead, stream.chunk_size)
    # On the object, in the place of the class's methods: a stream that is not watched asks nothing.
    stream.raw.count = partial(_counted, raw, context)  # type: ignore[method-assign]
    stream.raw.readall = partial(_read_all, raw, stream.chunk_size)  # type: ignore[method-assign]
    stream.write = stream.raw.write = partial(_written, raw, context)  # type: ignore[method-assign]


def _counted(raw: weakref.ref[Raw], context: Context, size: int) -> int:
    """Raw.count: it is called in a read, which must not raise."""
    target = raw()
    assert target is not None  # it counts
    target.total += size
    try:
        progress(context, size)
    except BaseException as raised:
        target.raised = raised
    return size


def _read_all(raw: weakref.ref[Raw], step: int) -> bytes:
    """Raw.readall in steps."""
    target = raw()
    assert target is not None
    parts = []
    room = memoryview(bytearray(step))
    while size := target.readinto(room):
        parts.append(bytes(room[:size]))
    return b"".join(parts)


def _written(raw: weakref.ref[Raw], context: Context, data: Any) -> int | Literal[False]:
    """Raw.write."""
    target = raw()
    assert target is not None
    size = type(target).write(target, data)
    if size:
        progress(context, size)
    return size

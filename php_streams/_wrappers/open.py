"""Opening a URL or a path (= _php_stream_open_wrapper_ex): for fopen and all that open on their own."""

from __future__ import annotations

import os
import re

from php_streams._core.context import Context
from php_streams._core.diagnostics import warn
from php_streams._core.signals import from_system
from php_streams._core.stream import Stream
from php_streams._core.wrapper import WrapperError
from php_streams._wrappers import include_path, locate
from php_streams.constants import STREAM_USE_PATH

_LOGIN = re.compile(r"(?<=://)([^@]*)@")


def open_url(
    path: str,
    mode: str,
    context: Context | None = None,
    options: int = 0,
    *,
    search: bool = False,
    remote: bool = False,
    report: bool = True,
    code: list[int] | None = None,
) -> Stream | None:
    """An open stream; None after PHP's warning, with the errno, if there is one, in `code`.

    search: look for a relative path along include_path, too; remote: what keeps off the network won't do;
    report: warn when the wrapper fails.
    """
    if not path:
        raise ValueError("Path must not be empty")
    if search:
        path = include_path.resolve(path) or path
        options |= STREAM_USE_PATH
    try:
        wrapper, target = locate(path)
        if remote and not wrapper.remote:
            return warn("This function may only be used against URLs") or None
        stream = wrapper.open(target, mode, options, context)
    except WrapperError as error:
        return _failed(path, str(error) or "operation failed", report)
    except from_system(OSError) as error:
        (code if code is not None else []).append(error.errno or 0)
        return _failed(path, error.strerror or str(error), report)
    stream.wrapper, stream.uri = wrapper, path
    if "a" in mode:
        _note_position(stream)
    return stream


def _note_position(stream: Stream) -> None:
    """A stream that appends says where it is, as far as the raw knows."""
    if not stream.raw.seek_allowed or stream.tell():
        return
    if stream.raw.move(0, os.SEEK_CUR) and stream.raw.place:
        stream._forget(stream.raw.place)


def open_directory(path: str, context: Context | None, code: list[int] | None = None) -> Stream | None:
    """An open directory handle; None after PHP's warning, with the errno in `code`."""
    try:
        wrapper, target = locate(path)
        raw = wrapper.open_directory(target, context)
    except WrapperError as error:
        number, reason = error.number, str(error) or "operation failed"
    except from_system(OSError) as error:
        number, reason = error.errno or 0, error.strerror or str(error)
    else:
        stream = Stream(raw, "r", None, context)
        stream.wrapper = wrapper
        return stream
    warn(f"Failed to open directory: {reason}", about=without_password(path))
    if code is not None:
        code.append(number)
    return None


def _failed(path: str, reason: str, report: bool) -> Stream | None:
    if report:
        warn(f"Failed to open stream: {reason}", about=without_password(path))
    return None


def without_password(url: str) -> str:
    """A URL as messages may show it."""
    return _LOGIN.sub(lambda match: "..."[: len(match[1])] + "@", url, count=1)

"""Opening a URL or a path (= _php_stream_open_wrapper_ex): for fopen and all that open on their own."""

from __future__ import annotations

import errno
import os
import re

from php_streams._core.context import Context
from php_streams._core.diagnostics import warn
from php_streams._core.stream import Stream
from php_streams._core.wrapper import WrapperError
from php_streams._wrappers import include_path, locate
from php_streams.constants import STREAM_USE_PATH

_PASSWORD = re.compile(r"(\w+://[^/:@]*:)[^/@]*@")


def open_url(
    path: str, mode: str, context: Context | None = None, options: int = 0, *, search: bool = False
) -> Stream | None:
    """An open stream; None after PHP's warning.

    search: whether to look for a relative path along include_path, too.
    """
    if not path:
        raise ValueError("Path must not be empty")
    if search:
        path = include_path.resolve(path) or path
        options |= STREAM_USE_PATH
    try:
        wrapper, target = locate(path)
        stream = wrapper.open(target, mode, options, context)
    except WrapperError as error:
        _failed(path, str(error) or "operation failed")
        return None
    except OSError as error:
        _failed(path, error.strerror or str(error))
        return None
    stream.wrapper = wrapper
    stream.uri = path
    if "a" in mode and stream.raw.seek_allowed and not stream.tell():
        _note_position(stream)
    return stream


def _note_position(stream: Stream) -> None:
    """A stream that appends says where it is, as far as the raw knows."""
    if stream.raw.move(0, os.SEEK_CUR) and stream.raw.place:
        stream.raw.total = stream.raw.place


def open_directory(path: str, context: Context | None, code: list[int] | None = None) -> Stream | None:
    """An open directory handle; None after PHP's warning, with the errno in `code`."""
    try:
        wrapper, target = locate(path)
        raw = wrapper.open_directory(target, context)
    except WrapperError as error:
        number, reason = errno.ENOTDIR, str(error) or "operation failed"
    except OSError as error:
        number, reason = error.errno or 0, error.strerror or str(error)
    else:
        stream = Stream(raw, "r", None, context)
        stream.wrapper = wrapper
        return stream
    warn(f"Failed to open directory: {reason}", about=without_password(path))
    if code is not None:
        code.append(number)
    return None


def _failed(path: str, reason: str) -> None:
    warn(f"Failed to open stream: {reason}", about=without_password(path))


def without_password(url: str) -> str:
    """A URL as messages may show it."""
    return _PASSWORD.sub(r"\1...@", url)

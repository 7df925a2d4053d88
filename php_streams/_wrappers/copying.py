"""Copying what one name is about to another name (= php_copy_file_ctx)."""

from __future__ import annotations

import contextlib
import os
import stat

from php_streams._core.context import Context
from php_streams._core.copy import copy_stream
from php_streams._core.diagnostics import warn
from php_streams._wrappers.names import status_of
from php_streams._wrappers.open import open_url
from php_streams.constants import STREAM_URL_STAT_QUIET


def copy_file(source: str, target: str, context: Context | None, code: list[int] | None = None) -> bool:
    """Copies a file, over what is there; False after PHP's warning, with the errno, if any, in `code`."""
    if _refused(source, target, context):
        return False
    reader = open_url(source, "rb", context, code=code)
    if reader is None:
        return False
    with contextlib.ExitStack() as streams:
        writer = open_url(target, "wb", context, code=code)
        if writer is not None:
            streams.push(writer)
        with reader:
            done = writer is not None and copy_stream(reader, writer) is not False
            if writer is not None and code is not None and writer.raw.error:
                code.append(writer.raw.error)
            return done


def _refused(source: str, target: str, context: Context | None) -> bool:
    """Whether one of the two is a directory, or both are the same file."""
    first = status_of(source, context)
    if first is None:
        return False
    if stat.S_ISDIR(first.st_mode):
        return not warn("The first argument to copy() function cannot be a directory")
    second = status_of(target, context, flags=STREAM_URL_STAT_QUIET)
    if second is None:
        return False
    if stat.S_ISDIR(second.st_mode):
        return not warn("The second argument to copy() function cannot be a directory")
    if first.st_ino and second.st_ino:
        return os.path.samestat(first, second)
    return os.path.abspath(source) == os.path.abspath(target)

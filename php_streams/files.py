"""Whole files at once (the manual's book.filesystem): file_get_contents and kin, copies, temporary files."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Literal

from php_streams._core.arguments import expect_context, to_context, to_filename
from php_streams._core.context import Context
from php_streams._core.copy import copy_stream
from php_streams._core.diagnostics import argument_value_error, notice, warn
from php_streams._core.lines import end_of_line
from php_streams._core.output import pass_through
from php_streams._core.raw import Descriptor
from php_streams._core.resource import Resource
from php_streams._core.signals import from_system
from php_streams._core.stream import Stream, open_stream
from php_streams._core.temporary import make_temporary, temporary_folder
from php_streams._core.values import cast_string, to_bool, to_int, type_name
from php_streams._wrappers import locate, scheme_of
from php_streams._wrappers.copying import copy_file
from php_streams._wrappers.open import open_url
from php_streams._wrappers.plain import FileRaw, wrapper
from php_streams._wrappers.plain_watched import watched
from php_streams.constants import (
    FILE_APPEND,
    FILE_IGNORE_NEW_LINES,
    FILE_NO_DEFAULT_CONTEXT,
    FILE_SKIP_EMPTY_LINES,
    FILE_USE_INCLUDE_PATH,
    LOCK_EX,
)

__all__ = [
    "copy",
    "file",
    "file_get_contents",
    "file_put_contents",
    "readfile",
    "tempnam",
    "tmpfile",
]

Name = str | bytes | os.PathLike[str]

_FILE_FLAGS = FILE_USE_INCLUDE_PATH | FILE_IGNORE_NEW_LINES | FILE_SKIP_EMPTY_LINES | FILE_NO_DEFAULT_CONTEXT


def file_get_contents(
    filename: Name,
    use_include_path: bool = False,
    context: Context | None = None,
    offset: int = 0,
    length: int | None = None,
) -> bytes | Literal[False]:
    """Reads entire file into a string.  https://www.php.net/function.file-get-contents

    filename: a path or URL; offset: where to begin, negative from the end; length: at most so many bytes.
    False, with a warning, when it cannot be opened or the offset not be reached.
    """
    path = to_filename(filename)
    search = to_bool(use_include_path, 2, "use_include_path")
    expect_context(context, 3)
    start = to_int(offset, 4, "offset")
    most = -1 if length is None else to_int(length, 5, "length", "?int")
    if length is not None and most < 0:
        raise argument_value_error(5, "length", "must be greater than or equal to 0")
    fp = open_url(path, "rb", to_context(context, 3), search=search)
    if fp is None:
        return False
    with fp:
        if isinstance(fp.raw, FileRaw):
            fp.buffered = False  # the file goes straight into the result
        if start and not fp.seek(start, os.SEEK_SET if start > 0 else os.SEEK_END):
            return warn(f"Failed to seek to position {start} in the stream")
        data = fp.read_all() if most < 0 else fp.read_up_to(most)
        return data or fp.nothing() or b""


def file_put_contents(
    filename: Name, data: Any, flags: int = 0, context: Context | None = None
) -> int | Literal[False]:
    """Write data to a file.  https://www.php.net/function.file-put-contents

    data: bytes or text, an array whose members are written one after the other, or a stream, of which the
    rest is copied.  flags: FILE_APPEND, LOCK_EX, FILE_USE_INCLUDE_PATH.  Bytes written; False when something
    failed.
    """
    path = to_filename(filename)
    how = to_int(flags, 3, "flags")
    expect_context(context, 4)
    source = open_stream(data) if isinstance(data, Resource) else None
    options = to_context(context, 4, default=not how & FILE_NO_DEFAULT_CONTEXT)
    mode = "ab" if how & FILE_APPEND else "cb" if how & LOCK_EX else "wb"
    if mode == "cb" and "://" in path and path[:7].lower() != "file://":
        return warn("Exclusive locks may only be set for regular files")
    fp = open_url(path, mode, options, search=bool(how & FILE_USE_INCLUDE_PATH))
    if fp is None:
        return False
    with fp:
        if how & LOCK_EX and not (fp.raw.lockable and fp.raw.lock(LOCK_EX)):
            fp.close()
            return warn("Exclusive locks are not supported for this stream")
        if mode == "cb":
            fp.truncate(0)
        return _put(fp, data, source, path)


def _put(fp: Stream, data: Any, source: Stream | None, path: str) -> int | Literal[False]:
    """Writes what file_put_contents was given."""
    if source is not None:
        return copy_stream(source, fp)
    if type_name(data) == "array":
        return _put_members(fp, data.values() if isinstance(data, dict) else data, path)
    try:
        text = cast_string(data)
    except TypeError:  # an object that is no text
        return False
    written = fp.write(text) if text else 0
    if written is not False and written != len(text):
        return warn(f"Only {written} of {len(text)} bytes written, possibly out of free disk space")
    return written


def _put_members(fp: Stream, members: Any, path: str) -> int | Literal[False]:
    total = 0
    for member in members:
        text = cast_string(member)
        if not text:
            continue
        written = fp.write(text)
        if written is False or written != len(text):
            return warn(f"Failed to write {len(text)} bytes to {path}")
        total += written
    return total


def file(filename: Name, flags: int = 0, context: Context | None = None) -> list[bytes] | Literal[False]:
    """Reads entire file into an array.  https://www.php.net/function.file

    A list of lines, each with its end.  flags: FILE_IGNORE_NEW_LINES takes the ends off, with
    FILE_SKIP_EMPTY_LINES also empty lines; FILE_USE_INCLUDE_PATH, FILE_NO_DEFAULT_CONTEXT.
    """
    path = to_filename(filename)
    how = to_int(flags, 2, "flags")
    expect_context(context, 3)
    if how < 0 or how & ~_FILE_FLAGS:
        raise argument_value_error(2, "flags", "must be a valid flag value")
    options = to_context(context, 3, default=not how & FILE_NO_DEFAULT_CONTEXT)
    fp = open_url(path, "rb", options, search=bool(how & FILE_USE_INCLUDE_PATH))
    if fp is None:
        return False
    with fp:
        data = fp.read_all()
        fp.nothing()
        end_of_line(data, 0, fp.raw)  # which finds out, where that is not known
        return _lines(data, fp.raw.line_end or b"\n", how)


def _lines(data: bytes, end: bytes, how: int) -> list[bytes]:
    """The lines of a text, as file()'s flags want them."""
    if not how & FILE_IGNORE_NEW_LINES and end == b"\n" and b"\r" not in data:
        return data.splitlines(keepends=True)  # it would break lines at CR, too
    *lines, last = data.split(end)
    if not how & FILE_IGNORE_NEW_LINES:
        lines = [line + end for line in lines]
    elif end == b"\n":
        lines = [line.removesuffix(b"\r") for line in lines]
    if how & FILE_IGNORE_NEW_LINES and how & FILE_SKIP_EMPTY_LINES:
        lines = [line for line in lines if line]
    return [*lines, last] if last else lines


def readfile(
    filename: Name, use_include_path: bool = False, context: Context | None = None
) -> int | Literal[False]:
    """Outputs a file.  https://www.php.net/function.readfile

    To sys.stdout; returns the number of bytes.
    """
    path = to_filename(filename)
    search = to_bool(use_include_path, 2, "use_include_path")
    fp = open_url(path, "rb", to_context(context, 3), search=search)
    if fp is None:
        return False
    with fp:
        return pass_through(fp)


def copy(from_: Name, to: Name, context: Context | None = None) -> bool:
    """Copies file.  https://www.php.net/function.copy

    from_, to: paths or URLs; what is there is overwritten.
    """
    source, target = to_filename(from_, 1, "from"), to_filename(to, 2, "to")
    expect_context(context, 3)
    if scheme_of(source) is not None:
        locate(source)  # PHP asks here too whether there is such a wrapper, and says so
    return copy_file(source, target, to_context(context, 3))


# --- temporary files -----------------------------------------------------------------------------------

# PHP cuts what tempnam was given for a prefix.
_PREFIX_MAX = 63


def tmpfile() -> Stream | Literal[False]:
    """Creates a temporary file.  https://www.php.net/function.tmpfile

    Open for reading and writing; the file goes when the stream is closed, or its variables are gone.
    """
    try:
        raw, path = make_temporary(temporary_folder(), "php", partial(watched(FileRaw), os.open))
    except from_system(OSError):
        return False
    raw.greedy = True
    raw.temporary = path
    fp = Stream(raw, "r+b", path)
    fp.wrapper = wrapper()
    return fp


def tempnam(directory: Name, prefix: str | bytes) -> str | Literal[False]:
    """Create file with unique file name.  https://www.php.net/function.tempnam

    directory: where; when that is no directory, with a notice, the system's for temporary files.
    prefix: how the name begins, at most 63 bytes.  The file's path; it is empty, and its owner's alone.
    """
    folder = to_filename(directory, 1, "directory")
    start = to_filename(prefix, 2, "prefix").rstrip("/").rpartition("/")[2]
    start = os.fsdecode(os.fsencode(start)[:_PREFIX_MAX])
    if folder:
        try:
            return _new_file(os.path.realpath(folder, strict=True), start)
        except from_system(OSError):
            notice("file created in the system's temporary directory")
    try:
        return _new_file(temporary_folder(), start)
    except from_system(OSError):
        return False


def _new_file(folder: str, prefix: str) -> str:
    descriptor, path = make_temporary(folder, prefix, partial(Descriptor, os.open))
    descriptor.close()
    return path

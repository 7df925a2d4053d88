"""File handles (the manual's book.filesystem): reading, writing and closing any stream.

The five calls that programs make most go straight to a bound slot of the stream; a closed stream, or
what is no stream, shows itself there as an AttributeError (see _core/stream.py).
"""

from __future__ import annotations

import os
from typing import Any, Literal

from php_streams._core.alias import alias
from php_streams._core.arguments import to_context, to_filename
from php_streams._core.context import Context
from php_streams._core.csv_lines import ESCAPE, csv_marks, read_row, write_fields
from php_streams._core.diagnostics import argument_type_error, argument_value_error, warn
from php_streams._core.format import php_format
from php_streams._core.output import pass_through
from php_streams._core.status import stat_array
from php_streams._core.stream import Stream, expect_resource, invalid_resource, open_stream, refuse
from php_streams._core.values import cast_string, outputs, to_bool, to_bytes, to_int, to_string, type_name
from php_streams._wrappers.open import open_url
from php_streams.constants import LOCK_NB, PHP_INT_MAX, SEEK_SET
from php_streams.stream import stream_set_write_buffer

__all__ = [
    "fclose",
    "fdatasync",
    "feof",
    "fflush",
    "fgetc",
    "fgetcsv",
    "fgets",
    "flock",
    "fopen",
    "fpassthru",
    "fprintf",
    "fputcsv",
    "fputs",
    "fread",
    "fscanf",
    "fseek",
    "fstat",
    "fsync",
    "ftell",
    "ftruncate",
    "fwrite",
    "rewind",
    "set_file_buffer",
    "vfprintf",
]

FlockResult = outputs("FlockResult", "result would_block")


def fopen(
    filename: str | bytes | os.PathLike[str],
    mode: str,
    use_include_path: bool = False,
    context: Context | None = None,
) -> Stream | Literal[False]:
    """Opens file or URL.  https://www.php.net/function.fopen

    filename: a path, or scheme://... of one of stream_get_wrappers().  mode: r, w, a, x or c, with + for both
    directions, b, t, e, n.  False, with a warning, when it cannot be opened.
    """
    path = to_filename(filename)
    how = to_string(mode, 2, "mode")
    search = to_bool(use_include_path, 3, "use_include_path")
    return open_url(path, how, to_context(context, 4), search=search) or False


def fgets(stream: Stream, length: int | None = None) -> bytes | Literal[False]:
    """Gets line from file pointer.  https://www.php.net/function.fgets

    length: at most length - 1 bytes, the line's end included.  On a timeout or in non-blocking mode the
    part that has come; False when there is nothing.
    """
    # `for` takes a line and names it in one step; after a call a signal's handler may raise, and it is lost.
    line, start = b"", -1
    try:
        if length is None:
            for line in stream.whole:
                return line
            return stream.next_line()
        if length.__class__ is not int or not 0 < length <= PHP_INT_MAX:
            length = _length(stream, length, "?int")
        for line in stream.whole:
            if len(line) < length:
                return line
            start = stream.where() - len(line)
            stream.block.seek(start + length - 1)
            return line[: length - 1] or stream.nothing()
        return stream.next_line(length - 1)
    except AttributeError:
        if line:
            stream.put_back(line, start)
        refuse(stream)  # PHP's TypeError, unless this is an open stream and the error came from inside it
        raise
    except BaseException:
        if line:
            stream.put_back(line, start)
        raise


def _length(stream: Stream, length: Any, wanted: str) -> int:
    """A length that is no positive int at first sight."""
    expect_resource(stream)
    number = to_int(length, 2, "length", wanted)
    refuse(stream)
    if number <= 0:
        raise argument_value_error(2, "length", "must be greater than 0")
    return number


def fgetc(stream: Stream) -> bytes | Literal[False]:
    """Gets character from file pointer.  https://www.php.net/function.fgetc

    One byte; False when there is none.
    """
    try:
        for char in stream.chars:
            return char
        return stream.next_byte()
    except AttributeError:
        refuse(stream)
        raise


def fread(stream: Stream, length: int) -> bytes | Literal[False]:
    """Binary-safe file read.  https://www.php.net/function.fread

    Up to length bytes: from a socket what is buffered and what one more read brings.  b"" at the end, and
    in non-blocking mode when nothing has come; False when the timeout struck or the read failed.
    """
    try:
        if length.__class__ is not int or not 0 < length <= PHP_INT_MAX:
            length = _length(stream, length, "int")
        return stream.read(length) or stream.no_bytes()
    except AttributeError:
        refuse(stream)
        raise


def fwrite(stream: Stream, data: bytes | str, length: int | None = None) -> int | Literal[False]:
    """Binary-safe file write.  https://www.php.net/function.fwrite

    data: bytes, or text that is sent as UTF-8; length: at most so many bytes of it.  Bytes written: fewer
    than given on a non-blocking stream; False, with a notice, when nothing could be written.
    """
    try:
        if data.__class__ is not bytes:
            data = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else _data(stream, data)
        if length is not None:
            expect_resource(stream)
            data = data[: max(to_int(length, 3, "length", "?int"), 0)]
        if not data:
            expect_resource(stream)  # PHP does not look whether it is open
            return 0
        return stream.write(data)
    except AttributeError:
        refuse(stream)
        raise


def _data(stream: Stream, data: Any) -> bytes:
    """What is written, when it is neither bytes nor str."""
    expect_resource(stream)
    return to_bytes(data, 2, "data")


def feof(stream: Stream) -> bool:
    """Tests for end-of-file on a file pointer.  https://www.php.net/function.feof

    On a socket: nothing buffered, and the peer has closed (seen without waiting).  A timeout is no end.
    """
    try:
        return stream.where() == stream.end and stream.raw.at_end()
    except AttributeError:
        refuse(stream)
        raise


def fclose(stream: Stream) -> bool:
    """Closes an open file pointer.  https://www.php.net/function.fclose"""
    target = open_stream(stream)
    if not target.raw.closed_by_fclose:
        return warn(f"{int(target)} is not a valid stream resource")
    target.close()
    return True


def fflush(stream: Stream) -> bool:
    """Flushes the output to a file.  https://www.php.net/function.fflush

    Sockets send at once: there is nothing to flush, and the answer is true.
    """
    return open_stream(stream).flush()


def ftell(stream: Stream) -> int | Literal[False]:
    """Returns the current position of the file read/write pointer.  https://www.php.net/function.ftell

    On a socket: bytes read so far plus bytes written.
    """
    try:
        position = stream.base + stream.where() + stream.raw.written
        return position if position >= 0 else False
    except AttributeError:
        refuse(stream)
        raise


def fseek(stream: Stream, offset: int, whence: int = SEEK_SET) -> int:
    """Seeks on a file pointer.  https://www.php.net/function.fseek

    whence: SEEK_SET, SEEK_CUR or SEEK_END, from where offset counts.  0, or -1 when it cannot go there.
    """
    expect_resource(stream)
    distance = to_int(offset, 2, "offset")
    origin = to_int(whence, 3, "whence")
    return 0 if open_stream(stream).seek(distance, origin) else -1


def rewind(stream: Stream) -> bool:
    """Rewind the position of a file pointer.  https://www.php.net/function.rewind"""
    return open_stream(stream).seek(0)


def ftruncate(stream: Stream, size: int) -> bool:
    """Truncates a file to a given length.  https://www.php.net/function.ftruncate

    size: bytes; a shorter file grows with NULs.  The position stays.
    """
    expect_resource(stream)
    length = to_int(size, 2, "size")
    if length < 0:
        raise argument_value_error(2, "size", "must be greater than or equal to 0")
    done = open_stream(stream).truncate(length)
    return warn("Can't truncate this stream!") if done is None else done


def fstat(stream: Stream) -> dict[int | str, int] | Literal[False]:
    """Gets information about a file using an open file pointer.  https://www.php.net/function.fstat

    0 to 12, then dev, ino, mode, nlink, uid, gid, rdev, size, atime, mtime, ctime, blksize, blocks.
    """
    status = open_stream(stream).raw.stat()
    return stat_array(status) if status is not None else False


def flock(stream: Stream, operation: int) -> Any:
    """Portable advisory file locking.  https://www.php.net/function.flock

    Returns (done, would_block): would_block is 1 when LOCK_NB met somebody else's lock.
    operation: LOCK_SH, LOCK_EX or LOCK_UN, with LOCK_NB not to wait.
    """
    expect_resource(stream)
    how = to_int(operation, 2, "operation")
    target = open_stream(stream)
    if not how & 3:
        raise argument_value_error(2, "operation", "must be one of LOCK_SH, LOCK_EX, or LOCK_UN")
    done = target.raw.lock(how & (3 | LOCK_NB))
    return FlockResult(done is True, int(done is False))


def fsync(stream: Stream) -> bool:
    """Synchronizes changes to the file (including meta-data).  https://www.php.net/function.fsync"""
    return _sync(stream, False)


def fdatasync(stream: Stream) -> bool:
    """Synchronizes data (but not meta-data) to the file.  https://www.php.net/function.fdatasync"""
    return _sync(stream, True)


def _sync(stream: Stream, data_only: bool) -> bool:
    done = open_stream(stream).raw.sync(data_only)
    return warn("Can't fsync this stream!") if done is None else done


def fpassthru(stream: Stream) -> int:
    """Output all remaining data on a file pointer.  https://www.php.net/function.fpassthru

    To sys.stdout, until the end or a timeout; returns the number of bytes, -1 when the first read failed
    or timed out.
    """
    return pass_through(open_stream(stream))


def fprintf(stream: Stream, format: str | bytes, *values: Any) -> int:
    """Write a formatted string to a stream.  https://www.php.net/function.fprintf

    PHP's own directives (%d %s %05.2f %'*10s %2$s ...).  Returns the length of the string.
    """
    expect_resource(stream)
    directives = to_bytes(format, 2, "format")
    target = open_stream(stream)
    text = php_format(directives, values, first=3)
    if text:
        target.write(text)
    return len(text)


def vfprintf(stream: Stream, format: str | bytes, values: list[Any] | dict[Any, Any]) -> int:
    """Write a formatted string to a stream.  https://www.php.net/function.vfprintf

    As fprintf, the values in an array.
    """
    expect_resource(stream)
    directives = to_bytes(format, 2, "format")
    if not isinstance(values, (list, tuple, dict)):
        raise argument_type_error(3, "values", f"must be of type array, {type_name(values)} given")
    target = open_stream(stream)
    items = list(values.values()) if isinstance(values, dict) else list(values)
    text = php_format(directives, items, first=-1)
    if text:
        target.write(text)
    return len(text)


def fgetcsv(
    stream: Stream,
    length: int | None = None,
    separator: str | bytes = ",",
    enclosure: str | bytes = '"',
    escape: str | bytes = ESCAPE,
) -> list[bytes | None] | Literal[False]:
    """Gets line from file pointer and parse for CSV fields.  https://www.php.net/function.fgetcsv

    length: a longer line comes in pieces; None or 0 for no limit.  separator, enclosure: one byte each;
    escape: one byte, or "" for none; PHP 8.4 wants it to be given.  The fields; [None] for a blank line,
    False at the end.
    """
    expect_resource(stream)
    most = 0 if length is None else to_int(length, 2, "length", "?int")
    between, around, before = csv_marks(separator, enclosure, escape)
    if not 0 <= most < PHP_INT_MAX:
        raise argument_value_error(2, "length", f"must be between 0 and {PHP_INT_MAX - 1}")
    fields: list[bytes | None] | Literal[False] = open_stream(stream).undivided(
        read_row, stream, most or -1, between, around, before
    )
    return fields


def fputcsv(
    stream: Stream,
    fields: list[Any] | dict[Any, Any],
    separator: str | bytes = ",",
    enclosure: str | bytes = '"',
    escape: str | bytes = ESCAPE,
    eol: str | bytes = "\n",
) -> int | Literal[False]:
    """Format line as CSV and write to file pointer.  https://www.php.net/function.fputcsv

    Returns the length of the line.  separator, enclosure, escape: as fgetcsv's; eol: what ends the line.
    """
    expect_resource(stream)
    if not isinstance(fields, (list, tuple, dict)):
        raise argument_type_error(2, "fields", f"must be of type array, {type_name(fields)} given")
    between, around = to_bytes(separator, 3, "separator"), to_bytes(enclosure, 4, "enclosure")
    end = b"\n" if eol is None else to_bytes(eol, 6, "eol", "?string")
    between, around, before = csv_marks(between, around, escape)
    target = open_stream(stream)
    values = [cast_string(value) for value in (fields.values() if isinstance(fields, dict) else fields)]
    line = write_fields(values, between, around, before, end)
    return target.write(line) if line else 0


def fscanf(stream: Stream, format: str | bytes) -> list[Any] | Literal[False] | None:
    """Parses input from a file according to a format.  https://www.php.net/function.fscanf

    Reads one line.  The values, None for those that the line does not have; None when it ended before the
    first one; False at the end of the file.
    """
    from php_streams._core.scan import FormatError, compiled, scan

    expect_resource(stream)
    directives = to_bytes(format, 2, "format")
    if not isinstance(stream, Stream) or not stream.is_open:
        raise invalid_resource("File-Handle")  # its own name for it
    line = stream.undivided(stream.whole_line)
    if line is False:
        return False
    try:
        return scan(line, compiled(directives))
    except FormatError as error:
        raise ValueError(str(error)) from None
    except BaseException:
        stream.undivided(lambda: stream.hold(line + stream.take()))
        raise


fputs = alias(fwrite, "fputs", __name__)
set_file_buffer = alias(stream_set_write_buffer, "set_file_buffer", __name__)

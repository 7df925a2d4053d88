"""Stream functions (the manual's book.stream) without a closer room: state, timeouts, bulk reads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

from php_streams import _filters, _wrappers
from php_streams._core import ini
from php_streams._core.alias import alias
from php_streams._core.arguments import to_filename
from php_streams._core.copy import copy_stream
from php_streams._core.diagnostics import argument_type_error, argument_value_error, warn
from php_streams._core.resource import Resource
from php_streams._core.select import select, watching
from php_streams._core.stream import Stream, expect_resource, open_stream, refuse
from php_streams._core.values import cast_string, outputs, to_bool, to_bytes, to_int, to_text, type_name
from php_streams._transports import TRANSPORTS
from php_streams._wrappers import include_path, is_local_url
from php_streams.constants import PHP_INT_MAX
from php_streams.stream_wrapper import stream_wrapper_register

__all__ = [
    "stream_copy_to_stream",
    "stream_get_contents",
    "stream_get_line",
    "stream_get_meta_data",
    "stream_get_filters",
    "stream_get_transports",
    "stream_get_wrappers",
    "stream_is_local",
    "stream_isatty",
    "stream_register_wrapper",
    "stream_resolve_include_path",
    "stream_select",
    "stream_set_blocking",
    "stream_set_chunk_size",
    "stream_set_read_buffer",
    "stream_set_timeout",
    "stream_set_write_buffer",
    "stream_supports_lock",
]

StreamSelectResult = outputs("StreamSelectResult", "result read write except_")

Streams = dict[Any, Stream] | list[Stream] | None

_INT_MAX = 2**31 - 1


def stream_get_meta_data(stream: Stream) -> dict[str, Any]:
    """Retrieves header/meta data from streams.  https://www.php.net/function.stream-get-meta-data

    Keys in PHP's order: timed_out, blocked, eof, crypto (while TLS is on), stream_type, mode, unread_bytes,
    seekable, uri.
    """
    return open_stream(stream).meta()


def stream_set_timeout(stream: Stream, seconds: int, microseconds: int = 0) -> bool:
    """Set timeout period on a stream.  https://www.php.net/function.stream-set-timeout

    A read or write that waits longer comes back with what it has, and `timed_out` of the meta data is true.
    A negative time waits for ever.  False for a stream that knows no timeout.
    """
    expect_resource(stream)
    total = to_int(seconds, 2, "seconds") + to_int(microseconds, 3, "microseconds") / 1_000_000
    return open_stream(stream).raw.set_timeout(None if total < 0 else total)


def stream_set_blocking(stream: Stream, enable: bool) -> bool:
    """Set blocking/non-blocking mode on a stream.  https://www.php.net/function.stream-set-blocking

    In non-blocking mode a read gives at once what there is: b"" from fread, False from fgets.
    """
    expect_resource(stream)
    mode = to_bool(enable, 2, "enable")
    return open_stream(stream).raw.set_blocking(mode)


def stream_set_read_buffer(stream: Stream, size: int) -> int:
    """Set read file buffering on the given stream.  https://www.php.net/function.stream-set-read-buffer

    size: 0 makes fread read past the buffer, anything else through it.  0 when that was done.
    """
    expect_resource(stream)
    buffer = to_int(size, 2, "size")
    buffered = buffer != 0
    target = open_stream(stream)
    if not target.raw.buffering_is_fixed:
        target.buffered = buffered
    return target.raw.set_read_buffer(buffer)


def stream_set_write_buffer(stream: Stream, size: int) -> int:
    """Sets write file buffering on the given stream.  https://www.php.net/function.stream-set-write-buffer

    size: bytes; 0 for none.  0 when that was done, -1 for streams that never buffer writes, as sockets.
    """
    expect_resource(stream)
    buffer = to_int(size, 2, "size")
    return open_stream(stream).raw.set_write_buffer(buffer)


def stream_set_chunk_size(stream: Stream, size: int) -> int:
    """Set the stream chunk size.  https://www.php.net/function.stream-set-chunk-size

    size: bytes that one read asks for, 1 to 2147483647.  Returns the size before.
    """
    expect_resource(stream)
    chunk = to_int(size, 2, "size")
    if chunk <= 0:
        raise argument_value_error(2, "size", "must be greater than 0")
    if chunk > _INT_MAX:
        raise argument_value_error(2, "size", "is too large")
    target = open_stream(stream)
    before = target.raw.set_chunk_size(chunk)
    if before is None:
        before = target.chunk_size
        target.set_chunk_size(chunk)
    return before


def stream_get_contents(
    stream: Stream, length: int | None = None, offset: int = -1
) -> bytes | Literal[False]:
    """Reads remainder of a stream into a string.  https://www.php.net/function.stream-get-contents

    length: at most so many bytes (None and -1: all); offset: where to seek to first (-1: nowhere).
    Bytes, b"" at the end; fewer when the timeout strikes.  False when seeking failed.
    """
    expect_resource(stream)
    most = -1 if length is None else to_int(length, 2, "length", "?int")
    where = to_int(offset, 3, "offset")
    if most < -1:
        raise argument_value_error(2, "length", "must be greater than or equal to -1")
    target = open_stream(stream)
    if where >= 0 and not target.seek_forward(where):
        return target.nothing() or warn(f"Failed to seek to position {where} in the stream")
    try:
        data = target.read_all() if most < 0 else target.read_up_to(most)
    except AttributeError:
        refuse(target)  # a user's stream_eof has closed it
        raise
    return data or target.nothing() or b""


def stream_copy_to_stream(
    from_: Stream, to: Stream, length: int | None = None, offset: int = 0
) -> int | Literal[False]:
    """Copies data from one stream to another.  https://www.php.net/function.stream-copy-to-stream

    length: at most so many bytes (None: all); offset: where to seek to first (0: nowhere).  The number of
    bytes; False when reading or writing failed.
    """
    expect_resource(from_, 1, "from")
    expect_resource(to, 2, "to")
    most = -1 if length is None else to_int(length, 3, "length", "?int")
    start = to_int(offset, 4, "offset")
    source, target = open_stream(from_), open_stream(to)
    if start > 0 and not source.seek(start):
        return warn(f"Failed to seek to position {start} in the stream")
    return copy_stream(source, target, most)


def stream_resolve_include_path(filename: str | bytes | os.PathLike[str]) -> str | Literal[False]:
    """Resolve filename against the include path.  https://www.php.net/function.stream-resolve-include-path

    The absolute path of the first file of that name; False when there is none.
    """
    return include_path.resolve(to_filename(filename)) or False


def stream_get_line(stream: Stream, length: int, ending: str | bytes = b"") -> bytes | Literal[False]:
    """Gets line from stream resource up to a given delimiter.  https://www.php.net/function.stream-get-line

    length: at most so many bytes (0: 8192); ending: the delimiter, which is taken off.  False when
    neither the delimiter nor so many bytes have come, and at the end.
    """
    expect_resource(stream)
    most = to_int(length, 2, "length")
    delimiter = to_bytes(ending, 3, "ending")
    if most < 0:
        raise argument_value_error(2, "length", "must be greater than or equal to 0")
    target = open_stream(stream)
    record = target.read_record(most or 8192, delimiter)
    return target.nothing() if record is None else record


def stream_is_local(stream: Stream | str) -> bool:
    """Checks if a stream is a local stream.  https://www.php.net/function.stream-is-local

    False for streams over the network, for URLs of wrappers that go there, and for streams that no URL or
    path was opened for (gzopen, bzopen, popen, sockets).
    """
    if isinstance(stream, Resource):
        target = open_stream(stream)
        return target.wrapper is not None and target.raw.local
    return is_local_url(to_text(cast_string(stream)))


def stream_isatty(stream: Stream) -> bool:
    """Check if a stream is a TTY.  https://www.php.net/function.stream-isatty

    False for streams that have no descriptor, too.
    """
    return open_stream(stream).raw.is_terminal()


def stream_supports_lock(stream: Stream) -> bool:
    """Tells whether the stream supports locking.  https://www.php.net/function.stream-supports-lock"""
    return open_stream(stream).raw.lockable


def stream_get_wrappers() -> list[str]:
    """Retrieve list of registered streams.  https://www.php.net/function.stream-get-wrappers"""
    return _wrappers.schemes()


def stream_get_filters() -> list[str]:
    """Retrieve list of registered filters.  https://www.php.net/function.stream-get-filters"""
    return _filters.names()


def stream_get_transports() -> list[str]:
    """Retrieve list of registered socket transports.  https://www.php.net/function.stream-get-transports"""
    return list(TRANSPORTS)


def stream_select(
    read: Streams, write: Streams, except_: Streams, seconds: int | None, microseconds: int | None = None
) -> Any:
    """Waits until streams can be read or written.  https://www.php.net/function.stream-select

    Returns (n, read, write, except): how many are ready (False when a signal interrupted it), and the
    arrays with only the ready streams in them, lists as lists and dicts with their keys.  None stays None.
    After ini_set("php_streams.select_lists", "keys") a list comes back as in PHP: {position: stream}.
    seconds, microseconds: how long to wait; None waits for ever.  There is no FD_SETSIZE limit.
    """
    sets = (
        read if type(read) is list else _streams(read, 1, "read"),
        write if type(write) is list else _streams(write, 2, "write"),
        except_ if type(except_) is list else _streams(except_, 3, "except"),
    )
    whole = seconds if type(seconds) is int else _time(seconds, 4, "seconds")
    micro = microseconds if type(microseconds) is int else _time(microseconds, 5, "microseconds")
    watch = watching(sets)
    ready, count = select(watch, sets, _wait_time(whole, micro))
    if count is False:
        return StreamSelectResult(False, read, write, except_)
    readers, writers, excepted = ready
    return StreamSelectResult(
        count,
        None if read is None else _pick(read, readers),
        None if write is None else _pick(write, writers),
        None if except_ is None else _pick(except_, excepted),
    )


def _streams(value: Any, number: int, name: str) -> list[Stream] | None:
    """The streams of one array, in order."""
    if value is None:
        return None
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return list(value.values())
    given = "tuple" if isinstance(value, tuple) else type_name(value)
    raise argument_type_error(number, name, f"must be of type ?array, {given} given")


def _time(value: Any, number: int, name: str) -> int | None:
    return None if value is None else to_int(value, number, name, "?int")


def _wait_time(seconds: int | None, microseconds: int | None) -> float | None:
    if seconds is None:
        if microseconds:
            raise argument_value_error(5, "microseconds", "must be null when argument #4 ($seconds) is null")
        return None
    if seconds < 0:
        raise argument_value_error(4, "seconds", "must be greater than or equal to 0")
    if microseconds is None:
        return seconds
    if microseconds < 0:
        raise argument_value_error(5, "microseconds", "must be greater than or equal to 0")
    if seconds + microseconds // 1_000_000 > PHP_INT_MAX:
        return -1.0  # C's sum is negative, which the system refuses
    return seconds + microseconds / 1_000_000


def _pick(given: dict[Any, Stream] | list[Stream], positions: Sequence[int]) -> Streams:
    """The ready members of an array, keys and order kept."""
    if isinstance(given, list):
        if ini.get("php_streams.select_lists") == "keys":
            return {position: given[position] for position in positions}
        return [given[position] for position in positions]
    keys = list(given) if positions else []
    return {keys[position]: given[keys[position]] for position in positions}


stream_register_wrapper = alias(stream_wrapper_register, "stream_register_wrapper", __name__)

"""Moving bytes from stream to stream (= _php_stream_copy_to_stream_ex).

What is read ahead goes first.  Where both ends are plain descriptors and nothing (a filter, TLS) has to see
the bytes the kernel moves the rest: copy_file_range(2) from file to file, sendfile(2) from a file to whatever
has a descriptor.  The streams' counts are kept as if they had been read and written.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Literal

from php_streams._core.buffer import CHUNK_SIZE
from php_streams._core.signals import from_system
from php_streams._core.stream import Stream

# So much at once, where the source gives it, and where the kernel does it or PHP would map the file.
STEP = 262144
KERNEL_STEP = 1 << 24
PAGE = 4096
# The kernel cannot, between these two files: PHP then reads and writes.  Other errors end the copy, silently.
CANNOT = frozenset(
    {errno.EINVAL, errno.EXDEV, errno.ENOSYS, errno.EIO, errno.EOPNOTSUPP, errno.EPERM, errno.ETXTBSY}
)


def copy_stream(source: Stream, target: Stream, size: int = -1) -> int | Literal[False]:
    """Copies so many bytes (-1: all there are); how many that were, False when reading or writing failed."""
    if not size:
        return 0
    held = source.unread()
    if source.raw.label == target.raw.label == "STDIO" and not held:
        _synchronize(source, target)
    if target.raw.writers:
        return _copy_through(source, target, size)
    if source.raw.plain_descriptor() is None:
        # A user's class sees how much it is given at once.
        return _copy(source, target, size, CHUNK_SIZE if target.raw.asks_for_chunks else STEP)
    done = _copy(source, target, held if size < 0 else min(size, held))
    if done is not False and done != size:
        moved = _by_files(source, target, size - done if size > 0 else size)
        if moved is False or (moved == 0 and not held):
            return moved
        if moved is None and not held:
            size = _mapped(source, size)
        done += moved or _by_sendfile(source, target, size - done if size > 0 else size)
    if done is False or done == size:
        return done
    rest = _copy(source, target, size - done if size > 0 else size)
    return rest is not False and done + rest


def _synchronize(source: Stream, target: Stream) -> None:
    """PHP asks both for a descriptor, the source first: that puts it where the user is, filters or not."""
    source.synchronize()
    if not source.raw.filtered and not source.raw.writers:
        target.synchronize()


def _copy_through(source: Stream, target: Stream, size: int) -> int | Literal[False]:
    """To filters, which see how the data are cut: all at once if PHP would map the file, else as it reads."""
    if source.raw.mappable and source.tell() % PAGE == 0:
        return _copy(source, target, _mapped(source, size), KERNEL_STEP, source.read_up_to)
    return _copy(source, target, size, CHUNK_SIZE)


def _mapped(source: Stream, size: int) -> int:
    """How much PHP would map into memory at once, and so copy: not more than is there now.

    So a file that is appended to itself is not copied for ever.
    """
    status, position = source.raw.stat(), source.tell()
    left = status.st_size - position if status is not None and source.raw.mappable else 0
    if left <= 0 or position % PAGE:
        return size
    return left if size < 0 else min(size, left)


def _copy(
    source: Stream, target: Stream, size: int, step: int = STEP, read: Callable[[int], bytes] | None = None
) -> int | Literal[False]:
    """Reads, what comes at once or by `read`, and writes."""
    read = read or source.read_some
    done = 0
    while size < 0 or done < size:
        data = read(step if size < 0 else min(step, size - done))
        if not data:
            if source.no_bytes() is False:
                return False
            break
        before = target.raw.written
        try:
            if not _write_all(target, data):
                return False
        except BaseException:  # a handler's: what was not written is there to be read again
            if target.is_open and source.is_open and not target.raw.writers:
                source.hold(data[target.raw.written - before :] + source.take())
            raise
        done += len(data)
    return done


def _write_all(target: Stream, data: bytes) -> bool:
    sent = 0
    while sent < len(data):
        step = target.write(data[sent:] if sent else data)
        if not step:
            return False
        sent += step
    return True


def _by_files(source: Stream, target: Stream, size: int) -> int | Literal[False] | None:
    """copy_file_range(2); None where that cannot be."""
    if target.raw.plain_descriptor() is None or target.raw.appends:
        return None
    target.go_back()
    done = 0
    while size < 0 or done < size:
        try:
            step = os.copy_file_range(source.fileno(), target.fileno(), _step(size, done))
        except from_system(OSError) as error:
            return done or None if error.errno in CANNOT else False
        if not step:
            break
        done += _moved(source, target, step)
    return done


def _by_sendfile(source: Stream, target: Stream, size: int) -> int:
    """sendfile(2), as far as it goes: of what remains, reading and writing will tell why."""
    descriptor = target.raw.plain_descriptor()
    if descriptor is None or not source.raw.mappable:
        return 0
    target.go_back()
    done = 0
    while size < 0 or done < size:
        try:
            step = os.sendfile(descriptor, source.fileno(), None, _step(size, done))
        except from_system(OSError):
            break
        if not step:
            break
        done += _moved(source, target, step)
    return done


def _step(size: int, done: int) -> int:
    return KERNEL_STEP if size < 0 else min(KERNEL_STEP, size - done)


def _moved(source: Stream, target: Stream, size: int) -> int:
    """Counts what the kernel has moved."""
    source.raw.count(size)
    source.base += size
    target.raw.written += size
    return size

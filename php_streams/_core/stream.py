"""Stream: the resource that every function of the chapters takes (= php_stream).

A stream is a Raw under a read buffer (buffer.py).  The calls that programs make millions of times go straight
to bound slots: `stream.readline` is the method of what is buffered, `stream.write` the raw's.  Nothing is
tested when they are called; what changes the answer (receiving, filters, closing) binds them anew.  Closing
deletes them, so a closed stream shows itself as an AttributeError, which `refuse` turns into PHP's TypeError.

PHP reads 8 KiB ahead, we 64 KiB (compat_matrix/decisions.toml: read-ahead), until `stream_set_chunk_size`
says otherwise.  What PHP guarantees about one fread holds all the same: it gives what is buffered and what
one more read brings without waiting, and never more than a chunk of fresh bytes.
"""

from __future__ import annotations

import io
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Literal, NoReturn

from php_streams._core.buffer import CHUNK_SIZE, EMPTY, Buffer
from php_streams._core.context import Context
from php_streams._core.diagnostics import argument_type_error, called, warn
from php_streams._core.lines import line_end
from php_streams._core.raw import REFILLED, Owner, Raw
from php_streams._core.resource import Resource
from php_streams._core.signals import from_system, is_by_signal
from php_streams._core.values import type_name
from php_streams._core.wrapper import Wrapper
from php_streams.constants import PHP_INT_MAX

# The streams that there are, for the program's end (at_exit.py).
LIVE: set[weakref.ref[Stream]] = set()


class Stream(Buffer):
    """A resource of type (stream).

    Besides being an argument for PHP's functions it speaks Python: `with`, iteration over lines (bytes),
    `fileno()`, so that select, csv and shutil take it.
    """

    __slots__ = ("context", "mode", "owner", "persistent", "uri", "wrapper", "wrapper_data", "write")
    type_name = "stream"

    def __init__(self, raw: Raw, mode: str, uri: str | None = None, context: Context | None = None) -> None:
        self.owner = Owner(raw)
        raw.line_end = line_end()
        super().__init__(raw)
        LIVE.add(weakref.ref(self, LIVE.discard))
        self.mode = mode
        self.uri = uri
        self.context = context
        self.wrapper: Wrapper | None = None
        self.wrapper_data: Any = None
        self.persistent = False  # pfsockopen and STREAM_CLIENT_PERSISTENT make it so
        self.write: Callable[[bytes], int | Literal[False]] = self._writer(raw)

    # --- position ----------------------------------------------------------------------------------

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> bool:
        """fseek: forward within what is buffered; else where the raw can go, or forward by reading."""
        raw = self.raw
        ahead = offset if whence == os.SEEK_CUR else offset - self.tell()
        if self.buffered and whence != os.SEEK_END and 0 < ahead <= self.unread():
            self._take_up_to(ahead)
            self.raw.eof = False
            return True
        if not raw.seek_allowed:
            return self._skip(offset) if whence == os.SEEK_CUR else warn("Stream does not support seeking")
        raw.flush_writers(self, False)
        if raw.writers:
            raw.flush_written()
        position = self.tell()
        if whence == os.SEEK_CUR:
            # A position that was lost, -1, is a very large one here; PHP does this.
            offset = min(position + offset, PHP_INT_MAX) if position >= 0 else PHP_INT_MAX
            whence = os.SEEK_SET
        elif whence == os.SEEK_SET and offset < 0:
            return False
        done = raw.move(offset, whence)
        if not raw.seek_allowed:
            return warn("Stream does not support seeking")
        if self.is_open:  # a user's method may have closed it
            self._forget(position if raw.place is None else raw.place)
        if done:
            raw.eof = False
        return done

    def truncate(self, size: int) -> bool | None:
        """ftruncate; None where that cannot be.  What is buffered stays."""
        return self.raw.truncate_to(size)

    def _take_up_to(self, size: int) -> None:
        self._whole()
        self.readchar(size)

    def _forget(self, position: int) -> None:
        """Drops what is buffered: the next read comes from below, and counts from `position`."""
        self.raw.total = position - self.raw.written
        self._hold(EMPTY, 0, b"")

    def go_back(self) -> None:
        """Puts the raw where the user is, before something is written there."""
        raw = self.raw
        if self.unread() and raw.seek_allowed:
            position = self.tell()
            raw.move(position, os.SEEK_SET)
            if self.is_open:  # a user's method may have closed it
                self._forget(position if raw.place is None else raw.place)

    def synchronize(self) -> None:
        """Puts the raw where the user is; what is buffered is read again."""
        if self.raw.seek_allowed:
            position = self.tell()
            self.raw.move(position, os.SEEK_SET)
            self._forget(position)

    def count_from_here(self) -> None:
        """The position is 0 here: what went before (a response's headers) is no content."""
        self.raw.written = 0
        self.raw.total = self.unread()
        self.hold(self.take())

    def seek_forward(self, offset: int) -> bool:
        """Moves to `offset`, if need be by reading; False when that is not to be reached."""
        position = self.tell()
        if not self.raw.seek_allowed:
            return self._skip(offset - position)
        if 0 <= position < offset:
            return self.seek(offset - position, os.SEEK_CUR)
        return offset >= position or self.seek(offset)

    def _skip(self, distance: int) -> bool:
        """Reads so many bytes that nobody gets."""
        if distance < 0:
            return warn("Stream does not support seeking")
        while distance > 0:
            skipped = self.read(min(distance, CHUNK_SIZE))
            if not skipped:
                return False
            distance -= len(skipped)
        self.raw.eof = False  # PHP does this
        return True

    def flush(self) -> bool:
        """fflush."""
        self.raw.flush_writers(self, False)
        return self.raw.flush_written()

    def put_raw(self, raw: Raw) -> None:
        """Another raw takes the place of the one below: filters come between, or go."""
        REFILLED.discard(self.raw)
        self.raw = self.owner.raw = raw
        self.write = self._writer(raw)
        if self.unread():
            REFILLED.add(raw)

    def _writer(self, raw: Raw) -> Callable[[bytes], int | Literal[False]]:
        """What writes: on a stream that reads and seeks as well, where the user is."""
        reads = raw.seek_allowed and ("+" in self.mode or "r" in self.mode or raw.asks_for_chunks)
        return _writer_at_position(weakref.ref(self)) if reads and not raw.goes_back else raw.write

    # --- state -------------------------------------------------------------------------------------

    def meta(self) -> dict[str, Any]:
        """stream_get_meta_data, keys in PHP's order."""
        raw = self.raw
        data = raw.meta()
        if raw.asks_for_end:
            data["eof"] = self.at_end()
        if self.wrapper_data is not None:
            data["wrapper_data"] = self.wrapper_data
        if self.wrapper is not None:
            data["wrapper_type"] = self.wrapper.label
        data["stream_type"] = raw.label
        data["mode"] = self.mode
        # A user's method may have closed it.
        data["unread_bytes"] = self.unread() if hasattr(self, "raw") else 0
        data["seekable"] = raw.seek_allowed
        if self.uri is not None:
            data["uri"] = self.uri
        return data

    @property
    def is_open(self) -> bool:
        """Whether the stream can still be used."""
        return hasattr(self, "raw")

    @property
    def closed(self) -> bool:
        """Python's word for it."""
        return not self.is_open

    def close(self) -> None:
        """Closes the stream; silent, and harmless when done again.

        If it is broken off, the owner closes what is below as soon as the stream is gone.
        """
        if not self.is_open:
            return
        try:
            self.finish()
        except BaseException:
            with suppress(Exception):  # what a filter raises first is what is told
                self._let_go()
            raise
        raised = self.owner.raw.raised
        self._let_go()
        if raised is not None and is_by_signal(raised):  # no read has told of it
            raise raised

    def finish(self) -> None:
        """Lets the write filters go through to the end, and what they made go out."""
        raw = self.raw
        raw.flush_writers(self, True)
        if raw.writers:
            raw.flush_written()

    def _let_go(self) -> None:
        """From now on the stream is closed, and what is below as well."""
        try:
            if self.is_open:  # no user's method has closed it
                del self.raw
                self.block.seek(0, io.SEEK_END)  # an iteration that is under way ends
                del self.block, self.whole, self.chars, self.readline, self.readchar, self.where, self.write
        finally:
            self.owner.close()

    def __del__(self) -> None:
        # PHP closes a stream that nobody refers to any more, at once and without a word.
        try:
            if not self.owner.raw.outlives:
                self.close()
        except from_system(Exception):
            pass

    # --- Python's face -----------------------------------------------------------------------------

    def fileno(self) -> int:
        """The descriptor below the stream."""
        if not self.is_open:
            raise ValueError("I/O operation on closed stream")
        return self.raw.fileno()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: object = None, *exception: object) -> None:
        try:
            self.close()
        except Exception:  # of code of the user's own; the first one counts
            if kind is None:
                raise

    def __iter__(self) -> Iterator[bytes]:
        if not self.is_open:
            raise ValueError("I/O operation on closed stream")
        return self.lines()


def _writer_at_position(stream: weakref.ref[Stream]) -> Callable[[bytes], int | Literal[False]]:
    """What writes on a stream that reads and seeks as well: where the user is, not where the buffer ends."""

    def write(data: bytes) -> int | Literal[False]:
        target = stream()
        assert target is not None  # it is being written to
        raw = target.raw
        target.go_back()
        return raw.write(data)

    return write


def expect_resource(value: Any, number: int = 1, name: str = "stream", wanted: str = "resource") -> None:
    """Raises PHP's TypeError for what is no resource at all.

    PHP looks at the types of all arguments first, in order, and at whether a stream is open last.
    """
    if not isinstance(value, Resource):
        wrong_type(value, number, name, wanted)


def refuse(value: Any, number: int = 1, name: str = "stream", wanted: str = "resource") -> None:
    """Raises PHP's TypeError when `value` is no open stream; returns when it is one."""
    if isinstance(value, Stream):
        if not value.is_open:
            raise invalid_resource()
        return
    if isinstance(value, Resource):
        raise invalid_resource()
    raise wrong_type(value, number, name, wanted)


def invalid_resource(kind: str = "stream") -> TypeError:
    """PHP's TypeError for a resource that is closed or of another type."""
    return TypeError(f"{called()}(): supplied resource is not a valid {kind} resource")


def wrong_type(value: Any, number: int, name: str, wanted: str = "resource") -> NoReturn:
    """Raises PHP's TypeError for what is no resource at all."""
    raise argument_type_error(
        number, name, f"must be of type {wanted}, {type_name(value)} given{_hint(value)}"
    )


def no_stream(value: Any, kind: str = "stream") -> TypeError:
    """PHP's TypeError for a member of an array of streams, say, that is no open stream."""
    if isinstance(value, Resource):
        return invalid_resource(kind)
    return TypeError(f"{called()}(): supplied argument is not a valid {kind} resource{_hint(value)}")


def _hint(value: Any) -> str:
    """What PHP does not know: by-reference outputs make the result a tuple here (rule R3)."""
    if not isinstance(value, tuple):
        return ""
    fields = ", ".join(getattr(value, "_fields", ())) or "fp, errno, errstr"
    return f". It is the function's whole result: unpack it ({fields} = ...)"


def open_stream(value: Any, number: int = 1, name: str = "stream", wanted: str = "resource") -> Stream:
    """The argument as an open stream, or PHP's TypeError."""
    try:
        if value.__class__ is Stream and value.raw:
            return value
    except AttributeError:  # a closed one has no raw
        pass
    if isinstance(value, Resource):
        raise invalid_resource()
    raise wrong_type(value, number, name, wanted)

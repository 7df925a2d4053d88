"""Stream: the resource that every function of the chapters takes (= php_stream).

A stream is a Raw under C's io.BufferedReader.  The calls that programs make millions of times go straight
to bound slots: `stream.readline` is the reader's own method, `stream.write` the raw's.  Nothing is tested
when they are called; what changes the answer (opening, crypto, chunk size, filters, closing) binds them
anew.  Closing deletes them, so a closed stream shows itself as an AttributeError, which `refuse` turns into
PHP's TypeError.

PHP reads 8 KiB ahead, we 64 KiB (compat_matrix/decisions.toml: read-ahead), until `stream_set_chunk_size`
says otherwise.  What PHP guarantees about one fread holds all the same: it gives what is buffered and what
one more read brings without waiting, and never more than a chunk of fresh bytes.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any, Literal, NoReturn

from php_streams._core.context import Context
from php_streams._core.diagnostics import argument_type_error, called, warn
from php_streams._core.lines import line_end, read_line_of
from php_streams._core.raw import Raw
from php_streams._core.resource import Resource
from php_streams._core.values import type_name

READ_AHEAD = 65536
CHUNK_SIZE = 8192
# No single call asks the kernel, or malloc, for more at once, however large the length it was given.
MOST_AT_ONCE = 1 << 20


class Stream(Resource):
    """A resource of type (stream).

    Besides being an argument for PHP's functions it speaks Python: `with`, iteration over lines (bytes),
    `fileno()`, so that select, csv and shutil take it.
    """

    __slots__ = (
        "buffered",
        "chunk_size",
        "context",
        "mode",
        "persistent",
        "raw",
        "read_ahead",
        "readchar",
        "reader",
        "readline",
        "uri",
        "write",
    )
    type_name = "stream"

    def __init__(self, raw: Raw, mode: str, uri: str | None = None, context: Context | None = None) -> None:
        super().__init__()
        self.raw = raw
        self.mode = mode
        self.uri = uri
        self.context = context
        self.persistent: str | None = None
        self.chunk_size = CHUNK_SIZE
        self.read_ahead = READ_AHEAD
        self.buffered = True
        raw.line_end = line_end()
        self.bind(io.BufferedReader(raw, self.read_ahead))

    def bind(self, reader: io.BufferedReader) -> None:
        """Points the hot slots at what serves them now."""
        self.reader = reader
        self.readline = read_line_of(reader, self.raw)
        past_the_buffer = not self.buffered or self.chunk_size == 1
        self.readchar: Callable[..., bytes] = reader.read1 if past_the_buffer else reader.read
        self.write: Callable[[bytes], int | Literal[False]] = self.raw.write

    # --- reading -----------------------------------------------------------------------------------

    def unread(self) -> int:
        """Bytes that are buffered and not handed out yet."""
        return self.raw.total - self.reader.tell()

    def nothing(self) -> Literal[False]:
        """What a read returns when no data came: False, or the exception that a handler raised in it."""
        raised = self.raw.raised
        if raised is not None:
            self.raw.raised = None
            raise raised
        return False

    def no_bytes(self) -> bytes | Literal[False]:
        """What fread returns when no data came: False after an error or a timeout, else b""."""
        self.nothing()
        return False if self.raw.failed else b""

    def read(self, size: int) -> bytes:
        """fread: what is buffered and what one more read brings, at most a chunk of fresh bytes."""
        held = self.raw.total - self.reader.tell()
        if held >= self.chunk_size:
            size = min(size, self.chunk_size)  # our reader holds more than PHP's ever would
        if size <= held:
            return self.reader.read(size)
        data = self.reader.read(held) if held else b""
        return data + self._fresh(size - held, wait=not held)

    def _fresh(self, size: int, wait: bool) -> bytes:
        """One read past an empty buffer, as _php_stream_read makes it."""
        if not self.buffered or self.chunk_size == 1:
            size = min(size, MOST_AT_ONCE)
            return self.reader.read1(size) if wait else self.raw.read_without_waiting(size)
        size = min(size, self.chunk_size)
        if wait and size < self.read_ahead:
            # One refill of the whole buffer, of which `size` bytes are copied out: peek would copy all of it.
            data = bytearray(size)
            del data[self.reader.readinto1(data) or 0 :]
            return bytes(data)
        if wait:
            self.reader.peek(1)
        else:
            self.raw.fill_without_waiting(self.reader)
        size = min(size, self.unread())
        return self.reader.read(size) if size else b""

    def read_all(self) -> bytes:
        """stream_get_contents without a length: until the end, a timeout, or nothing more comes."""
        return self.reader.read() or b""

    def read_up_to(self, size: int) -> bytes:
        """stream_get_contents with a length: that much, or until the end or nothing more comes."""
        parts = []
        while size > 0 and not self.at_end():
            if self.buffered and not self.raw.timed_out:  # the quick way always waits, and forgets a timeout
                asked = min(size, MOST_AT_ONCE)
                part = self.reader.read(asked) or b""
                size -= asked if len(part) == asked else size
            else:
                part = self.read(size)
                size -= len(part) or size
            parts.append(part)
        return b"".join(parts)

    def read_record(self, size: int, ending: bytes) -> bytes | None:
        """stream_get_line: a record without its ending, or None while it is not complete."""
        window = self.reader.peek(1) if self.unread() else b""
        found = window.find(ending, 0, size) if ending else -1
        if found >= 0:
            self.reader.read(found + len(ending))
            return window[:found]
        if len(window) >= size:
            return self.reader.read(size)
        return self._gather_record(size, ending)

    def _gather_record(self, size: int, ending: bytes) -> bytes | None:
        """read_record when the buffer alone does not answer."""
        data = self.reader.read(self.unread())  # with what was fed back, of which peek showed a part only
        found = data.find(ending, 0, size) if ending else -1
        while len(data) < size and found < 0:
            self.reader.peek(1)
            more = self.reader.read(self.unread())
            if not more:
                break
            start = max(0, len(data) - len(ending) + 1)
            data += more
            found = data.find(ending, start, size) if ending else -1
        if found >= 0:
            end, used = found, found + len(ending)
        elif len(data) >= size or self.raw.eof:
            end = used = min(len(data), size)
        else:
            end = used = 0
        self.rebuffer(data[used:])
        return data[:end] if used else None

    def at_end(self) -> bool:
        """feof: nothing buffered, and the stream has ended as far as can be seen without waiting."""
        return self.raw.total == self.reader.tell() and self.raw.at_end()

    def tell(self) -> int:
        """ftell: bytes read by the user and bytes written, as PHP counts on streams that cannot seek."""
        return self.reader.tell() + self.raw.written

    def seek_forward(self, offset: int) -> bool:
        """Moves to `offset` by reading, where a stream cannot seek; False when that is not to be reached."""
        distance = offset - self.tell()
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
        return True

    def set_chunk_size(self, size: int) -> None:
        """stream_set_chunk_size: from now on one read asks for so many bytes, and no more is read ahead."""
        self.chunk_size, self.read_ahead = size, min(size, MOST_AT_ONCE)
        self.rebuffer()

    def rebuffer(self, given_back: bytes = b"") -> None:
        """A new reader; bytes given back, and those that the old one held, stay unread."""
        held = self.unread()
        data = given_back + (self.reader.read(held) if held else b"")
        self.reader.detach()
        if data:
            self.raw.feed(data)
        self.bind(io.BufferedReader(self.raw, self.read_ahead))

    # --- state -------------------------------------------------------------------------------------

    def meta(self) -> dict[str, Any]:
        """stream_get_meta_data, keys in PHP's order."""
        data = self.raw.meta()
        data["stream_type"] = self.raw.label
        data["mode"] = self.mode
        data["unread_bytes"] = self.unread()
        data["seekable"] = self.raw.seek_allowed
        if self.uri is not None:
            data["uri"] = self.uri
        return data

    @property
    def is_open(self) -> bool:
        """Whether the stream can still be used."""
        return hasattr(self, "reader")

    @property
    def closed(self) -> bool:
        """Python's word for it."""
        return not self.is_open

    def close(self) -> None:
        """Closes the stream; silent, and harmless when done again."""
        if not self.is_open:
            return
        reader, raw = self.reader, self.raw
        del self.reader, self.readline, self.readchar, self.write, self.raw
        if self.persistent is not None:
            PERSISTENT.pop(self.persistent, None)
        CLOSED[0] += 1
        try:
            reader.detach()
        finally:
            raw.close()

    def __del__(self) -> None:
        # PHP closes a stream that nobody refers to any more, at once and without a word.
        try:
            self.close()
        except Exception:
            pass

    # --- Python's face -----------------------------------------------------------------------------

    def fileno(self) -> int:
        """The descriptor below the stream."""
        if not self.is_open:
            raise ValueError("I/O operation on closed stream")
        return self.raw.fileno()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        if not self.is_open:
            raise ValueError("I/O operation on closed stream")
        plain = self.raw.line_end == b"\n" and not self.raw.revives
        return itertools.chain(self.reader if plain else iter(self.readline, b""), self._after_lines())

    def _after_lines(self) -> Iterator[bytes]:
        self.nothing()
        yield from ()


# How often a stream was closed: whoever keeps a list of descriptors knows by it that the list is stale.
CLOSED = [0]
# Persistent streams (pfsockopen, STREAM_CLIENT_PERSISTENT) by their key; they outlive their variables.
PERSISTENT: dict[str, Stream] = {}


def expect_resource(value: Any, number: int = 1, name: str = "stream") -> None:
    """Raises PHP's TypeError for what is no resource at all.

    PHP looks at the types of all arguments first, in order, and at whether a stream is open last.
    """
    if not isinstance(value, Resource):
        wrong_type(value, number, name)


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


def no_stream(value: Any) -> TypeError:
    """PHP's TypeError for a member of an array of streams that is no open stream."""
    if isinstance(value, Resource):
        return invalid_resource()
    return TypeError(f"{called()}(): supplied argument is not a valid stream resource{_hint(value)}")


def _hint(value: Any) -> str:
    """What PHP does not know: by-reference outputs make the result a tuple here (rule R3)."""
    if not isinstance(value, tuple):
        return ""
    fields = ", ".join(getattr(value, "_fields", ())) or "fp, errno, errstr"
    return f". It is the function's whole result: unpack it ({fields} = ...)"


def open_stream(value: Any, number: int = 1, name: str = "stream", wanted: str = "resource") -> Stream:
    """The argument as an open stream, or PHP's TypeError."""
    if value.__class__ is not Stream or not value.is_open:
        refuse(value, number, name, wanted)
    return value  # type: ignore[no-any-return]

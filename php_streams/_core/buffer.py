"""The read buffer of a stream: what was received and is not handed out yet (= php_stream's readbuf).

It is a BytesIO of whole lines (the block) and, apart from it, the beginning of the next line (the tail).  So
the block's own `readline`, C code without locks or calls back, gives lines until it has no more; b"" then
means: receive.  `tell` of the block says at the same speed whether anything is left.  Line by line this costs
two thirds of what io.BufferedReader costs, and an idle stream keeps no buffer at all.

Reads that look for no lines (fread) put all that came into the block as it is, which copies nothing; it is
split into lines when one is asked for (`_unsplit`).

Receiving is `raw.readinto` with a scratch buffer; it says in the raw's state why nothing came.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Literal

from php_streams._core.lines import end_of_line
from php_streams._core.raw import REFILLED, Raw
from php_streams._core.resource import Resource

READ_AHEAD = 65536
CHUNK_SIZE = 8192
# No single call asks the kernel, or malloc, for more at once, however large the length it was given.
MOST_AT_ONCE = 1 << 20
EMPTY = io.BytesIO()
# Scratch buffers that nobody receives into just now; more than one only where threads wait at the same time.
SCRATCH: list[bytearray] = []


class Buffer(Resource):
    """A resource that is read through a buffer."""

    __slots__ = (
        "base",
        "block",
        "buffered",
        "chunk_size",
        "end",
        "length",
        "raw",
        "read_ahead",
        "readchar",
        "readline",
        "tail",
        "where",
    )

    def __init__(self, raw: Raw) -> None:
        super().__init__()
        self.raw = raw
        self.chunk_size = CHUNK_SIZE
        self.read_ahead = READ_AHEAD if raw.reads_far and not raw.datagrams else CHUNK_SIZE
        self.buffered = True
        self._hold(EMPTY, 0, b"")

    # --- what is held ------------------------------------------------------------------------------

    def _hold(self, block: io.BytesIO, length: int, tail: bytes) -> None:
        """Points the hot slots at a block of whole lines and the tail after it: all that is unread."""
        self.block = block
        self.length = length
        self.tail = tail
        self.end = -1 if tail else length  # where the block stands when all was read: never, with a tail
        self.base = self.raw.total - length - len(tail)  # the stream's position at the block's beginning
        self.readline: Callable[..., bytes] = block.readline
        self.readchar: Callable[..., bytes] = block.read
        self.where: Callable[[], int] = block.tell
        if length or tail:
            REFILLED.add(self.raw)

    def _keep(self, data: bytes, start: int = 0) -> None:
        """Holds `data` from `start` on, split into whole lines and a tail."""
        cut = data.rfind(b"\n", start) + 1
        if self.raw.line_end != b"\n":
            self._keep_whole(data, start)
        elif cut:
            self._hold(io.BytesIO(data[start:cut]), cut - start, data[cut:])
        else:
            self._hold(EMPTY, 0, data[start:])

    def _keep_whole(self, data: bytes, start: int = 0) -> None:
        """Holds `data` from `start` on, not split."""
        self._hold(io.BytesIO(data), len(data), b"")
        self.block.seek(start)
        self.readline = _unsplit

    def _whole(self) -> int:
        """Joins the tail to the block; the number of unread bytes."""
        if self.tail:
            self._keep_whole(self.readchar() + self.tail)
        return self.length - self.where()

    def take(self) -> bytes:
        """All that is held, handed out."""
        self._whole()
        return self.readchar()

    def hold(self, data: bytes) -> None:
        """Holds these bytes in the place of what was held."""
        self._keep_whole(data)

    def unread(self) -> int:
        """Bytes that are buffered and not handed out yet."""
        return self.length - self.where() + len(self.tail)

    def peek(self, size: int) -> bytes:
        """What is buffered, without taking it."""
        self._whole()
        start = self.where()
        return self.block.getvalue()[start : start + size]

    def set_chunk_size(self, size: int) -> None:
        """stream_set_chunk_size: from now on one read asks for so many bytes, and no more is read ahead."""
        self.chunk_size, self.read_ahead = size, min(size, MOST_AT_ONCE)

    def _receive(self, size: int, wanted: int = 0) -> bytes:
        """What one read brings; b"" when nothing came.  Filters go on until they have made what is wanted."""
        if self.raw.filtered:
            return self._receive_filtered(wanted)
        if self.raw.takes:
            return self.raw.take(size)
        try:
            scratch = SCRATCH.pop()
        except IndexError:
            scratch = bytearray(READ_AHEAD)
        if size == len(scratch):
            got = self.raw.readinto(scratch)
        elif size < len(scratch):
            got = self.raw.readinto(memoryview(scratch)[:size])
        else:
            got = self.raw.readinto(scratch := bytearray(size))
        data = bytes(memoryview(scratch)[:got]) if got else b""
        if len(scratch) == READ_AHEAD:
            SCRATCH.append(scratch)
        return data

    # --- reading -----------------------------------------------------------------------------------

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

    def next_line(self, limit: int = -1) -> bytes | Literal[False]:
        """fgets when the block has no more lines: receives until one is whole or nothing more comes."""
        if not limit:
            return self.nothing()
        if self.raw.line_end != b"\n":
            return self._other_line(limit)
        if self.readline is _unsplit:
            self._keep(self.readchar())
            return self.readline(limit) or self.next_line(limit)
        data = self.tail
        if not data:
            if self.raw.eof:
                return self.nothing()  # only fread and its like look for data after an end; PHP does this
            data = self._receive(self.read_ahead, max(limit, 0))
        end = data.find(b"\n") + 1
        if not end:
            data = self._gather(data, limit)
            if not data:
                return self.nothing()
            end = data.find(b"\n") + 1 or len(data)
        if 0 < limit < end:
            end = limit
        if end < len(data):
            self._keep(data, end)
            return data[:end]
        if self.tail:
            self._hold(EMPTY, 0, b"")
        else:
            self.base += end  # one line came, as most answers are: it passes through
        return data

    def _gather(self, data: bytes, limit: int) -> bytes:
        """The beginning of a line and what comes until it ends, `limit` is reached or nothing more comes."""
        if self.raw.eof:
            return data
        parts, size = [data], len(data)
        while data and not self.raw.eof and not 0 < limit <= size:
            data = self._receive(self.read_ahead, max(limit - size, 0))
            parts.append(data)
            size += len(data)
            if b"\n" in data:
                break
        return b"".join(parts)

    def _other_line(self, limit: int) -> bytes | Literal[False]:
        """next_line where lines may end in CR: what is buffered is looked through, then filled again."""
        parts = []
        while limit and (held := self._whole_or_more()):
            end = end_of_line(self.block.getvalue(), self.where(), self.raw) + 1
            size = end - self.where() if end else held
            parts.append(self.readchar(min(size, limit) if limit > 0 else size))
            limit -= len(parts[-1]) if limit > 0 else 0
            if end:
                break
        return b"".join(parts) or self.nothing()

    def _whole_or_more(self) -> int:
        """The number of unread bytes, after a refill when there was none and the end was not seen."""
        if not self._whole() and not self.raw.eof:
            self._keep_whole(self._receive(self.read_ahead))
        return self._whole()

    def next_byte(self) -> bytes | Literal[False]:
        """fgetc when the block is used up."""
        return self.read(1) or self.nothing()

    def read(self, size: int) -> bytes:
        """fread: what is buffered and what one more read brings, at most a chunk of fresh bytes."""
        left = self.end - self.where()
        if size <= left and size <= self.chunk_size:
            return self.readchar(size)
        raw = self.raw
        if raw.greedy:
            if not left and raw.mappable and size == self.read_ahead:  # a chunk, as it comes from below
                data = raw.take(size)
                self.base += len(data)
                return data if len(data) == size else data + self._read_fully(size - len(data))
            return self._read_fully(size)
        held = self._whole()
        if held >= self.chunk_size:
            size = min(size, self.chunk_size)  # we hold more than PHP ever would
        if size <= held:
            return self.readchar(size)
        data = self.readchar() if held else b""
        return data + self._fresh(size - held, wait=not held)

    def _fresh(self, size: int, wait: bool) -> bytes:
        """One read past an empty buffer, as _php_stream_read makes it."""
        past = not self.buffered or self.chunk_size == 1
        asked = min(size, MOST_AT_ONCE) if past else self.read_ahead
        data = self._receive(asked, size) if wait else self._receive_more(asked, size)
        if data and self.raw.failed:
            self._keep_whole(data)  # what filters made before one of them failed is for the next read
            return b""
        size = min(size, len(data) if past else self.chunk_size)
        if len(data) <= size:
            self.base += len(data)
            return data
        self._keep_whole(data)
        return self.readchar(size)

    def read_some(self, size: int) -> bytes:
        """What is buffered, or else what one read of that size brings; no datagram is cut."""
        held = self._whole()
        if held or not size or self.raw.datagrams:
            return self.read(min(size, held or size))
        data = self._receive(size)
        self.base += len(data)
        return data

    def _receive_more(self, size: int, wanted: int) -> bytes:
        """What one read brings that does not wait."""
        if self.raw.filtered:
            return self._receive_filtered(wanted, wait=False)
        return self.raw.read_without_waiting(size)

    def _receive_filtered(self, wanted: int, *, wait: bool = True) -> bytes:
        receive: Callable[..., bytes] = self.raw.receive  # type: ignore[attr-defined]
        return receive(min(wanted or self.chunk_size, self.chunk_size), self.chunk_size, wait=wait)

    def read_all(self) -> bytes:
        """stream_get_contents without a length: until the end, a timeout, or nothing more comes."""
        if self.raw.datagrams:
            return b"".join(iter(lambda: self.read(self.chunk_size), b""))
        data = self.take()
        if self.raw.filtered:
            self.raw.stat()  # a user's wrapper is asked how much it will be
            parts = [data]
            while (part := self._read_fully(self.chunk_size)) or self.unread():
                parts.append(part)
            return b"".join(parts)
        self.raw.direct = not self.buffered
        more = self.raw.readall()
        self.base += len(more)
        return data + more if data else more

    def read_up_to(self, size: int) -> bytes:
        """stream_get_contents with a length: that much, or until the end or nothing more comes."""
        parts = []
        while size > 0 and not self.at_end():
            # The quick way always waits, forgets a timeout, and takes an empty datagram that at_end leaves.
            quick = self.buffered and not self.raw.timed_out and not self.raw.datagrams
            part = self._read_fully(size) if quick else self.read(size)
            parts.append(part)
            size = 0 if quick or not part else size - len(part)
        return b"".join(parts)

    def _read_fully(self, size: int) -> bytes:
        """What is buffered and as many reads as it takes, until nothing comes."""
        held = self._whole()
        parts = [self.readchar(min(size, held))] if held else []
        size -= min(size, held)
        while size > 0:
            asked = self.read_ahead if self.buffered else min(size, MOST_AT_ONCE)
            if self.buffered and self.raw.mappable and size > asked:
                asked *= min(-(-size // asked), MOST_AT_ONCE // asked)  # PHP's chunks, several at a time
            data = self._receive(asked, size)
            if data and self.raw.failed:
                self._keep_whole(data)
                break
            if len(data) > size:
                self._keep_whole(data)
                data = self.readchar(size)
            else:
                self.base += len(data)
            if not data:
                break
            parts.append(data)
            size -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_record(self, size: int, ending: bytes) -> bytes | None:
        """stream_get_line: a record without its ending, or None while it is not complete."""
        held = self._whole()
        start = self.where()
        data = self.block.getvalue()  # not a copy
        found = data.find(ending, start, start + size) if ending else -1
        if found >= 0:
            self.block.seek(found + len(ending))
            return data[start:found]
        if held >= size:
            return self.readchar(size)
        return self._gather_record(data[start:], size, ending)

    def _gather_record(self, data: bytes, size: int, ending: bytes) -> bytes | None:
        """read_record when the buffer alone does not answer."""
        found = -1
        while len(data) < size and found < 0:
            more = self._receive(self.read_ahead)
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
        self._keep_whole(data, used)
        return data[:end] if used else None

    def at_end(self) -> bool:
        """feof at the end of the block: whether the stream has ended, as far as can be seen now."""
        return self.where() == self.end and self.raw.at_end()

    def tell(self) -> int:
        """ftell: bytes read by the user and bytes written, as PHP counts on streams that cannot seek."""
        return self.base + self.where() + self.raw.written

    def lines(self) -> Iterator[bytes]:
        """The lines to come; the block itself is the iterator, so what fgets reads meanwhile is gone here."""
        return chain.from_iterable(self._blocks())

    def _blocks(self) -> Iterator[Iterable[bytes]]:
        while hasattr(self, "raw"):
            if self.readline is not _unsplit:
                yield self.block
                if self._another_block():
                    continue
            line = hasattr(self, "raw") and self.next_line()
            if not line:
                return
            yield (line,)
        raise ValueError("I/O operation on closed stream")

    def _another_block(self) -> bool:
        """Reads a chunk of a file and holds its whole lines; False when next_line is to see to it."""
        if not hasattr(self, "raw") or not self.raw.mappable or self.raw.eof or self.raw.line_end != b"\n":
            return False
        self._keep(self.tail + self.raw.take(self.read_ahead))
        return self.length > 0


def _unsplit(limit: int = -1) -> bytes:
    """readline of a block that is not split into lines: it has none, so that next_line is asked.

    (A method of the stream in its place would be a cycle, and the stream would not close itself.)
    """
    return b""

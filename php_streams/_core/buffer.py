"""Reading through a buffer: fread, fgets, stream_get_line, stream_get_contents (= main/streams/streams.c)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Literal

from php_streams._core.held import CHUNK_SIZE as CHUNK_SIZE
from php_streams._core.held import EMPTY as EMPTY
from php_streams._core.held import MOST_AT_ONCE, Broken, Held, unsplit
from php_streams._core.held import READ_AHEAD as READ_AHEAD
from php_streams._core.lines import end_of_line


class Buffer(Held):
    """A resource that is read through a buffer."""

    __slots__ = ()

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
        line: bytes | Literal[False] = self.undivided(self._line, limit)
        return line

    def line(self, limit: int = -1) -> bytes | Literal[False]:
        """fgets, at most so many bytes: a line that is held, or what next_line gives."""
        line, start = b"", -1
        try:
            for line in self.whole:
                if not 0 <= limit < len(line):
                    return line
                start = self.where() - len(line)
                self.block.seek(start + limit)
                return line[:limit] or self.nothing()
        except BaseException:
            self.put_back(line, start)
            raise
        return self.next_line(limit)

    def whole_line(self, limit: int = -1) -> bytes | Literal[False]:
        """line, within an undivided read: if a handler raised meanwhile that is heard now, and not a part."""
        line = self.line(limit)
        if self.raw.raised is not None and not self.raw.filtered:
            self.nothing()
        return line

    def put_back(self, line: bytes, start: int) -> None:
        """Holds a line again that was just taken of the block, as an exception comes in its place.

        start: where it stood, -1 where the block stands right behind it.
        """
        if line and hasattr(self, "raw"):
            self.block.seek(start if start >= 0 else self.where() - len(line))

    def _line(self, limit: int) -> bytes | Literal[False]:
        try:
            return self._next_line(limit)
        except Broken:  # PHP drops what it has of a line
            return self.nothing()

    def _next_line(self, limit: int) -> bytes | Literal[False]:
        if not limit:
            return self.nothing()
        if self.raw.line_end != b"\n":
            return self._other_line(limit)
        if self.readline is unsplit:
            self._keep(self.readchar())
            return self.readline(limit) or self._next_line(limit)
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
        while limit and (held := self._whole_or_more(limit)):
            end = end_of_line(self.block.getvalue(), self.where(), self.raw) + 1
            size = end - self.where() if end else held
            parts.append(self.readchar(min(size, limit) if limit > 0 else size))
            limit -= len(parts[-1]) if limit > 0 else 0
            if end:
                break
        return b"".join(parts) or self.nothing()

    def _whole_or_more(self, limit: int) -> int:
        """The number of unread bytes, after a refill when there was none and the end was not seen."""
        if not self._whole() and not self.raw.eof:
            self._keep_whole(self._receive(self.read_ahead, max(limit, 0)))
        return self._whole()

    def next_byte(self) -> bytes | Literal[False]:
        """fgetc when no bytes are at hand one by one: those of the block, or what a read brings."""
        if self.where() < self.length:
            self.chars = iter(partial(self.readchar, 1), b"")
            for char in self.chars:
                return char
        return self.read(1) or self.nothing()

    def read(self, size: int) -> bytes:
        """fread: what is buffered and what one more read brings, at most a chunk of fresh bytes."""
        start = self.where()
        if size <= self.end - start and size <= self.chunk_size:
            try:
                return self.readchar(size)
            except BaseException:  # a signal's handler, after the bytes were taken
                if hasattr(self, "raw"):
                    self.block.seek(start)
                raise
        data: bytes = self.undivided(self._read, size)
        return data

    def _read(self, size: int) -> bytes:
        if self.raw.greedy:
            return self._read_fully(size)
        held = self._whole()
        if held >= self.chunk_size and not self.raw.filtered and not self.raw.asks_for_chunks:
            size = min(size, self.chunk_size)  # we hold more than PHP ever would
        if size <= held:
            return self.readchar(size)
        data = self.readchar() if held else b""
        return data + self._fresh(size - held, wait=not held)

    def _fresh(self, size: int, wait: bool) -> bytes:
        """One read past an empty buffer, as _php_stream_read makes it."""
        if self.raw.filtered:
            return self._fresh_filtered(size, wait)
        chunks = self.raw.asks_for_chunks
        past = not self.buffered or self.chunk_size == 1
        asked = min(size, MOST_AT_ONCE) if past else self.read_ahead
        if past and chunks:
            data: bytes = self.raw.take_just(asked)  # type: ignore[attr-defined]
            if self.came is not None:
                self.came += (data,)
        else:
            data = self._receive(asked) if wait else self._receive_at_once(asked)
        size = min(size, len(data) if past or chunks else self.chunk_size)
        if len(data) <= size:
            self.base += len(data)
            return data
        self._keep_whole(data)
        return self.readchar(size)

    def _fresh_filtered(self, size: int, wait: bool) -> bytes:
        try:
            data = self._receive_filtered(size, wait=wait)
        except Broken:
            return b""
        if len(data) <= size:
            self.base += len(data)
            return data
        self._keep_whole(data)
        return self.readchar(size)

    def read_some(self, size: int) -> bytes:
        """What is buffered, or else what one read of about that size brings; no datagram is cut."""
        data: bytes = self.undivided(self._read_some, size)
        return data

    def _read_some(self, size: int) -> bytes:
        if self.raw.filtered or self.raw.asks_for_chunks:
            return self.read(min(size, CHUNK_SIZE))
        held = self._whole()
        if self.raw.datagrams:
            return self.read(min(size, held or size))
        if held or size < self.chunk_size:
            return self.read(size)
        # PHP reads by chunks, and ahead with the last one.
        data = self._receive(size - size % self.chunk_size)
        self.base += len(data)
        return data

    def read_all(self) -> bytes:
        """stream_get_contents without a length: until the end, a timeout, or nothing more comes."""
        data: bytes = self.undivided(self._read_all)
        return data

    def _read_all(self) -> bytes:
        if self.raw.datagrams:
            return b"".join(iter(lambda: self.read(self.chunk_size), b""))
        if self.raw.filtered or self.raw.asks_for_chunks:
            return self._read_all_in_steps()
        data = self.take()
        self.raw.direct = not self.buffered
        if self.came is not None and self.raw.takes:
            more = b"".join(self.raw.all_to(self.came))
        else:
            more = self.raw.readall()
            if self.came is not None:
                self.came += (more,)
        self.base += len(more)
        return data + more if data else more

    def _read_all_in_steps(self) -> bytes:
        """As much at once as there is below; where PHP stops after an error depends on it."""
        status = self.raw.stat()
        room = CHUNK_SIZE
        if status is not None and status.st_size > 0:
            room += max(status.st_size - self.tell(), 0)
        parts, done = [], 0
        while part := self.read(room - done):
            parts.append(part)
            done += len(part)
            if done + CHUNK_SIZE // 4 >= room:
                room += CHUNK_SIZE
        data = b"".join(parts)
        if data and self.raw.raised is not None:  # not lost: whoever catches the exception can still read it
            self.hold(data)
            self.nothing()
        return data

    def read_up_to(self, size: int) -> bytes:
        """stream_get_contents with a length: that much, or until the end or nothing more comes."""
        data: bytes = self.undivided(self._read_up_to, size)
        return data

    def _read_up_to(self, size: int) -> bytes:
        parts = []
        while size > 0 and not self.at_end():
            # The quick way always waits, forgets a timeout, and takes an empty datagram that at_end leaves.
            raw = self.raw
            slow = raw.timed_out or raw.datagrams or raw.filtered or raw.asks_for_chunks
            quick = self.buffered and not slow
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
            past = not self.buffered or (self.raw.takes and size >= self.read_ahead)  # no need to hold it
            try:
                data = self._receive(min(size, MOST_AT_ONCE) if past else self.read_ahead, size)
            except Broken:
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
        record: bytes | None = self.undivided(self._read_record, size, ending)
        return record

    def _read_record(self, size: int, ending: bytes) -> bytes | None:
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
            try:
                more = self._more_of_record(data, size)
            except Broken:
                return None
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
        self.raw.kept = 0
        return data[:end] if used else None

    def _more_of_record(self, data: bytes, size: int) -> bytes:
        """What one read brings; what came so far is held if that breaks."""
        if not self.raw.filtered:
            self.raw.kept = len(data)
            return self._receive(self.read_ahead)
        self._keep_whole(data)
        return self._receive_filtered(min(size - len(data), self.chunk_size), len(data))

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
            if self.readline is not unsplit:
                yield self.block
            line = hasattr(self, "raw") and self.next_line()
            if not line:
                return
            yield (line,)
        raise ValueError("I/O operation on closed stream")

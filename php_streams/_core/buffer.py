"""Reading through a buffer: fread, fgetc, stream_get_line, stream_get_contents (= main/streams/streams.c)."""

from __future__ import annotations

from functools import partial
from typing import Literal

from php_streams._core.held import CHUNK_SIZE as CHUNK_SIZE
from php_streams._core.held import EMPTY as EMPTY
from php_streams._core.held import MOST_AT_ONCE, Broken
from php_streams._core.held import READ_AHEAD as READ_AHEAD
from php_streams._core.line_reader import LineReader

# stream_get_contents with such a length does not ask for the end before it reads; PHP does this.
LARGE = 4 * CHUNK_SIZE


class Buffer(LineReader):
    """A resource that is read through a buffer."""

    __slots__ = ()

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
        if self.came is not None or self.raw.filtered:
            return self._read(size)
        block, tail, base = self.block, self.tail, self.base
        self.came = []
        try:
            data = self._read(size)
            self.hear()
            self.came = None
            return data
        except BaseException:
            self.restore(block, start, tail, base)
            raise

    def _read(self, size: int) -> bytes:
        raw = self.raw
        if raw.greedy:
            if raw.mappable and size == self.read_ahead and self.end == self.where():  # a chunk, as it comes
                data = self._receive(size)
                self.base += len(data)
                return data if len(data) == size else data + self._read_fully(size - len(data))
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
        unasked = size >= LARGE
        while size > 0 and (unasked or not self.at_end()):
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
            asked = self.read_ahead if self.buffered else min(size, MOST_AT_ONCE)
            if self.buffered and self.raw.mappable and size > asked:
                asked *= min(-(-size // asked), MOST_AT_ONCE // asked)  # PHP's chunks, several at a time
            try:
                data = self._receive(asked, size)
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

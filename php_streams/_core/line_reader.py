"""Reading lines through a buffer: fgets, and iteration over a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Literal

from php_streams._core.held import EMPTY, Broken, Held, unsplit
from php_streams._core.lines import end_of_line


class LineReader(Held):
    """A resource that gives lines."""

    __slots__ = ()

    def no_bytes(self) -> bytes | Literal[False]:
        """What fread returns when no data came: False after an error or a timeout, else b""."""
        self.nothing()
        return False if self.raw.failed else b""

    def next_line(self, limit: int = -1) -> bytes | Literal[False]:
        """fgets when the block has no more lines: receives until one is whole or nothing more comes."""
        if self.came is not None or self.raw.filtered:
            return self._line(limit)
        # As `undivided` does it, which costs more.
        block, start, tail, base = self.block, self.where(), self.tail, self.base
        self.came = []
        try:
            line = self._next_line(limit)
            self.hear()
            self.came = None
            return line
        except BaseException:
            self.restore(block, start, tail, base)
            raise

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

    def lines(self) -> Iterator[bytes]:
        """The lines to come; the block itself is the iterator, so what fgets reads meanwhile is gone here."""
        return chain.from_iterable(self._blocks())

    def _blocks(self) -> Iterator[Iterable[bytes]]:
        while hasattr(self, "raw"):
            if self.readline is not unsplit:
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
        if not hasattr(self, "raw"):
            return False
        if self.where() < self.length:  # somebody else has received it meanwhile
            return True
        if not self.raw.mappable or self.raw.eof or self.raw.line_end != b"\n":
            return False
        more: bool = self.undivided(self._fill, self.read_ahead)
        return more

    def _fill(self, size: int) -> bool:
        self._keep(self.tail + self._receive(size))
        return self.length > 0

"""What a stream holds: what was received and is not handed out yet (= php_stream's readbuf).

It is a BytesIO of whole lines (the block) and, apart from it, the beginning of the next line (the tail).  So
the block's own `readline`, C code without locks or calls back, gives lines until it has no more; b"" then
means: receive.  `tell` of the block says at the same speed whether anything is left.  Line by line this costs
two thirds of what io.BufferedReader costs, and an idle stream keeps no buffer at all.

Reads that look for no lines (fread) put all that came into the block as it is, which copies nothing; it is
split into lines when one is asked for (`unsplit`).

Receiving is `raw.readinto` with a scratch buffer; it says in the raw's state why nothing came.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any, Literal

from php_streams._core.raw import REFILLED, Raw
from php_streams._core.resource import Resource
from php_streams._core.signals import is_by_signal

READ_AHEAD = 65536
CHUNK_SIZE = 8192
# No single call asks the kernel, or malloc, for more at once, however large the length it was given.
MOST_AT_ONCE = 1 << 20
EMPTY = io.BytesIO()
# Scratch buffers that nobody receives into just now; more than one only where threads wait at the same time.
SCRATCH: list[bytearray] = []


class Broken(Exception):
    """A filter failed: the read gives nothing more, and what filters had made by then is held."""


class Held(Resource):
    """A resource with bytes that wait to be read."""

    __slots__ = (
        "base",
        "block",
        "buffered",
        "came",
        "chars",
        "chunk_size",
        "end",
        "length",
        "raw",
        "read_ahead",
        "readchar",
        "readline",
        "tail",
        "where",
        "whole",
    )

    def __init__(self, raw: Raw) -> None:
        super().__init__()
        self.raw = raw
        self.chunk_size = CHUNK_SIZE
        self.read_ahead = READ_AHEAD if raw.reads_far and not raw.datagrams else CHUNK_SIZE
        self.buffered = True
        self.came: list[bytes] | None = None  # what came in the read that is going on
        self._hold(EMPTY, 0, b"")

    def nothing(self) -> Literal[False]:
        """What a read returns when no data came: False, or the exception that a handler raised in it."""
        raised = self.raw.raised
        if raised is not None:
            self.raw.raised = None
            raise raised
        return False

    def hear(self) -> None:
        """Raises what a signal's handler raised in a read that brought a part: the next call may wait again.

        The part is held, and read by whoever goes on.  (What an error handler raises comes behind the part.)
        """
        if hasattr(self, "raw") and self.raw.raised is not None and is_by_signal(self.raw.raised):
            self.nothing()

    # --- what is held ------------------------------------------------------------------------------

    def _hold(self, block: io.BytesIO, length: int, tail: bytes) -> None:
        """Points the hot slots at a block of whole lines and the tail after it: all that is unread."""
        self.block = block
        self.whole: Iterable[bytes] = block  # its lines
        self.chars: Iterable[bytes] = ()  # its bytes, while somebody reads them one by one
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
        if cut:
            self._hold(io.BytesIO(data[start:cut]), cut - start, data[cut:])
        else:
            self._hold(EMPTY, 0, data[start:])

    def _keep_whole(self, data: bytes, start: int = 0) -> None:
        """Holds `data` from `start` on, not split."""
        self._hold(io.BytesIO(data), len(data), b"")
        self.block.seek(start)
        self.readline = unsplit
        self.whole = ()

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
        came = [] if self.came is None else self.came
        if self.raw.takes:
            return self.raw.add_to(came, size)
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
        came += (data,)
        if len(scratch) == READ_AHEAD:
            SCRATCH.append(scratch)
        return data

    def _receive_at_once(self, size: int) -> bytes:
        """What one read brings that does not wait."""
        came = [] if self.came is None else self.came
        if self.raw.takes:
            return self.raw.read_without_waiting(size, came)
        data = self.raw.read_without_waiting(size)
        came += (data,)
        return data

    def undivided(self, read: Callable[..., Any], *arguments: Any) -> Any:
        """Runs a read of any kind: when an exception ends it, nothing that came, or was held, is lost.

        A signal's handler may raise after any call, so that a part may be taken, received or kept already.
        Then what was held before and what came meanwhile is held.  (What filters work on has gone through.)
        """
        if self.came is not None or self.raw.filtered:  # within another such read
            return read(*arguments)
        before = self.block, self.where(), self.tail, self.base
        self.came = []
        try:
            result = read(*arguments)
            self.hear()
            self.came = None
            return result
        except BaseException:
            self.restore(*before)
            raise

    def restore(self, block: io.BytesIO, start: int, tail: bytes, base: int) -> None:
        """Holds what was held when the read began, and what came since."""
        for _ in range(10):  # a handler may raise in here, too: what was raised first is told
            try:
                self._put_back(block, start, tail, base)
                break
            except BaseException:
                pass

    def _put_back(self, block: io.BytesIO, start: int, tail: bytes, base: int) -> None:
        if self.came is not None and hasattr(self, "raw"):
            data = b"".join((block.getvalue()[start:], tail, *self.came))
            self.raw.total = base + start + len(data)
            self.hold(data)
        self.came = None

    def _receive_filtered(self, wanted: int, held: int = 0, *, wait: bool = True) -> bytes:
        """What it takes to have as much as is wanted (0: a chunk), with what is held; at most a chunk."""
        receive: Callable[..., bytes] = self.raw.receive  # type: ignore[attr-defined]
        data = receive(
            min(held + wanted or self.chunk_size, self.chunk_size), self.chunk_size, held, wait=wait
        )
        if self.raw.broken:
            self._keep_whole(self.take() + data if held else data)
            raise Broken
        return data


def unsplit(limit: int = -1) -> bytes:
    """readline of a block that is not split into lines: it has none, so that next_line is asked.

    (A method of the stream in its place would be a cycle, and the stream would not close itself.)
    """
    return b""

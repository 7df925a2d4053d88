"""Raw: what every kind of stream is made of (= php_stream_ops), under a stream's read buffer (buffer.py).

Rules a Raw keeps:

1. `readinto` never raises, so that no reader above (ours, or an io.BufferedReader) loses a half-read line:
   PHP's fgets hands out the part that came.  "Nothing now" is None (with `timed_out` when that was a
   timeout), the end is 0 (with `eof`).  An exception from a user's handler is kept in `raised`, and the
   chapter function raises it as soon as there is no data to hand out first; until then nothing more is read.
2. It counts what it has handed up in `total`, and what it has sent in `written`.  The buffer above subtracts
   what it still holds: that is PHP's position.
3. It owns what it opens before the next line runs: an exception may come at any line, from a signal's handler
   too.  So the raw is made first, and the descriptor comes into it on the line that opens it.  Its `close`
   can be broken off and begun again, and `__del__` closes a raw that no stream owns (Owner).
"""

from __future__ import annotations

import io
import os
import weakref
from collections.abc import Callable, Collection, Sequence
from itertools import starmap
from typing import Any, Literal

from php_streams._core.diagnostics import warn
from php_streams._core.signals import MARK, from_system, is_by_signal


class Refilled:
    """Raws whose buffer was refilled since the last look: the only ones that can hold unread bytes.

    This is what lets stream_select answer from buffers without asking each of a thousand streams.  They are
    known weakly: what is left of a stream that an exception keeps in a cycle is the collector's.
    """

    def __init__(self) -> None:
        self.known: dict[int, weakref.ref[Raw]] = {}

    def add(self, raw: Raw) -> None:
        """It holds something."""
        self.known[id(raw)] = weakref.ref(raw)

    def discard(self, raw: Raw) -> None:
        """It holds nothing."""
        self.known.pop(id(raw), None)

    def among(self, raws: Collection[Raw]) -> list[Raw]:
        """Those of these."""
        return [raw for known in tuple(self.known.values()) if (raw := known()) is not None and raw in raws]

    def __len__(self) -> int:
        return len(self.known)


REFILLED = Refilled()
# Raws that may hold back what was written to them, until they are pushed.
HELD_BACK: set[Raw] = set()


class Raw(io.RawIOBase):
    """One kind of stream: subclasses fill a buffer, write bytes and describe themselves."""

    label = ""  # stream_type of stream_get_meta_data
    blocking = True
    timed_out = False
    eof = False
    failed = False  # the last read was an error or a timeout, no end: fread gives False then, not ""
    error = 0  # errno of the last write that failed, where the system said why
    # One read is one message: what is longer than the read is lost, and an empty one looks like an end.
    datagrams = False
    seek_allowed = False
    private = False  # no program inherits the descriptor, even where programs inherit others
    line_end: bytes | None = b"\n"  # None: CR or LF, the first one met will tell
    local = True
    lockable = False
    encrypts = False  # stream_socket_enable_crypto can do something with it
    place: int | None = None  # the position after a move; None: as it was
    descriptor_moves = False  # each stream_select has to ask for it
    asks_for_end = False  # stream_get_meta_data's eof asks as feof does
    filtered = False  # filters are in the way: receive() gives what they make
    writers: Sequence[Any] = ()  # filters that what is written goes through
    broken = False  # one of them failed in the last read
    goes_back = False  # it goes to where the user is by itself, before it writes
    greedy = False  # plain files and memory: fread goes on until it has all, or the end
    writes_nothing = False  # there is no writing at all: PHP says so, and asks no filter
    closed_by_fclose = True
    outlives = False  # it stays open when its stream goes
    asks_for_chunks = False  # one read asks for a chunk and no less; what is not wanted is kept
    kept = 0  # bytes of an unfinished record that the stream keeps during a read
    refused: tuple[Any, ...] = ()  # what a user's stream_cast gave that is no stream
    takes = False  # `add_to` reads without a buffer of somebody else's
    reads_far = False  # a connection: more is read ahead than PHP does; of a file others see where it stands
    direct = False  # readall is for a stream that has no buffer
    mappable = False  # a regular file: PHP maps it into memory rather than read it
    appends = False
    buffering_is_fixed = False  # stream_set_read_buffer changes nothing
    owned = False  # a stream has it, and closes it in its own order
    raised: BaseException | None = None
    pollers: Any = ()  # stream_select's, to be told before it closes
    watcher: Any = None  # what tells a context's callback of it (notification.py)
    unpushed = 0  # writes since the last read, where the kernel may hold some back

    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        self.written = 0

    def count(self, size: int) -> int:
        """Notes that `size` more bytes came from below and went up to the buffer."""
        self.total += size
        return size

    def readable(self) -> bool:
        """All raws can be asked; PHP warns about write-only ones itself."""
        return True

    def readall(self) -> bytes:
        """Everything until the end, or until nothing more comes."""
        if self.takes:
            return b"".join(self.all_to([]))
        parts = []
        room = memoryview(bytearray(1 << 16))
        while size := self.readinto(room):
            parts.append(bytes(room[:size]))
            if size == len(room) < 1 << 20:
                room = memoryview(bytearray(size * 2))
        return b"".join(parts)

    def take(self, size: int) -> bytes:
        """One read, as readinto makes it; b"" when nothing came.  A raw that takes has this or add_to."""
        return self.add_to([], size)

    def add_to(self, came: list[bytes], size: int) -> bytes:
        """As take; what comes is in the list before anything else can happen, a signal's handler included.

        So it is not returned by a call, after which a handler may run and raise: the list is extended by an
        iterator, which the interpreter does in one step.
        """
        came += (self.take(size),)
        return came[-1]

    def all_to(self, came: list[bytes]) -> list[bytes]:
        """readall, for a raw that takes: the list, and after what stood in it all that came."""
        while self.add_to(came, 1 << 18):
            pass
        return came

    def read_without_waiting(self, size: int, came: list[bytes] | None = None) -> bytes:
        """One read that does not wait for data."""
        if self.takes:
            return self.add_to([] if came is None else came, size)
        return self.read(size) or b""

    def at_end(self) -> bool:
        """feof's question when nothing is buffered: has the stream ended, as far as can be seen now?"""
        return self.eof

    def set_blocking(self, enable: bool) -> bool:
        """stream_set_blocking; False where the stream has no such mode."""
        return False

    def set_timeout(self, seconds: float | None) -> bool:
        """stream_set_timeout; False where the stream knows no timeout."""
        return False

    def set_write_buffer(self, size: int) -> int:
        """stream_set_write_buffer; -1 where writes are never buffered."""
        return -1

    def set_chunk_size(self, size: int) -> int | None:
        """stream_set_chunk_size, for raws that keep it to themselves: the size before."""
        return None

    def set_read_buffer(self, size: int) -> int:
        """stream_set_read_buffer, where the raw has a say; 0 when it agrees."""
        return 0

    def flush_written(self) -> bool:
        """fflush: lets go what was written and is buffered below."""
        return True

    def flush_writers(self, stream: Any, closing: bool) -> None:
        """Lets filters that the stream writes through give what they hold back."""

    def select_descriptor(self) -> int | None:
        """What stream_select waits on; None for a stream that has nothing of the kind."""
        return None

    def why_not_selectable(self) -> str:
        """What stream_select says when there is no descriptor."""
        return f"Cannot represent a stream of type {self.label} as a select()able descriptor"

    def file_descriptor(self) -> int | None:
        """The descriptor that a program gets; None for a stream that has none."""
        return self.select_descriptor()

    def why_no_descriptor(self) -> str:
        """What proc_open says when there is none."""
        return f"Cannot represent a stream of type {self.label} as a File Descriptor"

    def plain_descriptor(self) -> int | None:
        """A descriptor that anybody may write to; None where the bytes have to pass through this raw."""
        return None

    def is_terminal(self) -> bool:
        """stream_isatty."""
        descriptor = self.select_descriptor()
        return descriptor is not None and os.isatty(descriptor)

    def pending(self) -> int:
        """Bytes ready below the reader that the kernel does not know of (TLS records)."""
        return 0

    def enable_crypto(self, context: Any, enable: bool, method: int | None, session: Any) -> bool | int:
        """stream_socket_enable_crypto, for streams that have none; off gives True, PHP does this."""
        return warn("This stream does not support SSL/crypto") or not enable

    def require_tls(self, required: bool) -> None:
        """TLS was asked for, or given up: while it is required nothing may be sent without it."""

    def move(self, offset: int, whence: int) -> bool:
        """Seeks; where that led, whether or not it could be done, stands in `place`."""
        return False

    def truncate_to(self, size: int) -> bool | None:
        """ftruncate; None where the stream cannot be cut at all."""
        return None

    def stat(self) -> os.stat_result | None:
        """fstat; None where there is nothing to tell."""
        return None

    def sync(self, data_only: bool) -> bool | None:
        """fsync, fdatasync; None where there is no disk below."""
        return None

    def lock(self, operation: int) -> bool | None:
        """flock: True, False when somebody else has it (LOCK_NB), None when it failed."""
        return None

    def socket_name(self, remote: bool) -> str | Literal[False]:
        """stream_socket_get_name, for streams that are no socket."""
        return False

    def shutdown(self, how: int) -> bool:
        """stream_socket_shutdown, for streams that are no socket."""
        return False

    def receive_from(self, size: int, flags: int) -> tuple[bytes | Literal[False], str | None]:
        """stream_socket_recvfrom, for streams that are no socket."""
        return False, None

    def send_to(self, data: bytes, flags: int, target: Any) -> int:
        """stream_socket_sendto, for streams that are no socket."""
        return -1

    def push(self) -> None:
        """Lets go what was written and is held back below."""

    def meta(self) -> dict[str, Any]:
        """The kind's own part of stream_get_meta_data, which comes first."""
        return {"timed_out": False, "blocked": True, "eof": self.eof}

    def close(self) -> None:
        """Closes; silent, and harmless when done again."""
        REFILLED.discard(self)
        HELD_BACK.discard(self)
        if self.watcher is not None:
            self.watcher.end()
        super().close()

    def __del__(self) -> None:
        # The collector finalizes a cycle's members in any order: a raw that has a stream leaves it to that.
        try:
            if not self.owned:
                self.close()
        except from_system(Exception):  # it was not whole yet
            pass


def close_descriptor(raw: Any) -> None:
    """Closes the raw's `fd`, once: nothing can come between giving the number up and closing it."""
    fd, raw.fd = raw.fd, -1; os.close(fd)  # fmt: skip  # noqa: E702


def later(error: BaseException) -> BaseException:
    """An exception that is raised as soon as the reader has what came before it.

    Its frames are let go, for they lead to the caller's streams, which would live on with a raw that is known
    elsewhere; a note says where it was raised.
    """
    by_signal = is_by_signal(error)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is not None:
        code = trace.tb_frame.f_code
        error.add_note(f"raised at {code.co_filename}:{trace.tb_lineno} in {code.co_qualname}")
    vars(error)[MARK] = by_signal
    before: BaseException | None = error
    while before is not None:
        before.__traceback__ = None
        before = before.__context__
    return error


class Descriptor:
    """A descriptor that is closed with this object, which has it from the line on that opens it."""

    fd = -1

    def __init__(self, opens: Callable[..., int], *arguments: Any) -> None:
        # Unpacked, not returned by a call: a signal's handler could raise before what a call gave is stored.
        (self.fd,) = starmap(opens, (arguments,))

    def close(self) -> None:
        """Closes it; OSError when somebody else has."""
        if self.fd >= 0:
            close_descriptor(self)

    def __del__(self) -> None:
        try:
            self.close()
        except from_system(Exception):
            pass


class Owner:
    """Closes a stream's raw at the latest when the stream is gone, even if closing that was broken off.

    A raw may be known elsewhere, to a watch of stream_select for one, and live on; the stream's owner does
    not.  It is reached through the stream alone, so that in a cycle the stream's own end comes first.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        raw.owned = True

    def close(self) -> None:
        """Closes the raw, while its descriptor is still what the pollers take it for."""
        raw = self.raw
        for poller in tuple(raw.pollers):
            poller.forget(raw)
        raw.close()

    def __del__(self) -> None:
        try:
            if not (self.raw.closed or self.raw.outlives):
                self.close()
        except from_system(Exception):
            pass

"""Raw: what every kind of stream is made of (= php_stream_ops), under a stream's read buffer (buffer.py).

Rules a Raw keeps:

1. `readinto` never raises, so that no reader above (ours, or an io.BufferedReader) loses a half-read line:
   PHP's fgets hands out the part that came.  "Nothing now" is None (with `timed_out` when that was a
   timeout), the end is 0 (with `eof`).  An exception from a user's handler is kept in `raised`, and the
   chapter function raises it as soon as there is no data to hand out first; until then nothing more is read.
2. It counts what it has handed up in `total`, and what it has sent in `written`.  The buffer above subtracts
   what it still holds: that is PHP's position.
"""

from __future__ import annotations

import io
from typing import Any, Literal

from php_streams._core.diagnostics import warn

# Raws whose buffer was refilled since the last look: the only ones that can hold unread bytes.  This is what
# lets stream_select answer from buffers without asking each of a thousand streams.
REFILLED: set[Raw] = set()
# Raws that may hold back what was written to them, until they are pushed.
HELD_BACK: set[Raw] = set()


class Raw(io.RawIOBase):
    """One kind of stream: subclasses fill a buffer, write bytes and describe themselves."""

    label = ""  # stream_type of stream_get_meta_data
    blocking = True
    timed_out = False
    eof = False
    failed = False  # the last read was an error or a timeout, no end: fread gives False then, not ""
    # One read is one message: what is longer than the read is lost, and an empty one looks like an end.
    datagrams = False
    seek_allowed = False
    line_end: bytes | None = b"\n"  # None: CR or LF, the first one met will tell
    local = True
    lockable = False
    encrypts = False  # stream_socket_enable_crypto can do something with it
    raised: BaseException | None = None
    pollers: Any = ()  # stream_select's, to be told before it closes
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
        parts = []
        room = memoryview(bytearray(1 << 16))
        while size := self.readinto(room):
            parts.append(bytes(room[:size]))
            if size == len(room) < 1 << 20:
                room = memoryview(bytearray(size * 2))
        return b"".join(parts)

    def read_without_waiting(self, size: int) -> bytes:
        """One read that does not wait for data."""
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

    def select_descriptor(self) -> int | None:
        """What stream_select waits on; None for a stream that has nothing of the kind."""
        return None

    def pending(self) -> int:
        """Bytes ready below the reader that the kernel does not know of (TLS records)."""
        return 0

    def enable_crypto(self, context: Any, enable: bool, method: int | None, session: Any) -> bool | int:
        """stream_socket_enable_crypto, for streams that have none; off gives True, PHP does this."""
        return warn("This stream does not support SSL/crypto") or not enable

    def require_tls(self, required: bool) -> None:
        """TLS was asked for, or given up: while it is required nothing may be sent without it."""

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
        super().close()

"""A stream as one of Python's binary files: what to_file gives."""

from __future__ import annotations

import io
import os
from typing import Any

from php_streams._core.stream import Stream


class StreamFile(io.BufferedIOBase):
    """Reads, writes and seeks go through the stream, so that both may be used, in any order."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.name = stream.uri or ""
        self.mode = stream.mode

    def readable(self) -> bool:
        """Whether the mode lets it be read."""
        return "r" in self.mode or "+" in self.mode

    def writable(self) -> bool:
        """Whether the mode lets it be written."""
        return "r" not in self.mode or "+" in self.mode

    def seekable(self) -> bool:
        """Whether it has positions."""
        return self._open().raw.seek_allowed

    def read(self, size: int | None = None, /) -> bytes:
        """All, or so many bytes unless the end or a timeout comes first."""
        stream = self._open()
        data = stream.read_all() if size is None or size < 0 else stream.read_up_to(size)
        stream.nothing()
        return data

    def read1(self, size: int | None = None, /) -> bytes:
        """What is there, or what one read brings."""
        return self._open().read(io.DEFAULT_BUFFER_SIZE if size is None or size < 0 else size)

    def readline(self, size: int | None = None, /) -> bytes:
        """A line, or its beginning."""
        stream = self._open()
        return (stream.line() if size is None else stream.line(size)) or b""

    def write(self, data: Any, /) -> int:
        """Writes all of it; OSError when that failed."""
        block = bytes(data)
        sent = 0
        while sent < len(block):
            step = self._open().write(block[sent:])
            if not step:
                raise OSError(f"{sent} of {len(block)} bytes written")
            sent += step
        return sent

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Moves; the position from the beginning."""
        if not self.seekable():
            raise io.UnsupportedOperation("seek")
        if not self._open().seek(offset, whence):
            raise OSError(f"cannot seek to {offset} ({whence})")
        return self.tell()

    def tell(self) -> int:
        """The stream's position."""
        return self._open().tell()

    def truncate(self, size: int | None = None, /) -> int:
        """Cuts, or makes longer with NULs."""
        length = self.tell() if size is None else size
        if not self._open().truncate(length):
            raise io.UnsupportedOperation("truncate")
        return length

    def fileno(self) -> int:
        """The descriptor, where there is one."""
        return self._open().fileno()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._open().raw.is_terminal()

    def flush(self) -> None:
        """Hands on what a stream holds back."""
        if self.stream.is_open:
            self.stream.flush()

    def close(self) -> None:
        """Closes the stream, too."""
        if not self.closed:
            self.stream.close()
            super().close()

    def _open(self) -> Stream:
        if not self.stream.is_open:
            raise ValueError("I/O operation on closed file.")
        return self.stream

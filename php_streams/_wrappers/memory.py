"""php://memory and php://temp: files that live in memory (= main/streams/memory.c).

The bytes are in a BytesIO; php://temp moves them to a temporary file as soon as they are more than its limit,
and when somebody wants a descriptor.
"""

from __future__ import annotations

import io
import os
from typing import Any, Literal

from php_streams._core.buffer import CHUNK_SIZE
from php_streams._core.diagnostics import notice, warn
from php_streams._core.raw import Raw
from php_streams._core.signals import from_system
from php_streams._core.temporary import make_temporary, temporary_folder

# PHP's PHP_STREAM_MAX_MEM.
MAX_MEMORY = 2 * 1024 * 1024
TIMES = {"st_atime_ns": 0, "st_mtime_ns": 0, "st_ctime_ns": 0}


def kind_of_mode(mode: str) -> str:
    """What the stream's mode becomes: it appends, or reads only, or does all."""
    if "a" in mode:
        return "a+b"
    return "w+b" if "+" in mode or "w" in mode else "rb"


class MemoryRaw(Raw):
    """Bytes in memory.  A read that finds nothing more sees the end."""

    label = "MEMORY"
    asks_for_end = True
    greedy = True
    seek_allowed = True

    def __init__(self, mode: str, data: bytes = b"") -> None:
        super().__init__()
        self.store: io.BytesIO | io.FileIO = io.BytesIO(data)
        self.read_only = mode == "rb"
        self.appends = mode == "a+b"

    def readinto(self, buffer: Any) -> int | None:
        """What there is from the position on."""
        size = self.store.readinto(buffer)
        self.eof = not size or (self.eof and size == len(buffer))  # PHP does this
        self.total += size
        return size

    def write(self, data: Any) -> int | Literal[False]:
        """Writes at the position, or at the end; a gap before it is filled with NULs."""
        if self.read_only:
            return False
        if self.appends:
            self.store.seek(0, os.SEEK_END)
        size = self.store.write(data)
        self.written += size
        return size

    def move(self, offset: int, whence: int) -> bool:
        """Seeks, also beyond the end; before the beginning it loses the position, as PHP does."""
        self.place = self.store.tell()
        if whence not in (os.SEEK_SET, os.SEEK_END):
            return False
        start = self.store.seek(0, os.SEEK_END) if whence == os.SEEK_END else 0
        self.place = self.store.seek(max(start + offset, 0))
        if start + offset < 0:
            self.place = -1
            return False
        self.eof = False  # also when it is a write that goes back to the position
        return True

    def truncate_to(self, size: int) -> bool | None:
        """Cuts, or fills with NULs."""
        if self.read_only:
            return False
        if isinstance(self.store, io.FileIO):
            os.ftruncate(self.store.fileno(), size)
            return True
        position = self.store.tell()
        end = self.store.seek(0, os.SEEK_END)
        self.store.truncate(size)
        if size > end:
            self.store.write(bytes(size - end))
        self.store.seek(position if size > end else min(position, size))
        return True

    def stat(self) -> os.stat_result | None:
        """What PHP makes up for memory."""
        position = self.store.tell()
        size = self.store.seek(0, os.SEEK_END)
        self.store.seek(position)
        mode = 0o100444 if self.read_only else 0o100666
        more = {"st_rdev": -1, "st_blksize": -1, "st_blocks": -1, **TIMES}
        return os.stat_result((mode, 0, 12, 1, 0, 0, size, 0, 0, 0), more)

    def set_blocking(self, enable: bool) -> bool:
        """Memory never waits, and does not mind."""
        return True

    def close(self) -> None:
        """Forgets the bytes."""
        if not self.closed:
            self.store.close()
            super().close()


def _file(path: str, flags: int, mode: int) -> io.FileIO:
    """open(2) with an owner."""
    return io.FileIO(os.open(path, flags, mode), "r+")


class TempRaw(MemoryRaw):
    """Bytes in memory, or in a temporary file when there are many."""

    label = "TEMP"
    asks_for_end = False
    buffering_is_fixed = True  # PHP hands the wish on to the stream within

    def __init__(self, mode: str, limit: int = MAX_MEMORY, data: bytes = b"") -> None:
        super().__init__(mode, data)
        self.limit = limit
        self.inner_chunk = CHUNK_SIZE  # of PHP's stream within this one
        self.inner = 0  # where PHP's stream within this one believes to be; appending leads elsewhere
        self.known: dict[str, Any] = {}  # what data: URLs say of themselves

    def write(self, data: Any) -> int | Literal[False]:
        """Writes, to a file from now on if it becomes too much."""
        if isinstance(self.store, io.BytesIO):
            if self.inner + len(data) < self.limit:
                size = super().write(data)
                self.inner += size or 0
                return size
            try:
                self._spill()
            except from_system(OSError):
                text = "Unable to create temporary file, Check permissions in temporary files directory."
                warn(text)
                return 0
            self.store.seek(max(self.inner, 0), os.SEEK_END if self.inner < 0 else os.SEEK_SET)
        try:
            size = self.store.write(data)
        except from_system(OSError) as error:
            return notice(f"Write of {len(data)} bytes failed with errno={error.errno} {error.strerror}")
        self.written += size
        return size

    def readinto(self, buffer: Any) -> int | None:
        """What there is from the position on."""
        size = self.store.readinto(buffer)
        self.eof = self.eof or size < len(buffer)
        self.total += size
        self.inner += size
        return size

    def set_chunk_size(self, size: int) -> int | None:
        """It is that of the stream within, whose reads nobody sees."""
        before, self.inner_chunk = self.inner_chunk, size
        return before

    def _spill(self) -> io.FileIO:
        """Moves the bytes to a file that has no name any more.  PHP: it takes writes, whatever the mode."""
        if isinstance(self.store, io.FileIO):
            return self.store
        position = self.store.tell()
        file, name = make_temporary(temporary_folder(), "php", _file)
        try:
            os.unlink(name)
            file.write(self.store.getbuffer())
            file.seek(position)
        except BaseException:
            file.close()
            raise
        self.store, self.read_only, self.appends = file, False, False
        self.inner_chunk = CHUNK_SIZE
        return file

    def move(self, offset: int, whence: int) -> bool:
        """Seeks."""
        self.place = None
        if whence == os.SEEK_SET and offset < 0:
            return False
        if isinstance(self.store, io.BytesIO):
            done = super().move(offset, whence)
            self.inner = self.place or 0
            return done
        try:
            self.place = self.store.seek(offset, whence)
        except from_system(OSError, ValueError):
            return False
        self.eof = False
        return True

    def stat(self) -> os.stat_result | None:
        """Of the file, once there is one."""
        return os.fstat(self.store.fileno()) if isinstance(self.store, io.FileIO) else super().stat()

    @property
    def lockable(self) -> bool:  # type: ignore[override]
        """A file can be locked."""
        return isinstance(self.store, io.FileIO)

    def lock(self, operation: int) -> bool | None:
        """flock(2) on the file: nobody else can have it."""
        return self.lockable or None

    def sync(self, data_only: bool) -> bool | None:
        """Of the file, once there is one."""
        if isinstance(self.store, io.BytesIO):
            return None
        try:
            os.fdatasync(self.store.fileno()) if data_only else os.fsync(self.store.fileno())
        except from_system(OSError):
            return False
        return True

    def meta(self) -> dict[str, Any]:
        """PHP knows nothing of timeouts and the end here."""
        return dict(self.known)

    def select_descriptor(self) -> int | None:
        """The file's descriptor; there is a file from now on, or PHP's warning."""
        try:
            return self._spill().fileno()
        except from_system(OSError):
            warn("Unable to create temporary file.")
            return None

    def is_terminal(self) -> bool:
        """It never is; and to be asked is no reason for a file."""
        return False

    def fileno(self) -> int:
        """The file's descriptor; there is a file from now on."""
        return self._spill().fileno()

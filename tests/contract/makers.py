"""What the contract is tried on: one row for each kind of Raw, with something on its far side.

A new kind of stream is a row here, and the whole suite holds for it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from php_streams._core.raw import Raw
from php_streams._transports.socket import LABELS, SocketRaw
from php_streams._wrappers.memory import MemoryRaw, TempRaw
from php_streams._wrappers.plain import FileRaw
from php_streams._wrappers.user import Methods, UserRaw


@dataclass(frozen=True)
class Made:
    """A raw, and what its far side can do."""

    raw: Raw
    send: Callable[[bytes], object]  # these bytes are there for the raw to read
    received: Callable[[int], bytes]  # what the raw wrote
    fail: Callable[[], object]  # the next read is an error
    cut: Callable[[], object]  # what is below is taken away behind the raw's back
    end: Callable[[], object] | None  # that was all there will ever be; None where nothing says so


Maker = Callable[[Path], "contextlib.AbstractContextManager[Made]"]


def over(near: socket.socket, far: socket.socket, label: str, *, stream: bool = True) -> Made:
    """The near socket as a raw."""
    raw = SocketRaw(near, LABELS[label], 5.0)

    def fail() -> None:
        if label == "tcp":
            far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if label == "unix":
            near.send(b"never read")  # a unix socket that is closed with unread data resets
        far.close()
        if label == "udp":
            near.send(b"nobody there")

    return Made(raw, far.sendall, far.recv, fail, near.close, end=far.close if stream else None)


@contextlib.contextmanager
def tcp(folder: Path) -> Iterator[Made]:
    """A TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    with near, far:
        yield over(near, far, "tcp")


@contextlib.contextmanager
def unix(folder: Path) -> Iterator[Made]:
    """A connection to a unix socket."""
    path = str(folder / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        near = socket.socket(socket.AF_UNIX)
        near.connect(path)
        far, _ = server.accept()
    with near, far:
        yield over(near, far, "unix")


@contextlib.contextmanager
def socketpair(folder: Path) -> Iterator[Made]:
    """A pair of connected sockets."""
    near, far = socket.socketpair()
    with near, far:
        yield over(near, far, "unix")


@contextlib.contextmanager
def udp(folder: Path) -> Iterator[Made]:
    """Two connected UDP sockets."""
    near, far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    with near, far:
        for sock in (near, far):
            sock.bind(("127.0.0.1", 0))
        near.connect(far.getsockname())
        far.connect(near.getsockname())
        yield over(near, far, "udp", stream=False)


# --- files, which never wait and whose end may be taken back -------------------------------------------


@dataclass(frozen=True)
class MadeFile:
    """A raw with a position, and what is in it."""

    raw: Raw
    grow: Callable[[bytes], object]  # these bytes come behind its end
    content: Callable[[], bytes]


FileMaker = Callable[[Path], "contextlib.AbstractContextManager[MadeFile]"]


@contextlib.contextmanager
def plain(folder: Path) -> Iterator[MadeFile]:
    """A plain file."""
    path = folder / "file"
    path.touch()

    def grow(data: bytes) -> None:
        with path.open("ab") as file:
            file.write(data)

    yield MadeFile(FileRaw(os.open(path, os.O_RDWR)), grow, path.read_bytes)


def within(raw: MemoryRaw) -> MadeFile:
    """Memory, or the file that php://temp has made of it."""

    def content() -> bytes:
        position = raw.store.tell()
        raw.store.seek(0)
        data = raw.store.read()
        raw.store.seek(position)
        return data or b""

    def grow(data: bytes) -> None:
        position = raw.store.tell()
        raw.store.seek(0, os.SEEK_END)
        raw.store.write(data)
        raw.store.seek(position)

    return MadeFile(raw, grow, content)


@contextlib.contextmanager
def memory(folder: Path) -> Iterator[MadeFile]:
    """php://memory"""
    yield within(MemoryRaw("w+b"))


@contextlib.contextmanager
def temp(folder: Path) -> Iterator[MadeFile]:
    """php://temp, in memory"""
    yield within(TempRaw("w+b"))


@contextlib.contextmanager
def spilled(folder: Path) -> Iterator[MadeFile]:
    """php://temp, in a file"""
    raw = TempRaw("w+b")
    raw.fileno()
    yield within(raw)


class Stored:
    """A class of a user's: bytes, with a position in them."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.position = 0

    def stream_read(self, count: int) -> bytes:
        """From the position on."""
        found = bytes(self.data[self.position : self.position + count])
        self.position += len(found)
        return found

    def stream_eof(self) -> bool:
        """Whether the position is the end."""
        return self.position >= len(self.data)

    def stream_write(self, data: bytes) -> int:
        """At the position."""
        self.data[self.position : self.position + len(data)] = data
        self.position += len(data)
        return len(data)

    def stream_seek(self, offset: int, whence: int) -> bool:
        """Moves the position."""
        self.position = offset + (len(self.data) if whence == os.SEEK_END else 0)
        return self.position >= 0

    def stream_tell(self) -> int:
        """The position."""
        return self.position

    def stream_stat(self) -> dict[str, int]:
        """The size."""
        return {"size": len(self.data)}

    def stream_truncate(self, size: int) -> bool:
        """Cuts, or fills up."""
        self.data[size:] = bytes(max(size - len(self.data), 0))
        return True


@contextlib.contextmanager
def user(folder: Path) -> Iterator[MadeFile]:
    """A stream that a class of the user's serves."""
    stored = Stored()
    yield MadeFile(UserRaw(Methods(stored), remote=False), stored.data.extend, lambda: bytes(stored.data))


MAKERS: dict[str, Maker] = {"tcp": tcp, "unix": unix, "socketpair": socketpair, "udp": udp}
DATAGRAMS = {"udp"}  # of these nobody can say that no more will come
FILES: dict[str, FileMaker] = {
    "plain": plain,
    "memory": memory,
    "temp": temp,
    "spilled": spilled,
    "user": user,
}

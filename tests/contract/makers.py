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

from php_streams import from_socket, stream_socket_accept, stream_socket_server, to_socket
from php_streams._core.raw import Raw
from php_streams._core.stream import Stream
from php_streams._transports.pair import open_pair
from php_streams._transports.socket import LABELS, PAIR, SocketRaw
from php_streams._wrappers.memory import MemoryRaw, TempRaw
from php_streams._wrappers.plain import FileRaw
from php_streams._wrappers.user import Methods, UserRaw


@dataclass(frozen=True)
class Made:
    """A raw, and what its far side can do."""

    raw: Raw
    far: socket.socket
    send: Callable[[bytes], object]  # these bytes are there for the raw to read
    received: Callable[[int], bytes]  # what the raw wrote
    fail: Callable[[], object]  # the next read is an error
    cut: Callable[[], object]  # what is below is taken away behind the raw's back
    end: Callable[[], object] | None  # that was all there will ever be; None where nothing says so


Maker = Callable[[Path], "contextlib.AbstractContextManager[Made]"]


def over(near: socket.socket, far: socket.socket, raw: Raw, *, stream: bool = True) -> Made:
    """A raw over the near socket."""

    def fail() -> None:
        if raw.label == LABELS["tcp"]:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if raw.label in (LABELS["unix"], PAIR):
            near.send(b"never read")  # a unix socket that is closed with unread data resets
        far.close()
        if raw.label == LABELS["udp"]:
            near.send(b"nobody there")

    return Made(raw, far, far.sendall, far.recv, fail, near.close, end=far.close if stream else None)


def raw_of(near: socket.socket, label: str) -> SocketRaw:
    """The near socket as a raw."""
    return SocketRaw(near, LABELS[label], 5.0)


@contextlib.contextmanager
def tcp(folder: Path) -> Iterator[Made]:
    """A TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    with near, far:
        yield over(near, far, raw_of(near, "tcp"))


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
        yield over(near, far, raw_of(near, "unix"))


@contextlib.contextmanager
def socketpair(folder: Path) -> Iterator[Made]:
    """A pair of connected sockets."""
    near, far = socket.socketpair()
    with near, far:
        yield over(near, far, raw_of(near, "unix"))


@contextlib.contextmanager
def udp(folder: Path) -> Iterator[Made]:
    """Two connected UDP sockets."""
    near, far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    with near, far:
        for sock in (near, far):
            sock.bind(("127.0.0.1", 0))
        near.connect(far.getsockname())
        far.connect(near.getsockname())
        yield over(near, far, raw_of(near, "udp"), stream=False)


@contextlib.contextmanager
def packets(folder: Path) -> Iterator[Made]:
    """A pair of stream_socket_pair's that keeps the bounds of messages."""
    near, far = open_pair(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0)
    near.raw.set_timeout(5.0)
    with near, far:
        yield over(near.raw.sock, far.raw.sock, near.raw, stream=False)  # type: ignore[attr-defined]


def _adopted(maker: Maker) -> Maker:
    """The same, made by from_socket of a socket that has a timeout."""

    @contextlib.contextmanager
    def make(folder: Path) -> Iterator[Made]:
        with maker(folder) as made:
            near = made.raw.sock  # type: ignore[attr-defined]
            near.settimeout(5)
            stream = from_socket(near)
            with stream.raw.sock as own:  # type: ignore[attr-defined]
                yield over(own, made.far, stream.raw, stream=made.end is not None)

    return make


def _shared(maker: Maker) -> Maker:
    """The same, while to_socket's socket is held."""

    @contextlib.contextmanager
    def make(folder: Path) -> Iterator[Made]:
        with maker(folder) as made:
            stream = Stream(made.raw, "r+")
            face = to_socket(stream)
            yield made
            assert face.fileno() == -1 or stream.is_open

    return make


PLAIN: dict[str, Maker] = {"tcp": tcp, "unix": unix, "socketpair": socketpair, "udp": udp}


def _accepted(address: str) -> Maker:
    """A client of a server at that address, {} being a folder."""

    @contextlib.contextmanager
    def maker(folder: Path) -> Iterator[Made]:
        with stream_socket_server(address.format(folder)).result as server:
            listening = to_socket(server)
            far = socket.socket(listening.family)
            far.connect(listening.getsockname())
            conn, _ = stream_socket_accept(server, 5)
        with conn, far:
            yield over(conn.raw.sock, far, conn.raw)

    return maker


MAKERS = {
    **PLAIN,
    "packets": packets,
    "accepted, tcp": _accepted("tcp://127.0.0.1:0"),
    "accepted, unix": _accepted("unix://{}/s"),
    **{f"from_socket, {name}": _adopted(maker) for name, maker in PLAIN.items()},
    **{f"to_socket, {name}": _shared(maker) for name, maker in PLAIN.items()},
}
DATAGRAMS = {
    name for name in MAKERS if name.endswith(("udp", "packets"))
}  # of these nobody can say that no more will come


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


FILES: dict[str, FileMaker] = {
    "plain": plain,
    "memory": memory,
    "temp": temp,
    "spilled": spilled,
    "user": user,
}

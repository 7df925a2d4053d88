"""A socket that belongs to a raw, and what the raw knows of its TLS and of the face that Python code has."""

from __future__ import annotations

import socket
from typing import Any, Literal, Protocol

from php_streams._core.signals import from_system


class Crypto(Protocol):
    """What a TLS session answers for the raw that it protects."""

    timed_out: bool

    def read_failed(self, error: OSError) -> int | None:
        """What readinto returns after this error: None (nothing now; sets timed_out) or 0 (the end)."""

    def write_failed(self, error: OSError, size: int) -> int | Literal[False]:
        """What write returns after this error."""

    def pending(self) -> int:
        """Bytes decrypted and not read yet."""

    def alive(self) -> bool:
        """Whether the peer may still send, as far as can be seen without waiting."""

    def meta(self) -> dict[str, Any]:
        """The `crypto` entry of stream_get_meta_data."""

    def close(self) -> None:
        """Says goodbye (close_notify), as far as that works."""


class Face(Protocol):
    """The socket that Python code has of a stream (shared.py)."""

    def follow(self, sock: socket.socket) -> bool:
        """Takes over the timeout of the raw's socket; False, and useless from now on, if it was another's."""

    def drop(self) -> None:
        """The stream is closed."""


class Socket(socket.socket):
    """A socket that its raw closes, as soon as it has one.

    The garbage collector finalizes what is left of a cycle in any order: the socket must neither complain
    that it is open nor close itself before TLS has said goodbye.
    """

    owned = False

    def __del__(self) -> None:
        try:
            if not self.owned:
                self._real_close()  # type: ignore[attr-defined]
        except from_system(Exception):  # it was not whole yet
            pass


def own(sock: socket.socket) -> None:
    """The socket is its raw's from now on."""
    if hasattr(sock, "owned"):
        sock.owned = True

"""What a socket's raw knows of its TLS, and of the socket that Python code has of it."""

from __future__ import annotations

import socket
from typing import Any, Literal, Protocol


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

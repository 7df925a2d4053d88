"""What stream_socket_client gives without STREAM_CLIENT_CONNECT: a stream that has no socket.

PHP makes the stream and leaves its socket at -1; whatever needs one fails quietly (xp_socket.c).
"""

from __future__ import annotations

import errno
from typing import Any, Literal

from php_streams._core.diagnostics import warn
from php_streams._core.raw import Raw
from php_streams._transports.datagram import failed


class UnconnectedRaw(Raw):
    """No socket under a socket stream's name."""

    def __init__(self, label: str, can_encrypt: bool) -> None:
        super().__init__()
        self.label = label
        self.can_encrypt = can_encrypt

    def readinto(self, buffer: Any) -> int | None:
        """There is nothing to read from."""
        self.eof = self.failed = True
        return 0

    def write(self, data: Any) -> int | Literal[False]:
        """Nothing is sent, and PHP says nothing about it."""
        return 0

    def at_end(self) -> bool:
        """It has always been."""
        self.eof = True
        return True

    def set_timeout(self, seconds: float | None) -> bool:
        """PHP keeps it, to no effect."""
        return True

    def enable_crypto(self, context: Any, enable: bool, method: int | None, session: Any) -> bool | int:
        """There is nobody to shake hands with."""
        if not self.can_encrypt:
            return super().enable_crypto(context, enable, method, session)
        return warn("SSL: Bad file descriptor") if enable else False

    def send_to(self, data: bytes, flags: int, target: Any) -> int:
        """Sending one message does say something."""
        return failed(errno.EBADF)

    def select_descriptor(self) -> int | None:
        """Nothing to wait on: stream_select passes over it."""
        return -1

    def fileno(self) -> int:
        """It has no descriptor."""
        return -1

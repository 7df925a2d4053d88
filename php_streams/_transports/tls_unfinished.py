"""A TLS handshake that is not finished: what SocketRaw reads from, writes to and asks between its steps."""

from __future__ import annotations

import errno
import os
import select
import ssl
from typing import TYPE_CHECKING, Any, Literal

from php_streams._core.diagnostics import warn
from php_streams._transports.tls_session import TlsSocket

if TYPE_CHECKING:
    from php_streams._transports.socket import SocketRaw

END = getattr(select, "POLLRDHUP", 0)  # the peer sends no more; Linux has it


class Unfinished:
    """Between the steps of a non-blocking handshake: nothing is read, and payload is refused.

    PHP would send it in plaintext into the middle of the handshake.
    """

    timed_out = False

    def __init__(self, raw: SocketRaw, sock: TlsSocket) -> None:
        self.raw = raw
        self.sock = sock

    def read_failed(self, error: OSError) -> int | None:
        """Nothing now, or the end where the peer has gone; a blocking stream waits for that end."""
        ended = False
        if self.raw.blocking:
            poll = select.poll()
            poll.register(self.sock, END)
            ended = bool(poll.poll(None if self.raw.timeout is None else self.raw.timeout * 1000))
        self.raw.eof = ended or not self.alive()
        self.raw.timed_out = self.raw.failed = self.raw.blocking and not self.raw.eof
        return 0 if self.raw.eof else None

    def write_failed(self, error: OSError, size: int) -> Literal[False]:
        """Refuses."""
        return warn(f"{size} bytes are not sent: the TLS handshake is not finished, call it again")

    def pending(self) -> int:
        """None."""
        return 0

    def alive(self) -> bool:
        """Whether the peer may still send: what it sent is for the next step, and stays."""
        return self.sock.plain_may_go_on()

    def meta(self) -> dict[str, Any]:
        """Nothing to tell yet."""
        return {}

    def close(self) -> None:
        """There is nothing to say goodbye to."""


class HiddenSocket:
    """A socket without its reading and writing methods, which say "not now"."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv_into(self, *arguments: Any) -> int:
        """Not now."""
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    add_to = look_ahead = recv = recvfrom = send = sendall = sendto = read = write = recv_into

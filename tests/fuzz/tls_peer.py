"""The peer of the random TLS programs: a server that does what a second connection tells it.

A program opens the control connection, names the certificate and the versions, then the connection that is
tried.  Each command is a line there, and is answered when it is done: so whatever it sends has arrived when
the program goes on, and both twins meet the same bytes at the same step.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO, cast

from php_streams.porting.peer_tls import server_context
from tests.places import CERTS

PATIENCE = 5


class CommandedPeer:
    """Serves one program after the other on `port`."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.settimeout(0.1)
        self.port = self._listener.getsockname()[1]
        self._over = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> CommandedPeer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self._thread.join(2 * PATIENCE)
        self._listener.close()

    def _serve(self) -> None:
        while not self._over:
            with suppress(TimeoutError), self._accept() as control, control.makefile("rwb") as file:
                lines = cast(BinaryIO, file)
                words = lines.readline().decode().split()
                if words:
                    Connection(self._accept(), words).obey(control, lines)

    def _accept(self) -> socket.socket:
        connection, _ = self._listener.accept()
        connection.settimeout(PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


class Connection:
    """The connection that is tried."""

    def __init__(self, sock: socket.socket, words: list[str]) -> None:
        self.sock: socket.socket = sock
        self.words = words
        self.received = 0
        self.end = "open"

    def obey(self, control: socket.socket, lines: BinaryIO) -> None:
        """Does what the lines say, until there is none."""
        with suppress(OSError):
            for line in lines:
                name, _, argument = line.decode().rstrip("\n").partition(" ")
                if name == "tls":  # the client goes on with the handshake only when it has been answered
                    self._answer(lines, "begun")
                    self._tls(control)
                else:
                    try:
                        answer = str(getattr(self, f"_{name}")(argument))
                    except (OSError, ValueError) as error:
                        answer = type(error).__name__
                    self._answer(lines, answer)
        self.sock.close()

    def _answer(self, lines: BinaryIO, text: str) -> None:
        lines.write(f"{text}\n".encode())
        lines.flush()

    def _tls(self, control: socket.socket) -> None:
        """Shakes hands until that is done or has failed, or the next command comes first."""
        try:
            context = server_context(tuple(self.words), CERTS)
            self.sock = sock = context.wrap_socket(
                self.sock, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=False
            )
            sock.settimeout(0)
            while True:
                try:
                    sock.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    ready, _, _ = select.select([sock, control], [], [], PATIENCE)
                    if sock not in ready:
                        raise TimeoutError from None
        except OSError:
            self.end = "no TLS"
        self.sock.settimeout(PATIENCE)

    def _ready(self, argument: str) -> str:
        return "ready"

    def _send(self, size: str) -> str:
        """That many bytes, with line ends in them; as plaintext where no TLS stands."""
        if self.end == "no TLS":
            return self._plain("x" * int(size))
        self.sock.sendall((b"0123456789abcde\n" * (int(size) // 16 + 1))[: int(size)])
        return "sent"

    def _plain(self, text: str) -> str:
        """Plaintext, on whatever stands."""
        socket.socket.send(self.sock, text.encode())
        return "sent"

    def _bye(self, argument: str) -> str:
        """TLS's goodbye, without waiting for an answer."""
        self.sock.settimeout(0)
        try:
            if isinstance(self.sock, ssl.SSLSocket):
                self.sock._sslobj.shutdown()  # type: ignore[attr-defined]
        finally:
            self.sock.settimeout(PATIENCE)
        return "said"

    def _half(self, argument: str) -> str:
        socket.socket.shutdown(self.sock, socket.SHUT_WR)
        return "ended"

    def _reset(self, argument: str) -> str:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        return "reset"

    def _close(self, argument: str) -> str:
        self.sock.close()
        return "closed"

    def _report(self, argument: str) -> str:
        """How many bytes have come, and how it ended."""
        self.sock.settimeout(0)
        try:
            while self.end in ("open", "no TLS"):
                receive = socket.socket.recv if self.end == "no TLS" else type(self.sock).recv
                data = receive(self.sock, 65536)
                self.received += len(data)
                self.end = self.end if data else "end"
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except OSError as error:
            self.end = type(error).__name__
        finally:
            self.sock.settimeout(PATIENCE)
        return f"{self.received} {self.end}"

"""Plays one connection of a scripted peer, statement by statement."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from php_streams.porting.peer_script import Plan, Statement

if TYPE_CHECKING:
    import ssl

GONE = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)
SHOW_AT_MOST = 300


class Owner(Protocol):
    """What a player needs of its peer."""

    plan: Plan
    deadline: float
    variables: dict[str, str]
    stopping: threading.Event


class Unexpected(Exception):
    """The client did something else than the script says."""


class Gone(Exception):
    """The client is gone; nothing more can be played, and nothing is wrong with that."""


class Player:
    """What connections and datagrams have in common: `do_<statement>` plays a statement."""

    def __init__(self, peer: Owner, script: Sequence[Statement], sock: socket.socket) -> None:
        self.peer = peer
        self.script = script
        self.sock = sock
        self.client: tuple[str, int] | None = None
        self.recorded: list[bytes] = []
        self.report: list[tuple[str, bytes]] = []
        self.failures: list[str] = []
        self.forbidden: list[bytes] = []
        self.seen = b""
        self.abandoned = False

    def play(self) -> None:
        """Plays the script to its end, or to the first failure."""
        # Without a word about it a peer says nothing.
        script = self.script or [Statement(0, "silent", "an empty script")]
        for item in [*script, Statement(script[-1].line, "close", "the end of the script")]:
            if self.skips(item):
                continue
            try:
                getattr(self, f"do_{item.name.replace('-', '_')}")(item)
            except Unexpected as error:
                self.fail(item, str(error))
                break
            except Gone:
                break
            except TimeoutError:
                self.fail(
                    item, "the client left the connection open" if self.abandoned else "the deadline is over"
                )
                break
            except OSError as error:
                if not self.abandoned:
                    self.fail(item, f"{type(error).__name__}: {error}")
                break
            if item.name in ("close", "cut", "reset"):
                break
        self.close()

    def skips(self, item: Statement) -> bool:
        """Whether a statement has nothing to be played to any more."""
        return False

    def fail(self, item: Statement, reason: str) -> None:
        """Notes a failure at a statement."""
        peer = f"peer {self.peer.plan.number}" if self.peer.plan.number > 1 else "peer"
        self.failures.append(f"{peer}, line {item.line} of its script ({item.source}): {reason}")

    def abandon(self) -> None:
        """Called when the time to finish is over."""
        raise NotImplementedError

    def close(self) -> None:
        """Lets go of the socket."""
        raise NotImplementedError

    def fill_in(self, data: bytes) -> bytes:
        """The text of a statement with its variables."""
        for name, value in self.peer.variables.items() if b"{" in data else ():
            data = data.replace(b"{%s}" % name.encode(), value.encode())
        return data

    def watch(self, data: bytes) -> bytes:
        """Notes what came, for ``never``."""
        if self.forbidden:
            self.seen += data
            for text in self.forbidden:
                if text in self.seen:
                    raise Unexpected(
                        f"the client sent {shown(text)}, which must never come: {shown(self.seen)}"
                    )
        return data

    def do_never(self, item: Statement) -> None:
        """Forbids a text."""
        self.forbidden.append(self.fill_in(item.data))

    def do_wait(self, item: Statement) -> None:
        """Waits, less when the peer is to finish."""
        self.peer.stopping.wait(item.number)


class Connection(Player):
    """One connection, accepted here if nothing else is said."""

    def __init__(
        self,
        peer: Owner,
        script: Sequence[Statement],
        sock: socket.socket,
        contexts: Mapping[tuple[str, ...], ssl.SSLContext],
    ) -> None:
        super().__init__(peer, script, sock)
        self.contexts = contexts
        self.hello: object = None
        name: object = None
        with contextlib.suppress(OSError):  # a client that reset the connection has no name any more
            name = sock.getpeername()
        self.client = (name[0], name[1]) if isinstance(name, tuple) else None
        sock.settimeout(peer.deadline)
        # A stopped peer still has its clients' last words to read; see `abandon` for those that stay.

    def abandon(self) -> None:
        """Ends a connection that the client has not ended."""
        with contextlib.suppress(OSError):
            self.abandoned = True
            self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the socket."""
        self.sock.close()

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on."""
        return hasattr(self.sock, "unwrap")

    def receive(self, size: int) -> bytes:
        """Up to `size` bytes, b"" at the end of the connection, however it ended."""
        try:
            data = self.sock.recv(size)
        except GONE:
            return b""
        except OSError as error:
            # ssl.SSLError: the end without close_notify, or an alert.
            if isinstance(error, TimeoutError) or not self.encrypted:
                raise
            self.broken(error)
            return b""
        if self.abandoned and not data:
            raise TimeoutError
        return self.watch(data)

    def broken(self, error: OSError) -> None:
        """TLS has ended otherwise than by close_notify."""

    def do_send(self, item: Statement) -> None:
        """Sends."""
        self.send(self.fill_in(item.data))

    def do_urgent(self, item: Statement) -> None:
        """Sends out of band, which TLS does not have."""
        if self.encrypted:
            raise Unexpected("TLS has nothing out of band")
        self.sock.send(item.data, socket.MSG_OOB)

    def send(self, data: bytes) -> None:
        """Sends all of it, or finds the client gone."""
        try:
            self.sock.sendall(data)
        except GONE:
            raise Gone("the client is gone") from None
        except OSError as error:
            if isinstance(error, TimeoutError) or not self.encrypted:
                raise
            raise Gone(f"the client is gone: {error}") from None

    def do_garbage(self, item: Statement) -> None:
        """Sends bytes without meaning."""
        self.send(garbage(int(item.number)))

    def do_expect(self, item: Statement) -> None:
        """Takes what the client has to send."""
        kind = item.words[0] if item.words else "text"
        if kind == "eof":
            if data := self.receive(65536):
                raise Unexpected(f"expected the end of the connection, got {shown(data)}")
        elif kind == "line":
            self.take(lambda data: data.endswith(b"\n"), "a line", 1)
        elif kind == "bytes":
            self.take(lambda data: len(data) >= item.number, f"{int(item.number)} bytes", int(item.number))
        else:
            self.take_text(self.fill_in(item.data))

    def take(self, enough: Callable[[bytes], bool], what: str, size: int) -> None:
        """Takes until it is enough, never more."""
        data = b""
        while not enough(data):
            part = self.receive(1 if size == 1 else size - len(data))
            if not part:
                raise Unexpected(f"expected {what}, got {shown(data)} and then the end of the connection")
            data += part

    def take_text(self, text: bytes) -> None:
        """Takes exactly this text."""
        data = b""
        while len(data) < len(text):
            part = self.receive(len(text) - len(data))
            data += part
            if not part or not text.startswith(data):
                rest = self.waiting() if part else b""
                end = "" if part else " and then the end of the connection"
                raise Unexpected(f"expected {shown(text)}, got {shown(data + rest)}{end}")

    def waiting(self) -> bytes:
        """What has come and was not read."""
        data = b""
        with contextlib.suppress(OSError):
            self.sock.settimeout(0)
            while part := self.sock.recv(65536):
                data += part
        with contextlib.suppress(OSError):
            self.sock.settimeout(self.peer.deadline)
        return data

    def do_tls(self, item: Statement) -> None:
        """Handshakes as the server. When it fails the connection ends; it is the client's to tell why."""
        from php_streams.porting.peer_tls import peek_hello

        try:
            self.hello = self.hello or peek_hello(self.sock)
            # In two steps: `abandon` has to find the socket while the handshake goes on.
            secure = self.contexts[item.words].wrap_socket(
                self.sock, server_side=True, do_handshake_on_connect=False
            )
            self.sock = secure
            secure.do_handshake()
        except TimeoutError:
            raise
        except OSError as error:
            raise Gone(f"no TLS: {error}") from None

    do_starttls = do_tls

    def do_untls(self, item: Statement) -> None:
        """Ends TLS, keeps the connection."""
        if not hasattr(self.sock, "unwrap"):
            raise Unexpected("there is no TLS to end")
        try:
            if item.words:
                self.sock = self.sock.unwrap()
            else:
                # Read to the client's close_notify and answer nothing: php does not read the answer, it would
                # come out as the first plaintext.
                if data := self.sock.recv(65536):
                    raise Unexpected(f"expected close_notify, got {shown(data)}")
                self.sock = socket.socket(fileno=self.sock.detach())
                self.sock.settimeout(self.peer.deadline)
        except TimeoutError:
            raise
        except OSError as error:
            raise Gone(f"TLS did not end well: {error}") from None
        self.hello = None

    def do_show(self, item: Statement) -> None:
        """Reports facts about TLS; before ``tls`` what the waiting ClientHello says."""
        from php_streams.porting.peer_tls import ClientHello, fact, peek_hello

        if not self.encrypted and self.hello is None:
            self.hello = peek_hello(self.sock)
        hello = self.hello if isinstance(self.hello, ClientHello) else None
        for name in item.words:
            self.report.append((name, fact(name, self.sock, hello).encode()))

    def do_half_close(self, item: Statement) -> None:
        """No more sending; who has reset the connection meanwhile needs none."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def do_close(self, item: Statement) -> None:
        """Closes; what came unexpected is a failure, and taken, as otherwise the kernel would send a RST."""
        rest = self.waiting()
        if rest:
            self.watch(rest)
            raise Unexpected(f"got {shown(rest)}, which no statement takes")
        if hasattr(self.sock, "unwrap"):
            with contextlib.suppress(OSError, ValueError):
                self.sock.settimeout(0)
                self.sock.unwrap()  # sends close_notify; the client's is not waited for

    def do_cut(self, item: Statement) -> None:
        """Closes the connection below TLS."""

    def do_reset(self, item: Statement) -> None:
        """Closes with a RST: a linger time of nothing."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def do_silent(self, item: Statement) -> None:
        """Takes what comes until the client goes away."""
        while self.receive(65536):
            pass

    do_ignore = do_silent

    def do_record(self, item: Statement) -> None:
        """Takes what comes until the client goes away, or a text has come, and keeps it."""
        data, end = b"", self.fill_in(item.data)
        while part := self.receive(1 if end else 65536):
            data += part
            if end and data.endswith(end):
                break
        self.recorded.append(data)
        self.report.append(("got", data))

    def do_echo(self, item: Statement) -> None:
        """Sends back what comes."""
        while part := self.receive(65536):
            self.send(part)


def garbage(size: int) -> bytes:
    """Bytes without meaning, the same in every run; the first is no letter and no TLS record type."""
    return b"\xff" + random.Random(1).randbytes(size - 1) if size else b""


def shown(data: bytes) -> str:
    """Bytes for a message: as Python writes them, cut when long."""
    return repr(data) if len(data) <= SHOW_AT_MOST else f"{data[:SHOW_AT_MOST]!r}... ({len(data)} bytes)"

"""A peer that connects: the client of a server that the program under test opens."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from php_streams.porting.peer_base import ScriptedPeer
from php_streams.porting.peer_datagrams import Datagrams
from php_streams.porting.peer_player import Connection, Gone, Player, Unexpected
from php_streams.porting.peer_script import Plan, Statement

if TYPE_CHECKING:
    import ssl

# Nobody listens (yet).
ABSENT = (ConnectionRefusedError, FileNotFoundError)
SHORTEST, LONGEST = 0.005, 0.05  # seconds between two attempts


class Client(ScriptedPeer):
    """A peer whose script begins with ``connect``: it connects, and plays its statements as the client.

    >>> with Client('connect\\nsend "hello\\\\n"\\nexpect "HELLO\\\\n"') as client:       # doctest: +SKIP
    ...     serve_one(client.port)
    >>> client.failures                                                            # doctest: +SKIP
    []

    Without `port` one is reserved from the client's creation to its end: a socket is bound to it that does
    not listen, and whoever binds with SO_REUSEADDR can listen on it.  The path of a ``unix`` or ``udg``
    server (`path`) is free.  Connecting is tried again until somebody listens, for `patience` seconds.  The
    connections of a script come one after the other, each when the one before has been played to its end.
    `after` is another client of the same server, whose first connection has to stand before this one's.
    The other arguments are those of `php_streams.porting.peer.Peer`.
    """

    connects = True

    def __init__(
        self,
        script: str | Plan,
        *,
        port: int | None = None,
        after: Client | None = None,
        certs: str | os.PathLike[str] | None = None,
        folder: str | os.PathLike[str] | None = None,
        deadline: float = 20.0,
        patience: float = 10.0,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(script, certs, deadline, variables)
        self.patience = patience
        self.connected = threading.Event()
        self.sessions: dict[tuple[str, ...], ssl.SSLSession] = {}
        self.own_path: str | None = None
        self._after = after
        self.port = port or 0
        if after is not None:
            self.host, self.port, self.path = after.host, after.port, after.path
        elif self.plan.options & {"unix", "udg"}:
            self.path = os.path.join(self._folder(folder), f"server{self.plan.number}")
        elif port is None:
            self.port = self._reserve()
        if "udg" in self.plan.options and self.path:
            # Without a name of its own a datagram socket has no address to be answered at.
            self.own_path = os.path.join(os.path.dirname(self.path), f"client{self.plan.number}")
            self._cleanup.callback(self._unlink)

    def _reserve(self) -> int:
        reserved = self._cleanup.enter_context(self._socket())
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind((self.host, 0))
        port: int = reserved.getsockname()[1]
        if self.plan.datagrams:
            reserved.close()  # it would receive
        return port

    def _run(self) -> None:
        if self._after is not None:
            self._after.connected.wait(self.deadline)
        for number, script in enumerate(self.plan.connections, 1):
            sock = self._connect()
            if sock is None:
                # A script without a word only asks for the port.
                if script:
                    self.failures.append(
                        f"peer {self.plan.number}: connection {number}: nobody listened on {self._where}"
                    )
                break
            player = self._player(script, sock)
            self.players.append(player)
            self.connected.set()
            player.play()
        self.connected.set()

    def _player(self, script: Sequence[Statement], sock: socket.socket) -> Player:
        if self.plan.datagrams:
            return ClientDatagrams(self, script, sock)
        return ClientConnection(self, script, sock)

    def _unlink(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.own_path or "")

    @property
    def _where(self) -> str:
        return self.path or f"port {self.port}"

    def _connect(self) -> socket.socket | None:
        """The connection, as soon as there is a server; None when none came."""
        until, pause = time.monotonic() + self.patience, SHORTEST
        while True:
            sock = self._socket()
            sock.settimeout(self.deadline)
            try:
                if self.own_path:
                    self._unlink()
                    sock.bind(self.own_path)
                sock.connect(self.path or (self.host, self.port))
                return sock
            except ABSENT:
                sock.close()
            except OSError as error:
                sock.close()
                self.failures.append(f"peer {self.plan.number}: {type(error).__name__}: {error}")
                return None
            if time.monotonic() > until or self.stopping.wait(pause):
                return None
            pause = min(pause * 1.5, LONGEST)


class ClientConnection(Connection):
    """A connection from the client's side, which has TLS's client in it."""

    peer: Client

    def __init__(self, peer: Client, script: Sequence[Statement], sock: socket.socket) -> None:
        super().__init__(peer, script, sock, peer.contexts)
        name = sock.getsockname()
        self.client = (name[0], name[1]) if isinstance(name, tuple) else None
        self.error: OSError | None = None
        self.over = False
        self.words: tuple[str, ...] = ()

    def skips(self, item: Statement) -> bool:
        """After a handshake that failed only ``show`` has something to say."""
        return self.over and item.name != "show"

    def broken(self, error: OSError) -> None:
        """TLS ended badly: ``show error`` tells."""
        self.error = error

    def do_tls_client(self, item: Statement) -> None:
        """Handshakes as the client."""
        self.words = item.words
        session = self.peer.sessions.get(item.words) if item.number else None
        if item.number and session is None:
            raise Unexpected("no session to resume: no connection before with the same words")
        name = item.words[item.words.index("sni") + 1] if "sni" in item.words else None
        try:
            # In two steps: `abandon` has to find the socket while the handshake goes on.
            secure = self.contexts[item.words].wrap_socket(
                self.sock,
                server_hostname=name,
                do_handshake_on_connect=False,
                suppress_ragged_eofs=False,
                session=session,
            )
            self.sock = secure
            secure.do_handshake()
        except TimeoutError:
            raise
        except OSError as error:
            self.error, self.over = error, True
            self._leave()

    def _leave(self) -> None:
        """Ends a connection without TLS, and takes what is on its way: closing at once would send a RST."""
        with contextlib.suppress(OSError):
            self.sock = socket.socket(fileno=self.sock.detach())
            self.sock.settimeout(self.peer.deadline)
            self.sock.shutdown(socket.SHUT_WR)
            while self.sock.recv(65536):
                pass

    def do_show(self, item: Statement) -> None:
        """Reports what the client sees of TLS."""
        from php_streams.porting.peer_tls import client_fact, reason

        for name in item.words:
            value = reason(self.error) if name == "error" else client_fact(name, self.sock)
            self.report.append((name, value.encode()))

    def do_close(self, item: Statement) -> None:
        """Closes, after a look at the session: it goes with TLS."""
        self._keep_session()
        super().do_close(item)

    def close(self) -> None:
        """Closes the socket; what happened until now may have brought a session."""
        self._keep_session()
        super().close()

    def _keep_session(self) -> None:
        """Keeps the session for the connections to come; the tickets of TLS 1.3 come after the handshake."""
        try:
            session = getattr(self.sock, "session", None)
        except ValueError:  # of a handshake that did not come to its end
            return
        if session:
            self.peer.sessions[self.words] = session


class ClientDatagrams(Datagrams):
    """Datagrams to one server, and from it."""

    def __init__(self, peer: Client, script: Sequence[Statement], sock: socket.socket) -> None:
        super().__init__(peer, script, sock)
        self.patience = peer.patience
        self.address: Any = sock.getpeername()
        name = sock.getsockname()
        self.client = (name[0], name[1]) if isinstance(name, tuple) else None

    def answer(self, data: bytes) -> None:
        """Sends to the server, again as long as nobody has bound its port: a refused datagram is lost."""
        until, pause = time.monotonic() + self.patience, SHORTEST
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                self.sock.send(data)
                # Over loopback the refusal has come when send returns; one of an earlier datagram too.
                if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    return
            if time.monotonic() > until or self.peer.stopping.wait(pause):
                raise Gone("nobody has bound the server's address")
            pause = min(pause * 1.5, LONGEST)

    def close(self) -> None:
        """The socket is the player's own."""
        self.sock.close()

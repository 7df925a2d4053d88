r"""A peer that plays a script: the server, or the datagram socket, that a program under test talks to.

>>> with Peer('send "220 ready\\r\\n"\nexpect "QUIT\\r\\n"') as peer:            # doctest: +SKIP
...     talk_to("127.0.0.1", peer.port)
>>> peer.failures                                                              # doctest: +SKIP
[]

The language is described in `php_streams.porting.peer_script`.  A peer runs in threads of its own, each
connection in one; everything it waits for has a deadline, so that a test that goes wrong ends.  What a
script did not foresee (other bytes than expected, a connection too many or too few, bytes that nobody took
before ``close``) is not raised in those threads but collected in `Peer.failures`.  Only loopback addresses
are bound.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from php_streams.porting.peer_datagrams import Datagrams
from php_streams.porting.peer_player import Connection, Player
from php_streams.porting.peer_script import Plan, parse

if TYPE_CHECKING:
    import ssl

Address = tuple[str, int]


class Peer:
    """One peer, listening from its creation to `finish` (or the end of the ``with`` block).

    `script` is text in the peer language with one peer in it, or a `Plan`.  `certs` is the folder of the
    certificates that ``tls`` names; `folder` where the socket of a ``unix`` peer is made (a temporary one
    without it). `deadline` is the time in seconds that any one wait may take.  `variables` replace
    ``{name}`` in the script's texts.
    """

    def __init__(
        self,
        script: str | Plan,
        *,
        certs: str | os.PathLike[str] | None = None,
        folder: str | os.PathLike[str] | None = None,
        deadline: float = 20.0,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        plans = parse(script) if isinstance(script, str) else [script]
        if len(plans) != 1:
            raise ValueError("a script of several peers needs Peers")
        self.plan = plans[0]
        self.deadline = deadline
        self.variables = dict(variables or {})
        self.failures: list[str] = []
        self.stopping = threading.Event()
        self.players: list[Player] = []
        self.path: str | None = None
        self._cleanup = contextlib.ExitStack()
        self._threads: list[threading.Thread] = []
        self._fillers: list[socket.socket] = []
        self._contexts = self._tls_contexts(certs)
        self._bell, self._wake = socket.socketpair()
        self.socket = self._bind(folder)
        self.port: int = self.socket.getsockname()[1] if self.path is None else 0
        self.host = "::1" if "ipv6" in self.plan.options else "127.0.0.1"
        self._main: threading.Thread | None = None

    def __enter__(self) -> Peer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()

    def start(self) -> Peer:
        """Begins to play; the address is bound since the peer's creation."""
        if not self.plan.options & {"refuse", "full"}:
            self._main = threading.Thread(target=self._serve, name="scripted peer", daemon=True)
            self._main.start()
        return self

    @property
    def received(self) -> list[bytes]:
        """What each connection's ``record`` took, connection by connection; each datagram by itself."""
        return [data for player in self.players for data in player.recorded]

    @property
    def clients(self) -> list[Address]:
        """The addresses of the clients that came over IP, in their order."""
        return [player.client for player in self.players if player.client is not None]

    @property
    def report(self) -> list[tuple[str, bytes]]:
        """What ``record`` and ``show`` noted: ("peer got", bytes), ("peer sni", b"localhost") and so on."""
        several = len(self.players) > 1
        name = f"peer {self.plan.number}" if self.plan.number > 1 else "peer"
        return [
            (f"{name} connection {number} {what}" if several else f"{name} {what}", data)
            for number, player in enumerate(self.players, 1)
            for what, data in player.report
        ]

    def finish(self, grace: float = 2.0) -> list[str]:
        """Waits until every connection has been played to its end, then lets go of everything; gives the
        failures.

        To be called when the client is gone: waits are cut short, and what still is open after `grace`
        seconds is closed and counts as a failure.  Calling it again does nothing.
        """
        if self._bell.fileno() < 0:
            return self.failures
        self.stopping.set()
        self._wake.send(b"!")
        self._join(grace)
        for player in self.players:
            player.abandon()
        self._join(self.deadline)
        for sock in (self.socket, self._bell, self._wake, *self._fillers):
            sock.close()
        self._cleanup.close()
        self.failures += [failure for player in self.players for failure in player.failures]
        self._count_connections()
        return self.failures

    def _join(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        # The accepting thread first: until it ends, there may be more of the others.
        if self._main:
            self._main.join(seconds)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _count_connections(self) -> None:
        if "every" in self.plan.options or self.plan.datagrams:
            return
        for number, script in enumerate(self.plan.connections[len(self.players) :], len(self.players) + 1):
            if any(item.name == "expect" for item in script):
                self.failures.append(f"peer {self.plan.number}: connection {number} never came")

    def _tls_contexts(self, certs: str | os.PathLike[str] | None) -> dict[tuple[str, ...], ssl.SSLContext]:
        # Made here and not when used: loading keys is slow, and the warnings filter it needs is global.
        wanted = {item.words for item in self.plan.statements if item.name in ("tls", "starttls")}
        if not wanted:
            return {}
        from php_streams.porting.peer_tls import server_context

        return {words: server_context(words, Path(certs or ".")) for words in wanted}

    def _bind(self, folder: str | os.PathLike[str] | None) -> socket.socket:
        options = self.plan.options
        kind = socket.SOCK_DGRAM if self.plan.datagrams else socket.SOCK_STREAM
        if options & {"unix", "udg"}:
            if folder is None:
                folder = self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="peer-"))
            self.path = os.path.join(folder, f"peer{self.plan.number}")
            sock = socket.socket(socket.AF_UNIX, kind)
            sock.bind(self.path)
        else:
            sock = socket.socket(socket.AF_INET6 if "ipv6" in options else socket.AF_INET, kind)
            sock.bind(("::1" if "ipv6" in options else "127.0.0.1", 0))
        if not self.plan.datagrams and "refuse" not in options:
            sock.listen(0 if "full" in options else 64)
        if "full" in options:
            self._fill(sock)
        return sock

    def _fill(self, listener: socket.socket) -> None:
        """Takes the places in the accept queue: the next client's SYN is dropped, its connect hangs."""
        for _ in range(4):
            filler = socket.socket(listener.family, socket.SOCK_STREAM)
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            self._fillers.append(filler)
        select.select([], self._fillers[:1], [], 1.0)

    def _serve(self) -> None:
        if self.plan.datagrams:
            player = Datagrams(self, self.plan.connections[0], self.socket)
            self.players.append(player)
            player.play()
            return
        while True:
            ready, _, _ = select.select([self.socket, self._bell], [], [], self.deadline)
            if self.socket in ready:
                # Also when stopping: a client that is gone may have left a connection in the queue.
                self._accept()
            elif self._bell in ready:
                return

    def _accept(self) -> None:
        sock, _ = self.socket.accept()
        number = len(self.players)
        scripts = self.plan.connections
        script = (
            scripts[0] if "every" in self.plan.options else scripts[number] if number < len(scripts) else None
        )
        if script is None:
            self.failures.append(
                f"peer {self.plan.number}: connection {number + 1} came, the script has {len(scripts)}"
            )
            sock.close()
            return
        player = Connection(self, script, sock, self._contexts)
        self.players.append(player)
        thread = threading.Thread(
            target=player.play, name=f"scripted peer, connection {number + 1}", daemon=True
        )
        self._threads.append(thread)
        thread.start()


class Peers:
    """All peers of a script, started and finished together: ``peers[0]`` is the first."""

    def __init__(
        self,
        script: str,
        *,
        certs: str | os.PathLike[str] | None = None,
        folder: str | os.PathLike[str] | None = None,
        deadline: float = 20.0,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """The arguments are `Peer`'s. Every text may also name ``{port}``, ``{port2}`` ... of the peers."""
        self.peers: list[Peer] = []
        try:
            for plan in parse(script):
                self.peers.append(
                    Peer(plan, certs=certs, folder=folder, deadline=deadline, variables=variables)
                )
        except BaseException:
            self.finish()
            raise
        for peer in self.peers:
            peer.variables |= self.ports

    @property
    def ports(self) -> dict[str, str]:
        """{"port": "12345", "port2": ...} of the peers that have one."""
        return {
            f"port{n if n > 1 else ''}": str(peer.port) for n, peer in enumerate(self.peers, 1) if peer.port
        }

    @property
    def failures(self) -> list[str]:
        """What went otherwise than the script says, of all peers."""
        return [failure for peer in self.peers for failure in peer.failures]

    @property
    def report(self) -> list[tuple[str, bytes]]:
        """What ``record`` and ``show`` noted, of all peers."""
        return [line for peer in self.peers for line in peer.report]

    def __getitem__(self, index: int) -> Peer:
        return self.peers[index]

    def __len__(self) -> int:
        return len(self.peers)

    def __enter__(self) -> Peers:
        for peer in self.peers:
            peer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()

    def finish(self, grace: float = 2.0) -> list[str]:
        """Finishes every peer; gives the failures."""
        for peer in self.peers:
            peer.finish(grace)
        return self.failures

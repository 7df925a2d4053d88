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

import os
import select
import socket
import threading
from collections.abc import Mapping
from types import TracebackType

from php_streams.porting.peer_base import ScriptedPeer
from php_streams.porting.peer_client import Client
from php_streams.porting.peer_datagrams import Datagrams
from php_streams.porting.peer_player import Connection
from php_streams.porting.peer_script import Plan, parse


class Peer(ScriptedPeer):
    """One peer, listening from its creation to `finish` (or the end of the ``with`` block).

    `script` is text in the peer language with one peer in it, or a `Plan`.  `certs` is the folder of the
    certificates that ``tls`` names; `folder` where the socket of a ``unix`` peer is made (a temporary one
    without it). `deadline` is the time in seconds that any one wait may take.  `variables` replace
    ``{name}`` in the script's texts.  For scripts that ``connect`` see `Client`.
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
        super().__init__(script, certs, deadline, variables)
        self._fillers: list[socket.socket] = []
        self._bell, self._wake = socket.socketpair()
        self.socket = self._bind(folder)
        self.port: int = self.socket.getsockname()[1] if self.path is None else 0
        for sock in (self.socket, self._bell, self._wake, *self._fillers):
            self._cleanup.callback(sock.close)

    def start(self) -> Peer:
        """Begins to play; the address is bound since the peer's creation."""
        return self if self.plan.options & {"refuse", "full"} else super().start()

    def _stop(self) -> None:
        self._wake.send(b"!")

    def _count_connections(self) -> None:
        if "every" in self.plan.options or self.plan.datagrams:
            return
        for number, script in enumerate(self.plan.connections[len(self.players) :], len(self.players) + 1):
            if any(item.name == "expect" for item in script):
                self.failures.append(f"peer {self.plan.number}: connection {number} never came")

    def _bind(self, folder: str | os.PathLike[str] | None) -> socket.socket:
        sock = self._socket()
        if sock.family == socket.AF_UNIX:
            self.path = os.path.join(self._folder(folder), f"peer{self.plan.number}")
            sock.bind(self.path)
        else:
            sock.bind((self.host, 0))
        options = self.plan.options
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

    def _run(self) -> None:
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
        player = Connection(self, script, sock, self.contexts)
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
        """The arguments are `Peer`'s. Every text may also name ``{port}``, ``{port2}`` ... of the peers, and
        ``{pasv2}`` ..., the same as FTP's PASV tells it: 127,0,0,1,4,210.
        """
        self.peers: list[Peer | Client] = []
        try:
            for plan in parse(script):
                self.peers.append(self._peer(plan, certs, folder, deadline, variables))
        except BaseException:
            self.finish()
            raise
        for peer in self.peers:
            peer.variables |= self.ports | self._passive

    def _peer(
        self,
        plan: Plan,
        certs: str | os.PathLike[str] | None,
        folder: str | os.PathLike[str] | None,
        deadline: float,
        variables: Mapping[str, str] | None,
    ) -> Peer | Client:
        if not plan.connects:
            return Peer(plan, certs=certs, folder=folder, deadline=deadline, variables=variables)
        first = self.peers[plan.server - 1] if plan.server else None
        assert first is None or isinstance(first, Client)
        return Client(plan, after=first, certs=certs, folder=folder, deadline=deadline, variables=variables)

    @property
    def ports(self) -> dict[str, str]:
        """{"port": "12345", "port2": ...} of the peers that have one of their own."""
        return {
            f"port{n if n > 1 else ''}": str(peer.port)
            for n, peer in enumerate(self.peers, 1)
            if peer.port and not peer.plan.server
        }

    @property
    def _passive(self) -> dict[str, str]:
        """The ports after their address, all in bytes."""
        return {
            name.replace("port", "pasv"): f"127,0,0,1,{int(port) >> 8},{int(port) & 255}"
            for name, port in self.ports.items()
        }

    @property
    def failures(self) -> list[str]:
        """What went otherwise than the script says, of all peers."""
        return [failure for peer in self.peers for failure in peer.failures]

    @property
    def report(self) -> list[tuple[str, bytes]]:
        """What ``record`` and ``show`` noted, of all peers."""
        return [line for peer in self.peers for line in peer.report]

    def __getitem__(self, index: int) -> Peer | Client:
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

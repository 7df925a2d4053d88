"""What every scripted peer does, whether it listens (peer.Peer) or connects (peer_client.Client)."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from php_streams.porting.peer_player import Player
from php_streams.porting.peer_script import Plan, parse

if TYPE_CHECKING:
    import ssl

Address = tuple[str, int]
Self = TypeVar("Self", bound="ScriptedPeer")


class ScriptedPeer:
    """A peer from its creation to `finish` (or the end of the ``with`` block).

    `script` is text in the peer language with one peer in it, or a `Plan`.  `certs` is the folder of the
    certificates that TLS statements name. `deadline` is the time in seconds that any one wait may take.
    `variables` replace ``{name}`` in the script's texts.
    """

    #: Whether the plans it plays have the option ``connect``.
    connects = False

    def __init__(
        self,
        script: str | Plan,
        certs: str | os.PathLike[str] | None,
        deadline: float,
        variables: Mapping[str, str] | None,
    ) -> None:
        plans = parse(script) if isinstance(script, str) else [script]
        if len(plans) != 1:
            raise ValueError("a script of several peers needs Peers")
        self.plan = plans[0]
        if self.plan.connects is not self.connects:
            raise ValueError("Client plays scripts that `connect`, Peer all others, Peers both")
        self.deadline = deadline
        self.variables = dict(variables or {})
        self.failures: list[str] = []
        self.stopping = threading.Event()
        self.players: list[Player] = []
        self.path: str | None = None
        self.host = "::1" if "ipv6" in self.plan.options else "127.0.0.1"
        self.contexts = self._tls_contexts(Path(certs or "."))
        self._cleanup = contextlib.ExitStack()
        self._threads: list[threading.Thread] = []
        self._main: threading.Thread | None = None
        self._finished = False

    def __enter__(self: Self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()

    def start(self: Self) -> Self:
        """Begins to play."""
        self._main = threading.Thread(target=self._run, name="scripted peer", daemon=True)
        self._main.start()
        return self

    def _run(self) -> None:
        """What the peer's first thread does."""
        raise NotImplementedError

    @property
    def received(self) -> list[bytes]:
        """What each connection's ``record`` took, connection by connection; each datagram by itself."""
        return [data for player in self.players for data in player.recorded]

    @property
    def clients(self) -> list[Address]:
        """The addresses of the clients that came over IP, in their order; a client's own addresses."""
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

        To be called when the program under test is done with the peer: waits are cut short, and what still is
        open after `grace` seconds is closed and counts as a failure.  Calling it again does nothing.
        """
        if self._finished:
            return self.failures
        self._finished = True
        self.stopping.set()
        self._stop()
        self._join(grace)
        for player in self.players:
            player.abandon()
        self._join(self.deadline)
        self._cleanup.close()
        self.failures += [failure for player in self.players for failure in player.failures]
        self._count_connections()
        return self.failures

    def _stop(self) -> None:
        """Wakes the first thread from what it waits for."""

    def _count_connections(self) -> None:
        """Adds the failures that only the end of the peer shows."""

    def _join(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        # The first thread first: until it ends, there may be more of the others.
        if self._main:
            self._main.join(seconds)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _tls_contexts(self, certs: Path) -> dict[tuple[str, ...], ssl.SSLContext]:
        # Made here and not when used: loading keys is slow, and the warnings filter it needs is global.
        wanted = {
            item.words for item in self.plan.statements if item.name in ("tls", "starttls", "tls-client")
        }
        if not wanted:
            return {}
        from php_streams.porting.peer_tls import client_context, server_context

        make = client_context if self.connects else server_context
        return {words: make(words, certs) for words in wanted}

    def _socket(self) -> socket.socket:
        """A socket of the plan's family and kind."""
        options = self.plan.options
        kind = socket.SOCK_DGRAM if self.plan.datagrams else socket.SOCK_STREAM
        if options & {"unix", "udg"}:
            return socket.socket(socket.AF_UNIX, kind)
        return socket.socket(socket.AF_INET6 if "ipv6" in options else socket.AF_INET, kind)

    def _folder(self, folder: str | os.PathLike[str] | None) -> str:
        """The folder for sockets, a temporary one when none is given."""
        if folder is not None:
            return os.fspath(folder)
        return self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="peer-"))

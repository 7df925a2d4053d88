"""Plays the datagrams of a scripted peer: udp, and unix datagram sockets."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Sequence
from typing import Any

from php_streams.porting.peer_player import Owner, Player, Unexpected, garbage, shown
from php_streams.porting.peer_script import Statement


class Datagrams(Player):
    """A datagram socket: every datagram is a unit, and answers go to who sent the last one."""

    def __init__(self, peer: Owner, script: Sequence[Statement], sock: socket.socket) -> None:
        super().__init__(peer, script, sock)
        self.address: Any = None

    def abandon(self) -> None:
        """Datagrams have no end to wait for."""

    def close(self) -> None:
        """The socket belongs to the peer, which closes it."""

    def receive(self) -> bytes | None:
        """The next datagram; None when the peer is to finish and nothing has come."""
        until = time.monotonic() + self.peer.deadline
        while True:
            stopping = self.peer.stopping.is_set()
            if select.select([self.sock], [], [], 0 if stopping else 0.02)[0]:
                data, self.address = self.sock.recvfrom(65536)
                if self.client is None and isinstance(self.address, tuple):
                    self.client = (self.address[0], self.address[1])
                return self.watch(data)
            if stopping:
                return None
            if time.monotonic() > until:
                raise TimeoutError

    def do_expect(self, item: Statement) -> None:
        """One datagram."""
        kind = item.words[0] if item.words else "text"
        data = self.receive()
        if data is None:
            raise Unexpected("no datagram came")
        text = self.fill_in(item.data)
        good = (
            data == text
            if kind == "text"
            else len(data) == item.number
            if kind == "bytes"
            else data.endswith(b"\n")
        )
        if not good:
            raise Unexpected(
                f"expected {shown(text) if kind == 'text' else ' '.join(item.words)}, got {shown(data)}"
            )

    def do_send(self, item: Statement) -> None:
        """One datagram."""
        self.answer(self.fill_in(item.data))

    def answer(self, data: bytes) -> None:
        """Sends to who sent the last datagram."""
        if not self.address:
            raise Unexpected("nobody to send to: expect a datagram first (and a udg client has no address)")
        self.sock.sendto(data, self.address)

    def do_garbage(self, item: Statement) -> None:
        """A datagram without meaning."""
        self.answer(garbage(int(item.number)))

    def do_close(self, item: Statement) -> None:
        """Nothing must be left."""
        rest = []
        while self.peer.stopping.wait(self.peer.deadline) and (data := self.receive()) is not None:
            rest.append(shown(data))
        if rest:
            raise Unexpected(f"got {', '.join(rest)}, which no statement takes")

    def do_silent(self, item: Statement) -> None:
        """Takes what comes."""
        while self.receive() is not None:
            pass

    do_ignore = do_silent

    def do_record(self, item: Statement) -> None:
        """Keeps what comes, each datagram by itself."""
        while (data := self.receive()) is not None:
            self.recorded.append(data)
            self.report.append(("got", data))

    def do_echo(self, item: Statement) -> None:
        """Sends each datagram back."""
        while (data := self.receive()) is not None:
            self.answer(data)

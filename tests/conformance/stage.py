"""What a twin is given to run on: peers, ports, a fresh folder; made anew for each run of each twin."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
from types import TracebackType

from php_streams.porting.peer import Peers
from php_streams.porting.peer_client import Client
from php_streams.porting.peer_script import PeerScriptError
from tests.conformance.case import Case, CaseError
from tests.conformance.name_server import NameServer
from tests.conformance.namespace import Unavailable
from tests.conformance.transcript import Placeholders, Transcript, escape
from tests.places import CERTS
from tests.terminals import MISSING, can_be_made


class Stage:
    """A context manager; `variables` are what the case may use, `known` turns their values into placeholders.

    | variable | |
    |---|---|
    | host, host6 | "127.0.0.1", "::1" |
    | port, port2 ... | of each peer that has one; of a peer that connects the port to listen on |
    | unix, unix2 ... | the path of each unix or udg peer, or to listen on |
    | closed_port | a port where connecting is refused, for the whole run |
    | dir | an empty folder |
    | certs | the folder of the test certificates |
    """

    def __init__(self, case: Case) -> None:
        if "['pty']" in case.php.text and not can_be_made():
            raise Unavailable(MISSING)
        self.case = case
        # Short, as a unix socket's path may have 107 bytes; and real, as PHP resolves links in messages.
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="case-"))
        self.dir = os.path.join(self.root, "dir")
        os.mkdir(self.dir)
        self.fixed = {"dir": self.dir, "certs": str(CERTS)}
        self.closed = socket.socket()
        self.closed.bind(("127.0.0.1", 0))
        try:
            self.names = NameServer(case, self.root)
            self.peers = Peers(
                case.peer.text if case.peer else "refuse", certs=CERTS, folder=self.root, variables=self.fixed
            )
        except CaseError:
            self._remove()
            raise
        except PeerScriptError as error:
            self._remove()
            assert case.peer is not None
            raise CaseError(case.path, case.peer.line + error.line - 1, error.reason) from None

    def __enter__(self) -> Stage:
        self.names.start()
        self.peers.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.peers.finish()
        self.names.stop()
        self._remove()

    def _remove(self) -> None:
        self.closed.close()
        with contextlib.suppress(OSError):
            shutil.rmtree(self.root)

    @property
    def ports(self) -> dict[str, int]:
        """The ports by their names."""
        given = {name: int(port) for name, port in self.peers.ports.items()} if self.case.peer else {}
        return {**given, "closed_port": self.closed.getsockname()[1]}

    @property
    def paths(self) -> dict[str, str]:
        """The socket paths by their names."""
        return {
            f"unix{n if n > 1 else ''}": p.path
            for n, p in enumerate(self.peers.peers, 1)
            if p.path is not None and not p.plan.server
        }

    @property
    def variables(self) -> dict[str, str | int]:
        """Everything that both twins find as variables."""
        return {"host": "127.0.0.1", "host6": "::1", **self.ports, **self.paths, **self.fixed}

    def expand(self, text: str) -> str:
        """A text of the case file (an INI value) with its ``{name}``."""
        for name, value in self.variables.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def known(self, *files: str) -> Placeholders:
        """Placeholders for the variables, `files` (as ``{file}``) and the ports of the clients that came."""
        clients = [address for peer in self.peers.peers for address in peer.clients]
        numbers = self.ports | {f"client{n if n > 1 else ''}": port for n, (_, port) in enumerate(clients, 1)}
        texts = {"dir": self.dir, "certs": str(CERTS), **self.paths, **self._own_paths()}
        return Placeholders([*texts.items(), *(("file", file) for file in files)], numbers)

    def _own_paths(self) -> dict[str, str]:
        paths = [peer.own_path for peer in self.peers.peers if isinstance(peer, Client) and peer.own_path]
        return {f"client{n if n > 1 else ''}": path for n, path in enumerate(paths, 1)}

    def finish(self, transcript: Transcript, known: Placeholders) -> None:
        """Ends the peers and adds what they report to the transcript, and their failures to its problems."""
        self.peers.finish()
        for what, data in self.peers.report:
            value = escape(known.replace(data)) if not what.endswith("got") else self._got(data, known)
            transcript.lines.append(f"> {what} {value}")
        transcript.problems += self.peers.failures
        self.names.report(transcript)

    @staticmethod
    def _got(data: bytes, known: Placeholders) -> str:
        """As serialize() writes a string."""
        return escape(known.replace_serialized(b's:%d:"%s";' % (len(data), data)))

"""The name server of a case with a ZONE section, as a part of its stage."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from tests.conformance import namespace
from tests.conformance.case import Case, CaseError
from tests.conformance.dns_server import DnsServer
from tests.conformance.transcript import Transcript
from tests.conformance.zone import ZoneError, read_zone

PORT = 53


class NameServer:
    """Nothing at all for a case without a ZONE section.

    Within the namespaces it is the one that the system asks; else php_streams is pointed to it.
    """

    def __init__(self, case: Case, folder: str) -> None:
        self.server: DnsServer | None = None
        self.resolv_conf = os.path.join(folder, "resolv.conf")
        try:
            self.zone = read_zone(case.zone.text) if case.zone else None
        except ZoneError as error:
            assert case.zone is not None
            raise CaseError(case.path, case.zone.line + error.line - 1, error.reason) from None

    def start(self) -> None:
        """Begins to answer."""
        if self.zone is None:
            return
        if namespace.inside():
            namespace.furnish(self.zone)
        else:
            Path(self.resolv_conf).write_text(self.zone.resolv_conf)
        self.server = DnsServer(self.zone, PORT if namespace.inside() else 0)

    def point_python(self) -> None:
        """Tells php_streams, as it is imported now, whom to ask in place of the system's servers."""
        if self.server is not None and not namespace.inside():
            conf = importlib.import_module("php_streams._network.resolv_conf")
            conf.PATH, conf.PORT = self.resolv_conf, self.server.port  # type: ignore[attr-defined]

    def stop(self) -> None:
        """Ends it."""
        if self.server is not None:
            self.server.stop()

    def report(self, transcript: Transcript) -> None:
        """Adds the queries that came, where they are to be shown, and the server's own failures."""
        self.stop()
        if self.zone is not None and self.server is not None:
            transcript.lines += [f"> dns {query}" for query in self.server.queries if self.zone.show]
            transcript.problems += self.server.failures

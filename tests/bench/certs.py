"""Throw-away certificates, and a bundle as large as the one that real programs verify with."""

from __future__ import annotations

from pathlib import Path

import certifi
import trustme


def make(folder: Path) -> dict[str, str]:
    """A server certificate for 127.0.0.1, and certifi's authorities with the one that signed it."""
    authority = trustme.CA()
    server = folder / "server.pem"
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(str(server))
    bundle = folder / "ca.pem"
    bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
    return {"server": str(server), "ca": str(bundle)}

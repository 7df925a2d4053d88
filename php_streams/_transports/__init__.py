"""Socket transports: what stands before :// in an address, and which module makes it (= the xport hash)."""

from __future__ import annotations

SOCKET = "php_streams._transports.socket"

# In the order of stream_get_transports().  The factory is imported when the transport is first used.
TRANSPORTS: dict[str, str] = {
    "tcp": f"{SOCKET}:tcp",
    "udp": f"{SOCKET}:udp",
    "unix": f"{SOCKET}:unix",
    "udg": f"{SOCKET}:udg",
    "ssl": f"{SOCKET}:tls",
    "tls": f"{SOCKET}:tls",
    "tlsv1.0": f"{SOCKET}:tls",
    "tlsv1.1": f"{SOCKET}:tls",
    "tlsv1.2": f"{SOCKET}:tls",
    "tlsv1.3": f"{SOCKET}:tls",
}

"""Socket transports: what stands before :// in an address (= the xport hash).

tcp, udp, unix and udg are kinds of sockets; LABELS in socket.py has what stream_get_meta_data calls them.
All others are tcp with TLS from the first byte on, of the version that the name tells (tls.py).
"""

from __future__ import annotations

# In the order of stream_get_transports().
TRANSPORTS = ("tcp", "udp", "unix", "udg", "ssl", "tls", "tlsv1.0", "tlsv1.1", "tlsv1.2", "tlsv1.3")

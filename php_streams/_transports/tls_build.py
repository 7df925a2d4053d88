"""An SSLContext in the making: what the options' functions are handed (tls_context.py has their table)."""

from __future__ import annotations

import os
import ssl
from typing import Any

from php_streams._core.signals import from_system

Values = dict[str, Any]
IS_CLIENT = 1  # in a crypto method, beside the bits of the versions


class SetupFailed(Exception):
    """The options cannot be obeyed; PHP's warnings, where it has any, have been given.

    spent: the stream is set up all the same, in PHP, and cannot be again.
    """

    def __init__(self, spent: bool = False) -> None:
        super().__init__()
        self.spent = spent


class Build:
    """An SSLContext in the making."""

    def __init__(self, ssl_context: ssl.SSLContext, values: Values) -> None:
        self.ssl_context = ssl_context
        self.values = values
        self.reusable = True

    @property
    def is_client(self) -> bool:
        """Which side of the handshake it is for."""
        return is_client(self.values)


def is_client(values: Values) -> bool:
    """Whether a crypto method is a client's; all others are a server's."""
    return bool(values["method"] & IS_CLIENT)


def new_context(client: bool) -> ssl.SSLContext:
    """An SSLContext as PHP begins with it."""
    ssl_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if client else ssl.PROTOCOL_TLS_SERVER)
    # PHP takes a peer that just leaves for one that says goodbye, as OpenSSL 1.1 did.
    ssl_context.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    if not client:
        # OpenSSL 3 has it off by itself.
        ssl_context.options |= ssl.OP_NO_RENEGOTIATION
    return ssl_context


def stat_of(name: str) -> Any:
    """What tells one content of a file from the next; None for a file that is not there."""
    try:
        status = os.stat(name)
    except from_system(OSError, ValueError):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

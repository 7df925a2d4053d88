"""The one part of the network chapter that the standard library is not enough for."""

from __future__ import annotations

from types import ModuleType

from php_streams._core.diagnostics import called


def dns() -> ModuleType:
    """`lookup`, which asks name servers; imported when it is first needed, as it needs dnspython."""
    try:
        from php_streams._network import lookup
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "dns":
            raise
        raise ModuleNotFoundError(
            f"{called()}() needs dnspython to ask name servers: pip install php-streams[dns]", name="dns"
        ) from None
    return lookup

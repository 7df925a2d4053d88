"""Wrappers of one's own: stream_wrapper_* (the manual's book.stream)."""

from __future__ import annotations

import re
from typing import Any

from php_streams import _wrappers
from php_streams._core.diagnostics import argument_type_error, notice, warn
from php_streams._core.values import to_int, to_string, type_name
from php_streams.constants import STREAM_IS_URL

__all__ = [
    "stream_wrapper_register",
    "stream_wrapper_restore",
    "stream_wrapper_unregister",
]

_PROTOCOL = re.compile(r"[A-Za-z0-9+.-]*")


def stream_wrapper_register(protocol: str, class_: type, flags: int = 0) -> bool:
    """Register a URL wrapper implemented as a class.  https://www.php.net/function.stream-wrapper-register

    protocol: what stands before ://; class_: a class with the methods of the manual's streamWrapper: of each
    open stream there is one object, whose `context` is set before its constructor runs.
    flags: STREAM_IS_URL for one that goes over the network.  False, with a warning, when the name is taken.
    """
    from php_streams._wrappers.user import UserWrapper

    name = to_string(protocol, 1, "protocol")
    if not isinstance(class_, type):
        raise argument_type_error(2, "class", f"must be a valid class name, {_shown(class_)} given")
    remote = bool(to_int(flags, 3, "flags") & STREAM_IS_URL)
    if name in _wrappers.schemes():
        return warn(f"Protocol {name}:// is already defined.")
    if not _PROTOCOL.fullmatch(name):
        return warn(
            f"Invalid protocol scheme specified. Unable to register wrapper class {class_.__name__} to {name}://"
        )
    _wrappers.serve(name, UserWrapper(class_, remote))
    return True


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else type_name(value)


def stream_wrapper_unregister(protocol: str) -> bool:
    """Unregister a URL wrapper.  https://www.php.net/function.stream-wrapper-unregister

    Also one of PHP's own, until stream_wrapper_restore.
    """
    name = to_string(protocol, 1, "protocol")
    if name not in _wrappers.schemes():
        return warn(f"Unable to unregister protocol {name}://")
    _wrappers.give_up(name)
    return True


def stream_wrapper_restore(protocol: str) -> bool:
    """Restores a previously unregistered built-in wrapper.
    https://www.php.net/function.stream-wrapper-restore
    """
    name = to_string(protocol, 1, "protocol")
    if name not in _wrappers.WRAPPERS:
        return warn(f"{name}:// never existed, nothing to restore")
    if _wrappers.is_own(name):
        notice(f"{name}:// was never changed, nothing to restore")
        return True
    _wrappers.give_up(name)
    _wrappers.serve(name, None)
    return True

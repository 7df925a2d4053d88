"""Wrappers: what stands before :// in a URL that fopen takes, and which module serves it."""

from __future__ import annotations

import re
from contextvars import ContextVar
from importlib import import_module

from php_streams._core import ini
from php_streams._core.at_exit import HOLDING
from php_streams._core.diagnostics import warn
from php_streams._core.values import truth
from php_streams._core.wrapper import Wrapper, WrapperError

_SCHEME = re.compile(r"([A-Za-z0-9+.-]{2,})://|(data):")

# In the order of stream_get_wrappers(): the factory is imported when the wrapper is first used.
WRAPPERS: dict[str, str] = {
    "https": "php_streams._wrappers.http:wrapper",
    "ftps": "php_streams._wrappers.ftp:wrapper",
    "compress.zlib": "php_streams._wrappers.compress:zlib_wrapper",
    "php": "php_streams._wrappers.php:wrapper",
    "file": "php_streams._wrappers.plain:wrapper",
    "glob": "php_streams._wrappers.glob:wrapper",
    "data": "php_streams._wrappers.data:wrapper",
    "http": "php_streams._wrappers.http:wrapper",
    "ftp": "php_streams._wrappers.ftp:wrapper",
    "compress.bzip2": "php_streams._wrappers.compress:bzip2_wrapper",
    "zip": "php_streams._wrappers.zip:wrapper",
}
_made: dict[str, Wrapper] = {}
# The schemes there are, in PHP's order: a wrapper of the user's own, or None for the table's.
_served: ContextVar[dict[str, Wrapper | None]] = ContextVar("wrappers", default=dict.fromkeys(WRAPPERS))  # noqa: B039  (never mutated)
HOLDING.append((_served, dict.fromkeys(WRAPPERS)))


def schemes() -> list[str]:
    """The schemes there are now, as stream_get_wrappers gives them."""
    return list(_served.get())


def serve(scheme: str, wrapper: Wrapper | None) -> None:
    """Gives a new scheme to a wrapper of the user's own, or one of the table back to the table's (None)."""
    _served.set({**_served.get(), scheme: wrapper})


def give_up(scheme: str) -> None:
    """Nobody serves the scheme any more."""
    _served.set({name: wrapper for name, wrapper in _served.get().items() if name != scheme})


def is_own(scheme: str) -> bool:
    """Whether the table's own wrapper serves the scheme."""
    return scheme in WRAPPERS and _served.get().get(scheme, Wrapper) is None


def scheme_of(url: str) -> str | None:
    """The URL's scheme; None for a plain path."""
    match = _SCHEME.match(url)
    return (match[1] or match[2]) if match else None


def _known(scheme: str) -> str:
    """The name a scheme goes by: as it is written when that is served, else in small letters."""
    return scheme if scheme in _served.get() else scheme.lower()


def is_local_url(url: str) -> bool:
    """Whether the wrapper of this URL keeps off the network; a plain path does, not another machine's."""
    try:
        return not locate(url, report=False)[0].remote
    except WrapperError:
        return False


def wrapper_of(scheme: str) -> Wrapper | None:
    """The wrapper of a scheme; None when there is none now."""
    if not is_own(scheme):
        return _served.get().get(scheme)
    made = _made.get(scheme)
    if made is None:
        module, _, factory = WRAPPERS[scheme].partition(":")
        made = _made[scheme] = getattr(import_module(module), factory)()
    return made


def locate(url: str, *, report: bool = True) -> tuple[Wrapper, str]:
    """The wrapper of a URL, and what it is to open (= php_stream_locate_url_wrapper).

    report: say why there is none; that nobody has the scheme is always said.
    """
    match = _SCHEME.match(url)
    scheme = _known(match[1] or match[2]) if match else "file"
    found = wrapper_of(scheme)
    if match is not None and found is None:
        warn(
            f'Unable to find the wrapper "{(scheme_of(url) or "")[:31]}"'
            " - did you forget to enable it when you configured PHP?"
        )
        scheme, match, found = "file", None, wrapper_of("file")
    if scheme == "file":
        return _files(found, report), url if match is None else _local_path(url, url[match.end() :], report)
    assert found is not None
    if found.remote and not truth(ini.get("allow_url_fopen")):
        if report:
            warn(f"{scheme}:// wrapper is disabled in the server configuration by allow_url_fopen=0")
        raise WrapperError("no suitable wrapper could be found")
    return found, url


def _files(wrapper: Wrapper | None, report: bool) -> Wrapper:
    """The wrapper of plain paths, which may have been switched off."""
    if wrapper is None:
        if report:
            warn("file:// wrapper is disabled in the server configuration")
        raise WrapperError("no suitable wrapper could be found")
    return wrapper


def _local_path(url: str, rest: str, report: bool) -> str:
    """The path of a file:// URL, which names no host but localhost."""
    if rest[:10].lower() == "localhost/":
        rest = rest[9:]
    if not rest.startswith("/"):
        if report:
            warn(f"Remote host file access not supported, {url}")
        raise WrapperError("no suitable wrapper could be found")
    return rest

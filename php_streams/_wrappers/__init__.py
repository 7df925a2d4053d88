"""Wrappers: what stands before :// in a URL that fopen takes, and which module serves it."""

from __future__ import annotations

import re
from importlib import import_module

from php_streams._core import ini
from php_streams._core.diagnostics import warn
from php_streams._core.values import truth
from php_streams._core.wrapper import Wrapper, WrapperError

_SCHEME = re.compile(r"([A-Za-z0-9+.-]+)://|(data):", re.IGNORECASE)

# In the order of stream_get_wrappers(): the factory is imported when the wrapper is first used.
WRAPPERS: dict[str, str] = {
    "php": "php_streams._wrappers.php:wrapper",
    "file": "php_streams._wrappers.plain:wrapper",
}
# The schemes that go over the network (is_url of PHP's wrapper structures), those still to come included.
REMOTE = frozenset({"http", "https", "ftp", "ftps", "data"})
LOCAL = frozenset({"file", "php", "glob", "compress.zlib", "compress.bzip2", "phar"})

_made: dict[str, Wrapper] = {}


def scheme_of(url: str) -> str | None:
    """The URL's scheme; None for a plain path."""
    match = _SCHEME.match(url)
    return (match[1] or match[2]) if match else None


def is_local_url(url: str) -> bool:
    """Whether the wrapper of this URL keeps off the network; a plain path does."""
    scheme = scheme_of(url)
    return scheme is None or scheme.lower() not in REMOTE


def unknown_scheme(url: str) -> str | None:
    """The URL's scheme when no wrapper has it."""
    scheme = scheme_of(url)
    return scheme if scheme is not None and scheme.lower() not in REMOTE | LOCAL else None


def wrapper_of(scheme: str) -> Wrapper:
    """The wrapper of a scheme in the table."""
    made = _made.get(scheme)
    if made is None:
        module, _, factory = WRAPPERS[scheme].partition(":")
        made = _made[scheme] = getattr(import_module(module), factory)()
    return made


def locate(url: str) -> tuple[Wrapper, str]:
    """The wrapper of a URL, and what it is to open (= php_stream_locate_url_wrapper)."""
    match = _SCHEME.match(url)
    if match is None:
        return wrapper_of("file"), url
    scheme = (match[1] or match[2]).lower()
    if scheme == "file":
        return wrapper_of("file"), _local_path(url, url[match.end() :])
    if scheme not in WRAPPERS:
        warn(
            f'Unable to find the wrapper "{(match[1] or match[2])[:31]}"'
            " - did you forget to enable it when you configured PHP?"
        )
        return wrapper_of("file"), url
    found = wrapper_of(scheme)
    if found.remote and not truth(ini.get("allow_url_fopen")):
        warn(f"{scheme}:// wrapper is disabled in the server configuration by allow_url_fopen=0")
        raise WrapperError("no suitable wrapper could be found")
    return found, url


def _local_path(url: str, rest: str) -> str:
    """The path of a file:// URL, which names no host but localhost."""
    if rest[:10].lower() == "localhost/":
        rest = rest[9:]
    if not rest.startswith("/"):
        warn(f"Remote host file access not supported, {url}")
        raise WrapperError("no suitable wrapper could be found")
    return rest

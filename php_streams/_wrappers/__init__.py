"""Wrappers: what stands before :// in a URL that fopen takes."""

from __future__ import annotations

import re

_SCHEME = re.compile(r"([A-Za-z0-9+.-]+)://|(data):")

# Scheme -> whether it goes over the network (is_url of PHP's wrapper structures).
REMOTE: dict[str, bool] = {
    "https": True,
    "ftps": True,
    "compress.zlib": False,
    "php": False,
    "file": False,
    "glob": False,
    "data": True,
    "http": True,
    "ftp": True,
    "compress.bzip2": False,
    "phar": False,
}


def scheme_of(url: str) -> str | None:
    """The URL's scheme; None for a plain path."""
    match = _SCHEME.match(url)
    return (match[1] or match[2]) if match else None


def is_local_url(url: str) -> bool:
    """Whether the wrapper of this URL keeps off the network; a plain path does."""
    scheme = scheme_of(url)
    return scheme is None or not REMOTE.get(scheme.lower(), False)


def unknown_scheme(url: str) -> str | None:
    """The URL's scheme when no wrapper has it."""
    scheme = scheme_of(url)
    return scheme if scheme is not None and scheme.lower() not in REMOTE else None

"""The include_path: where relative names are looked for, besides the current folder (= php_resolve_path)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from php_streams._core import ini
from php_streams._core.diagnostics import call_site
from php_streams._core.signals import from_system
from php_streams._core.wrapper import WrapperError
from php_streams._wrappers import locate, wrapper_of
from php_streams.constants import STREAM_URL_STAT_QUIET

# Where a place, or a name, is a URL.  ..:// is a place, and one more that begins with slashes.
_URL = re.compile(r"(?!\.\.:)[A-Za-z0-9+.-]{2,}://")
_NAME_IS_URL = re.compile(r"[A-Za-z0-9+.-]{2,}://")


def resolve(name: str) -> str | None:
    """The real path, or the URL, of the first file of that name; None when there is none."""
    if _NAME_IS_URL.match(name):
        return _found_locally(name)
    if name.startswith(("/", "./", "../")):
        return _real(name)
    for place in _places(ini.get("include_path")):
        found = _look(f"{place}/{name}", bool(_URL.match(place)))
        if found is not None:
            return found
    _, caller = call_site()
    if caller is None:
        return None
    return _real(os.path.join(os.path.dirname(os.path.abspath(caller.f_code.co_filename)), name))


def _places(setting: str) -> Iterator[str]:
    """The places; the colon behind a URL's scheme parts none."""
    start = 0
    while start < len(setting):
        url = _URL.match(setting, start)
        end = setting.find(":", url.end() if url else start)
        end = len(setting) if end < 0 else end
        yield setting[start:end]
        start = end + 1


def _look(path: str, is_url: bool) -> str | None:
    if not is_url:
        return _real(path)
    try:
        wrapper, target = locate(path, report=False)
        if wrapper is wrapper_of("file"):
            return _real(target)
        if wrapper.remote:  # PHP includes nothing from the network, and looks for nothing there
            return None
        wrapper.stat(target, True, STREAM_URL_STAT_QUIET, None)
    except from_system(OSError, ValueError, WrapperError):
        return None
    return path


def _found_locally(url: str) -> str | None:
    try:
        wrapper, target = locate(url, report=False)
    except WrapperError:
        return None
    return _real(target) if wrapper is wrapper_of("file") else None


def _real(path: str) -> str | None:
    return os.path.realpath(path) if os.path.exists(path) else None

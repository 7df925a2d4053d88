"""The include_path: where relative names are looked for, besides the current folder (= php_resolve_path)."""

from __future__ import annotations

import os

from php_streams._core import ini
from php_streams._core.diagnostics import call_site
from php_streams._wrappers import scheme_of


def resolve(name: str) -> str | None:
    """The real path of the first file of that name; None when there is none."""
    scheme = scheme_of(name)
    if scheme is not None:
        local = name[7:] if scheme.lower() == "file" else ""
        return os.path.realpath(local) if local.startswith("/") and os.path.exists(local) else None
    if name.startswith(("/", "./", "../")):
        return os.path.realpath(name) if os.path.exists(name) else None
    _, caller = call_site()
    places = ini.get("include_path").split(":")
    if caller is not None:
        places.append(os.path.dirname(os.path.abspath(caller.f_code.co_filename)))
    for place in places:
        path = os.path.join(place, name)
        if place and os.path.exists(path):
            return os.path.realpath(path)
    return None

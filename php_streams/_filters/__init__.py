"""Filters: what names stream_filter_append takes, and which module makes each (= stream_filters hash)."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from importlib import import_module
from typing import Any

from php_streams._core.at_exit import HOLDING
from php_streams._core.diagnostics import warn
from php_streams._core.filters import Filter

# In the order of stream_get_filters(): a name, or a family whose members end in what stands for the *.
FILTERS: dict[str, str] = {
    "zlib.*": "php_streams._filters.zlib:make",
    "string.rot13": "php_streams._filters.string:make",
    "string.toupper": "php_streams._filters.string:make",
    "string.tolower": "php_streams._filters.string:make",
    "convert.*": "php_streams._filters.convert:make",
    "consumed": "php_streams._filters.consumed:make",
    "dechunk": "php_streams._filters.dechunk:make",
    "bzip2.*": "php_streams._filters.bzip2:make",
    "convert.iconv.*": "php_streams._filters.iconv:make",
}
# Filters of the user's own, by name: a class.
registered: ContextVar[dict[str, Any]] = ContextVar("registered_filters", default={})  # noqa: B039  (never mutated)
HOLDING.append((registered, {}))

Factory = Callable[[str, Any], "Filter | None"]


def names() -> list[str]:
    """All that can be asked for."""
    return [*FILTERS, *registered.get()]


def make(name: str, params: Any) -> Filter | None:
    """A new filter; None when there is none of that name, or it does not take the parameters.

    Among families the next one is asked when one refuses; a filter of that very name is the only one asked.
    """
    own = registered.get()
    for known in candidates(name):
        made = None
        if known in own:
            from php_streams._filters import user

            # PHP asks the nearest family's class, whichever of them it is at.
            nearest = next(own[nearer] for nearer in candidates(name) if nearer in own)
            made = user.make(name, nearest, params)
        elif known in FILTERS:
            module, _, factory = FILTERS[known].partition(":")
            maker: Factory = getattr(import_module(module), factory)
            made = maker(name, params)
        if made is not None or (known == name and (known in own or known in FILTERS)):
            return made
    return None


def make_or_warn(name: str, params: Any) -> Filter | None:
    """As make, with PHP's warning (= php_stream_filter_create)."""
    made = make(name, params)
    if made is None:
        known = set(names())
        found = any(candidate in known for candidate in candidates(name))
        warn(f'Unable to {"create or locate" if found else "locate"} filter "{name}"')
    return made


def candidates(name: str) -> list[str]:
    """The name, then the families it may be of: a.b.c, a.b.*, a.*."""
    words = name.split(".")
    return [name, *(".".join(words[:count]) + ".*" for count in range(len(words) - 1, 0, -1))]

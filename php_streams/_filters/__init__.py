"""Filters: what names stream_filter_append takes, and which module makes each (= stream_filters hash)."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from importlib import import_module
from typing import Any

from php_streams._core.filters import Filter

# In the order of stream_get_filters(): a name, or a family whose members end in what stands for the *.
FILTERS: dict[str, str] = {
    "string.rot13": "php_streams._filters.string:make",
    "string.toupper": "php_streams._filters.string:make",
    "string.tolower": "php_streams._filters.string:make",
    "dechunk": "php_streams._filters.dechunk:make",
}
# Filters of the user's own, by name: a class.
registered: ContextVar[dict[str, Any]] = ContextVar("registered_filters", default={})  # noqa: B039  (never mutated)

Factory = Callable[[str, Any], "Filter | None"]


def names() -> list[str]:
    """All that can be asked for."""
    return [*FILTERS, *registered.get()]


def make(name: str, params: Any) -> Filter | None:
    """A new filter; None when there is none of that name, or it does not take the parameters."""
    own = registered.get()
    for known in candidates(name):
        if known in own:
            from php_streams._filters import user

            return user.make(name, own[known], params)
        if known in FILTERS:
            module, _, factory = FILTERS[known].partition(":")
            maker: Factory = getattr(import_module(module), factory)
            return maker(name, params)
    return None


def candidates(name: str) -> list[str]:
    """The name, then the families it may be of: a.b.c, a.b.*, a.*."""
    words = name.split(".")
    return [name, *(".".join(words[:count]) + ".*" for count in range(len(words) - 1, 0, -1))]

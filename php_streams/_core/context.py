"""Contexts: options for wrappers and transports, and parameters (= php_stream_context)."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from php_streams._core import resource
from php_streams._core.values import array_copy

Options = dict[str, dict[str, Any]]


class Context(resource.Resource):
    """A resource of type (stream-context).

    `options[wrapper][option]` is shared by every stream that was opened with the context, and a stream
    writes what it learns there too (ssl.peer_certificate), as in PHP.  `params` holds what
    `stream_context_set_params` was given beside options, of which PHP knows `notification`; `progress` is
    what that was told last: bytes so far, and of how many (notification.py).
    """

    __slots__ = ("options", "params", "progress")
    type_name = "stream-context"

    def __init__(self, options: Options | None = None, params: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.options: Options = {}
        self.merge(options or {})
        self.params: dict[str, Any] = dict(params or {})
        self.progress: list[int] | None = None

    @property
    def is_open(self) -> bool:
        """Contexts are never closed by hand."""
        return True

    def option(self, wrapper: str, name: str, default: Any = None) -> Any:
        """The option's value, or `default` when it was not set."""
        return self.options.get(wrapper, {}).get(name, default)

    def merge(self, options: Options) -> None:
        """Adds options to those that are there, as copies: PHP's arrays are values."""
        for wrapper, values in options.items():
            self.options.setdefault(wrapper, {}).update(array_copy(values))


_default: ContextVar[Context | None] = ContextVar("default_context", default=None)


def default_context() -> Context:
    """The context that wrapper functions use when none is given: one per request, made when first needed."""
    context = _default.get()
    if context is None:
        context = Context()
        _default.set(context)
    return context

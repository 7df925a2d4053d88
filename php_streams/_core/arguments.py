"""Arguments that many functions take alike: a context, the name of a file."""

from __future__ import annotations

from typing import Any

from php_streams._core.context import Context, default_context
from php_streams._core.diagnostics import argument_type_error, argument_value_error
from php_streams._core.resource import Resource
from php_streams._core.stream import invalid_resource
from php_streams._core.values import to_path, type_name


def expect_context(value: Any, number: int) -> None:
    """Raises PHP's TypeError for what is no resource: types come first, whether it is a context later."""
    if value is not None and not isinstance(value, Resource):
        raise argument_type_error(
            number, "context", f"must be of type resource or null, {type_name(value)} given"
        )


def to_context(value: Any, number: int, *, default: bool = True) -> Context | None:
    """A context; without one the default context, as stream_context_set_default left it, or None."""
    if value is None:
        return default_context() if default else None
    if isinstance(value, Context):
        return value
    expect_context(value, number)
    raise invalid_resource("Stream-Context")


def to_filename(value: Any, number: int = 1, name: str = "filename") -> str:
    """A path or URL: a string or a path object, without NUL bytes."""
    path = to_path(value, number, name)
    if "\0" in path:
        raise argument_value_error(number, name, "must not contain any null bytes")
    return path

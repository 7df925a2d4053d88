"""Callbacks from the user: what counts as one, and calling it as PHP calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Callback = Callable[..., Any]


def resolve(value: Any) -> Callback | None:
    """The callable that the value stands for: any Python callable, or PHP's [object or class, "method"].

    A name in a string is none: what PHP found by its name is an object here.
    """
    import inspect  # noqa: F401  (call's, early: by then there may be no descriptor left to import with)

    if callable(value):
        return value  # type: ignore[no-any-return]
    if isinstance(value, (list, tuple)) and len(value) == 2 and isinstance(value[1], str):
        method = getattr(value[0], value[1], None)
        return method if callable(method) else None
    return None


def problem(value: Any) -> str:
    """Why the value is no callback, in PHP's words."""
    if isinstance(value, (str, bytes)):
        name = value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")
        return f'function "{name}" not found or invalid function name'
    if not isinstance(value, (list, tuple, dict)):
        return "no array or string given"
    if len(value) != 2 or isinstance(value, dict):
        return "array callback must have exactly two members"
    target, method = value
    if isinstance(target, str):
        return f'class "{target}" not found'
    if target is None or isinstance(target, (int, float, bytes, list, tuple, dict)):
        return "first array member is not a valid class name or object"
    if not isinstance(method, str):
        return "second array member is not a valid method"
    owner = target if isinstance(target, type) else type(target)
    return f'class {owner.__name__} does not have a method "{method}"'


def call(callback: Callback, *arguments: Any) -> Any:
    """Calls a user's callback with as many arguments as it takes: PHP lets it declare fewer."""
    import inspect  # slow, and not needed where no callback is set

    try:
        parameters = inspect.signature(callback).parameters.values()
    except (TypeError, ValueError):
        return callback(*arguments)
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return callback(*arguments)
    takes = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    return callback(*arguments[:takes])

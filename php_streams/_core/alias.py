"""PHP's aliases: the same function under a second name, which its messages use."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def alias(function: F, name: str, module: str) -> F:
    """A twin of `function` whose frames, and so its warnings, bear `name`."""
    assert isinstance(function, FunctionType)
    code = function.__code__.replace(co_name=name, co_qualname=name)
    twin = FunctionType(code, function.__globals__, name, function.__defaults__, function.__closure__)
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__annotations__ = dict(function.__annotations__)
    twin.__doc__ = f"Alias of {function.__name__}.  https://www.php.net/function.{name.replace('_', '-')}"
    twin.__module__ = module
    twin.__qualname__ = name
    return twin  # type: ignore[return-value]

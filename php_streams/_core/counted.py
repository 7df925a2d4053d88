"""PHP's errors for calls with too few or too many arguments, or with names that there are not.

Python checks a call before the function is entered.  So the public functions get a wrapper, which tells such
a TypeError from one of the function's own by the traceback: it has no frame of the function.  Those that
programs call millions of times have none: there PHP's error for too few arguments comes from a default,
REQUIRED, that no function takes, and the rest are Python's own errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial, wraps
from itertools import starmap
from keyword import iskeyword
from types import FunctionType, ModuleType
from typing import Any

from php_streams._core.diagnostics import REQUIRED, ArgumentCountError, count_error, counts

# Not wrapped: a call costs less than the wrapper.
HOT = frozenset(
    """
    feof fgetc fgets fread fwrite fputs ftell fclose gzeof gzgetc gzgets gzread gzwrite gzputs gztell
    gzclose stream_get_meta_data socket_get_status stream_select
    """.split()
)


def guard(chapter: ModuleType, names: Iterable[str], package: dict[str, Any]) -> None:
    """Gives a chapter's functions of these names PHP's errors, there and in the package."""
    for name in names:
        function = getattr(chapter, name)
        if not isinstance(function, FunctionType):
            continue
        if name in HOT:
            defaults = function.__defaults__ or ()
            most = function.__code__.co_argcount
            counts[name] = most - len(defaults), most
            function.__defaults__ = (REQUIRED,) * counts[name][0] + defaults
        else:
            function = counted(function)
            setattr(chapter, name, function)
        package[name] = function


def counted(function: Callable[..., Any]) -> Any:
    """The function, with PHP's errors for wrong calls."""

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            # Named in one step: after a call a signal's handler could raise, and what was read were lost.
            for result in starmap(partial(function, **named) if named else function, (arguments,)):
                return result
            raise StopIteration
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise
        raise _error(function, arguments, named)

    return call


def _error(function: Any, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> TypeError:
    """What PHP says of a call that cannot be."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    least = len(names) - len(function.__defaults__ or ())
    variadic = bool(code.co_flags & 4)
    for name in named:
        if name not in names and not variadic:
            return TypeError(f"Unknown named parameter ${_shown(name)}")
        if name in names[: len(arguments)]:
            return TypeError(f"Named parameter ${_shown(name)} overwrites previous argument")
    places = {names.index(name) for name in named if name in names}
    given = max([len(arguments), *(place + 1 for place in places)])
    for place in range(len(arguments), min(given, least)):
        if place not in places:
            text = f"Argument #{place + 1} (${_shown(names[place])}) not passed"
            return ArgumentCountError(f"{function.__name__}(): {text}")
    if variadic and given >= least:
        return ArgumentCountError(f"{function.__name__}() does not accept unknown named parameters")
    return count_error(function.__name__, least, len(names), given, variadic)


def _shown(name: str) -> str:
    """A parameter's name in PHP, where no word is a keyword of Python's."""
    return name[:-1] if name.endswith("_") and iskeyword(name[:-1]) else name

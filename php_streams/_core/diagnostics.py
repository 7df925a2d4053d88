"""What PHP says when something goes wrong, and who gets to hear it (rule R5).

A message travels as in PHP: the handler set by `set_error_handler` hears it first and may swallow it,
return False to let it go on, or raise.  What goes on is remembered for `error_get_last` and, unless
`error_reporting` masks it, shown through Python's `warnings` as a PhpWarning, PhpNotice or PhpDeprecated,
every time, at the line that called the PHP function.  The handler stack, the reporting level and the last
error belong to the current context (contextvars): threads and async tasks do not disturb each other.

The "fgets(): " in front is the name of the chapter function that was called from outside, found by
walking the frames: no text in the engine spells it, and an alias (fputs) is named as it was called.
"""

from __future__ import annotations

import sys
import warnings
from contextvars import ContextVar
from types import FrameType
from typing import Any, Literal, NamedTuple

from php_streams._core.callback import Callback, call
from php_streams.constants import (
    E_ALL,
    E_COMPILE_ERROR,
    E_CORE_ERROR,
    E_DEPRECATED,
    E_ERROR,
    E_NOTICE,
    E_PARSE,
    E_RECOVERABLE_ERROR,
    E_USER_DEPRECATED,
    E_USER_ERROR,
    E_USER_NOTICE,
    E_WARNING,
)

PACKAGE = __name__.partition(".")[0]
# Python code in these parts of the package counts as the user's: it calls the chapters from outside.
OUTSIDE = (f"{PACKAGE}.porting",)

# `@` leaves these on; nothing here raises them, but error_reporting() inside `silence()` shows them.
FATAL = E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR


class PhpDiagnostic(UserWarning):
    """A message of PHP's; `level` is its E_* number."""

    level = E_WARNING


class PhpWarning(PhpDiagnostic):
    """E_WARNING or E_USER_WARNING."""


class PhpNotice(PhpDiagnostic):
    """E_NOTICE or E_USER_NOTICE."""

    level = E_NOTICE


class PhpDeprecated(PhpDiagnostic):
    """E_DEPRECATED or E_USER_DEPRECATED."""

    level = E_DEPRECATED


class ArgumentCountError(TypeError):
    """PHP's error for too few arguments.  https://www.php.net/class.argumentcounterror"""


class Error(TypeError):
    """PHP's Error where it is none of its subclasses.  https://www.php.net/class.error

    A TypeError, so that one `except` is enough for what PHP's `catch (Error $e)` takes.
    """


class _Required:
    """What stands for an argument that was not given, in functions that have no wrapper (counted.py)."""

    def __repr__(self) -> str:
        return "<required>"


REQUIRED = _Required()
counts: dict[str, tuple[int, int]] = {}  # the fewest and the most arguments of the functions with REQUIRED


def count_error(name: str, least: int, most: int, given: int, endless: bool = False) -> ArgumentCountError:
    """PHP's error for a number of arguments that a function does not take."""
    few = given < least
    how = "exactly" if least == most and not endless else "at least" if few else "at most"
    wanted = least if few else most
    plural = "" if wanted == 1 else "s"
    return ArgumentCountError(f"{name}() expects {how} {wanted} argument{plural}, {given} given")


class PhpFatalError(Exception):
    """E_USER_ERROR that no handler took: PHP ends the script there."""


_CATEGORIES: dict[int, type[PhpDiagnostic]] = {
    E_NOTICE: PhpNotice,
    E_USER_NOTICE: PhpNotice,
    E_DEPRECATED: PhpDeprecated,
    E_USER_DEPRECATED: PhpDeprecated,
}


class Handler(NamedTuple):
    """An error handler: the callback as it was given, what it calls, and the levels it hears."""

    given: Any
    callback: Callback | None
    levels: int


# As PHP keeps it: the handlers that were replaced, and last the one in force, which may be none.
NO_HANDLER = Handler(None, None, 0)
handlers: ContextVar[tuple[Handler, ...]] = ContextVar("handlers", default=(NO_HANDLER,))
reporting: ContextVar[int] = ContextVar("reporting", default=E_ALL)
displayed: ContextVar[bool] = ContextVar("displayed", default=True)  # the setting display_errors
last_error: ContextVar[dict[str, int | str] | None] = ContextVar("last_error", default=None)


def warn(message: str, level: int = E_WARNING, prefix: bool = True, about: str = "") -> Literal[False]:
    """Reports `message` for the PHP function being called; returns False, as the function then does.

    prefix=False is for the few texts that PHP prints without the function's name; `about` is what stands in
    the parentheses after the name: "fopen(nosuch): ...".
    """
    name, caller = call_site()
    report(level, f"{name}({about}): {message}" if name and prefix else message, caller)
    return False


def warn_while_raising(message: str) -> None:
    """A warning behind which an exception comes: PHP calls no handler while something is thrown."""
    if not handlers.get()[-1].levels & E_WARNING:
        try:
            warn(message)
        except PhpDiagnostic:
            pass


def notice(message: str) -> Literal[False]:
    """Reports an E_NOTICE."""
    return warn(message, E_NOTICE)


def deprecated(message: str, prefix: bool = True) -> None:
    """Reports an E_DEPRECATED."""
    warn(message, E_DEPRECATED, prefix)


def argument_value_error(number: int, name: str, text: str) -> ValueError:
    """PHP's ValueError for a bad argument, to be raised by the caller."""
    return ValueError(f"{called()}(): Argument #{number} (${name}) {text}")


def argument_type_error(number: int, name: str, text: str) -> TypeError:
    """PHP's TypeError for an argument of the wrong type, or that is missing, to be raised by the caller."""
    function, frame, _ = _calls()
    if function in counts and frame is not None:
        names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
        for given, one in enumerate(names):
            if frame.f_locals[one] is REQUIRED:
                return count_error(function, *counts[function], given)
    return TypeError(f"{function}(): Argument #{number} (${name}) {text}")


def called() -> str:
    """The name of the PHP function being called."""
    return call_site()[0]


def call_site() -> tuple[str, FrameType | None]:
    """The PHP function that was called, and the frame of its caller outside the package."""
    name, _, caller = _calls()
    return name, caller


def _calls() -> tuple[str, FrameType | None, FrameType | None]:
    """The PHP function that was called, its frame, and the frame of its caller outside the package."""
    frame: FrameType | None = sys._getframe(2)
    called: FrameType | None = None
    name = ""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] != PACKAGE or module.startswith(OUTSIDE):
            break
        function = frame.f_code.co_name
        if module.startswith(f"{PACKAGE}._") or function[0] in "_<":
            pass  # the engine, or a helper of a chapter: PHP's user did not call it
        else:
            name, called = frame.f_code.co_qualname.replace(".", "::"), frame
        frame = frame.f_back
    return name, called, frame


def report(level: int, message: str, caller: FrameType | None) -> None:
    """Hands a finished message to the handler, error_get_last and the warnings machinery."""
    file = caller.f_code.co_filename if caller else "Unknown"
    line = caller.f_lineno if caller else 0
    if _handled(level, message, file, line):
        return
    last_error.set({"type": level, "message": message, "file": file, "line": line})
    if level == E_USER_ERROR:
        raise PhpFatalError(message)
    if not reporting.get() & level or not displayed.get():
        return
    shown = _CATEGORIES.get(level, PhpWarning)(message)
    shown.level = level
    module = caller.f_globals.get("__name__") if caller else None
    # Without a registry nothing is remembered, so a message is shown each time, as PHP does.
    warnings.warn_explicit(shown, type(shown), file, line, module)


def _handled(level: int, message: str, file: str, line: int) -> bool:
    stack = handlers.get()
    handler = stack[-1]
    if handler.callback is None or not handler.levels & level:
        return False
    # While a handler runs PHP has none: what goes wrong inside it takes the standard way.
    handlers.set((*stack[:-1], NO_HANDLER))
    try:
        return call(handler.callback, level, message, file, line) is not False
    finally:
        stack = handlers.get()
        if stack[-1].callback is None:  # else it has set another in its own place
            handlers.set((*stack[:-1], handler))

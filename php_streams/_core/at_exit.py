"""The end of the program: what is still open is closed, as PHP closes its list of resources.

Python clears modules away one by one at the end, and what is still held somewhere else (an error handler
keeps its module's names, and those a stream) goes without a word, with what filters and gzip files hold back.
PHP closes every stream, the one that was opened last first, after the script's shutdown functions and the
destructors of its objects.  Here that is an exit function: those registered after the import run before it.
It runs on sys.exit, after an uncaught exception and in a forked child, which closes its copies as PHP's does.

A stream that an object with a destructor reaches (a mailer that says QUIT in its `__del__`) is left to that:
destructors run when the modules go.
"""

from __future__ import annotations

import atexit
import gc
import sys
from contextvars import ContextVar
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType
from typing import Any

from php_streams._core.context import _default
from php_streams._core.diagnostics import NO_HANDLER, PACKAGE, handlers
from php_streams._core.stream import LIVE, Stream

# What an object does not own, however it is reached.
FOREIGN = (type, ModuleType, FunctionType, BuiltinFunctionType, CodeType, FrameType)
MOST_OBJECTS = 100_000
# What keeps code of the user's, and what it is without.
HOLDING: list[tuple[ContextVar[Any], Any]] = [(handlers, (NO_HANDLER,)), (_default, None)]


def close_streams() -> None:
    """Flushes and closes all streams; a standard stream is flushed only, for Python goes on with it."""
    streams = [stream for reference in list(LIVE) if (stream := reference()) is not None and stream.is_open]
    kept = _left_to_destructors() if streams else set()
    for stream in sorted(streams, key=int, reverse=True):
        if id(stream) in kept:
            continue
        try:
            if stream.is_open and stream.raw.outlives:
                stream.finish()
            else:
                stream.close()
        except BaseException:  # PHP goes on with the next one, also when a method exits
            pass
    if kept:
        for variable, nothing in HOLDING:
            variable.set(nothing)


def _left_to_destructors() -> set[int]:
    """The streams that objects with a destructor of the program's own reach."""
    objects = gc.get_objects()
    kinds = {kind for kind in set(map(type, objects)) if _has_destructor(kind)}
    found: set[int] = set()
    if not kinds:
        return found
    seen: set[int] = set()
    left = [thing for thing in objects if type(thing) in kinds]
    while left and len(seen) < MOST_OBJECTS:
        thing = left.pop()
        if id(thing) in seen or isinstance(thing, FOREIGN):
            continue
        seen.add(id(thing))
        if isinstance(thing, Stream):
            found.add(id(thing))
        else:
            left += gc.get_referents(thing)
    return found


def _has_destructor(kind: type) -> bool:
    """Whether its objects have a `__del__` that is neither Python's nor ours."""
    destructor = getattr(kind, "__del__", None)
    module = getattr(destructor, "__module__", None) or ""
    top = module.partition(".")[0]
    return isinstance(destructor, FunctionType) and top not in sys.stdlib_module_names and top != PACKAGE


atexit.register(close_streams)

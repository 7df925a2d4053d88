"""Error handling (the manual's book.errorfunc): who hears PHP's messages; and `silence()`, PHP's @."""

from __future__ import annotations

import os
import sys
from typing import Any, Literal

from php_streams._core import diagnostics, ini
from php_streams._core.alias import alias
from php_streams._core.callback import problem, resolve
from php_streams._core.clock import log_time
from php_streams._core.diagnostics import (
    ArgumentCountError,
    Handler,
    argument_type_error,
    argument_value_error,
)
from php_streams._core.signals import from_system
from php_streams._core.values import to_bytes, to_int, to_string
from php_streams.constants import (
    E_ALL,
    E_USER_DEPRECATED,
    E_USER_ERROR,
    E_USER_NOTICE,
    E_USER_WARNING,
    LOG_NOTICE,
)

__all__ = [
    "ArgumentCountError",
    "error_clear_last",
    "error_get_last",
    "error_log",
    "error_reporting",
    "restore_error_handler",
    "set_error_handler",
    "silence",
    "trigger_error",
    "user_error",
]


def set_error_handler(callback: Any, error_levels: int = E_ALL) -> Any:
    """Sets a user-defined error handler function.  https://www.php.net/function.set-error-handler

    callback(level, message, file, line) is called with as many of these as it takes; [object, "method"] will
    do, None sets no handler.  It may swallow the message, return False to let it go on, or raise: the
    exception leaves the function that was called, and its stream stays whole.  While it runs there is no
    handler.  Returns the handler before, or None.  Handlers belong to the current context (thread, async
    task).
    """
    levels = to_int(error_levels, 2, "error_levels")
    found = None if callback is None else resolve(callback)
    if callback is not None and found is None:
        raise argument_type_error(1, "callback", f"must be a valid callback or null, {problem(callback)}")
    stack = diagnostics.handlers.get()
    diagnostics.handlers.set((*stack, Handler(callback, found, levels)))
    return stack[-1].given


def restore_error_handler() -> Literal[True]:
    """Restores the previous error handler function.  https://www.php.net/function.restore-error-handler"""
    diagnostics.handlers.set(diagnostics.handlers.get()[:-1] or (diagnostics.NO_HANDLER,))
    return True


def error_get_last() -> dict[str, int | str] | None:
    """Get the last occurred error.  https://www.php.net/function.error-get-last

    {"type": E_* level, "message", "file", "line"}, or None.  What a handler took does not count.
    """
    last = diagnostics.last_error.get()
    return None if last is None else dict(last)


def error_clear_last() -> None:
    """Clear the most recent error.  https://www.php.net/function.error-clear-last"""
    diagnostics.last_error.set(None)


def error_reporting(error_level: int | None = None) -> int:
    """Sets which PHP errors are reported.  https://www.php.net/function.error-reporting

    error_level: or'ed E_* levels; None leaves them.  Returns the levels before (4437 inside `silence()`).
    The setting error_reporting follows.
    """
    before = diagnostics.reporting.get()
    level = before if error_level is None else to_int(error_level, 1, "error_level", "?int")
    if level != before:
        ini.put("error_reporting", str(level))
    return before


_USER_LEVELS = (E_USER_ERROR, E_USER_WARNING, E_USER_NOTICE, E_USER_DEPRECATED)


def trigger_error(message: str, error_level: int = E_USER_NOTICE) -> Literal[True]:
    """Generates a user-level error/warning/notice message.  https://www.php.net/function.trigger-error

    error_level: E_USER_ERROR (which raises PhpFatalError when no handler takes it), E_USER_WARNING,
    E_USER_NOTICE or E_USER_DEPRECATED.
    """
    text = to_string(message, 1, "message")
    level = to_int(error_level, 2, "error_level")
    if level not in _USER_LEVELS:
        names = "E_USER_ERROR, E_USER_WARNING, E_USER_NOTICE, or E_USER_DEPRECATED"
        raise argument_value_error(2, "error_level", f"must be one of {names}")
    if level == E_USER_ERROR:
        diagnostics.deprecated(
            "Passing E_USER_ERROR to trigger_error() is deprecated since 8.4,"
            " throw an exception or call exit with a string message instead",
            prefix=False,
        )
    diagnostics.report(level, text, diagnostics.call_site()[1])
    return True


def error_log(
    message: str,
    message_type: int = 0,
    destination: str | os.PathLike[str] | None = None,
    additional_headers: str | None = None,
) -> bool:
    """Send an error message to the defined error handling routines.
    https://www.php.net/function.error-log

    message_type: 0 to the file (or "syslog") that the setting error_log names, else to sys.stderr;
    3 appends to the file `destination`, without a line end of its own, and is False with a warning when that
    fails; 1 sends mail to the address `destination`, with `additional_headers`; 4 to sys.stderr.
    """
    data, kind = to_bytes(message, 1, "message"), to_int(message_type, 2, "message_type")
    given = os.fspath(destination) if isinstance(destination, os.PathLike) else destination
    target = "" if given is None else to_string(given, 3, "destination", "?string")
    if "\0" in target:
        raise argument_value_error(3, "destination", "must not contain any null bytes")
    more = to_bytes(
        "" if additional_headers is None else additional_headers, 4, "additional_headers", "?string"
    )
    if kind == 1:
        from php_streams._wrappers import letters

        return letters.report(None if target is None else os.fsencode(target), data, more)
    if kind == 2:
        raise ValueError("TCP/IP option is not available for error logging")
    if kind == 3:
        return _append(target, data)
    data = data.partition(b"\0")[0]  # a C string from here on
    if kind == 4 or not _logged(data):
        _to_stderr(data + b"\n")
    return True


def _append(path: str, data: bytes) -> bool:
    """The message at the end of a file, or of whatever a wrapper opens."""
    from php_streams._wrappers.open import open_url

    stream = open_url(path, "a")
    if stream is None:
        return False
    with stream:
        return stream.write(data) == len(data)


def _logged(message: bytes) -> bool:
    """Whether the message has gone where the setting error_log says (= php_log_err)."""
    place = ini.get("error_log").partition("\0")[0]
    if place == "syslog":
        from php_streams._network import syslog

        syslog.log_for_php(LOG_NOTICE, message)
        return True
    mode = ini.number("error_log_mode")
    try:
        mode = mode if 0 < mode <= 0o777 else 0o644
        descriptor = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, mode)
    except from_system(OSError):
        return False
    with open(descriptor, "wb", buffering=0) as file:
        try:
            file.write(f"[{log_time()}] ".encode() + message + b"\n")
        except from_system(OSError):
            pass
    return True


def _to_stderr(data: bytes) -> None:
    binary = getattr(sys.stderr, "buffer", None)
    if binary is not None:
        binary.write(data)
    elif sys.stderr is not None:  # it was replaced by something that takes text only
        sys.stderr.write(data.decode("utf-8", "replace"))
    if sys.stderr is not None:
        sys.stderr.flush()


user_error = alias(trigger_error, "user_error", __name__)


class silence:
    """PHP's @: `with silence(): fp, errno, errstr = fsockopen(host, port)`.

    Nothing is shown, error_get_last() still tells, and a handler is still called (error_reporting() is
    4437 in it), as in PHP.  https://www.php.net/language.operators.errorcontrol
    """

    def __enter__(self) -> None:
        self._before = diagnostics.reporting.get()
        diagnostics.reporting.set(self._before & diagnostics.FATAL)

    def __exit__(self, *exception: object) -> None:
        # A level that was chosen inside stays, as in PHP.
        if self._before & ~diagnostics.FATAL and not diagnostics.reporting.get() & ~diagnostics.FATAL:
            diagnostics.reporting.set(self._before)

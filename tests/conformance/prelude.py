"""The Python side of the conformance harness: what a PYTHON section finds beside php_streams' own names.

The twin of `prelude.php`: it writes the same frames, to descriptor 1 and without a buffer, so that their
order with whatever else the case prints is the order in which it happened.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import warnings
from typing import Any

import phpserialize

from tests.conformance.transcript import frame

#: Category of a warning -> what PHP displays. PHP shows E_USER_WARNING and E_WARNING with the same word.
LEVELS = {"PhpWarning": "E_WARNING", "PhpNotice": "E_NOTICE", "PhpDeprecated": "E_DEPRECATED"}
LEVEL_NUMBERS = {
    2: "E_WARNING",
    8: "E_NOTICE",
    256: "E_ERROR",
    512: "E_WARNING",
    1024: "E_NOTICE",
    4096: "E_RECOVERABLE_ERROR",
    8192: "E_DEPRECATED",
    16384: "E_DEPRECATED",
}
#: Python's name of an exception -> PHP's, where they differ.
EXCEPTIONS = {"RuntimeError": "RuntimeException", "ZeroDivisionError": "DivisionByZeroError"}


class Refused(BaseException):
    """The case asks the harness for something it cannot do."""


class Prelude:
    """The helpers of one run."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.process = os.getpid()
        self.timers: list[threading.Timer] = []
        self.handlers: dict[int, Any] = {}

    def write(self, kind: str, *parts: bytes) -> None:
        """One frame."""
        data = frame(self.token, kind, *parts)
        while data:
            data = data[os.write(1, data) :]

    def see(self, label: str, value: object) -> None:
        """Shows a value in the transcript, as PHP's serialize() writes it."""
        try:
            data = serialize(value)
        except TypeError as error:
            raise Refused(f"see({label!r}): {error}") from None
        self.write("S", label.encode(), data)

    def see_name(self, label: str, name: object) -> None:
        """Shows a socket name without its port, for ports that the system chose."""
        self.see(label, re.sub(r":\d+\Z", ":{any}", name) if isinstance(name, str) else name)

    def interrupt_after(self, seconds: float) -> None:
        """Interrupts what this script waits for, so many seconds from now, by a signal that it handles."""
        self.handlers.setdefault(signal.SIGUSR1, signal.signal(signal.SIGUSR1, lambda number, frame: None))
        main = threading.main_thread().ident
        assert main is not None
        timer = threading.Timer(seconds, signal.pthread_kill, (main, signal.SIGUSR1))
        self.timers.append(timer)
        timer.start()

    def end(self) -> None:
        """Takes back what the helpers have set up."""
        if os.getpid() != self.process:
            os._exit(1)  # a child that did not end by itself: there is one test run, and it is not here
        for timer in self.timers:
            timer.cancel()
            timer.join()
        for number, handler in self.handlers.items():
            signal.signal(number, handler)

    def show_warning(self, message: Warning | str, category: type[Warning], *place: object) -> None:
        """In place of `warnings.showwarning`: a diagnostic, as PHP would display it."""
        level = LEVELS.get(category.__name__, category.__name__)
        if (number := getattr(message, "level", None)) is not None:
            level = LEVEL_NUMBERS.get(number, level)
        self.write("D", level.encode(), str(message).encode("utf-8", "surrogateescape"))

    def show_exception(self, error: BaseException) -> None:
        """An exception that nobody caught."""
        name = type(error).__name__
        self.write("X", EXCEPTIONS.get(name, name).encode(), str(error).encode("utf-8", "surrogateescape"))

    def names(self) -> dict[str, Any]:
        """What a PYTHON section may call, and the modules that it may use without an import line."""
        return {
            "see": self.see,
            "see_name": self.see_name,
            "pause": time.sleep,
            "interrupt_after": self.interrupt_after,
            "fork": fork,
            "echo": echo,
            "os": os,
            "re": re,
            "time": time,
        }


def fork() -> int:
    """Forks: the child's number, and 0 in the child, which has to end by os._exit()."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it has threads; from Python 3.12 on
        return os.fork()


def echo(text: bytes | str) -> None:
    """PHP's echo."""
    data = text.encode() if isinstance(text, str) else text
    while data:
        data = data[os.write(1, data) :]


def serialize(value: object) -> bytes:
    """PHP's serialize() of a value that PHP could have: None, bool, int, float, bytes, str, list, dict."""
    if value is None or isinstance(value, (bool, int, bytes, str)):
        data: bytes = phpserialize.dumps(plain(value), errors="surrogateescape")
        return data
    if isinstance(value, float):
        return b"d:%s;" % double(value).encode()
    if isinstance(value, (list, dict)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        parts = [
            phpserialize.dumps(plain(key), errors="surrogateescape") + serialize(item) for key, item in items
        ]
        return b"a:%d:{%s}" % (len(parts), b"".join(parts))
    if isinstance(value, tuple):
        raise TypeError(f"a tuple is no PHP value; unpack it: PHP's result is its first member ({value!r})")
    raise TypeError(f"a {type(value).__name__} cannot be compared; show what it does: {value!r}")


def plain(value: Any) -> Any:
    """Subclasses of int and str (the constants may be such) as what they are to PHP."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return str(value) if isinstance(value, str) else value


def double(value: float) -> str:
    """A float as PHP serializes it: the shortest digits, an exponent from 1.0E+17 on and below 1.0E-4."""
    if value != value or value in (float("inf"), float("-inf")):
        return "NAN" if value != value else "INF" if value > 0 else "-INF"
    sign = "-" if str(value).startswith("-") else ""
    digits, exponent = split_double(abs(value))
    if value == 0:
        return f"{sign}0"
    # `point` digits stand before the decimal point.
    point = exponent + 1
    if not -4 < point <= 17:
        return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent:+d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    whole, rest = digits[:point].ljust(point, "0"), digits[point:]
    return f"{sign}{whole}.{rest}" if rest else f"{sign}{whole}"


def split_double(value: float) -> tuple[str, int]:
    """The significant digits and the exponent of the first."""
    mantissa, exponent = f"{value!r}e0".split("e")[:2]
    whole, _, rest = mantissa.partition(".")
    digits = (whole + rest).lstrip("0")
    first = len(whole) - 1 if whole != "0" else -(len(rest) - len(rest.lstrip("0")) + 1)
    return digits.rstrip("0") or "0", first + int(exponent)

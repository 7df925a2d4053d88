"""Whose exception it is: a signal's handler's, of whatever kind the handler is, or the system's."""

from __future__ import annotations

import functools
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from php_streams._core.raw import later
from php_streams._core.signals import from_system, is_handlers


def fails(*arguments: Any) -> None:
    raise TimeoutError("late")


def plain(number: int, frame: Any) -> None:
    raise TimeoutError("late")


def deeper(number: int, frame: Any) -> None:
    os.stat("/nowhere")


def decorated(function: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(function)
    def around(*given: Any, **named: Any) -> None:
        return function(*given, **named)

    return around


@decorated
def wrapped(number: int, frame: Any) -> None:
    raise TimeoutError("late")


class Handlers:
    """Those that belong to an object, or are one."""

    def method(self, number: int, frame: Any) -> None:
        raise ConnectionResetError("late")

    def __call__(self, number: int, frame: Any) -> None:
        raise BlockingIOError("late")

    class Made:
        """One that is a class."""

        def __init__(self, number: int, frame: Any) -> None:
            raise InterruptedError("late")


HANDLERS: dict[str, Any] = {
    "function": plain,
    "arguments in a tuple": fails,
    "lambda": lambda *_: fails(),
    "of a call": deeper,
    "wrapped": wrapped,
    "partial": functools.partial(plain),
    "method": Handlers().method,
    "object": Handlers(),
    "class": Handlers.Made,
}


@pytest.fixture
def handle() -> Iterator[Callable[[Any], None]]:
    before = signal.getsignal(signal.SIGUSR1)
    yield lambda handler: signal.signal(signal.SIGUSR1, handler) and None
    signal.signal(signal.SIGUSR1, before)


def interrupted() -> None:
    """What a handler runs in the middle of."""
    signal.raise_signal(signal.SIGUSR1)
    time.sleep(0)


def passed_on() -> None:
    """The same behind a function of somebody's who watches the calls."""
    decorated(interrupted)()


@pytest.mark.parametrize("call", [interrupted, passed_on])
@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS)
def test_a_handlers(handler: Any, call: Callable[[], None], handle: Callable[[Any], None]) -> None:
    handle(handler)
    with pytest.raises(OSError) as caught:
        try:
            call()
        except from_system(OSError):
            pytest.fail("it was taken for the system's")
    assert is_handlers(caught.value)


@pytest.mark.parametrize("handler", [plain, Handlers().method])
def test_it_stays_so_without_its_frames(handler: Any, handle: Callable[[Any], None]) -> None:
    handle(handler)
    try:
        interrupted()
    except OSError as error:
        kept = later(error)
    with pytest.raises(OSError) as caught:
        raise kept
    assert is_handlers(caught.value)


@pytest.mark.parametrize("call", [lambda: os.stat("/nowhere"), fails], ids=["by the system", "by a stand-in"])
def test_the_systems(call: Callable[[], object]) -> None:
    try:
        call()
    except from_system(ValueError, OSError) as error:
        assert not is_handlers(error)
    try:
        call()
    except from_system(ValueError):
        pytest.fail("of another kind")
    except OSError:
        pass


def test_no_exception_is_nobodys() -> None:
    assert from_system(OSError, ValueError) == (OSError, ValueError)

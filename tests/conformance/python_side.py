"""Runs the PYTHON section of a case, in this process and yet as if in one of its own.

A process for each case would cost ten times the case.  Instead each run gets what a new process would have:
php_streams imported anew (settings, handlers, default context, registered wrappers, persistent streams: all
of its state is in its modules), an empty contextvars context, its own descriptors 1 and 2, its exit
handlers run at its end.  What a process would take with it and this one would keep, a descriptor or a
thread, fails the case.
"""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import gc
import importlib
import io
import os
import secrets
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pytest

from tests.conformance import namespace
from tests.conformance.case import Case
from tests.conformance.prelude import Prelude, Refused
from tests.conformance.stage import Stage
from tests.conformance.transcript import Transcript, escape, render
from tests.descriptors import open_descriptors

PACKAGE = "php_streams"
KEPT = "php_streams.porting"  # the harness itself works with it; it has no part in what a case does


def run_python(case: Case) -> Transcript:
    """The transcript of one run of the Python twin, peers and all."""
    if case.zone and not namespace.inside():
        with contextlib.suppress(namespace.NotNeeded):
            return namespace.run(case, None)
    before = held()
    with Stage(case) as stage:
        token = secrets.token_hex(8)
        detail = contextvars.Context().run(perform, case, stage, token)
        stage.peers.finish()
        known = stage.known(str(case.path))
        printed, errors = (Path(stage.root, name).read_bytes() for name in ("stdout", "stderr"))
        transcript = render(printed, token, known)
        transcript.detail = detail
        stage.finish(transcript, known)
        transcript.lines += [f"2> {escape(known.replace(line))}" for line in errors.splitlines()]
    transcript.problems += leaked(before)
    return transcript


def perform(case: Case, stage: Stage, token: str) -> str:
    """Runs the section; gives the traceback of an exception that nobody caught, else an empty text."""
    prelude = Prelude(token)
    with (
        redirected(stage.root),
        exit_handlers() as at_exit,
        fresh_package() as package,
        environment(case, stage),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("always")
        warnings.showwarning = prelude.show_warning  # type: ignore[assignment]
        names = public_names(package) | prelude.names() | stage.variables | {"__name__": "__main__"}
        given = set(names)
        try:
            set_ini({name: stage.expand(value) for name, value in case.ini.items()})
            stage.names.point_python()
            return play(case, names, prelude)
        finally:
            prelude.end()
            at_exit()
            forget(names, given)


def play(case: Case, names: dict[str, Any], prelude: Prelude) -> str:
    """Executes the section; an exception that nobody caught goes into the transcript."""
    try:
        exec(compiled(case), names)
    except (KeyboardInterrupt, pytest.fail.Exception, pytest.exit.Exception):
        raise  # of pytest (a timeout), not of the case
    except SystemExit:
        pass
    except Refused as error:
        prelude.write("H", str(error).encode())
    except BaseException as error:
        prelude.show_exception(error)
        return "".join(traceback.format_exception(error.with_traceback(own_part(error))))
    return ""


def compiled(case: Case) -> Any:
    """The section's code, at its true lines in the case file."""
    return compile("\n" * (case.python.line - 1) + case.python.text, str(case.path), "exec")


def own_part(error: BaseException) -> Any:
    """The traceback without the harness's frame."""
    trace = error.__traceback__
    return trace.tb_next if trace and trace.tb_next else trace


def forget(names: dict[str, Any], given: set[str]) -> None:
    """Lets go of the case's variables, the last one first, as PHP does at the end of a script."""
    for name in [name for name in reversed(names) if name not in given]:
        del names[name]
    names.clear()
    gc.collect()


def public_names(package: ModuleType) -> dict[str, Any]:
    """What ``from php_streams import *`` brings, and the package, for what is not in the star (`exec`)."""
    star = {name: getattr(package, name) for name in getattr(package, "__all__", ())}
    return star | {PACKAGE: package}


def set_ini(settings: dict[str, str]) -> None:
    """What php is given by ``-d``: the values that settings have before the script changes any."""
    defaults = importlib.import_module(f"{PACKAGE}._core.ini").DEFAULTS
    for name, value in settings.items():
        if name not in defaults:
            raise LookupError(f"--INI--: php_streams has no setting {name}")
        defaults[name] = value


@contextlib.contextmanager
def fresh_package() -> Iterator[ModuleType]:
    """php_streams imported anew, and the old modules put back afterwards."""

    def ours() -> list[str]:
        found = [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]
        return [name for name in found if not (name + ".").startswith(f"{KEPT}.")]

    old = {name: sys.modules.pop(name) for name in ours()}
    try:
        yield importlib.import_module(PACKAGE)
    finally:
        for name in ours():
            del sys.modules[name]
        sys.modules.update(old)


@contextlib.contextmanager
def exit_handlers() -> Iterator[Callable[[], None]]:
    """Collects what is registered with atexit, and gives a function that runs it."""
    handlers: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = []

    def register(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        handlers.append((function, args, kwargs))
        return function

    def at_exit() -> None:
        while handlers:
            function, args, kwargs = handlers.pop()
            function(*args, **kwargs)

    # What is to be done in a forked child would keep every import of the package alive.
    no_fork = mock.patch.object(os, "register_at_fork", lambda **kwargs: None)
    with mock.patch.object(atexit, "register", register), no_fork:
        yield at_exit


@contextlib.contextmanager
def environment(case: Case, stage: Stage) -> Iterator[None]:
    """The case's environment and, afterwards, the working directory that was."""
    here = os.getcwd()
    with mock.patch.dict(os.environ, {name: stage.expand(value) for name, value in case.env.items()}):
        os.chdir(stage.dir)
        try:
            yield
        finally:
            os.chdir(here)


@contextlib.contextmanager
def redirected(root: str) -> Iterator[None]:
    """Descriptors 1 and 2, sys.stdout and sys.stderr into files of the stage, unbuffered; no input."""
    old = sys.stdout, sys.stderr
    for stream in old:
        stream.flush()
    with contextlib.ExitStack() as stack:
        for number, path in enumerate((os.devnull, f"{root}/stdout", f"{root}/stderr")):
            kept = os.dup(number)
            file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY if number else os.O_RDONLY, 0o600)
            os.dup2(file, number)
            os.close(file)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, number)
        sys.stdout, sys.stderr = unbuffered(1), unbuffered(2)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = old


def unbuffered(descriptor: int) -> io.TextIOWrapper:
    """A text stream that passes on everything at once, as `python -u` has it."""
    raw = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(raw, encoding="utf-8", write_through=True)


def held() -> tuple[dict[int, str], set[threading.Thread]]:
    """The open descriptors, with what they are, and the threads."""
    return open_descriptors(), set(threading.enumerate())


def leaked(before: tuple[dict[int, str], set[threading.Thread]]) -> list[str]:
    """What is held now and was not before."""
    descriptors, threads = held()
    new = [
        f"descriptor {number} ({what})"
        for number, what in descriptors.items()
        if before[0].get(number) != what
    ]
    new += [f"thread {thread.name}" for thread in threads - before[1]]
    return [f"left behind by the Python twin: {', '.join(new)}"] if new else []

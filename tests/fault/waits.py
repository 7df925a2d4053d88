"""Calls that wait until a signal's handler raises: `python -m tests.fault.waits ERROR [NAME...]`.

A wait prepares, yields the call that would wait for ever, and then shows that all is well: what had come is
still there, what was opened can be closed.  One JSON line each: its name, what the call raised, or returned,
how long it took, and what was wrong afterwards.  Run by test_waits.py, in a process of its own: SIGALRM is
pytest-timeout's.  More of them are in waits_sockets.py.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import signal
import socket
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest.mock import patch

import php_streams as php
from php_streams._core import process, select, signals
from tests.descriptors import open_descriptors

AFTER, AGAIN_AFTER = 0.05, 1.0  # seconds
ERRORS: dict[str, type[OSError]] = {
    kind.__name__: kind
    for kind in (TimeoutError, BlockingIOError, InterruptedError, ConnectionResetError, ChildProcessError)
}

Call = Callable[[], Any]
Wait = Callable[[str], Iterator[Call]]
WAITS: dict[str, Wait] = {}


def wait(function: Wait) -> Wait:
    """A row of the table."""
    WAITS[function.__name__] = function
    return function


def each(calls: dict[str, Callable[[Any], Any]]) -> Callable[[Callable[[str, Any], Iterator[Call]]], None]:
    """A row for each of the calls, which get the stream that the function prepares."""

    def rows(function: Callable[[str, Any], Iterator[Call]]) -> None:
        for name, call in calls.items():
            WAITS[f"{function.__name__} {name}"] = lambda folder, call=call: function(folder, call)

    return rows


class Outcome(NamedTuple):
    """How a wait ended."""

    name: str
    result: str
    seconds: float
    wrong: str


class Alarm:
    """The handler, which is called again and again until the wait ends.

    The second call is for a signal that came right before the system call, which it does not interrupt then:
    Python calls the handler for both.
    """

    raised: OSError | None = None
    count = 0

    def __init__(self, kind: type[OSError]) -> None:
        self.kind = kind

    def __call__(self, number: int, frame: Any) -> None:
        self.count += 1
        self.raised = self.kind("by the signal")
        raise self.raised


# --- files, pipes and locks ----------------------------------------------------------------------------


@wait
def flock(folder: str) -> Iterator[Call]:
    path = f"{folder}/file"
    held = os.open(path, os.O_CREAT | os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    fp = php.fopen(path, "r+")
    yield lambda: php.flock(fp, php.LOCK_EX)
    os.close(held)
    assert php.flock(fp, php.LOCK_EX).result is True
    assert php.fclose(fp)


@wait
def file_put_contents_with_a_lock(folder: str) -> Iterator[Call]:
    path = f"{folder}/file"
    held = os.open(path, os.O_CREAT | os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    yield lambda: php.file_put_contents(path, "x", php.LOCK_EX)
    os.close(held)
    assert php.file_put_contents(path, "x", php.LOCK_EX) == 1


@each(
    {
        "fopen": lambda path: php.fopen(path, "r"),
        "file_get_contents": php.file_get_contents,
        "gzopen": lambda path: php.gzopen(path, "r"),
        "copy": lambda path: php.copy(path, f"{path}.copy"),
    }
)
def opening_a_fifo(folder: str, call: Callable[[str], Any]) -> Iterator[Call]:
    os.mkfifo(f"{folder}/fifo")
    yield lambda: call(f"{folder}/fifo")


@each(
    {
        "fgets": php.fgets,
        "fread": lambda fp: php.fread(fp, 10),
        "stream_get_contents": php.stream_get_contents,
        "fgetcsv": lambda fp: php.fgetcsv(fp, 0, ",", '"', ""),
        "fpassthru": php.fpassthru,
    }
)
def reading_a_fifo(folder: str, call: Callable[[Any], Any]) -> Iterator[Call]:
    os.mkfifo(f"{folder}/fifo")
    fp = php.fopen(f"{folder}/fifo", "r+")
    php.fwrite(fp, "hal")
    yield lambda: call(fp)
    php.fwrite(fp, "f\n")
    assert php.fgets(fp) == b"half\n"
    assert php.fclose(fp)


@wait
def writing_to_a_full_pipe(folder: str) -> Iterator[Call]:
    os.mkfifo(f"{folder}/fifo")
    reader = os.open(f"{folder}/fifo", os.O_RDONLY | os.O_NONBLOCK)
    fp = php.fopen(f"{folder}/fifo", "w")
    yield lambda: php.fwrite(fp, b"x" * 1_000_000)
    went = php.ftell(fp) + 1  # it counts from -1 there
    os.set_blocking(reader, True)
    assert php.fclose(fp)
    assert 0 < went == len(all_of(reader))


@each({"memory": "php://memory", "file": ""})
def copying_to_a_full_pipe(folder: str, name: Any) -> Iterator[Call]:
    data = os.urandom(500_000)
    source = php.fopen(name or f"{folder}/file", "w+")
    php.fwrite(source, data)
    php.rewind(source)
    os.mkfifo(f"{folder}/fifo")
    reader = os.open(f"{folder}/fifo", os.O_RDONLY | os.O_NONBLOCK)
    fp = php.fopen(f"{folder}/fifo", "w")
    yield lambda: php.stream_copy_to_stream(source, fp)
    went = php.ftell(fp) + 1
    assert 0 < went == php.ftell(source) < len(data)
    rest = php.stream_get_contents(source)
    os.set_blocking(reader, True)
    assert php.fclose(fp)
    assert all_of(reader) + rest == data


def all_of(descriptor: int) -> bytes:
    """What a pipe holds, to its end."""
    with open(descriptor, "rb") as file:
        return file.read()


# --- programs ------------------------------------------------------------------------------------------


def end(pid: int | None) -> None:
    """Ends a program that was started for the wait, and hears of it."""
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


@wait
def proc_close(folder: str) -> Iterator[Call]:
    program, _ = php.proc_open(["sleep", "30"], {})
    yield lambda: php.proc_close(program)
    os.kill(program.child.pid, signal.SIGKILL)
    assert php.proc_close(program) == signal.SIGKILL


@wait
def pclose(folder: str) -> Iterator[Call]:
    fp = php.popen("exec sleep 30", "r")
    pid = fp.raw.child.pid
    yield lambda: php.pclose(fp)
    end(pid)


@each(
    {
        "exec": php.exec,
        "shell_exec": php.shell_exec,
        "system": php.system,
        "passthru": php.passthru,
    }
)
def running(folder: str, call: Callable[[str], Any]) -> Iterator[Call]:
    yield lambda: call("exec sleep 30")
    end_orphans()


@each({"its end": "x", "it to read": "x" * 1_000_000})
def waiting_for_sendmail(folder: str, text: Any) -> Iterator[Call]:
    php.ini_set("sendmail_path", "exec sleep 30; true")
    yield lambda: php.mail("a@b.c", "subject", text)
    php.ini_restore("sendmail_path")
    end_orphans()


def end_orphans() -> None:
    """Ends what still runs of programs that nobody has any more: one."""
    assert len(process._orphans) == 1
    end(process._orphans.pop())


@wait
def reading_from_a_program(folder: str) -> Iterator[Call]:
    fp = php.popen("printf hal; exec sleep 30", "r")
    pid = fp.raw.child.pid
    yield lambda: php.fgets(fp)
    assert php.ftell(fp) == 0
    assert php.fread(fp, 3) == b"hal"
    os.kill(pid, signal.SIGKILL)
    php.pclose(fp)


# --- names ---------------------------------------------------------------------------------------------


@each(
    {
        "gethostbyname": php.gethostbyname,
        "gethostbynamel": php.gethostbynamel,
        "gethostbyaddr": lambda name: php.gethostbyaddr("192.0.2.1"),
        "fsockopen": lambda name: php.fsockopen(name, 80, timeout=30),
        "stream_socket_server": lambda name: php.stream_socket_server(f"tcp://{name}:0"),
        "file_get_contents": lambda name: php.file_get_contents(f"http://{name}/"),
    }
)
def resolving(folder: str, call: Callable[[str], Any]) -> Iterator[Call]:
    """The C library waits, and Python runs no handler in it: a stand-in that can be interrupted."""
    with contextlib.ExitStack() as patched:
        for name in ("getaddrinfo", "gethostbyname_ex", "gethostbyaddr"):
            patched.enter_context(patch.object(socket, name, lambda *_, **__: time.sleep(30)))
        yield lambda: call("slow.test")


# --- the run -------------------------------------------------------------------------------------------


def run(name: str, kind: type[OSError]) -> Outcome:
    """One wait."""
    before, alarm = open_descriptors(), Alarm(kind)
    with tempfile.TemporaryDirectory() as folder:
        steps = WAITS[name](folder)
        result, seconds = broken_off(next(steps), alarm)
        try:
            next(steps, None)
            wrong = ""
        except BaseException:
            wrong = traceback.format_exc(-2)
    del steps
    select._drop()  # the epoll that it keeps
    gc.collect()
    left = {fd: what for fd, what in open_descriptors().items() if fd not in before}
    return Outcome(name, result, seconds, wrong or (f"left: {left}" if left else ""))


def broken_off(call: Call, alarm: Alarm) -> tuple[str, float]:
    """What the call raised, or returned, and when."""
    signal.signal(signal.SIGALRM, alarm)
    start = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, AFTER, AGAIN_AFTER)
        result = f"returned {call()!r}"
        signal.setitimer(signal.ITIMER_REAL, 0)
    except BaseException as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        result = "raised" if error is alarm.raised else f"raised {error!r}"
        result += f" for the {alarm.count}th time" * (alarm.count > 1)
        alarm.raised = None  # and its frames
    return result, time.monotonic() - start


def main() -> None:
    """The waits that are named, or all."""
    from tests.fault import waits_sockets

    table = waits_sockets.WAITS
    kind = ERRORS[sys.argv[1]]
    warnings.simplefilter("ignore", php.PhpWarning)
    signals.pipe()  # opened once for the process, at the first wait
    for name in sys.argv[2:] or list(table):
        print(json.dumps(run(name, kind)), flush=True)


if __name__ == "__main__":
    from tests.fault.waits import main

    main()

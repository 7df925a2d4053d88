"""Processes: starting them, and what became of them (= ext/standard/proc_open.c).

`subprocess` starts them; waiting is done here, because PHP tells a stopped process from an ended one and
remembers only how a process exited, not which signal ended it.
"""

from __future__ import annotations

import fcntl
import gc
import os
from collections.abc import Mapping, Sequence
from typing import Any

from php_streams._core import ini
from php_streams._core.raw import Descriptor, Raw
from php_streams._core.resource import Resource
from php_streams._core.signals import from_system
from php_streams._core.values import truth

SHELL = "/bin/sh"
# Those that still run and that nobody has any more; each start clears away what has ended of them.
_orphans: set[int] = set()


class Child:
    """A child process, from before its start on: so it has somebody to wait for it."""

    pid: int | None = None
    exited: int | None = None  # the wait status of a process that exited by itself
    reaped = False

    def start(
        self,
        command: str | Sequence[str],
        descriptors: Mapping[int, int],
        directory: str | None = None,
        environment: Sequence[bytes] | None = None,
    ) -> None:
        """Starts a program, or a command line in the shell.  OSError when that cannot be done.

        descriptors: which of ours become which of its own; 0, 1 and 2 are handed on when they are not named.
        environment: its whole environment, NAME=value each.
        """
        from php_streams._core.started import Environment, Started  # it is slow to import

        reap()
        placed, moves = _place({number: fd for number, fd in descriptors.items() if number > 2})
        if directory is None and environment is not None:
            directory = "."  # else `subprocess` may choose a way that has no use for such an environment
        shell = isinstance(command, str)
        words: Any = ["sh", "-c", command] if shell else list(command)
        options: dict[str, Any] = {
            "executable": SHELL if shell else None,
            **{name: descriptors.get(number) for number, name in enumerate(("stdin", "stdout", "stderr"))},
            "cwd": directory,
            "env": None if environment is None else Environment(environment),
            "restore_signals": False,  # programs of PHP's ignore SIGPIPE, as PHP does
            "pass_fds": {*(one.fd for one in placed), *moves, *_inherited()},
            # Only when a number that the program wants is taken here: it has to be freed behind the fork.
            "preexec_fn": (lambda: _move(moves)) if moves else None,
        }
        try:
            self.pid = Started(words, **options).pid  # in one line: no exception comes between
        finally:
            for one in placed:
                one.close()

    def wait(self, options: int = 0) -> int | None:
        """What waitpid tells: a wait status, -1 while it runs, None when nobody can tell any more."""
        if self.exited is not None:
            return self.exited
        if self.reaped or self.pid is None:
            return None
        try:
            pid, status = os.waitpid(self.pid, options)
        except from_system(ChildProcessError):
            return None
        if not pid:
            return -1
        if os.WIFEXITED(status):
            self.exited = status
        self.reaped = not os.WIFSTOPPED(status)
        return status

    def __del__(self) -> None:
        # PHP does not wait for a process whose variable is gone; what has ended already is cleared away.
        try:
            if self.wait(os.WNOHANG) == -1 and self.pid is not None:
                _orphans.add(self.pid)
        except from_system(Exception):
            pass


def reap() -> None:
    """Clears away the processes that have ended since nobody had them any more."""
    for pid in tuple(_orphans):
        try:
            ended = os.waitpid(pid, os.WNOHANG)[0]
        except from_system(ChildProcessError):
            ended = pid
        if ended:
            _orphans.discard(pid)


def _place(wanted: Mapping[int, int]) -> tuple[list[Descriptor], dict[int, int]]:
    """Copies of descriptors under the wanted numbers, and those whose number is taken."""
    placed, moves = [], {}
    for number, fd in wanted.items():
        copy = Descriptor(fcntl.fcntl, fd, fcntl.F_DUPFD_CLOEXEC, number)
        if copy.fd == number:
            placed.append(copy)
        else:
            copy.close()
            moves[number] = fd
    return placed, moves


def _move(moves: Mapping[int, int]) -> None:
    copies = {number: os.dup(fd) for number, fd in moves.items()}  # one's number may be another's source
    for number, fd in copies.items():
        os.dup2(fd, number)


def _inherited() -> list[int]:
    """The descriptors of streams that a program gets unasked: by default none, unlike PHP's."""
    if not truth(ini.get("php_streams.inherit_descriptors")):
        return []
    found = []
    for raw in gc.get_objects():
        if isinstance(raw, Raw) and not raw.private and not raw.closed:
            held = vars(raw)
            number = held["sock"].fileno() if "sock" in held else held.get("fd", -1)
            if number > 2:
                found.append(number)
    return found


class Process(Resource):
    """A resource of type (process)."""

    __slots__ = ("child", "command", "is_closed")
    type_name = "process"

    def __init__(self, child: Child, command: str) -> None:
        super().__init__()
        self.child = child
        self.command = command
        self.is_closed = False

    @property
    def is_open(self) -> bool:
        """Until proc_close."""
        return not self.is_closed

    def close(self) -> int:
        """Waits for the end; the exit code, the number of the signal, or -1 when nobody can tell."""
        status = self.child.wait()
        self.is_closed = True
        return -1 if status is None else exit_code(status)


def exit_code(status: int) -> int:
    """The exit code in a wait status, or the signal that ended the process."""
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else os.WTERMSIG(status)

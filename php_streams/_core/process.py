"""Processes: starting them, and what became of them (= ext/standard/proc_open.c).

`subprocess` starts them; waiting is done here, because PHP tells a stopped process from an ended one and
remembers only how a process exited, not which signal ended it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping, Sequence

from php_streams._core.resource import Resource

SHELL = "/bin/sh"


def start(
    command: str | Sequence[str],
    descriptors: Mapping[int, int],
    directory: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Starts a program, or a command line in the shell; its pid.  OSError when that cannot be done.

    descriptors: which of ours become which of its own; 0, 1 and 2 are handed on when they are not named.
    """
    from php_streams._core.started import Started  # it is slow to import

    extra = {number: fd for number, fd in descriptors.items() if number > 2}
    placed, moves = _place(extra)
    try:
        started = Started(
            ["sh", "-c", command] if isinstance(command, str) else list(command),
            executable=SHELL if isinstance(command, str) else None,
            stdin=descriptors.get(0),
            stdout=descriptors.get(1),
            stderr=descriptors.get(2),
            cwd=directory,
            env=environment,
            pass_fds=[*placed, *moves],
            # Only when a number that the program wants is taken here: it has to be freed behind the fork.
            preexec_fn=(lambda: _move(moves)) if moves else None,
        )
    finally:
        for fd in placed:
            os.close(fd)
    return started.pid


def _place(wanted: Mapping[int, int]) -> tuple[list[int], dict[int, int]]:
    """Copies of descriptors under the wanted numbers, and those whose number is taken."""
    placed, moves = [], {}
    for number, fd in wanted.items():
        copy = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, number)
        if copy == number:
            placed.append(copy)
        else:
            os.close(copy)
            moves[number] = fd
    return placed, moves


def _move(moves: Mapping[int, int]) -> None:
    copies = {number: os.dup(fd) for number, fd in moves.items()}  # one's number may be another's source
    for number, fd in copies.items():
        os.dup2(fd, number)


class Process(Resource):
    """A resource of type (process)."""

    __slots__ = ("command", "environment", "exited", "pid", "reaped")
    type_name = "process"

    def __init__(self, pid: int, command: str) -> None:
        super().__init__()
        self.pid: int | None = pid
        self.command = command
        self.exited: int | None = None  # the wait status of a process that exited by itself
        self.reaped = False

    @property
    def is_open(self) -> bool:
        """Until proc_close."""
        return self.pid is not None

    def wait(self, options: int = 0) -> int | None:
        """What waitpid tells: a wait status, -1 while it runs, None when nobody can tell any more."""
        if self.exited is not None:
            return self.exited
        if self.reaped or self.pid is None:
            return None
        try:
            pid, status = os.waitpid(self.pid, options)
        except ChildProcessError:
            return None
        if not pid:
            return -1
        if os.WIFEXITED(status):
            self.exited = status
        self.reaped = not os.WIFSTOPPED(status)
        return status

    def close(self) -> int:
        """Waits for the end; the exit code, the number of the signal, or -1 when nobody can tell."""
        status = self.wait()
        self.pid = None
        return -1 if status is None else exit_code(status)

    def __del__(self) -> None:
        # PHP does not wait for a process whose variable is gone; what has ended already is cleared away.
        try:
            self.wait(os.WNOHANG)
        except Exception:
            pass


def exit_code(status: int) -> int:
    """The exit code in a wait status, or the signal that ended the process."""
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else os.WTERMSIG(status)

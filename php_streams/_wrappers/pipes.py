"""Pipes to processes: what popen opens, and proc_open's ends of pipes."""

from __future__ import annotations

import os
from typing import Any, Literal

from php_streams._core.process import Process
from php_streams._core.stream import Stream
from php_streams._wrappers.plain import FileRaw


class PipeRaw(FileRaw):
    """An end of a pipe; closing one that popen made waits for its process."""

    local = False  # in PHP it belongs to no wrapper

    def __init__(self, fd: int, process: Process | None = None) -> None:
        super().__init__(fd)
        self.process = process
        self.status = -1
        if process is not None:
            self.total = 0

    def set_write_buffer(self, size: int) -> int:
        """What popen made has a buffer in PHP, which changes nothing."""
        return 0 if self.process is not None else -1

    def close(self) -> None:
        """Closes the descriptor, then waits for the process."""
        if self.closed:
            return
        super().close()
        if self.process is not None:
            status = self.process.wait()
            self.process.pid = None
            if status is not None:
                self.status = os.WEXITSTATUS(status) if os.WIFEXITED(status) else status


def pipe_to(command: str, mode: str) -> Stream:
    """popen: a stream that reads what a shell command writes, or writes what it reads."""
    from php_streams._core.process import start

    ours, theirs = os.pipe()
    number = 1
    if mode[0] == "w":
        ours, theirs, number = theirs, ours, 0
    try:
        pid = start(command, {number: theirs})
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return Stream(PipeRaw(ours, Process(pid, command)), mode)


def exit_status(stream: Stream) -> int | Literal[0]:
    """pclose: closes the stream; its process's exit status, 0 for a stream without one."""
    raw: Any = stream.raw
    stream.close()
    return raw.status if isinstance(raw, PipeRaw) and raw.process is not None else 0

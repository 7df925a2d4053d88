"""Programs (the manual's book.exec, and popen of book.filesystem)."""

from __future__ import annotations

import os
from typing import Any, Literal

from php_streams._core import stat_cache
from php_streams._core.diagnostics import argument_type_error, argument_value_error, warn
from php_streams._core.output import output
from php_streams._core.process import Process
from php_streams._core.shell import escape_argument, escape_command
from php_streams._core.signals import from_system
from php_streams._core.stream import Stream, expect_resource, invalid_resource, open_stream
from php_streams._core.values import outputs, to_bytes, to_int, to_string, type_name
from php_streams._wrappers.descriptors import Spec, open_process
from php_streams._wrappers.pipes import attended, exit_status, pipe_to

# `exec` is a builtin of Python's: it is php_streams.exec, and does not come with the star (rule R1).
__all__ = [
    "escapeshellarg",
    "escapeshellcmd",
    "passthru",
    "pclose",
    "popen",
    "proc_close",
    "proc_get_status",
    "proc_nice",
    "proc_open",
    "proc_terminate",
    "shell_exec",
    "system",
]

ExecResult = outputs("ExecResult", "result output result_code")
SystemResult = outputs("SystemResult", "result result_code")
ProcOpenResult = outputs("ProcOpenResult", "result pipes")

_MODES = ("r", "rb", "w", "wb")


def popen(command: str | bytes, mode: str) -> Stream | Literal[False]:
    """Opens process file pointer.  https://www.php.net/function.popen

    command: for /bin/sh.  mode: "r" reads what it writes, "w" writes what it reads.
    """
    line = _command(command, empty=True)
    how = to_string(mode, 2, "mode")
    if not how:
        return warn("Invalid argument", about=f"{line},{how}")
    if how not in _MODES:
        raise argument_value_error(2, "mode", 'must be one of "r", "rb", "w", or "wb"')
    try:
        return pipe_to(line, how)
    except from_system(OSError) as error:
        return warn(f"{error.strerror}", about=f"{line},{how}")


def pclose(handle: Stream) -> int:
    """Closes process file pointer.  https://www.php.net/function.pclose

    Waits for the process; its exit status.
    """
    return exit_status(open_stream(handle, 1, "handle"))


def _command(command: Any, *, empty: bool = False, name: str = "command") -> str:
    line = to_string(command, 1, name)
    if "\0" in line:
        raise argument_value_error(1, name, "must not contain any null bytes")
    if not line and not empty:
        raise argument_value_error(1, name, "must not be empty")
    stat_cache.forget()  # reading what a program writes counts as reading a file
    return line


def exec(command: str | bytes) -> Any:
    """Executes an external program.  https://www.php.net/function.exec

    Returns (last line, lines, exit status): lines are bytes without the white space at their ends.
    """
    line = _command(command)
    try:
        fp = pipe_to(line, "r")
    except from_system(OSError):
        return ExecResult(warn(f"Unable to fork [{line}]"), [], -1)
    with attended(fp):
        lines = [text.rstrip(b" \t\n\r\v\f") for text in fp]
        return ExecResult(lines[-1] if lines else b"", lines, exit_status(fp))


def system(command: str | bytes) -> Any:
    """Executes an external program and displays the output.  https://www.php.net/function.system

    Returns (last line, exit status); the output goes to sys.stdout as it comes.
    """
    line = _command(command)
    try:
        fp = pipe_to(line, "r")
    except from_system(OSError):
        return SystemResult(warn(f"Unable to fork [{line}]"), -1)
    last = b""
    with attended(fp):
        for text in fp:
            output(text)
            last = text
        return SystemResult(last.rstrip(b" \t\n\r\v\f"), exit_status(fp))


def passthru(command: str | bytes) -> Any:
    """Executes an external program and displays raw output.  https://www.php.net/function.passthru

    Returns (None, exit status), with False in the first place when the program could not be started.
    """
    line = _command(command)
    try:
        fp = pipe_to(line, "r")
    except from_system(OSError):
        return SystemResult(warn(f"Unable to fork [{line}]"), -1)
    with attended(fp):
        while data := fp.read(8192):
            output(data)
        return SystemResult(None, exit_status(fp))


def shell_exec(command: str | bytes) -> bytes | Literal[False] | None:
    """Executes command via shell and returns the complete output as a string.
    https://www.php.net/function.shell-exec

    None when there was no output.
    """
    line = _command(command)
    try:
        fp = pipe_to(line, "r")
    except from_system(OSError):
        return warn(f"Unable to execute '{line}'")
    with attended(fp):
        data = fp.read_all()
        fp.close()
    return data or None


def escapeshellarg(arg: str | bytes) -> str:
    """Escapes a string to be used as a shell argument.  https://www.php.net/function.escapeshellarg

    In single quotes; bytes that are no UTF-8 are left out.  ValueError when no command can be that long.
    """
    return escape_argument(_data(arg, "arg"))


def escapeshellcmd(command: str | bytes) -> str:
    """Escapes shell metacharacters.  https://www.php.net/function.escapeshellcmd

    Quotes that come in pairs stay as they are.
    """
    return escape_command(_data(command, "command"))


def _data(value: Any, name: str) -> bytes:
    data = to_bytes(value, 1, name)
    if b"\0" in data:
        raise argument_value_error(1, name, "must not contain any null bytes")
    return data


# --- proc_open -----------------------------------------------------------------------------------------


def proc_open(
    command: str | list[str],
    descriptor_spec: Spec,
    cwd: str | None = None,
    env_vars: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
) -> Any:
    """Executes a command and open file pointers for input/output.  https://www.php.net/function.proc-open

    Returns (process, pipes): pipes is a dict of streams by the program's descriptor.
    command: a line for /bin/sh, or a program and its arguments.  descriptor_spec: by descriptor
    ["pipe", "r" or "w"], ["file", name, mode], ["redirect", descriptor], ["null"], ["pty"], ["socket"], or a
    stream.
    options: those that PHP knows are for Windows.
    """
    what: Any = command if type_name(command) == "array" else to_bytes(command, 1, "command", "array|string")
    _array(descriptor_spec, 2, "descriptor_spec", "array")
    directory = None if cwd is None else to_bytes(cwd, 4, "cwd", "?string")
    for number, name, value in ((5, "env_vars", env_vars), (6, "options", options)):
        if value is not None:
            _array(value, number, name, "?array")
    return ProcOpenResult(*open_process(what, descriptor_spec, directory, env_vars))


def _array(value: Any, number: int, name: str, wanted: str) -> None:
    if type_name(value) != "array":
        raise argument_type_error(number, name, f"must be of type {wanted}, {type_name(value)} given")


def _process(value: Any) -> Process:
    expect_resource(value, 1, "process")
    if not isinstance(value, Process) or not value.is_open:
        raise invalid_resource("process")
    return value


def proc_close(process: Process) -> int:
    """Closes a process opened by proc_open.  https://www.php.net/function.proc-close

    Waits for its end; the exit code, -1 when somebody else has heard of it.
    """
    return _process(process).close()


def proc_terminate(process: Process, signal: int = 15) -> bool:
    """Kills a process opened by proc_open.  https://www.php.net/function.proc-terminate"""
    expect_resource(process, 1, "process")
    number = to_int(signal, 2, "signal")
    child = _process(process).child
    if child.reaped or child.pid is None:
        return False  # its number may be another one's by now
    try:
        os.kill(child.pid, number)
    except from_system(OSError, OverflowError):
        return False
    return True


def proc_get_status(process: Process) -> dict[str, Any]:
    """Gets information about a process opened by proc_open.
    https://www.php.net/function.proc-get-status

    command, pid, cached, running, signaled, stopped, exitcode, termsig, stopsig.
    """
    found = _process(process)
    child = found.child
    status = child.wait(os.WNOHANG | os.WUNTRACED)
    state = {"running": True, "signaled": False, "stopped": False, "exitcode": -1, "termsig": 0, "stopsig": 0}
    if status is None:
        state["running"] = False
    elif status >= 0 and os.WIFEXITED(status):
        state.update(running=False, exitcode=os.WEXITSTATUS(status))
    elif status >= 0 and os.WIFSTOPPED(status):
        state.update(stopped=True, stopsig=os.WSTOPSIG(status))
    elif status >= 0:
        state.update(running=False, signaled=True, termsig=os.WTERMSIG(status))
    return {"command": found.command, "pid": child.pid, "cached": child.exited is not None, **state}


def proc_nice(priority: int) -> bool:
    """Change the priority of the current process.  https://www.php.net/function.proc-nice

    priority: what is added to the niceness; a negative one needs privileges.  False, with a warning, without.
    """
    more = to_int(priority, 1, "priority")
    try:
        os.nice((more + 2**31) % 2**32 - 2**31)  # as C's int holds it
    except from_system(OSError):
        return warn("Only a super user may attempt to increase the priority of a process")
    return True

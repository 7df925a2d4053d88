"""What proc_open hands to a program: its descriptors, and our ends of them."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from typing import Any, Literal

from php_streams._core.diagnostics import argument_value_error, warn
from php_streams._core.process import Process, start
from php_streams._core.resource import Resource
from php_streams._core.stream import Stream, invalid_resource, no_stream
from php_streams._core.values import array_items, cast_string, to_bytes, to_text, type_name
from php_streams._transports.socket import SocketRaw
from php_streams._wrappers.open import open_url
from php_streams._wrappers.pipes import PipeRaw

Spec = dict[int, Any] | list[Any]


class NotOpened(Exception):
    """A descriptor that cannot be had; PHP's warning was given."""


class Refusal:
    """Turns the system's refusal into PHP's warning."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            warn(f"{self.words}{error.strerror}")
            raise NotOpened


class Descriptors:
    """Their ends, which the program gets, and ours, which become streams."""

    def __init__(self, cleanup: contextlib.ExitStack) -> None:
        self.cleanup = cleanup
        self.theirs: dict[int, int] = {}
        self.pipes: dict[int, Stream] = {}
        self.terminal: tuple[int, int] | None = None  # one for all of them; our end, and theirs

    def keep(self, number: int, fd: int) -> None:
        """A descriptor for the program, which is closed here as soon as it runs."""
        self.cleanup.callback(os.close, fd)
        self.theirs[number] = fd

    def copy(self, number: int, fd: int) -> None:
        """A descriptor of ours for the program, which stays ours."""
        with Refusal(f"Failed to dup() for descriptor {number}: "):
            self.keep(number, os.dup(fd))

    def add(self, number: int, item: Any) -> None:
        """One item of the specification."""
        if isinstance(item, Resource):
            self.copy(number, _descriptor_of(item))
            return
        if type_name(item) != "array":
            raise argument_value_error(2, "descriptor_spec", "must only contain arrays and streams")
        parts = [value for _, value in array_items(item)]
        if not parts:
            raise ValueError("Missing handle qualifier")
        kind = to_text(cast_string(parts[0]))
        maker = getattr(self, f"_{kind}", None) if kind in KINDS else None
        if maker is None:
            warn(f"{kind} is not a valid descriptor spec/mode")
            raise NotOpened
        maker(number, parts[1:])
        if number < 0:
            place = self.theirs.pop(number)
            text = f"Unable to copy file descriptor {place} (for {kind}) into file descriptor {number}"
            warn(f"{text}: {os.strerror(errno.EBADF)}")
            raise NotOpened

    def _pipe(self, number: int, parts: list[Any]) -> None:
        if not parts:
            raise ValueError("Missing mode parameter for 'pipe'")
        reads = to_text(cast_string(parts[0])).startswith("r")  # the program does
        with Refusal("Unable to create pipe "):
            read, write = os.pipe()
        self.keep(number, read if reads else write)
        ours = write if reads else read
        self.pipes[number] = Stream(PipeRaw(ours), "w" if reads else "r")

    def _socket(self, number: int, parts: list[Any]) -> None:
        with Refusal("Unable to create socket pair: "):
            ours, theirs = socket.socketpair()
        self.keep(number, theirs.detach())
        self.pipes[number] = Stream(SocketRaw(ours, "generic_socket", None), "r+")

    def _pty(self, number: int, parts: list[Any]) -> None:
        if self.terminal is None:
            with Refusal("Could not open PTY (pseudoterminal): "):
                self.terminal = os.openpty()
            for fd in self.terminal:
                self.cleanup.callback(os.close, fd)
        ours, theirs = self.terminal
        self.keep(number, os.dup(theirs))
        self.pipes[number] = Stream(PipeRaw(os.dup(ours)), "r+")

    def _null(self, number: int, parts: list[Any]) -> None:
        with Refusal("Failed to open /dev/null: "):
            self.keep(number, os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))

    def _file(self, number: int, parts: list[Any]) -> None:
        if not parts:
            raise ValueError("Missing file name parameter for 'file'")
        if len(parts) < 2:
            raise ValueError("Missing mode parameter for 'file'")
        name, mode = (to_text(cast_string(part)) for part in parts[:2])
        stream = open_url(name.partition("\0")[0], mode)
        if stream is None:
            raise NotOpened
        with stream:
            self.copy(number, _descriptor_of(stream))

    def _redirect(self, number: int, parts: list[Any]) -> None:
        if not parts:
            raise ValueError("Missing redirection target")
        target = parts[0]
        if type(target) is not int:
            raise ValueError(f"Redirection target must be of type int, {type_name(target)} given")
        if target in self.theirs:
            self.copy(number, self.theirs[target])
        elif 0 <= target <= 2:
            self.copy(number, target)
        else:
            warn(f"Redirection target {target} not found")
            raise NotOpened


KINDS = frozenset({"pipe", "socket", "pty", "null", "file", "redirect"})


def _descriptor_of(item: Resource) -> int:
    if not isinstance(item, Stream) or not item.is_open:
        raise invalid_resource("stream")
    raw = item.raw
    found = raw.file_descriptor()
    if found is None or found < 0:
        warn(raw.why_no_descriptor())
        for wrong in raw.refused:
            raise no_stream(wrong)
        raise NotOpened
    return found


def open_process(
    command: Any, spec: Any, directory: Any, environment: Any
) -> tuple[Process | Literal[False], dict[int, Stream]]:
    """proc_open: the process and our ends of its pipes; False after PHP's warning."""
    line, shown = _command(command)
    with contextlib.ExitStack() as cleanup:
        ends = Descriptors(cleanup)
        try:
            for key, item in array_items(spec):
                if not isinstance(key, int):
                    raise argument_value_error(2, "descriptor_spec", "must be an integer indexed array")
                ends.add(key, item)
            folder = None if directory is None else os.fsdecode(to_bytes(directory, 4, "cwd", "?string"))
            pid = start(line, ends.theirs, folder, _environment(environment))
        except NotOpened:
            _close(ends.pipes)
            return False, {}
        except OSError as error:
            _close(ends.pipes)
            return warn(f"posix_spawn() failed: {error.strerror}"), {}
        except BaseException:
            _close(ends.pipes)
            raise
    return Process(pid, shown), ends.pipes


def _close(pipes: dict[int, Stream]) -> None:
    for stream in pipes.values():
        stream.close()


def _command(command: Any) -> tuple[str | list[str], str]:
    """What to start, and what proc_get_status calls it."""
    if type_name(command) != "array":
        line = to_text(to_bytes(command, 1, "command", "array|string"))
        return line.partition("\0")[0], line  # as C reads it
    words = [to_text(cast_string(word)) for _, word in array_items(command)]
    if not words:
        raise argument_value_error(1, "command", "must have at least one element")
    if not words[0]:
        raise ValueError("First element must contain a non-empty program name")
    for number, word in enumerate(words, 1):
        if "\0" in word:
            raise ValueError(f"Command array element {number} contains a null byte")
    return words, words[0]


def _environment(given: Any) -> dict[str, str] | None:
    """The program's environment; a member without a name of its own is a whole NAME=value."""
    if given is None:
        return None
    made = {}
    for key, value in array_items(given):
        text = to_text(cast_string(value))
        if not text:
            continue  # PHP leaves out what is empty
        name, _, rest = text.partition("=") if isinstance(key, int) else (key, "", text)
        made[name] = rest
    return made

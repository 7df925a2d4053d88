"""What proc_open hands to a program: its descriptors, and our ends of them."""

from __future__ import annotations

import errno
import os
import resource
import socket
from typing import Any, Literal

from php_streams._core.diagnostics import argument_value_error, warn
from php_streams._core.process import Child, Process
from php_streams._core.raw import Descriptor, Raw
from php_streams._core.resource import Resource
from php_streams._core.signals import from_system, is_handlers
from php_streams._core.stream import Stream, invalid_resource, no_stream
from php_streams._core.values import array_items, cast_string, to_text, type_name
from php_streams._transports.socket import SocketRaw
from php_streams._wrappers.open import open_url
from php_streams._wrappers.pipes import Pair, PipeRaw
from php_streams._wrappers.plain_watched import watched

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
        if isinstance(error, OSError) and not is_handlers(error):
            warn(f"{self.words}{error.strerror}")
            raise NotOpened


class Descriptors:
    """Their ends, which the program gets, and ours, which become streams."""

    def __init__(self) -> None:
        self.theirs: dict[int, Descriptor] = {}  # closed here as soon as the program runs
        self.ours: dict[int, tuple[Raw, str]] = {}  # and the mode, by the number that the program knows
        self.terminal: Pair | None = None  # one for all of them; our end, and theirs

    def close(self) -> None:
        """Closes the program's ends."""
        for held in self.theirs.values():
            held.close()
        if self.terminal is not None:
            self.terminal.close()

    def copy(self, number: int, fd: int) -> None:
        """A descriptor of ours for the program, which stays ours."""
        with Refusal(f"Failed to dup() for descriptor {number}: "):
            self.theirs[number] = Descriptor(os.dup, fd)

    def add(self, number: int, item: Any) -> None:
        """One item of the specification."""
        if isinstance(item, Resource):
            self.copy(number, _descriptor_of(item))
            return
        if type_name(item) != "array":
            raise argument_value_error(2, "descriptor_spec", "must only contain arrays and streams")
        parts = dict(array_items(item))
        kind = _part(parts, 0, "handle qualifier")
        if kind not in KINDS:
            warn(f"{kind.partition(NUL)[0]} is not a valid descriptor spec/mode")
            raise NotOpened
        getattr(self, f"_{kind}")(number, parts)

    def _pipe(self, number: int, parts: dict[Any, Any]) -> None:
        writes = _part(parts, 1, "mode parameter for 'pipe'").startswith("w")  # the program does
        with Refusal("Unable to create pipe "):
            pair = Pair()
        self.theirs[number] = Descriptor(pair.ends.pop, int(writes))
        self.ours[number] = watched(PipeRaw)(pair.ends.pop), "r" if writes else "w"

    def _socket(self, number: int, parts: dict[Any, Any]) -> None:
        with Refusal("Unable to create socket pair: "):
            ours, theirs = socket.socketpair()
        self.theirs[number] = Descriptor(theirs.detach)
        self.ours[number] = SocketRaw(ours, "generic_socket", None), "r+"

    def _pty(self, number: int, parts: dict[Any, Any]) -> None:
        if self.terminal is None:
            with Refusal("Could not open PTY (pseudoterminal): "):
                self.terminal = Pair(os.openpty)
        ours, theirs = self.terminal.ends
        self.copy(number, theirs)
        with Refusal(f"Failed to dup() for descriptor {number}: "):
            self.ours[number] = watched(PipeRaw)(os.dup, ours), "r+"

    def _null(self, number: int, parts: dict[Any, Any]) -> None:
        with Refusal("Failed to open /dev/null: "):
            self.theirs[number] = Descriptor(os.open, os.devnull, os.O_RDWR | os.O_CLOEXEC)

    def _file(self, number: int, parts: dict[Any, Any]) -> None:
        name = _part(parts, 1, "file name parameter for 'file'")
        mode = _part(parts, 2, "mode parameter for 'file'")
        stream = open_url(name.partition(NUL)[0], mode.partition(NUL)[0])
        if stream is None:
            raise NotOpened
        with stream:
            self.copy(number, _descriptor_of(stream))

    def _redirect(self, number: int, parts: dict[Any, Any]) -> None:
        if 1 not in parts:
            raise ValueError("Missing redirection target")
        given = parts[1]
        if type_name(given) != "int":
            raise ValueError(f"Redirection target must be of type int, {type_name(given)} given")
        target = _c_int(given)
        if target in self.theirs:
            self.copy(number, self.theirs[target].fd)
        elif 0 <= target <= 2:
            self.copy(number, target)
        else:
            warn(f"Redirection target {target} not found")
            raise NotOpened

    def numbers(self) -> dict[int, int]:
        """What becomes which descriptor of the program."""
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        for number, held in self.theirs.items():
            if not 0 <= number < most:
                text = f"Unable to copy file descriptor {held.fd} (for pipe) into file descriptor {number}"
                warn(f"{text}: {os.strerror(errno.EBADF)}")
                raise NotOpened
        return {number: held.fd for number, held in self.theirs.items()}

    def streams(self) -> dict[int, Stream]:
        """Our ends, now that the program runs."""
        return {number: Stream(raw, mode) for number, (raw, mode) in self.ours.items()}


NUL = "\0"


def _part(parts: dict[Any, Any], key: int, name: str) -> str:
    """A member of an item, as a string; PHP looks for its key, not for its place."""
    if key not in parts:
        raise ValueError(f"Missing {name}")
    return to_text(cast_string(parts[key]))


def _c_int(number: int) -> int:
    """As C's int holds it."""
    return (number + 2**31) % 2**32 - 2**31


KINDS = frozenset({"pipe", "socket", "pty", "null", "file", "redirect"})


def _descriptor_of(item: Resource) -> int:
    if not isinstance(item, Stream) or not item.is_open:
        raise invalid_resource("stream")
    raw = item.raw
    item.flush()
    item.synchronize()  # the program goes on where the user is
    found = raw.file_descriptor()
    if found is None or found < 0:
        warn(raw.why_no_descriptor())
        for wrong in raw.refused:
            raise no_stream(wrong)
        raise NotOpened
    if item.is_open and item.unread():
        warn(f"{item.unread()} bytes of buffered data lost during stream conversion!")
    return found


def open_process(
    command: Any, spec: Any, directory: Any, environment: Any
) -> tuple[Process | Literal[False], dict[int, Stream]]:
    """proc_open: the process and our ends of its pipes; False after PHP's warning."""
    folder = None if directory is None else os.fsdecode(directory).partition(NUL)[0]
    line, shown = _command(command)
    ends, child = Descriptors(), Child()
    try:
        entries = None if environment is None else _environment(environment)
        for key, item in array_items(spec):
            if not isinstance(key, int):
                raise argument_value_error(2, "descriptor_spec", "must be an integer indexed array")
            ends.add(_c_int(key), item)
        child.start(line, ends.numbers(), folder, entries)
    except NotOpened:
        return False, {}
    except from_system(OSError) as error:
        return warn(f"posix_spawn() failed: {error.strerror}"), {}
    finally:
        ends.close()
        if child.pid is None:
            for raw, _ in ends.ours.values():
                raw.close()
    pipes = ends.streams()
    return Process(child, shown), pipes


def _command(command: Any) -> tuple[str | list[str], str]:
    """What to start, and what proc_get_status calls it."""
    if type_name(command) != "array":
        line = to_text(command)
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


def _environment(given: Any) -> list[bytes]:
    """The program's environment; a member without a name of its own is a whole NAME=value, or what it is."""
    made = []
    for key, value in array_items(given):
        text = cast_string(value)
        if not text:
            continue  # PHP leaves out what is empty
        name = key.encode("utf-8", "surrogateescape") if isinstance(key, str) else b""
        made.append((name + b"=" + text if name else text).partition(b"\0")[0])  # as C reads it
    return made

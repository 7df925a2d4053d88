"""php:// : memory, temp, the standard streams, descriptors, output (= ext/standard/php_fopen_wrapper.c)."""

from __future__ import annotations

import os
import re
import resource
import stat
from typing import Any, Literal

from php_streams._core.buffer import CHUNK_SIZE
from php_streams._core.context import Context
from php_streams._core.diagnostics import argument_value_error, warn
from php_streams._core.ini import socket_timeout
from php_streams._core.output import output
from php_streams._core.raw import Raw
from php_streams._core.signals import from_system
from php_streams._core.stream import Stream
from php_streams._core.wrapper import Wrapper, WrapperError
from php_streams._transports.socket import Socket, SocketRaw
from php_streams._wrappers import wrapper_of
from php_streams._wrappers.memory import MAX_MEMORY, MemoryRaw, TempRaw, kind_of_mode
from php_streams._wrappers.plain import FileRaw
from php_streams._wrappers.plain_watched import watched

STANDARD = {"stdin": 0, "stdout": 1, "stderr": 2}
_NUMBER = re.compile(r"\s*[+-]?\d+")


class OutputRaw(Raw):
    """php://output: what echo writes to."""

    label = "Output"

    def readinto(self, buffer: Any) -> int | None:
        """Nothing can be read back."""
        self.eof = self.failed = True
        return 0

    def write(self, data: Any) -> int | Literal[False]:
        """Writes to sys.stdout."""
        output(data)
        self.written += len(data)
        return len(data)

    def set_blocking(self, enable: bool) -> bool:
        """It is as it is; PHP does not mind."""
        return True


class InputRaw(MemoryRaw):
    """php://input: the body of a request, which a program on the command line does not have."""

    label = "Input"

    def move(self, offset: int, whence: int) -> bool:
        """There is nowhere to go."""
        self.place = 0
        return offset == 0

    def stat(self) -> os.stat_result | None:
        """Nothing is known of it."""
        return None


class PhpStreams(Wrapper):
    """php://..."""

    label = "PHP"

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """A stream of PHP's own."""
        name = path[6:] if path[:6].lower() == "php://" else path
        kind = name.lower()
        if kind.startswith("temp"):
            return _temp(name[4:], mode)
        if kind == "memory":
            return _memory(MemoryRaw(kind_of_mode(mode)), mode)
        if kind == "output":
            return Stream(OutputRaw(), "wb")
        if kind == "input":
            return Stream(InputRaw("rb"), "rb")
        if kind in STANDARD:
            return _standard(STANDARD[kind], mode)
        if kind.startswith("filter/"):
            from php_streams._wrappers import filter_url

            return filter_url.open(name, mode, options, context)
        if kind.startswith("fd/"):
            return _duplicate(name[3:], mode)
        warn("Invalid php:// URL specified")
        raise WrapperError


def _memory(raw: MemoryRaw, mode: str) -> Stream:
    stream = Stream(raw, kind_of_mode(mode))
    stream.buffered = False
    return stream


def _temp(rest: str, mode: str) -> Stream:
    limit = MAX_MEMORY
    if rest[:11].lower() == "/maxmemory:":
        number = _NUMBER.match(rest[11:])
        limit = int(number[0]) if number else 0
        if limit < 0:
            raise argument_value_error(2, "mode", "must be greater than or equal to 0")
    return _memory(TempRaw(kind_of_mode(mode), limit), mode)


def _standard(number: int, mode: str) -> Stream:
    """A stream on a copy of a standard descriptor."""
    try:
        return _descriptor(number, mode)
    except from_system(OSError):
        raise WrapperError from None


def _duplicate(text: str, mode: str) -> Stream:
    """A stream on a descriptor of our own for the one that is named."""
    if not _NUMBER.fullmatch(text):
        raise WrapperError("php://fd/ stream must be specified in the form php://fd/<orig fd>")
    number, most = int(text), resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if not 0 <= number < most:
        raise WrapperError(f"The file descriptors must be non-negative numbers smaller than {most}")
    try:
        return _descriptor(number, mode)
    except from_system(OSError) as error:
        raise WrapperError(
            f"Error duping file descriptor {number}; possibly it doesn't exist:"
            f" [{error.errno}]: {error.strerror}"
        ) from None


def _descriptor(number: int, mode: str) -> Stream:
    """A stream on a copy of a descriptor: a socket's when it is one."""
    if stat.S_ISSOCK(os.fstat(number).st_mode):
        raw: Raw = SocketRaw(Socket(fileno=os.dup(number)), "tcp_socket", socket_timeout())
    else:
        raw = watched(FileRaw)(os.dup, number)
    return _shared(Stream(raw, mode))


def _shared(stream: Stream) -> Stream:
    """A stream on what others read too: they see how far it reads ahead, which is a chunk, as in PHP."""
    stream.set_chunk_size(CHUNK_SIZE)
    return stream


class StandardRaw(FileRaw):
    """A descriptor that the whole program uses: only fclose closes it."""

    outlives = True

    def __del__(self) -> None:
        """Nothing: io's own would close it."""


def open_standard(name: str, mode: str) -> Stream:
    """STDIN, STDOUT or STDERR; closed when there is no such descriptor."""
    number = STANDARD[name]
    try:
        raw: FileRaw = StandardRaw(number)
    except from_system(OSError):
        raw = FileRaw(os.open, os.devnull, os.O_RDWR | os.O_CLOEXEC)
    stream = _shared(Stream(raw, mode))
    stream.number, stream.wrapper, stream.uri = number + 1, wrapper_of("php"), f"php://{name}"
    if not raw.outlives:
        stream.close()
    return stream


def wrapper() -> PhpStreams:
    """The wrapper, for the table."""
    return PhpStreams()

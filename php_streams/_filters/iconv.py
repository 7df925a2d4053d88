"""convert.iconv.FROM.TO, convert.iconv.FROM/TO: another character set, by the C library's iconv as in PHP.

Python's own codecs would not do: they know other names, and nothing of //TRANSLIT.
"""

from __future__ import annotations

import ctypes
import errno
import re
from functools import lru_cache
from typing import Any

from php_streams._core.diagnostics import warn
from php_streams._core.filters import ByteFilter, Filter, FilterFailed
from php_streams._core.signals import from_system

_NAME = re.compile(r"[^.]*\.[^.]*\.([^./]*)[./](.*)", re.DOTALL)
MOST_NAME = 64
ROOM = 64  # for what puts the shift state back
ERROR = ctypes.c_size_t(-1).value


@lru_cache(maxsize=1)
def library() -> Any:
    """The C library, with iconv's functions described; None where it has none."""
    try:
        found = ctypes.CDLL(None, use_errno=True)
        found.iconv_open.restype = ctypes.c_void_p
        found.iconv_open.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
        found.iconv.restype = ctypes.c_size_t
        found.iconv.argtypes = (ctypes.c_void_p, *(ctypes.c_void_p,) * 4)
        found.iconv_close.argtypes = (ctypes.c_void_p,)
    except from_system(OSError, TypeError, AttributeError):
        return None
    return found


class Output:
    """What is made, and how PHP's buffer for it fills.

    Where it is too small, iconv stops and goes on; what it then makes of shifts, and of characters that it
    leaves out or transliterates, depends on the place.
    """

    def __init__(self, size: int) -> None:
        self.parts: list[bytes] = []
        self.size = self.free = size

    def grow(self) -> None:
        """The buffer becomes twice as large."""
        self.free += self.size
        self.size *= 2


class Descriptor:
    """A conversion under way (= iconv_t)."""

    def __init__(self, source: str, target: str) -> None:
        self.handle = library().iconv_open(target.encode(), source.encode())
        if self.handle == ctypes.c_void_p(-1).value:
            self.handle = None
            raise LookupError

    def __del__(self) -> None:
        if self.handle is not None:
            library().iconv_close(self.handle)

    def convert(self, data: bytes | None, output: Output) -> tuple[bytes, int]:
        """What is left, and the errno of what is left; None puts the shift state back."""
        source = ctypes.create_string_buffer(data, len(data)) if data else None
        start = ctypes.addressof(source) if source else 0
        place, left = ctypes.c_void_p(start), ctypes.c_size_t(len(data or b""))
        references = [ctypes.byref(place), ctypes.byref(left)] if source else [None, None]
        while True:
            room = output.free
            target = ctypes.create_string_buffer(room or 1)
            end, free = ctypes.c_void_p(ctypes.addressof(target)), ctypes.c_size_t(room)
            ctypes.set_errno(0)
            done = library().iconv(self.handle, *references, ctypes.byref(end), ctypes.byref(free))
            number = ctypes.get_errno() if done == ERROR else 0
            output.parts.append(target.raw[: room - free.value])
            output.free = free.value
            if number != errno.E2BIG:
                return (data[len(data) - left.value :] if data and left.value else b""), number
            output.grow()


class Iconv(ByteFilter):
    """One character set to another."""

    __slots__ = ("descriptor", "held", "source", "target")

    def __init__(self, name: str, source: str, target: str) -> None:
        super().__init__(name)
        self.source, self.target = source, target
        self.descriptor = Descriptor(source, target)
        self.held = b""  # the beginning of a character

    def filter(self, data: bytes, closing: bool) -> bytes:
        """What the bytes, with those held back, make in whole characters."""
        if closing:
            return self.flush()
        output = Output(len(data))
        place = self._complete(data, output)
        if place < len(data):
            rest, number = self.descriptor.convert(data[place:], output)
            if number == errno.EILSEQ:
                raise self.failed("invalid multibyte sequence")
            self.held = rest
        return b"".join(output.parts)

    def _complete(self, data: bytes, output: Output) -> int:
        """Completes the character whose beginning is held; how many bytes it took.

        A bad one stays, and nothing gets past it; one that is not complete then is lost.  PHP does this.
        """
        place = 0
        while self.held:
            rest, number = self.descriptor.convert(self.held, output)
            if number == errno.EILSEQ:
                raise self.failed("invalid multibyte sequence")
            if number != errno.EINVAL:
                self.held = rest
            elif place == len(data):
                self.held = b""
            else:
                self.held += data[place : place + 1]
                place += 1
        return place

    def flush(self) -> bytes:
        """Puts the shift state back; a character that is not complete is an error then."""
        if self.held:
            raise self.failed("invalid multibyte sequence")
        output = Output(ROOM)
        self.descriptor.convert(None, output)
        return b"".join(output.parts)

    def failed(self, reason: str) -> FilterFailed:
        """The error to raise, after PHP's warning."""
        warn(f'iconv stream filter ("{self.source}"=>"{self.target}"): {reason}')
        return FilterFailed()


def make(name: str, params: Any) -> Filter | None:
    """The filter; it has no parameters.  None when a character set is unknown."""
    match = _NAME.fullmatch(name)
    if match is None or library() is None or max(map(len, match.groups())) >= MOST_NAME:
        return None
    try:
        return Iconv(name, match[1], match[2])
    except LookupError:
        return None

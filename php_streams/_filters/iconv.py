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

_NAME = re.compile(r"[^.]*\.[^.]*\.([^./]*)[./](.*)", re.DOTALL)
MOST_NAME = 64
MOST_HELD = 128
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
    except (OSError, TypeError, AttributeError):
        return None
    return found


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

    def convert(self, data: bytes | None) -> tuple[bytes, bytes, int]:
        """What was made, what is left, and the errno of what is left; None puts the shift state back."""
        room = max(64, 2 * len(data or b""))
        source = ctypes.create_string_buffer(data, len(data)) if data else None
        start = ctypes.addressof(source) if source else 0
        place, left = ctypes.c_void_p(start), ctypes.c_size_t(len(data or b""))
        made = []
        while True:
            target = ctypes.create_string_buffer(room)
            output, free = ctypes.c_void_p(ctypes.addressof(target)), ctypes.c_size_t(room)
            references = [ctypes.byref(place), ctypes.byref(left)] if source else [None, None]
            ctypes.set_errno(0)
            done = library().iconv(self.handle, *references, ctypes.byref(output), ctypes.byref(free))
            number = ctypes.get_errno() if done == ERROR else 0
            made.append(target.raw[: room - free.value])
            if number != errno.E2BIG:
                rest = data[len(data) - left.value :] if data and left.value else b""
                return b"".join(made), rest, number
            room *= 2


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
        if not data:
            return b""
        whole = self.held + data
        made, rest, number = self.descriptor.convert(whole)
        if number == errno.EILSEQ:
            # A bad character whose beginning was held back stays, and nothing gets past it; PHP does this.
            stuck = len(whole) - len(rest) < len(self.held)
            self.held = whole[: len(self.held) + 1] if stuck else b""
            raise self.failed("invalid multibyte sequence")
        if len(rest) > MOST_HELD:
            raise self.failed("insufficient buffer")
        self.held = rest
        return made

    def flush(self) -> bytes:
        """Puts the shift state back; a character that is not complete is an error then."""
        if self.held:
            raise self.failed("invalid multibyte sequence")
        return self.descriptor.convert(None)[0]

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

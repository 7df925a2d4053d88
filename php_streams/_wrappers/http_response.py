"""What the http wrapper reads before the body (= the second half of ext/standard/http_fopen_wrapper.c)."""

from __future__ import annotations

import re

from php_streams._core import ini, notification, quantity
from php_streams._core.context import Context
from php_streams._core.stream import Stream
from php_streams._core.values import to_text
from php_streams._wrappers.options import flag
from php_streams.constants import (
    PHP_INT_MAX,
    STREAM_NOTIFY_AUTH_RESULT,
    STREAM_NOTIFY_FAILURE,
    STREAM_NOTIFY_MIME_TYPE_IS,
)

_STATUS_LINE_MAX = 126
_STATUS_AT = 9  # where the code stands: after "HTTP/1.1 "
_LOCATION_MAX = 8182
_FORBIDDEN, _SWITCHING = 403, 101
# With these a Location is followed unless the option follow_location says no.
_REDIRECTS = (300, 301, 302, 303, 307, 308)
_DIGITS = re.compile(rb"[0-9]+")


class BadResponse(Exception):
    """The response is none; the text is PHP's."""


class Response:
    """The status and the headers, as far as they were read."""

    def __init__(self, stream: Stream, context: Context | None, lines: list[str], only_headers: bool) -> None:
        self.stream = stream
        self.context = context
        self.lines = lines  # what the user will see of it
        self.only_headers = only_headers
        self.ignores_errors = False
        self.status = b""
        self.code = 0
        self.good = False  # there is content to read
        self.size = 0
        self.location: bytes | None = None
        self.follow = True
        self.chunked = False
        self.complaint = ""  # what is said of the headers only when something else fails, too
        self.left = ini.number("php_streams.http_header_limit") or PHP_INT_MAX

    def read(self) -> None:
        """Reads up to the body; raises BadResponse."""
        self._read_status()
        self._read_headers()

    def _line(self, limit: int = -1) -> bytes:
        """The next line with its end; b"" when no more comes."""
        most = self.left if limit < 0 else limit
        line = self.stream.readline(most) or self.stream.next_line(most) or b""
        self.left -= len(line)
        if self.left <= 0:
            raise BadResponse("HTTP headers are over the limit of php_streams.http_header_limit")
        return line

    # --- the status --------------------------------------------------------------------------------

    def _read_status(self) -> None:
        line = b"" if self.stream.at_end() else self._line(_STATUS_LINE_MAX)
        if not line:
            raise BadResponse("HTTP request failed!")
        self.code = _code(line)
        self.ignores_errors = flag(self.context, "http", "ignore_errors")
        self.good = self.only_headers or self.ignores_errors
        if 100 <= self.code < 200 and self.code != _SWITCHING:
            line = self._final_status(line)
            self.code = _code(line)
        self.status = line
        if 200 <= self.code < 400:
            self.good = True
        else:
            failed = STREAM_NOTIFY_AUTH_RESULT if self.code == _FORBIDDEN else STREAM_NOTIFY_FAILURE
            notification.error(self.context, failed, to_text(line), self.code)
        if line.endswith(b"\n"):
            line = line[:-1].removesuffix(b"\r")
        else:
            self._line()
        self.lines.append(to_text(line))

    def _final_status(self, line: bytes) -> bytes:
        """The status line after those that are for information."""
        while not self.stream.at_end():
            following = self._line(_STATUS_LINE_MAX)
            if not following:
                break
            line = following
            if line[:6].lower() == b"http/1":
                break
        return line

    # --- headers -----------------------------------------------------------------------------------

    def _read_headers(self) -> None:
        header: list[bytes] = []  # what was read of the last one; the next line may go on with it
        while not self.stream.at_end():
            line = self._line()
            if not line:
                break
            if line[0] == 13 and line[1:2] != b"\n":
                raise BadResponse("HTTP invalid header name (cannot start with CR character)!")
            ended = line[0] in b"\r\n"
            text = line.rstrip(b"\r\n").rstrip(b" \t")
            folded = line[0] in b" \t"
            if folded and not header:
                raise BadResponse("HTTP invalid response format (folding header at the start)!")
            if folded:
                header += [text.lstrip(b" \t")] if text else []
                continue
            if header:
                self._take(b" ".join(header))
            if ended:
                return
            header = [text]
        if header:
            try:
                self._take(b" ".join(header))
            except BadResponse as bad:  # the server closed in the middle of it
                self.complaint = str(bad)

    def _take(self, header: bytes) -> None:
        """A header that is complete."""
        name, colon, value = header.partition(b":")
        if not colon:
            raise BadResponse("HTTP invalid response format (no colon in header line)!")
        if b" " in name[1:] or b"\t" in name[1:]:
            raise BadResponse("HTTP invalid response format (space in header name)!")
        value = value.lstrip(b" \t")
        kind = name.lower()
        if kind == b"transfer-encoding" and value[:7].lower() == b"chunked" and self._decodes():
            self.chunked = True  # and the user does not see it
            return
        if kind == b"location":
            self._take_location(value.partition(b"\0")[0])
        elif kind == b"content-type":
            notification.info(self.context, STREAM_NOTIFY_MIME_TYPE_IS, to_text(value))
        elif kind == b"content-length" and _DIGITS.fullmatch(value):
            self.size = min(int(value[:20]), PHP_INT_MAX) if len(value) <= 20 else PHP_INT_MAX
            notification.file_size(self.context, self.size, to_text(header))
        self.lines.append(to_text(header))

    def _decodes(self) -> bool:
        return not self.only_headers and flag(self.context, "http", "auto_decode", True)

    def _take_location(self, value: bytes) -> None:
        if self.context is not None and "follow_location" in self.context.options.get("http", {}):
            self.follow = flag(self.context, "http", "follow_location")
        elif self.code not in _REDIRECTS:
            self.follow = False
        if len(value) > _LOCATION_MAX:
            raise BadResponse(f"HTTP Location header size is over the limit of {_LOCATION_MAX} bytes")
        self.location = value


def _code(line: bytes) -> int:
    return quantity.leading_int(to_text(line[_STATUS_AT:]))

"""http:// and https:// : read-only (= ext/standard/http_fopen_wrapper.c).

A Fetch follows redirects from hop to hop: each is a connection of its own, a request (http_request.py) and a
response (http_response.py), of which the stream that is left gives the body.  Errors are gathered, as in PHP:
when there is no stream they are the reason, one a line; else nobody hears of them.
"""

from __future__ import annotations

import os
import re
from contextvars import ContextVar

from php_streams._core import notification
from php_streams._core.context import Context
from php_streams._core.filtered import join
from php_streams._core.stream import Stream
from php_streams._core.values import to_text
from php_streams._core.wrapper import Wrapper, WrapperError
from php_streams._filters import make
from php_streams._transports.tls_values import integer
from php_streams._wrappers.http_connect import NotConnected, connect
from php_streams._wrappers.http_request import DEFAULT_PORTS, Hop, build
from php_streams._wrappers.http_response import BadResponse, Response
from php_streams._wrappers.options import NOT_SET, flag, option, string_option
from php_streams._wrappers.url import decode, parse
from php_streams.constants import STREAM_NOTIFY_CONNECT, STREAM_NOTIFY_REDIRECTED

REDIRECTS_MAX = 20
# An option of `open`: the headers are wanted and nothing else, whatever the status (get_headers).
ONLY_HEADERS = 512
_ABSOLUTE = re.compile(rb"(?:https?|ftps?)://", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")

# What http_get_last_response_headers gives.
last_headers: ContextVar[list[str] | None] = ContextVar("last_http_headers", default=None)


class Http(Wrapper):
    """http://... and https://..."""

    label = "http"
    remote = True

    def __init__(self, owner: str = "http") -> None:
        # The wrapper whose option `proxy` counts: a proxy fetches files of ftp, too.
        self.owner = owner

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """The body of a response."""
        last_headers.set(None)
        fetch = Fetch(context, mode, bool(options & ONLY_HEADERS), self.owner)
        try:
            stream = fetch.run(Hop(path, REDIRECTS_MAX))
        finally:
            if fetch.headers is not None:
                last_headers.set(fetch.headers)
        if stream is None:
            raise WrapperError("\n".join(fetch.errors))
        stream.wrapper_data = list(fetch.headers or ())
        return stream


class Fetch:
    """One opening of a URL, with all the redirects on the way."""

    def __init__(self, context: Context | None, mode: str, only_headers: bool, owner: str = "http") -> None:
        self.context = context
        self.mode = mode
        self.owner = owner
        self.only_headers = only_headers
        self.headers: list[str] | None = None  # of all responses
        self.errors: list[str] = []

    def run(self, first: Hop) -> Stream | None:
        """The stream at the end of the redirects; None when there is none."""
        responses: list[Response] = []
        hop: Hop | None = first
        stream: Stream | None = None
        while hop is not None:
            stream, hop = self._visit(hop, responses)
        if stream is not None:
            self._begin_body(stream, responses)
        return stream

    def _fail(self, reason: str) -> tuple[None, None]:
        if reason:
            self.errors.append(reason)
        return None, None

    def _visit(self, hop: Hop, responses: list[Response]) -> tuple[Stream | None, Hop | None]:
        """One hop: the stream, or where to go on, or neither."""
        if hop.limit < 1:
            return self._fail("Redirection limit reached, aborting")
        url = parse(hop.address)
        if url is None:
            return self._fail("")
        hop.url = url
        hop.proxy = string_option(self.context, self.owner, "proxy") or None
        if url.scheme.lower() in ("http", "https"):
            if set(self.mode) & set("awx+"):
                return self._fail("HTTP wrapper does not support writeable connections")
            hop.full_uri = flag(self.context, "http", "request_fulluri")
        elif hop.proxy is None:
            return self._open_other(hop), None
        else:
            hop.full_uri = True
        if hop.full_uri and re.search("[\r\n]", hop.address):
            return self._fail("HTTP wrapper full URI path does not allow CR or LF characters")
        try:
            stream = connect(hop, self.context)
        except NotConnected as failed:
            return self._fail(str(failed))
        try:
            return self._exchange(hop, stream, responses)
        except BadResponse as bad:
            stream.close()
            return self._fail(str(bad))
        except BaseException:
            stream.close()
            raise

    def _open_other(self, hop: Hop) -> Stream | None:
        """A redirect that leads to ftp; what fails there is told at once."""
        from php_streams._wrappers.open import open_url  # it opens us

        return open_url(hop.address, self.mode, self.context)

    def _exchange(
        self, hop: Hop, stream: Stream, responses: list[Response]
    ) -> tuple[Stream | None, Hop | None]:
        """Sends the request, reads the headers, and decides what comes of it."""
        line_end, stream.raw.line_end = (
            stream.raw.line_end,
            b"\n",
        )  # headers are not for auto_detect_line_endings
        notification.info(self.context, STREAM_NOTIFY_CONNECT)
        most = option(self.context, "http", "max_redirects")
        if hop.first and most is not NOT_SET:
            hop.limit = integer(most)
        stream.write(build(hop, self.context))
        self.headers = [] if self.headers is None else self.headers
        response = Response(stream, self.context, self.headers, self.only_headers)
        response.read()
        stream.raw.line_end = line_end
        responses.append(response)
        self.errors += [response.complaint] if response.complaint else []
        moved = response.location is not None and response.follow
        may_stop = self.only_headers or response.ignores_errors
        if (response.good and not moved) or not response.follow or (may_stop and hop.limit <= 1):
            return stream, None
        if response.location is not None:
            notification.info(self.context, STREAM_NOTIFY_REDIRECTED, to_text(response.location))
        stream.close()
        if response.location is None:
            return self._fail(f"HTTP request failed! {_c_text(response.status)}")
        return None, self._next(hop, response.location, response.code)

    def _next(self, hop: Hop, location: bytes, code: int) -> Hop | None:
        """Where a redirect leads."""
        address = to_text(location) if _ABSOLUTE.match(location) else _relative(hop, to_text(location))
        url = parse(address)
        parts = () if url is None else (url.user, url.password, url.path)
        if url is None or any(_CONTROL.search(decode(part)) for part in parts if part):
            self.errors.append(f"Invalid redirect URL! {address}")
            return None
        return Hop(address, hop.limit - 1, first=False, keep_method=code in (307, 308))

    def _begin_body(self, stream: Stream, responses: list[Response]) -> None:
        """From here on the stream is the body; PHP says so for each response, from last to first."""
        last = responses[-1] if responses else None
        chunked = last is not None and last.chunked and last.stream is stream
        # Nothing is known of the file behind it, and the socket's data are not the file's.
        stream.raw.stat = _no_status  # type: ignore[method-assign]
        try:
            for response in reversed(responses):
                notification.begin(self.context, response.size)
                stream.count_from_here()
                stream.mode = self.mode
                if chunked and response is last:
                    join(stream, make("dechunk", None), False, False)  # type: ignore[arg-type]
                if stream.unread():
                    notification.progress(self.context, stream.unread())
        except BaseException:
            stream.close()
            raise


def _relative(hop: Hop, location: str) -> str:
    """A Location without a scheme, as PHP completes it: beside the page, with a slash too many in folders."""
    url = hop.url
    if not location.startswith("/"):
        folder = url.path[: url.path.rfind("/") + 1] if url.path and len(location) > 1 else ""
        location = f"{folder.removesuffix('/') if folder == '/' else folder}/{location}"
    port = "" if hop.port == DEFAULT_PORTS[hop.tls] else f":{hop.port}"
    return f"{url.scheme}://{url.host}{port}{location}"


def _c_text(line: bytes) -> str:
    return to_text(line.partition(b"\0")[0])


def _no_status() -> os.stat_result | None:
    return None


def wrapper() -> Http:
    """The wrapper, for the table."""
    return Http()

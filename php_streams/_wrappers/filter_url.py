"""php://filter/read=a|b/write=c/resource=URL: a stream that is opened with filters in it."""

from __future__ import annotations

from urllib.parse import unquote_plus

from php_streams import _filters
from php_streams._core.context import Context
from php_streams._core.diagnostics import warn
from php_streams._core.filtered import join
from php_streams._core.stream import Stream
from php_streams._core.wrapper import WrapperError
from php_streams._wrappers.open import open_url

_RESOURCE = "/resource="


def open(name: str, mode: str, options: int, context: Context | None) -> Stream:
    """The stream that `name`, filter/..., tells of; what is no filter in it is warned about and left out."""
    path = name[len("filter") :]
    place = path.find(_RESOURCE)
    if place < 0:
        raise RuntimeError("No URL resource specified")
    stream = open_url(path[place + len(_RESOURCE) :], mode, context, options, report=False)
    if stream is None:
        raise WrapperError
    reads, writes = "r" in mode or "+" in mode, "w" in mode or "+" in mode or "a" in mode
    # Without a list, the resource itself is taken for one; PHP does this.
    for part in (path[:place] or path).split("/"):
        kind = part[:6].lower()
        if kind.startswith("read="):
            _add(stream, part[5:], True, False)
        elif kind == "write=":
            _add(stream, part[6:], False, True)
        else:
            _add(stream, part, reads, writes)
    return stream


def _add(stream: Stream, names: str, read: bool, write: bool) -> None:
    """Adds the filters of a list a|b|c to the chains."""
    for name in filter(None, names.split("|")):
        decoded = unquote_plus(name, errors="surrogateescape")
        for wanted, into_writers in ((read, False), (write, True)):
            if wanted:
                one = _filters.make_or_warn(decoded, None)
                if one is None:
                    warn(f"Unable to create filter ({decoded})")
                else:
                    join(stream, one, into_writers, False)

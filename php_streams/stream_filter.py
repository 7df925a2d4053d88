"""Filters on streams: stream_filter_* and php_user_filter (the manual's book.stream)."""

from __future__ import annotations

from typing import Any, Literal

from php_streams import _filters
from php_streams._core.buckets import Brigade
from php_streams._core.diagnostics import argument_type_error, argument_value_error
from php_streams._core.filtered import join, remove
from php_streams._core.filters import Filter
from php_streams._core.resource import Resource
from php_streams._core.stream import Stream, expect_resource, invalid_resource, open_stream
from php_streams._core.values import to_int, to_string, type_name
from php_streams.constants import PSFS_ERR_FATAL, STREAM_FILTER_READ, STREAM_FILTER_WRITE

__all__ = [
    "php_user_filter",
    "stream_filter_append",
    "stream_filter_prepend",
    "stream_filter_register",
    "stream_filter_remove",
]


def stream_filter_append(
    stream: Stream, filter_name: str, mode: int = 0, params: Any = None
) -> Filter | Literal[False]:
    """Attach a filter to a stream.  https://www.php.net/function.stream-filter-append

    mode: STREAM_FILTER_READ, STREAM_FILTER_WRITE or both; left out, what the stream's own mode allows.
    What is buffered already goes through the filter, too.  The filter's resource; False with a warning.
    """
    return _attach(stream, filter_name, mode, params, first=False)


def stream_filter_prepend(
    stream: Stream, filter_name: str, mode: int = 0, params: Any = None
) -> Filter | Literal[False]:
    """Attach a filter to a stream.  https://www.php.net/function.stream-filter-prepend

    As stream_filter_append, but in front of the filters that are there.
    """
    return _attach(stream, filter_name, mode, params, first=True)


def _attach(stream: Any, filter_name: Any, mode: Any, params: Any, first: bool) -> Filter | Literal[False]:
    expect_resource(stream)
    name = to_string(filter_name, 2, "filter_name")
    chains = to_int(mode, 3, "mode")
    target = open_stream(stream)
    if not chains & (STREAM_FILTER_READ | STREAM_FILTER_WRITE):
        reads = "r" in target.mode or "+" in target.mode
        writes = any(letter in target.mode for letter in "wa+")
        chains = STREAM_FILTER_READ * reads | STREAM_FILTER_WRITE * writes
    made: Filter | Literal[False] = False
    for chain in (STREAM_FILTER_READ, STREAM_FILTER_WRITE):
        if chains & chain:
            one = _filters.make_or_warn(name, params)
            if one is None:
                return False
            if not join(target, one, chain == STREAM_FILTER_WRITE, first):
                return False
            made = one
    return made


def stream_filter_remove(stream_filter: Filter) -> bool:
    """Remove a filter from a stream.  https://www.php.net/function.stream-filter-remove

    What it holds back goes on first.
    """
    if not isinstance(stream_filter, Resource):
        raise argument_type_error(
            1, "stream_filter", f"must be of type resource, {type_name(stream_filter)} given"
        )
    if not isinstance(stream_filter, Filter) or not stream_filter.is_open:
        raise invalid_resource("stream filter")
    return remove(stream_filter)


def stream_filter_register(filter_name: str, class_: type) -> bool:
    """Register a user defined stream filter.  https://www.php.net/function.stream-filter-register

    filter_name: a name, or a family such as "name.*".  class_: a class, best one that extends
    php_user_filter.  False when the name is taken.
    """
    name = to_string(filter_name, 1, "filter_name")
    given = class_.__name__ if isinstance(class_, type) else to_string(class_, 2, "class")
    for number, argument, text in ((1, "filter_name", name), (2, "class", given)):
        if not text:
            raise argument_value_error(number, argument, "must be a non-empty string")
    if not isinstance(class_, type):  # PHP looks for a class of that name when the filter is used
        raise argument_type_error(2, "class", f"must be a valid class name, {given} given")
    if name in _filters.names():
        return False
    _filters.registered.set({**_filters.registered.get(), name: class_})
    return True


class php_user_filter:
    """What filters of one's own extend.  https://www.php.net/class.php-user-filter

    filtername: the name it was asked for by; params: what stream_filter_append was given; stream: the stream,
    while filter() runs.
    """

    filtername: str = ""
    params: Any = ""
    stream: Stream | None = None

    def filter(self, in_: Brigade, out: Brigade, consumed: int, closing: bool) -> Any:
        """Filters what is in `in_` into `out`.  https://www.php.net/php-user-filter.filter

        Returns (PSFS_PASS_ON, consumed), (PSFS_FEED_ME, consumed) or PSFS_ERR_FATAL: PHP's return value, then
        its by-reference parameter.
        """
        return PSFS_ERR_FATAL

    def onCreate(self) -> bool:
        """Called when the filter begins; False refuses.  https://www.php.net/php-user-filter.oncreate"""
        return True

    def onClose(self) -> None:
        """Called when the filter leaves.  https://www.php.net/php-user-filter.onclose"""

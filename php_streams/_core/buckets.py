"""Buckets and brigades: how filters of the user's own get and give data (= ext/standard/user_filters.c)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from php_streams._core.diagnostics import deprecated
from php_streams._core.resource import Resource
from php_streams._core.values import cast_string, to_int, type_name


class BucketHandle(Resource):
    """A resource of type (userfilter.bucket): what a StreamBucket keeps in `bucket`."""

    __slots__ = ("brigade", "data")
    type_name = "userfilter.bucket"

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data
        self.brigade: Brigade | None = None

    @property
    def is_open(self) -> bool:
        """It has no end of its own."""
        return True


class StreamBucket:
    """A piece of a stream's data.  https://www.php.net/class.streambucket

    data: the bytes, to be replaced by others; datalen, dataLength: how many there were.  The properties are
    typed as PHP's are: a number or str becomes bytes, None or a list raises TypeError, and data stay.
    """

    __slots__ = ("__dict__", "bucket", "data", "dataLength", "datalen")
    bucket: Any
    data: bytes
    datalen: int
    dataLength: int

    def __init__(self, data: bytes) -> None:
        put = object.__setattr__
        put(self, "bucket", BucketHandle(data))
        put(self, "data", data)
        put(self, "datalen", len(data))
        put(self, "dataLength", len(data))

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "data":
            if type(value) is not bytes:
                value = _as_string(value)
        elif name in ("datalen", "dataLength"):
            value = _as_int(name, value)
        elif name != "bucket" and not hasattr(self, name):
            deprecated(f"Creation of dynamic property StreamBucket::${name} is deprecated", prefix=False)
        object.__setattr__(self, name, value)


def _refuse(value: Any, name: str, kind: str) -> TypeError:
    return TypeError(f"Cannot assign {type_name(value)} to property StreamBucket::${name} of type {kind}")


def _as_string(value: Any) -> bytes:
    """What PHP makes of a value that is assigned to a property of type string."""
    if value is None or type_name(value) == "array" or isinstance(value, Resource):
        raise _refuse(value, "data", "string")
    try:
        return cast_string(value)
    except TypeError:  # an object that is no text
        raise _refuse(value, "data", "string") from None


def _as_int(name: str, value: Any) -> int:
    if value is None:
        raise _refuse(value, name, "int")
    try:
        return to_int(value, 0, name)
    except TypeError:
        raise _refuse(value, name, "int") from None


class Brigade(Resource):
    """A resource of type (userfilter.bucket brigade): buckets in order.

    Iterating takes them out, as `while bucket := stream_bucket_make_writeable(brigade)` does.
    """

    __slots__ = ("buckets", "over")
    type_name = "userfilter.bucket brigade"

    def __init__(self, buckets: list[bytes]) -> None:
        super().__init__()
        self.buckets: list[BucketHandle | bytes] = [*buckets]
        self.over = False

    @property
    def is_open(self) -> bool:
        """Only while the filter runs."""
        return not self.over

    def take(self) -> StreamBucket | None:
        """The first bucket, which is no more in the brigade; None when there is none."""
        if not self.buckets:
            return None
        first = self.buckets.pop(0)
        if type(first) is bytes:
            return StreamBucket(first)
        assert isinstance(first, BucketHandle)
        first.brigade = None
        return StreamBucket(first.data)

    def put(self, handle: BucketHandle, first: bool) -> None:
        """Puts a bucket in; if it is in a brigade already, it leaves its place there."""
        if handle.brigade is not None:
            handle.brigade.buckets.remove(handle)
        handle.brigade = self
        self.buckets.insert(0 if first else len(self.buckets), handle)

    def end(self) -> list[bytes]:
        """It is over; the data of the buckets that are left in it."""
        self.over = True
        data = []
        for item in self.buckets:
            if isinstance(item, BucketHandle):
                item.brigade = None
                item = item.data
            data.append(item)
        self.buckets = []
        return data

    def __iter__(self) -> Iterator[StreamBucket]:
        while bucket := self.take():
            yield bucket

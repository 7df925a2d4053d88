"""Buckets and brigades: how filters of the user's own get and give data (= ext/standard/user_filters.c)."""

from __future__ import annotations

from collections.abc import Iterator

from php_streams._core.resource import Resource
from php_streams._core.values import cast_string


class BucketHandle(Resource):
    """A resource of type (userfilter.bucket): what a StreamBucket keeps in `bucket`."""

    __slots__ = ()
    type_name = "userfilter.bucket"

    @property
    def is_open(self) -> bool:
        """It has no end of its own."""
        return True


class StreamBucket:
    """A piece of a stream's data.  https://www.php.net/class.streambucket

    data: the bytes, to be replaced by others; datalen, dataLength: how many there were.
    """

    __slots__ = ("bucket", "data", "dataLength", "datalen")

    def __init__(self, data: bytes) -> None:
        self.bucket = BucketHandle()
        self.data = data
        self.datalen = self.dataLength = len(data)


class Brigade(Resource):
    """A resource of type (userfilter.bucket brigade): buckets in order.

    Iterating takes them out, as `while bucket := stream_bucket_make_writeable(brigade)` does.
    """

    __slots__ = ("buckets", "over")
    type_name = "userfilter.bucket brigade"

    def __init__(self, buckets: list[bytes]) -> None:
        super().__init__()
        self.buckets: list[tuple[BucketHandle | None, bytes]] = [(None, data) for data in buckets]
        self.over = False

    @property
    def is_open(self) -> bool:
        """Only while the filter runs."""
        return not self.over

    def take(self) -> StreamBucket | None:
        """The first bucket, which is no more in the brigade; None when there is none."""
        return StreamBucket(self.buckets.pop(0)[1]) if self.buckets else None

    def put(self, bucket: StreamBucket, first: bool) -> None:
        """Puts a bucket in with the data that it has now; the last one, put in again, only has them anew."""
        item = (bucket.bucket, cast_string(bucket.data))
        if first:
            self.buckets.insert(0, item)
        elif self.buckets and self.buckets[-1][0] is bucket.bucket:
            self.buckets[-1] = item
        else:
            self.buckets.append(item)

    def __iter__(self) -> Iterator[StreamBucket]:
        while bucket := self.take():
            yield bucket

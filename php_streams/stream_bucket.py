"""Buckets: stream_bucket_* (the manual's book.stream)."""

from __future__ import annotations

from typing import Any

from php_streams._core.buckets import Brigade, BucketHandle, StreamBucket
from php_streams._core.diagnostics import argument_type_error
from php_streams._core.stream import Stream, expect_resource, invalid_resource, no_stream
from php_streams._core.values import to_bytes, type_name

__all__ = [
    "StreamBucket",
    "stream_bucket_append",
    "stream_bucket_make_writeable",
    "stream_bucket_new",
    "stream_bucket_prepend",
]


def stream_bucket_make_writeable(brigade: Brigade) -> StreamBucket | None:
    """Returns a bucket object from the brigade to operate on.
    https://www.php.net/function.stream-bucket-make-writeable

    The first one, which is taken out; None when there is no more.
    """
    return _brigade(brigade).take()


def stream_bucket_append(brigade: Brigade, bucket: StreamBucket) -> None:
    """Append bucket to brigade.  https://www.php.net/function.stream-bucket-append

    A bucket that is in a brigade already leaves its place there.
    """
    _put(brigade, bucket, first=False)


def stream_bucket_prepend(brigade: Brigade, bucket: StreamBucket) -> None:
    """Prepend bucket to brigade.  https://www.php.net/function.stream-bucket-prepend

    A bucket that is in a brigade already leaves its place there.
    """
    _put(brigade, bucket, first=True)


def stream_bucket_new(stream: Stream, buffer: bytes | str) -> StreamBucket:
    """Create a new bucket for use on the current stream.
    https://www.php.net/function.stream-bucket-new
    """
    data = to_bytes(buffer, 2, "buffer")
    if not isinstance(stream, Stream) or not stream.is_open:
        raise no_stream(stream)
    return StreamBucket(data)


def _brigade(value: Any) -> Brigade:
    expect_resource(value, 1, "brigade")
    if not isinstance(value, Brigade) or not value.is_open:
        raise invalid_resource("userfilter.bucket brigade")
    return value


def _put(brigade: Any, bucket: Any, first: bool) -> None:
    expect_resource(brigade, 1, "brigade")
    if not isinstance(bucket, StreamBucket):
        raise argument_type_error(2, "bucket", f"must be of type StreamBucket, {type_name(bucket)} given")
    target, handle = _brigade(brigade), bucket.bucket
    if not isinstance(handle, BucketHandle):
        raise no_stream(handle, "userfilter.bucket")
    handle.data = getattr(bucket, "data", handle.data)  # without data, those that it came with
    target.put(handle, first)

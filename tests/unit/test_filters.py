"""Filters: however the input is cut, what comes out is the same; and they end as their streams do."""

from __future__ import annotations

import base64
import bz2
import gc
import hashlib
import os
import random
import threading
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from php_streams import (
    PSFS_PASS_ON,
    STREAM_FILTER_READ,
    STREAM_FILTER_WRITE,
    STREAM_PF_UNIX,
    STREAM_SOCK_STREAM,
    fclose,
    feof,
    fopen,
    fread,
    fwrite,
    is_resource,
    php_user_filter,
    restore_error_handler,
    rewind,
    set_error_handler,
    silence,
    stream_bucket_append,
    stream_filter_append,
    stream_filter_register,
    stream_filter_remove,
    stream_get_contents,
    stream_get_meta_data,
    stream_set_chunk_size,
    stream_set_timeout,
    stream_socket_pair,
)
from php_streams._core.stream import Stream


def quoted(data: bytes) -> bytes:
    """Each second byte in quoted-printable."""
    return b"".join(b"=%02X" % byte if byte % 2 or byte in b"\n\r=" else bytes([byte]) for byte in data)


DRAW = random.Random(20240717)
BYTES = DRAW.randbytes(300) + b"\r\n.=~ text\n" * 10
TEXT = "Zwölf Boxkämpfer, 12 €, 𝄞 \n" * 8
LINES = {"line-length": 20, "line-break-chars": "\r\n"}
UNIX = {
    "line-length": 20,
    "line-break-chars": "\n",
}  # an end of two bytes may be cut in two
QUOTED = b"=\n".join(quoted(BYTES[place : place + 20]) for place in range(0, len(BYTES), 20))
GZIP = zlib.compressobj(wbits=31)

# A filter with its parameters, what goes in, and what has to come out.
FILTERS: list[tuple[str, Any, bytes, bytes]] = [
    ("string.rot13", None, b"Hello\xff", b"Uryyb\xff"),
    ("string.toupper", None, b"Hello\xe4", b"HELLO\xe4"),
    ("string.tolower", None, b"HELLO\xc4", b"hello\xc4"),
    ("convert.base64-encode", None, BYTES, base64.b64encode(BYTES)),
    (
        "convert.base64-encode",
        {"line-length": 76},
        BYTES,
        base64.encodebytes(BYTES).replace(b"\n", b"\r\n")[:-2],
    ),
    ("convert.base64-decode", None, base64.encodebytes(BYTES), BYTES),
    ("convert.quoted-printable-encode", {"binary": True}, BYTES, b""),
    ("convert.quoted-printable-encode", {**LINES, "binary": True}, BYTES, b""),
    ("convert.quoted-printable-encode", UNIX, BYTES.replace(b" ", b"_").replace(b"\t", b"_"), b""),
    ("convert.quoted-printable-decode", None, QUOTED, BYTES),
    ("convert.quoted-printable-decode", {"line-break-chars": "\n"}, QUOTED, BYTES),
    ("convert.iconv.utf-8.utf-16le", None, TEXT.encode(), TEXT.encode("utf-16le")),
    ("convert.iconv.utf-16le/utf-8", None, TEXT.encode("utf-16le"), TEXT.encode()),
    ("zlib.deflate", 9, BYTES, b""),
    ("zlib.inflate", None, zlib.compress(BYTES, wbits=-15), BYTES),
    ("zlib.inflate", {"window": 31}, GZIP.compress(BYTES) + GZIP.flush() + b"more", BYTES),
    ("bzip2.compress", None, BYTES, bz2.compress(BYTES, 4)),
    (
        "bzip2.decompress",
        {"concatenated": True},
        bz2.compress(BYTES) + bz2.compress(b"more"),
        BYTES + b"more",
    ),
    ("bzip2.decompress", None, bz2.compress(BYTES) + bz2.compress(b"more"), BYTES),
    ("dechunk", None, b"5\r\nhello\r\nA;x\r\n0123456789\r\n0\r\n\r\n", b"hello0123456789"),
    ("consumed", None, BYTES, BYTES),
]
IDS = [f"{name} {'' if params is None else params}" for name, params, _, _ in FILTERS]
BACK = {"convert.quoted-printable-encode": "convert.quoted-printable-decode", "zlib.deflate": "zlib.inflate"}


def least(name: str) -> int:
    """The shortest piece.  convert.iconv loses a character that comes in three, as PHP's: in_pieces.case."""
    return 3 if name.startswith("convert.iconv") else 1


def cuts(data: bytes, least: int) -> Iterator[list[bytes]]:
    """Whole, in the shortest pieces, in two at every place, and in random pieces."""
    yield [data]
    yield [data[place : place + least] for place in range(0, len(data), least)]
    for place in range(1, len(data)):
        yield [data[:place], data[place:]]
    for _ in range(20):
        places = sorted(DRAW.sample(range(0, len(data), least), min(5, len(data) // least - 1)))
        yield [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def written(name: str, params: Any, pieces: list[bytes]) -> bytes:
    """What pieces become that are written through a filter."""
    fp = fopen("php://memory", "w+")
    one = stream_filter_append(fp, name, STREAM_FILTER_WRITE, params)
    for piece in pieces:
        assert fwrite(fp, piece) == len(piece)
    assert stream_filter_remove(one)
    rewind(fp)
    return stream_get_contents(fp)


def read(name: str, params: Any, data: bytes, chunk: int) -> bytes:
    """What data become that are read through a filter."""
    fp = fopen("php://memory", "w+")
    fwrite(fp, data)
    rewind(fp)
    stream_set_chunk_size(fp, chunk)
    stream_filter_append(fp, name, STREAM_FILTER_READ, params)
    parts = []
    while not feof(fp):
        parts.append(fread(fp, 50))
    return b"".join(parts)


@pytest.mark.parametrize(("name", "params", "data", "made"), FILTERS, ids=IDS)
def test_the_result_does_not_depend_on_the_cut(name: str, params: Any, data: bytes, made: bytes) -> None:
    whole = written(name, params, [data])
    assert whole == made if made else read(BACK[name], None, whole, 8192) == data
    skip_count = name == "bzip2.decompress"  # a file's end that comes alone counts as nothing, as in PHP
    for pieces in cuts(data, least(name)):
        if not skip_count:
            assert written(name, params, pieces) == whole


@pytest.mark.parametrize(("name", "params", "data", "made"), FILTERS, ids=IDS)
def test_the_result_does_not_depend_on_the_chunk(name: str, params: Any, data: bytes, made: bytes) -> None:
    whole = read(name, params, data, 8192)
    assert whole == made if made else read(BACK[name], None, whole, 8192) == data
    chunks = [chunk for chunk in (1, 2, 3, 7, 64, 300) if chunk >= least(name)]
    assert {read(name, params, data, chunk) for chunk in chunks} == {whole}


class marker(php_user_filter):
    """Notes what happens to it."""

    events: ClassVar[list[str]] = []

    def filter(self, in_: Any, out: Any, consumed: int, closing: bool) -> Any:
        for bucket in in_:
            consumed += bucket.datalen
            stream_bucket_append(out, bucket)
        if closing:
            self.events.append("closing")
        return PSFS_PASS_ON, consumed

    def onClose(self) -> None:
        self.events.append("onClose")


@pytest.fixture
def events() -> list[str]:
    stream_filter_register("marker", marker)
    marker.events.clear()
    return marker.events


def test_a_stream_that_nobody_holds_is_flushed_and_its_filters_closed(
    tmp_path: Path, events: list[str]
) -> None:
    fp = fopen(tmp_path / "file", "w")
    keep = stream_filter_append(fp, "marker")
    stream_filter_append(fp, "convert.base64-encode")
    fwrite(fp, "a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del fp
        assert events == ["closing", "onClose"]
    assert (tmp_path / "file").read_bytes() == b"YQ=="
    assert not is_resource(keep)


def test_a_cycle_through_a_filter_is_collected(tmp_path: Path, events: list[str]) -> None:
    fp = fopen(tmp_path / "file", "w")
    stream_filter_append(fp, "marker", 0, [fp])  # the filter's parameters hold the stream
    fwrite(fp, "a")
    del fp
    gc.collect()
    assert events == ["closing", "onClose"]


def test_a_filter_may_remove_itself(tmp_path: Path) -> None:
    class once(php_user_filter):
        def filter(self, in_: Any, out: Any, consumed: int, closing: bool) -> Any:
            if not closing:
                stream_filter_remove(self.params[0])
            for bucket in in_:
                consumed += bucket.datalen
                bucket.data = bucket.data.upper()
                stream_bucket_append(out, bucket)
            return PSFS_PASS_ON, consumed

    stream_filter_register("once", once)
    fp = fopen(tmp_path / "file", "w+")
    itself: list[Any] = []
    itself.append(stream_filter_append(fp, "once", STREAM_FILTER_WRITE, itself))
    fwrite(fp, "first ")
    fwrite(fp, "second")
    rewind(fp)
    assert fread(fp, 100) == b"FIRST second"


def test_a_handler_that_raises_loses_nothing(tmp_path: Path) -> None:
    def refuse(level: int, text: str, file: str, line: int) -> bool:
        raise RuntimeError(text)

    (tmp_path / "file").write_bytes(b"YWJj" * 2000 + b"=" + b"YWJj" * 2000)
    fp = fopen(tmp_path / "file", "r")
    stream_filter_append(fp, "convert.base64-decode")
    set_error_handler(refuse)
    try:
        with pytest.raises(RuntimeError, match="invalid byte sequence"):
            fread(fp, 10)
        assert feof(fp)
        assert fclose(fp)
    finally:
        restore_error_handler()


def test_threads_have_filters_of_their_own() -> None:
    results: dict[int, bytes] = {}

    def work(number: int) -> None:
        data = bytes([number]) * 100_000
        packed = written("zlib.deflate", None, [data[:70_000], data[70_000:]])
        results[number] = read("zlib.inflate", None, packed, 8192)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == {number: bytes([number]) * 100_000 for number in range(8)}


def test_a_child_process_writes_its_own_end(tmp_path: Path) -> None:
    fp = fopen(tmp_path / "file", "w")
    stream_filter_append(fp, "convert.base64-encode")
    fwrite(fp, "abcd")
    child = os.fork()
    if not child:
        os._exit(0)  # leaves without closing: what is held back must come once
    os.waitpid(child, 0)
    fclose(fp)
    assert (tmp_path / "file").read_bytes() == b"YWJjZA=="


def test_a_read_through_filters_waits_for_what_is_wanted_only() -> None:
    near, far = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0)
    assert isinstance(near, Stream)
    stream_set_timeout(near, 5)
    stream_filter_append(near, "string.toupper", STREAM_FILTER_READ)
    fwrite(far, "line\nmore")
    assert fread(near, 5) == b"LINE\n"
    assert stream_get_meta_data(near)["unread_bytes"] == 4
    assert fread(near, 4) == b"MORE"
    assert not stream_get_meta_data(near)["timed_out"]


@pytest.mark.parametrize("step", [1 << 20, 60_000, 1000])
@pytest.mark.parametrize("name", ["bzip2.decompress", "zlib.inflate"])
def test_what_was_made_of_damaged_data_comes_whole(tmp_path: Path, name: str, step: int) -> None:
    # decompress-error
    text = b"".join(hashlib.md5(b"%d" % number).hexdigest().encode() for number in range(15_000))
    if name == "bzip2.decompress":
        packed = bz2.compress(text, 1)
        damaged = packed[:130_000] + b"\xff" * 400 + packed[130_400:]
    else:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        damaged = packer.compress(text[:200_000]) + packer.flush(zlib.Z_FULL_FLUSH) + b"\xff" * 400
    fp = fopen(tmp_path / "out", "w")
    stream_filter_append(fp, name, STREAM_FILTER_WRITE)
    with silence():
        done = [fwrite(fp, damaged[at : at + step]) for at in range(0, len(damaged), step)]
    assert False in done
    fclose(fp)
    made = (tmp_path / "out").read_bytes()
    assert len(made) > 190_000
    assert made[:190_000] == text[:190_000]


def test_the_class_itself_is_registered_and_not_its_name() -> None:
    """PHP looks for a class of that name when the filter is used; here there is nowhere to look."""
    with pytest.raises(TypeError, match=r"Argument #2 \(\$class\) must be a valid class name, marker given"):
        stream_filter_register("named", "marker")  # type: ignore[arg-type]
    assert stream_filter_register("named", marker)
    assert not stream_filter_register("named", marker)

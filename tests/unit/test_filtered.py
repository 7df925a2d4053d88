"""Streams under filters: what the raw below says is heard above, whoever is interrupted or throws."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from php_streams import (
    PSFS_PASS_ON,
    STREAM_FILTER_READ,
    STREAM_FILTER_WRITE,
    fclose,
    fgets,
    fopen,
    fread,
    ftell,
    fwrite,
    php_user_filter,
    rewind,
    stream_bucket_append,
    stream_filter_append,
    stream_filter_register,
    stream_filter_remove,
    stream_get_contents,
)
from php_streams._core import filtered
from php_streams._core.filtered import FilteredRaw
from php_streams._core.raw import Raw
from php_streams._core.stream import Stream
from php_streams._filters.string import Translate
from php_streams._wrappers.memory import MemoryRaw
from tests.tracing import traced

MEMBERS = [name for name in vars(Raw) if not name.startswith("_")]
# What is different under filters, and how.
OWN = {
    "close",
    "closed",
    "file_descriptor",
    "filtered",
    "broken",
    "flush_writers",
    "goes_back",
    "is_terminal",
    "mappable",
    "plain_descriptor",
    "select_descriptor",
    "why_no_descriptor",
    "why_not_selectable",
    "write",
    "writers",
}


class Below(Raw):
    """A raw whose answers can be told from all others."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, tuple[Any, ...]]] = []


def under_filters(below: Raw) -> FilteredRaw:
    return FilteredRaw(below, lambda: None)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("name", [name for name in [*MEMBERS, "total", "written"] if name not in OWN])
def test_the_raw_below_answers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    below = Below()
    raw = under_filters(below)
    if callable(getattr(Raw, name, None)):

        def answer(*arguments: Any) -> str:
            below.asked.append((name, arguments))
            return f"of {name}"

        monkeypatch.setattr(below, name, answer)
        assert getattr(raw, name)("argument") == f"of {name}"
        assert below.asked == [(name, ("argument",))]
    else:
        monkeypatch.setattr(below, name, f"the {name} below")
        assert getattr(raw, name) == f"the {name} below"
        setattr(raw, name, "put above")
        assert getattr(below, name) == "put above"


def test_nothing_else_is_its_own() -> None:
    forwarding = {filtered._call("x").__code__, filtered._state("x").fget.__code__}  # type: ignore[union-attr]

    def code(member: Any) -> Any:
        return getattr(getattr(member, "fget", member), "__code__", None)

    own = {name for name in MEMBERS if code(vars(FilteredRaw).get(name)) not in forwarding}
    assert own == OWN & set(MEMBERS)


PROGRAM = """
import gc, os, sys
import php_streams
filter = php_streams.stream_filter_append(php_streams.STDOUT, "string.toupper")
php_streams.fwrite(php_streams.STDOUT, "one ")
del php_streams.STDOUT, filter
gc.collect()
os.write(1, b"two")
"""


def test_standard_output_stays_open_with_filters_in_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=False)
    assert (done.stdout, done.stderr) == (b"ONE two", b"")


def interrupted_at(place: int, action: Callable[[], Any]) -> bool:
    """Runs the action, and raises at this line of the module; whether it came so far."""
    left = place

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename == filtered.__file__ and event == "line":
            left -= 1
            if not left:
                raise KeyboardInterrupt
        return trace

    try:
        with traced(trace):
            action()
    except KeyboardInterrupt:
        return True
    return False


@pytest.mark.parametrize("write", [False, True])
def test_an_exception_while_a_filter_comes(write: bool, tmp_path: Path) -> None:
    """Wherever it strikes, the stream can be used and closed."""
    (tmp_path / "file").write_bytes(b"a line\n" * 10)
    place, came = 0, True
    while came:
        place += 1
        fp = fopen(tmp_path / "file", "r+")
        assert fgets(fp) == b"a line\n"
        one = Translate("string.toupper")
        came = interrupted_at(place, lambda fp=fp, one=one: filtered.join(fp, one, write, False))
        assert fread(fp, 3).lower() == b"a l"
        assert ftell(fp) == 10
        assert fclose(fp)
    assert place > 5


class throwing(php_user_filter):
    """Its end is an exception."""

    def filter(self, in_: Any, out: Any, consumed: int, closing: bool) -> Any:
        if closing and self.params == "at the end":
            raise RuntimeError("closing")
        for bucket in in_:
            consumed += bucket.datalen
            stream_bucket_append(out, bucket)
        return PSFS_PASS_ON, consumed

    def onClose(self) -> None:
        raise RuntimeError(f"onClose of {self.params}")


@pytest.mark.parametrize(
    ("params", "told"),
    [(["at the end", 2], "closing"), ([1, 2], "onClose of 1"), ([2, "at the end"], "closing")],
)
def test_what_is_raised_first_is_told_and_all_is_closed(params: list[Any], told: str, tmp_path: Path) -> None:
    stream_filter_register("throwing", throwing)
    fp = fopen(tmp_path / "file", "w")
    descriptor = fp.fileno()
    for one in params:
        stream_filter_append(fp, "throwing", STREAM_FILTER_WRITE, one)
    fwrite(fp, "abc")
    with pytest.raises(RuntimeError, match=told):
        fclose(fp)
    assert fp.closed
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    assert (tmp_path / "file").read_bytes() == b"abc"


def test_a_filter_that_throws_as_it_goes_is_gone(tmp_path: Path) -> None:
    stream_filter_register("throwing", throwing)
    fp = fopen(tmp_path / "file", "w")
    one = stream_filter_append(fp, "throwing", STREAM_FILTER_WRITE, 1)
    with pytest.raises(RuntimeError, match="onClose of 1"):
        stream_filter_remove(one)
    assert not isinstance(fp.raw, FilteredRaw)
    fwrite(fp, "abc")
    assert fclose(fp)


def test_a_filter_that_is_refused_leaves_the_stream_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"====\n" * 10)
    fp = fopen(tmp_path / "file", "r")
    assert fgets(fp) == b"====\n"
    with (
        pytest.warns(Warning, match="Filter failed to process pre-buffered data"),
        pytest.warns(Warning, match="invalid byte sequence"),
    ):
        assert not stream_filter_append(fp, "convert.base64-decode", STREAM_FILTER_READ)
    assert not isinstance(fp.raw, FilteredRaw)
    assert fgets(fp) == b"====\n"


class Sip(MemoryRaw):
    """Takes three bytes a write."""

    asks_for_chunks = False

    def write(self, data: Any) -> int | Literal[False]:
        return super().write(data[:3])


def test_what_is_taken_in_parts_goes_out_once_each() -> None:
    fp = Stream(Sip("w+b"), "w+")
    stream_filter_append(fp, "string.toupper", STREAM_FILTER_WRITE)
    assert fwrite(fp, "abcdefgh") == 8
    rewind(fp)
    assert stream_get_contents(fp) == b"ABCDEFGH"

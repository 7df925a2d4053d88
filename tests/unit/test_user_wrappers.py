"""Users' wrappers where php-cli shows nothing: it crashes, or has no threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import php_streams
from php_streams import (
    fclose,
    feof,
    fgetc,
    fgetcsv,
    fgets,
    fopen,
    fread,
    fscanf,
    fseek,
    fwrite,
    is_resource,
    rewind,
    silence,
    stream_copy_to_stream,
    stream_get_contents,
    stream_get_line,
    stream_get_meta_data,
    stream_wrapper_register,
    stream_wrapper_unregister,
)
from php_streams.constants import SEEK_CUR


class Mistaken:
    """Its methods ask for what is not there."""

    context = None

    def stream_open(self, path: str, mode: str, options: int, opened_path: object) -> bool:
        return True

    def stream_read(self, count: int) -> bytes:
        raise AttributeError("no data")

    def stream_eof(self) -> bool:
        raise AttributeError("no end")

    def stream_stat(self) -> bool:
        return False


READS: list[Callable[[Any], Any]] = [
    fgets,
    lambda fp: fgets(fp, 10),
    fgetc,
    feof,
    stream_get_contents,
    lambda fp: stream_get_contents(fp, 10),
]


@pytest.mark.parametrize("read", READS)
def test_an_attribute_error_of_a_method_is_none_of_the_stream(read: Callable[[Any], Any]) -> None:
    """Ours tells that the argument is no stream; theirs comes out, and the stream stays open."""
    stream_wrapper_register("mistaken", Mistaken)
    try:
        fp = fopen("mistaken://", "r")
        with pytest.raises(AttributeError, match=r"no (data|end)"):
            read(fp)
        assert is_resource(fp)
    finally:
        stream_wrapper_unregister("mistaken")


class Closing:
    """Closes the stream that it serves, in the method that is named."""

    method = ""
    fp: Any = None
    context = None
    refused: list[str] = []  # noqa: RUF012
    closed = 0

    def close(self, method: str) -> None:
        if Closing.method == method:
            Closing.method = ""
            with silence():
                if not fclose(Closing.fp):
                    Closing.refused.append(method)

    def stream_open(self, path: str, mode: str, options: int, opened_path: object) -> bool:
        return True

    def stream_read(self, count: int) -> bytes:
        self.close("read")
        return b"a line\nand more"

    def stream_eof(self) -> bool:
        self.close("eof")
        return False

    def stream_seek(self, offset: int, whence: int) -> bool:
        self.close("seek")
        return True

    def stream_tell(self) -> int:
        self.close("tell")
        return 5

    def stream_write(self, data: bytes) -> int:
        return len(data)

    def stream_flush(self) -> bool:
        self.close("flush")
        return True

    def stream_close(self) -> None:
        Closing.closed += 1


@pytest.fixture
def open_in() -> Iterator[Callable[[str], Any]]:
    """Opens a stream that a method closes."""
    stream_wrapper_register("closing", Closing)
    Closing.refused, Closing.closed = [], 0

    def opened(method: str) -> Any:
        Closing.fp, Closing.method = fopen("closing://x", "r+"), method
        return Closing.fp

    yield opened
    Closing.method, Closing.fp = "", None
    stream_wrapper_unregister("closing")


@pytest.mark.parametrize("method", ["read", "eof"])
@pytest.mark.parametrize(
    ("reads", "data"),
    [
        (fgets, b"a line\n"),
        (fgetc, b"a"),
        (lambda fp: fread(fp, 3), b"a l"),
        (lambda fp: stream_get_line(fp, 100, "\n"), b"a line"),
        (lambda fp: fgetcsv(fp, escape=""), [b"a line"]),
        (lambda fp: fscanf(fp, "%s %s"), [b"a", b"line"]),
        (lambda fp: stream_copy_to_stream(fp, fopen("php://memory", "w"), 5), 5),
    ],
)
def test_a_read_does_not_let_its_stream_be_closed(
    open_in: Callable[[str], Any], method: str, reads: Callable[[Any], Any], data: object
) -> None:
    """PHP crashes; the stream that is being read stays open, and fclose says no."""
    fp = open_in(method)
    assert reads(fp) == data
    assert is_resource(fp) and Closing.refused == [method]
    fclose(fp)
    assert Closing.closed == 1


@pytest.mark.parametrize("method", ["seek", "tell"])
def test_a_seek_may_close_its_stream(open_in: Callable[[str], Any], method: str) -> None:
    """The seek has its answer, and the stream is closed once."""
    assert fseek(open_in(method), 5) == 0
    assert rewind(open_in(method)) is True
    fp = open_in("")
    fgetc(fp)
    Closing.method = method
    assert fwrite(fp, b"abc") == 3  # goes back first, to where the user is
    assert Closing.closed == 3
    with pytest.raises(TypeError, match="supplied resource is not a valid stream resource"):
        fseek(fp, 1, SEEK_CUR)


def test_asking_for_the_end_may_close_the_stream(open_in: Callable[[str], Any]) -> None:
    """feof and stream_get_meta_data answer; a read that asks first refuses the closed stream."""
    assert feof(open_in("eof")) is False
    assert stream_get_meta_data(open_in("eof"))["eof"] is False
    with pytest.raises(TypeError, match="supplied resource is not a valid stream resource"):
        stream_get_contents(open_in("eof"), 20)
    assert Closing.closed == 3


def test_flushing_at_fclose_may_close_the_stream(open_in: Callable[[str], Any]) -> None:
    """stream_close is called once."""
    fp = open_in("flush")
    php_streams.stream_filter_append(fp, "string.toupper", php_streams.STREAM_FILTER_WRITE)
    fwrite(fp, b"abc")
    assert fclose(fp) is True
    assert Closing.closed == 1


def test_threads_open_urls_of_one_class_at_the_same_time() -> None:
    """What is being opened in one thread is no recursion in another, not even of the same URL."""
    together = threading.Barrier(10, timeout=10)

    class Slow:
        context = None

        def stream_open(self, path: str, mode: str, options: int, opened_path: object) -> bool:
            together.wait()
            return True

    opened: list[bool] = []

    def open_one(number: int) -> None:
        stream_wrapper_register("slow", Slow)  # each thread has its own schemes
        with silence():
            opened.append(is_resource(fopen(f"slow://{number % 5}", "r")))

    threads = [threading.Thread(target=open_one, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == [True] * 10


def test_what_came_before_an_exception_can_be_read_afterwards() -> None:
    """stream_get_contents raises what stream_read raised; what it had read by then is still there."""

    class Breaks:
        context = None
        reads = 0

        def stream_open(self, path: str, mode: str, options: int, opened_path: object) -> bool:
            return True

        def stream_read(self, count: int) -> bytes:
            self.reads += 1
            if self.reads == 3:
                raise LookupError("third")
            return b"%d " % self.reads if self.reads < 5 else b""

        def stream_eof(self) -> bool:
            return self.reads > 3

        stream_stat = dict

    stream_wrapper_register("breaks", Breaks)
    try:
        fp = fopen("breaks://x", "r")
        with pytest.raises(LookupError):
            stream_get_contents(fp)
        assert stream_get_contents(fp) == b"1 2 4 "
        with pytest.raises(LookupError):
            php_streams.file_get_contents("breaks://x")
    finally:
        stream_wrapper_unregister("breaks")


class Broken:
    """Cannot be read, nor cast."""

    context = None
    reads = 0

    def stream_open(self, path: str, mode: str, options: int, opened_path: object) -> object:
        """As stream_open of a program that gives opened_path back, too."""
        return path != "broken://missing", path

    def stream_read(self, count: int) -> bytes:
        Broken.reads += 1
        raise ValueError("no data")

    def stream_eof(self) -> bool:
        return False


@pytest.fixture
def broken() -> Iterator[None]:
    stream_wrapper_register("broken", Broken)
    Broken.reads = 0
    yield
    stream_wrapper_unregister("broken")


def test_nothing_is_read_while_an_exception_waits_to_be_raised(broken: None) -> None:
    raw: Any = fopen("broken://file", "r").raw
    room = bytearray(10)
    assert (raw.readinto(room), Broken.reads) == (None, 1)
    assert (raw.readinto(room), raw.take_just(10), Broken.reads) == (None, b"", 1)
    assert str(raw.raised) == "no data"


def test_what_cannot_be_cast_has_no_descriptor(broken: None) -> None:
    fp = fopen("broken://file", "r")
    refused = pytest.raises(OSError, match="a stream of type user-space has no descriptor")
    with pytest.warns(php_streams.PhpWarning, match="stream_cast is not implemented"), refused:
        fp.fileno()


def test_stream_open_may_give_the_opened_path_as_well(broken: None) -> None:
    assert is_resource(fopen("broken://file", "r"))
    with pytest.warns(php_streams.PhpWarning, match='"Broken::stream_open" call failed'):
        assert fopen("broken://missing", "r") is False

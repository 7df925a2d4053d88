"""Streams in a reference cycle: the collector closes them, though it comes to their parts in any order."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import php_streams as php
from php_streams._core import notification
from php_streams.directory import _last
from tests.descriptors import only_where_listed
from tests.fault import inject
from tests.fault.inject_local import Kept
from tests.fault.inject_scenarios import Ports, secured

pytestmark = only_where_listed


@pytest.fixture(scope="module")
def ports() -> Iterator[Ports]:
    with inject.peers() as those:
        yield those


def kept(ports: Ports, folder: Path) -> Any:
    if "kept" not in php.stream_get_wrappers():
        php.stream_wrapper_register("kept", Kept)
    return php.fopen(f"kept://{folder}/kept", "w")


def told(*of: int) -> None:
    """A callback of a context."""


def ftp(ports: Ports, mode: str, name: str) -> Any:
    context = php.stream_context_create({}, {"notification": told})
    return php.fopen(f"ftp://ada:x@127.0.0.1:{ports['ftp']}/{name}", mode, False, context)


def accepted(ports: Ports, folder: Path) -> Any:
    listening, _, _ = php.stream_socket_server("tcp://127.0.0.1:0")
    client, _, _ = php.stream_socket_client(f"tcp://{php.stream_socket_get_name(listening, False)}", 5)
    return [listening, client, php.stream_socket_accept(listening, 5)[0]]


KINDS: dict[str, Callable[[Ports, Path], Any]] = {
    "file": lambda ports, folder: php.fopen(f"{folder}/file", "w+"),
    "folder": lambda ports, folder: php.opendir(folder),
    "spilled": lambda ports, folder: php.fopen("php://temp/maxmemory:0", "w+"),
    "tmpfile": lambda ports, folder: php.tmpfile(),
    "gz": lambda ports, folder: php.gzopen(f"{folder}/gz", "w"),
    "bzip2": lambda ports, folder: php.bzopen(f"{folder}/bz2", "w"),
    "tcp": lambda ports, folder: php.fsockopen("127.0.0.1", ports["tcp"], 5)[0],
    "tls": lambda ports, folder: php.stream_socket_client(
        f"tls://127.0.0.1:{ports['tls']}", 5, php.STREAM_CLIENT_CONNECT, secured()
    )[0],
    "pair": lambda ports, folder: php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_STREAM, 0),
    "accepted": accepted,
    "popen": lambda ports, folder: php.popen("cat >/dev/null", "w"),
    "proc_open": lambda ports, folder: php.proc_open(["cat"], {0: ["pipe", "r"], 1: ["pipe", "w"]}),
    "http": lambda ports, folder: php.fopen(f"http://127.0.0.1:{ports['http']}/chunked", "r"),
    "ftp": lambda ports, folder: ftp(ports, "r", "file.txt"),
    "a wrapper": kept,
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_closed(kind: str, ports: Ports, tmp_path: Path) -> None:
    def cycle() -> None:
        cell: list[Any] = [KINDS[kind](ports, tmp_path)]
        assert cell[0]
        cell.append(cell)
        _last.set(None)  # the folder that readdir() without a handle reads

    gc.collect()
    before = inject.left()
    cycle()
    assert inject.settled(before) == before


@pytest.mark.parametrize("watched", [False, True], ids=["", "watched"])
def test_what_its_filters_hold_back_is_written(watched: bool, tmp_path: Path) -> None:
    def cycle() -> None:
        cell: list[Any] = [php.fopen(f"{tmp_path}/file", "w+")]
        if watched:
            notification.watch(cell[0], php.stream_context_create({}, {"notification": told}))
        php.stream_filter_append(cell[0], "convert.base64-encode", php.STREAM_FILTER_WRITE)
        php.fwrite(cell[0], "ab")
        cell.append(cell)

    cycle()
    gc.collect()
    assert php.file_get_contents(f"{tmp_path}/file") == b"YWI="


def test_a_watched_stream_that_was_closed_is_gone_without_the_collector(tmp_path: Path) -> None:
    fp = php.fopen(f"{tmp_path}/file", "w+")
    notification.watch(fp, php.stream_context_create({}, {"notification": told}))
    raw = weakref.ref(fp.raw)
    gc.disable()
    try:
        del fp
        assert raw() is None
    finally:
        gc.enable()

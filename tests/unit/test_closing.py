"""A stream nobody refers to any more closes itself, at once and without a word."""

from __future__ import annotations

import gc
import os
import socket
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

import php_streams as php
from php_streams._core.raw import Descriptor


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)
        yield listening


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Nothing is freed but by its last reference going."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def is_closed_by_its_owner(server: socket.socket) -> bool:
    connection, _ = server.accept()
    with connection:
        connection.settimeout(2)
        return connection.recv(1) == b""


def test_at_the_end_of_a_function(server: socket.socket, no_collector: None) -> None:
    def uses() -> None:
        fp, _, _ = php.fsockopen(*server.getsockname())
        assert php.is_resource(fp)

    uses()
    assert is_closed_by_its_owner(server)


def test_a_failed_connect_keeps_nothing_of_its_callers(server: socket.socket, no_collector: None) -> None:
    def uses() -> None:
        fp, _, _ = php.fsockopen(*server.getsockname())
        with socket.socket() as bound, php.silence():
            bound.bind(("127.0.0.1", 0))
            assert not php.fsockopen("127.0.0.1", bound.getsockname()[1], 2)
            assert not php.stream_socket_client("nothing://x")
        assert php.is_resource(fp)

    uses()
    assert is_closed_by_its_owner(server)


def test_a_warning_keeps_nothing_of_its_callers(server: socket.socket, no_collector: None) -> None:
    def uses() -> None:
        fp, _, _ = php.fsockopen(*server.getsockname())
        php.stream_socket_shutdown(fp, php.STREAM_SHUT_WR)
        with php.silence():
            php.fwrite(fp, "x")
        with pytest.raises(ValueError):
            php.fread(fp, 0)
        assert php.error_get_last() is not None

    uses()
    gc.collect()  # pytest.raises keeps a cycle of its own
    assert is_closed_by_its_owner(server)


def test_in_a_cycle_it_waits_for_the_collector_and_stays_silent(server: socket.socket) -> None:
    class Client:
        def __init__(self) -> None:
            self.handler = self.keep
            self.fp = php.fsockopen(*server.getsockname()).result

        def keep(self) -> None:
            """Makes the cycle."""

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for _ in range(20):
            # select knows the stream as one without unread bytes, and forgets it
            client = Client()
            php.stream_select([client.fp], None, None, 0)
            gone = weakref.ref(client.fp)
            del client
            gc.collect()
            assert gone() is None
            assert is_closed_by_its_owner(server)


def test_what_somebody_else_has_closed_is_no_matter_at_the_end(tmp_path: Path) -> None:
    """Its object says nothing when it goes; pytest takes what a finalizer raises for an error."""
    descriptor = Descriptor(os.open, tmp_path / "f", os.O_CREAT | os.O_WRONLY)
    os.close(descriptor.fd)
    del descriptor
    gc.collect()

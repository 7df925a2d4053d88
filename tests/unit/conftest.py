"""What every unit test starts with, and what several ask for."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from php_streams._core import select
from tests.descriptors import open_descriptors, open_sockets
from tests.pairs import Pairs
from tests.state import state_of_its_own as state_of_its_own


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    """Makes socket pairs, and closes them."""
    with Pairs() as make:
        yield make


@pytest.fixture
def no_kept_watch() -> Iterator[None]:
    """stream_select starts without a watch of another test, and leaves none."""
    select._kept.small = select._kept.large = select._kept.last = None
    yield
    select._kept.small = select._kept.large = select._kept.last = None


@pytest.fixture
def no_socket_left() -> Iterator[None]:
    """Fails when other sockets are open at the end than at the start."""
    before = open_sockets()
    yield
    assert open_sockets() == before


@pytest.fixture
def no_peer_left() -> Iterator[None]:
    """Fails when a scripted peer's thread lives on, or another descriptor is open than before."""
    before = open_descriptors()
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("scripted peer")] == []
    assert open_descriptors() == before

"""What the tests of faults share."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from php_streams import stream_select
from php_streams._core.stream import Stream
from php_streams._transports.socket import LABELS, SocketRaw
from tests.descriptors import open_descriptors
from tests.state import state_of_its_own as state_of_its_own
from tests.unit.tls_peers import client_hello


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fails when a descriptor is open at the end that was not at the start."""
    # What stream_select and ssl open, once, for the whole process.
    near, far = socket.socketpair()
    with near, far, Stream(SocketRaw(near, LABELS["unix"], 1.0), "r+") as fp:
        stream_select([fp], None, None, 0, 1)
    client_hello()
    before = open_descriptors()
    yield
    assert open_descriptors() == before

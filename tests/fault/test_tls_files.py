"""TLS with no descriptor left: PHP's warnings and False, and nothing stays open."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from php_streams import (
    fclose,
    fread,
    fwrite,
    stream_get_meta_data,
    stream_select,
    stream_set_blocking,
    stream_socket_enable_crypto,
)
from tests.descriptors import only_where_listed, open_descriptors
from tests.places import CERTS
from tests.unit.tls_peers import CLIENT, connect, peer, said

pytestmark = only_where_listed


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Takes all that the process may have; nothing else is open afterwards."""
    before = open_descriptors()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before) + 3, limits[1]))
    taken = []
    try:
        while True:
            try:
                taken.append(os.dup(0))
            except OSError:
                break
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for number in taken:
            os.close(number)
    assert open_descriptors().items() <= before.items()  # the peer is of this process, and may be gone


@pytest.fixture(autouse=True)
def _used_before() -> None:
    """What is imported at the first use of TLS is here."""
    with peer("tls good\nexpect eof") as player:
        fclose(connect(player.port))


def test_a_refused_name() -> None:
    with peer("tls good tls1.2\nexpect eof") as player:
        stream = connect(player.port, "tcp", verify_peer=False, peer_name="other.test")
        stream_set_blocking(stream, False)
        assert stream_socket_enable_crypto(stream, True, CLIENT) == 0
        stream_select([stream], None, None, 5)
        with no_descriptor_left(), said() as messages:
            while (on := stream_socket_enable_crypto(stream, True, CLIENT)) is not False and on == 0:
                time.sleep(0.001)
            assert on is False
        assert "subjectAltName did not match expected name" in messages[-1]
        assert "crypto" not in stream_get_meta_data(stream)
        fclose(stream)


def test_switching_off() -> None:
    """The goodbye arrives, although no descriptor is free to catch it, and plaintext after it."""
    with peer('tls good tls1.2\nexpect "before"\nuntls\nexpect "after"\nsend "thanks"\nexpect eof') as player:
        stream = connect(player.port, "tcp")
        assert stream_socket_enable_crypto(stream, True, CLIENT) is True
        assert fwrite(stream, "before") == 6
        with no_descriptor_left():
            assert stream_socket_enable_crypto(stream, False) is False
            assert fwrite(stream, "after") == 5
        assert fread(stream, 10) == b"thanks"
        fclose(stream)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cafile": str(CERTS / "ca.pem"), "verify_depth": 7}, "failed loading cafile stream"),
        (
            {"verify_peer": False, "local_cert": str(CERTS / "client.pem")},
            "Unable to set local cert chain file",
        ),
    ],
)
def test_files_that_cannot_be_opened(options: dict[str, object], message: str) -> None:
    with peer("") as player:
        stream = connect(player.port, "tcp", **options)
        with no_descriptor_left(), said() as messages:
            assert stream_socket_enable_crypto(stream, True, CLIENT) is False
        assert len(messages) == 1 and message in messages[0]
        fclose(stream)

"""The spare descriptor, where there is no need of it."""

from __future__ import annotations

import os

from php_streams._core.spare import SPARE


def test_imports_are_left_alone_while_descriptors_are_left() -> None:
    before = SPARE.fd
    assert SPARE.find_spec("php_streams.errors") is None
    assert SPARE.find_spec("socket") is None
    assert SPARE.find_spec("json") is None
    assert SPARE.fd == before


def test_it_is_given_back_and_taken_again() -> None:
    before = SPARE.inode
    assert SPARE.fd > 2 and os.fstat(SPARE.fd).st_ino == before
    assert SPARE.give_back() is True
    assert SPARE.fd == -1
    assert SPARE.give_back() is False
    SPARE.take()
    assert SPARE.fd > 2 and os.fstat(SPARE.fd).st_ino == SPARE.inode
    with SPARE:
        assert SPARE.fd == -1
    assert SPARE.fd > 2
    assert not os.get_inheritable(SPARE.fd)


def test_a_descriptor_of_somebody_else_is_left_open() -> None:
    fd = SPARE.fd
    with open(os.devnull, "rb") as other:
        os.dup2(other.fileno(), fd)
    assert SPARE.give_back() is False
    assert os.fstat(fd)
    os.close(fd)
    SPARE.take()

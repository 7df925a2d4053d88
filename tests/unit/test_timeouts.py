"""Timeouts as the system and Python count them."""

from __future__ import annotations

import errno
import struct

import pytest

from php_streams._transports.timeouts import code_of, kernel_timeout, within_limits


@pytest.mark.parametrize(
    ("seconds", "timeval"),
    [
        (None, (0, 0)),
        (0, (0, 1)),
        (1e-9, (0, 1)),
        (2e-6, (0, 2)),
        (0.25, (0, 250_000)),
        (1, (1, 0)),
        (2.5, (2, 500_000)),
    ],
)
def test_the_kernels_timeout_is_never_for_ever_by_accident(
    seconds: float | None, timeval: tuple[int, int]
) -> None:
    assert struct.unpack("@ll", kernel_timeout(seconds)) == timeval


def test_the_longest_timeout() -> None:
    assert [within_limits(each) for each in (None, 0.5, 2e6, 1e9)] == [None, 0.5, 2e6, 2e6]


def test_a_timeout_of_pythons_has_the_number_that_the_system_gives_it() -> None:
    assert code_of(TimeoutError()) == errno.EAGAIN
    assert code_of(TimeoutError(errno.ETIMEDOUT, "late")) == errno.ETIMEDOUT
    assert code_of(OSError()) is None

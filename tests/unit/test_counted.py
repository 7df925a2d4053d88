"""The wrapper that gives the functions PHP's errors for wrong calls, where php-cli has nothing to show."""

from __future__ import annotations

import inspect

import pytest

import php_streams as php


def test_a_stop_iteration_of_the_users_comes_out() -> None:
    """It calls the function by an iterator, which such an exception ends."""

    def handler(level: int, message: str) -> bool:
        raise StopIteration

    php.set_error_handler(handler)
    try:
        with pytest.raises(StopIteration):
            php.fopen("/missing", "r")
    finally:
        php.restore_error_handler()


def test_what_has_to_be_given_says_so_in_the_signature() -> None:
    """Where PHP's error for too few arguments comes from a default."""
    assert str(inspect.signature(php.feof)) == "(stream: 'Stream' = <required>) -> 'bool'"

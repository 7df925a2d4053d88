"""What the random tests share."""

from __future__ import annotations

import pytest

from php_streams.porting.php_cli import PhpCli
from tests.conformance.php_found import find


@pytest.fixture(scope="session")
def php84(pytestconfig: pytest.Config) -> PhpCli:
    """PHP 8.4, which decides what is said where the series differ."""
    for php in find(pytestconfig).php:
        if php.series == "8.4":
            return php
    pytest.skip("php 8.4 was not found")


@pytest.fixture(scope="session")
def php(php84: PhpCli) -> PhpCli:
    """In the place of the suite's, which may be an older one where that is the only one asked for."""
    return php84

"""What the tests of the porting tools share."""

from __future__ import annotations

import pytest

from php_streams.porting.php_cli import PhpCli
from tests.conformance.php_found import find


@pytest.fixture(scope="session")
def php(pytestconfig: pytest.Config) -> PhpCli | None:
    """The newest php-cli that words its warnings as php_streams does, where the options allow one."""
    alike = (php for php in find(pytestconfig).php if float(php.series) >= 8.4)
    return next(alike, None)

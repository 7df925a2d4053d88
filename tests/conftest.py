"""Options of the whole test suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """The conformance cases' options; here, because a conftest further down is read too late for that."""
    group = parser.getgroup("conformance", "php_streams: conformance cases")
    group.addoption(
        "--live", action="store_true", help="fail when no php-cli is found (default: live if there is one)"
    )
    group.addoption(
        "--offline", action="store_true", help="do not run php-cli: Python against the recorded EXPECT alone"
    )
    group.addoption(
        "--php", action="append", default=[], metavar="PATH", help="a php-cli to use instead of those found"
    )
    group.addoption(
        "--record", action="store_true", help="write the EXPECT sections of the selected cases from php-cli"
    )
    group.addoption(
        "--record-7.4", action="store_true", dest="record_74", help="with --record: php 7.4 as well"
    )

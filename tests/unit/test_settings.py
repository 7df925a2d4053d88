"""ini_set where php-cli says something else: what it takes from php.ini alone, and what has no use here."""

from __future__ import annotations

import pytest

from php_streams import ini_get, ini_restore, ini_set


@pytest.mark.parametrize("value", ["LOG_LOCAL3", "local3", "auth", "security"])
def test_a_facility_is_one_that_syslog_knows(value: str) -> None:
    before = ini_get("syslog.facility")
    try:
        assert ini_set("syslog.facility", value) == before
        assert ini_get("syslog.facility") == value
        assert ini_set("syslog.facility", "local8") is False
        assert ini_get("syslog.facility") == value
    finally:
        ini_restore("syslog.facility")


def test_open_basedir_is_refused() -> None:
    """Nothing here would keep to it."""
    assert ini_set("open_basedir", "/tmp") is False
    assert ini_get("open_basedir") == ""

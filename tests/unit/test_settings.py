"""The package's own settings, and where ini_set differs: what php.ini alone sets, what has no use here."""

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


# What each is at first, and what makes it PHP's.
OWN = {
    "php_streams.failed_tls": ("refuse", "plaintext"),
    "php_streams.ftps_data": ("refuse", "plaintext"),
    "php_streams.http_header_limit": ("8M", "0"),
    "php_streams.inherit_descriptors": ("0", "1"),
    "php_streams.select_lists": ("renumber", "keys"),
    "php_streams.starttls_buffer": ("refuse", "keep"),
    "php_streams.stat_cache": ("fresh", "php"),
}


@pytest.mark.parametrize("name", OWN)
def test_a_setting_of_our_own(name: str) -> None:
    first, other = OWN[name]
    assert ini_get(name) == first
    try:
        assert ini_set(name, other) == first
        assert ini_get(name) == other
    finally:
        ini_restore(name)
    assert ini_get(name) == first

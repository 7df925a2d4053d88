"""The package's own settings: each has the safe way for its default, and takes what is its other one."""

from __future__ import annotations

import pytest

from php_streams import ini_get, ini_restore, ini_set

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

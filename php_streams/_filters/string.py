"""string.rot13, string.toupper, string.tolower (= ext/standard/filters.c): bytes, one for one."""

from __future__ import annotations

import string
from typing import Any

from php_streams._core.filters import ByteFilter, Filter

UPPER, LOWER = string.ascii_uppercase.encode(), string.ascii_lowercase.encode()
TABLES = {
    "string.toupper": bytes.maketrans(LOWER, UPPER),
    "string.tolower": bytes.maketrans(UPPER, LOWER),
    "string.rot13": bytes.maketrans(LOWER + UPPER, LOWER[13:] + LOWER[:13] + UPPER[13:] + UPPER[:13]),
}


class Translate(ByteFilter):
    """Each byte becomes another."""

    __slots__ = ("table",)
    in_place = True

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.table = TABLES[name]

    def filter(self, data: bytes, closing: bool) -> bytes:
        """The bytes by the table."""
        return data.translate(self.table)


def make(name: str, params: Any) -> Filter | None:
    """The filter of that name; it has no parameters."""
    return Translate(name)

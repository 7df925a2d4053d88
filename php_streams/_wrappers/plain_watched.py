"""Files under PHP's stat cache: to read or write any of them makes PHP forget the last answer."""

from __future__ import annotations

from typing import Any, Literal

from php_streams._core.stat_cache import forget
from php_streams._wrappers.plain import FileRaw


class WatchedRaw(FileRaw):
    """A file that was opened while the setting php_streams.stat_cache was "php"."""

    def add_to(self, came: list[bytes], size: int) -> bytes:
        """One read(2)."""
        forget()
        return super().add_to(came, size)

    def all_to(self, came: list[bytes]) -> list[bytes]:
        """All of it."""
        forget()
        return super().all_to(came)

    def write(self, data: Any) -> int | Literal[False]:
        """write(2)."""
        forget()
        return super().write(data)

    def sync(self, data_only: bool) -> bool | None:
        """fsync(2) or fdatasync(2)."""
        forget()
        return super().sync(data_only)

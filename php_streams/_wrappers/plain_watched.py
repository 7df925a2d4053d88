"""Files under PHP's stat cache: to read or write any of them makes PHP forget the last answer."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, TypeVar

from php_streams._core.raw import Raw
from php_streams._core.stat_cache import forget, is_wanted

Kind = TypeVar("Kind", bound=Raw)


class Watched(Raw):
    """A file or a pipe that was opened while the setting php_streams.stat_cache was "php"."""

    def add_to(self, came: list[bytes], size: int) -> bytes:
        """One read(2), which every other way to read comes to."""
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


def watched(plain: type[Kind]) -> type[Kind]:
    """The kind of file that PHP's stat cache needs, where it is wanted."""
    return _watched(plain) if is_wanted() else plain


@cache
def _watched(plain: type[Kind]) -> type[Kind]:
    return type(f"Watched{plain.__name__}", (Watched, plain), {})

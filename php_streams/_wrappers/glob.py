"""glob:// , the names that match a pattern as if they were a folder (= main/streams/glob_wrapper.c)."""

from __future__ import annotations

from collections.abc import Iterator

from php_streams._core.context import Context
from php_streams._core.directory import DirectoryRaw
from php_streams._core.globbing import expand
from php_streams._core.wrapper import Wrapper

SCHEME = "glob://"


class GlobRaw(DirectoryRaw):
    """The names that matched when it was opened, without their folders."""

    label = "glob"

    def __init__(self, pattern: str) -> None:
        self.found = expand(pattern)
        super().__init__()

    def entries(self) -> Iterator[str]:
        """The last part of each path."""
        return (path.rpartition("/")[2] for path in self.found)


class Globs(Wrapper):
    """glob://pattern"""

    label = "glob"
    can_list = True

    def open_directory(self, path: str, context: Context | None) -> DirectoryRaw:
        """The names that match."""
        return GlobRaw(path.removeprefix(SCHEME))


def wrapper() -> Globs:
    """The wrapper, for the table."""
    return Globs()

"""Directory handles: what a wrapper's open_directory makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from php_streams._core.diagnostics import notice
from php_streams._core.raw import Raw

# What one entry counts in PHP's position: the size of its php_stream_dirent.
ENTRY = 4097


class DirectoryRaw(Raw):
    """The names in a folder, one by one; a subclass says where they come from."""

    label = "dir"
    closed_by_fclose = False
    seek_allowed = True
    writes_nothing = True

    def __init__(self) -> None:
        super().__init__()
        self.names = self.entries()

    def entries(self) -> Iterator[str]:
        """The names, from the first one on."""
        raise NotImplementedError

    def next_name(self) -> str | Literal[False]:
        """The next name, False at the end."""
        return next(self.names, False)

    def restart(self) -> None:
        """From the first one again."""
        self.names = self.entries()

    def readinto(self, buffer: Any) -> int | None:
        """It has names, no bytes."""
        self.failed = True
        return 0

    def write(self, data: Any) -> int | Literal[False]:
        """It cannot."""
        return notice("Stream is not writable")

    def move(self, offset: int, whence: int) -> bool:
        """Any seek begins anew, and leaves the position; PHP does this."""
        self.restart()
        return True

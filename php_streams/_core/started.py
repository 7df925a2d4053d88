"""Processes that `subprocess` starts and nobody but us waits for (see process.py)."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any


class Started(subprocess.Popen[bytes]):
    """A process that was started; that it runs on when this object goes is no warning."""

    def __init__(self, words: Sequence[str], **options: Any) -> None:
        try:
            super().__init__(words, **options)
        except subprocess.SubprocessError:  # behind the fork a descriptor was not to be put in its place
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE)) from None

    def __del__(self, *arguments: Any) -> None:
        pass


class Environment:
    """An environment as C has it: any bytes, whether or not they are a NAME=value, in any order.

    `subprocess` joins the names and values of a mapping, and looks for the program along its PATH; PHP looks
    along its own PATH.
    """

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = entries

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Each entry as a name that takes no value, though it is given one."""
        return ((_Entry(entry), entry) for entry in self.entries)

    def get(self, name: str) -> str | None:
        """Ours."""
        return os.environ.get(name)

    def __getitem__(self, name: str | bytes) -> Any:
        raise KeyError(name)


class _Entry(bytes):
    """A whole entry, to which nothing can be added."""

    def __contains__(self, part: object) -> bool:
        return False

    def __add__(self, more: object) -> _Entry:
        return self

"""A spare descriptor, for the import of a module when no other is left.

Much of the package is imported at its first use, which takes descriptors.  PHP has its code already: where
none is left a function of its warns and gives false, and so it has to be here.  So one descriptor is kept;
when a module is asked for and the system gives no other, the spare one is given back for as long as the
import takes.  Otherwise this finder finds nothing, and imports go as ever.  `with SPARE` is for what takes a
descriptor more in Python than in PHP.
"""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from php_streams._core.signals import from_system

PACKAGE = __name__.partition(".")[0]
# What the package imports late from elsewhere; what those import comes with them.
LATE = frozenset({"certifi", "ctypes", "hashlib", "hmac", "inspect", "shutil", "socket"})


class Spare:
    """The descriptor, and the finder that gives it back in need."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.fd = -1
        self.inode = 0
        self.take()

    def take(self) -> None:
        """Has a descriptor from now on, where there is one."""
        with self.lock:
            if self.fd >= 0:
                return
            try:
                self.fd = _beyond_the_standard_ones()
                self.inode = os.fstat(self.fd).st_ino
            except from_system(OSError):
                pass

    def give_back(self) -> bool:
        """Whether there is one more descriptor now: not if the program has closed it."""
        with self.lock:
            fd, self.fd = self.fd, -1
            try:
                ours = fd >= 0 and os.fstat(fd).st_ino == self.inode
                if ours:
                    os.close(fd)
            except from_system(OSError):
                return False
            return ours

    def __enter__(self) -> None:
        self.give_back()

    def __exit__(self, *exception: object) -> None:
        self.take()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """How a module is imported that is ours, or needed here, when no descriptor is left."""
        if (name not in LATE and name.partition(".")[0] != PACKAGE) or _one_is_left():
            return None
        if not self.give_back():
            return None
        try:
            spec = PathFinder.find_spec(name, path, target)
        except BaseException:
            self.take()
            raise
        if spec is None or spec.loader is None:
            self.take()
            return None
        spec.loader = _Loader(spec.loader, self)  # type: ignore[assignment]
        return spec


class _Loader:
    """A module's loader, after which the spare descriptor is taken again."""

    def __init__(self, loader: Any, spare: Spare) -> None:
        self.loader = loader
        self.spare = spare

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the loader itself does."""
        created: ModuleType | None = self.loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        """The module's code; what is left of it knows its own loader."""
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        try:
            self.loader.exec_module(module)
        finally:
            self.spare.take()


def _anything() -> int:
    """A descriptor with a number in its file system that nobody else has, where the system makes such."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create(PACKAGE)
    return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)


def _beyond_the_standard_ones() -> int:
    """One that is not taken for the program's input, output or errors, if those are closed."""
    first = _anything()
    if first > 2:
        return first
    try:
        return fcntl.fcntl(first, fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(first)


def _one_is_left() -> bool:
    try:
        os.close(_anything())
    except from_system(OSError):
        return False
    return True


def _of_this_process() -> Spare:
    """One for all times that the package is imported."""
    for finder in sys.meta_path:
        if type(finder).__module__ == __name__:
            return finder  # type: ignore[return-value]
    made = Spare()
    sys.meta_path.insert(0, made)
    return made


SPARE = _of_this_process()

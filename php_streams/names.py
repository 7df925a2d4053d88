"""Changing names (the manual's book.filesystem): removing, renaming, folders, links, times, permissions."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Literal

from php_streams._core.arguments import to_context, to_filename
from php_streams._core.context import Context
from php_streams._core.diagnostics import argument_value_error, warn
from php_streams._core.values import to_bool, to_int
from php_streams._core.wrapper import Wrapper, WrapperError
from php_streams._wrappers import locate
from php_streams._wrappers.open import open_url

__all__ = [
    "chmod",
    "link",
    "linkinfo",
    "mkdir",
    "readlink",
    "rename",
    "rmdir",
    "symlink",
    "touch",
    "umask",
    "unlink",
]

Name = str | bytes | os.PathLike[str]


def _done(act: Callable[[], Any], about: str | None = "", text: str = "{}") -> bool:
    """Does it; False and the system's words when it fails."""
    try:
        act()
    except OSError as error:
        return warn(text.format(error.strerror), about=about or "")
    except WrapperError as error:
        return bool(error.args) and warn(str(error), about=about or "")
    return True


def _wrapper(path: str) -> tuple[Wrapper | None, str]:
    try:
        return locate(path)
    except WrapperError:
        return None, path

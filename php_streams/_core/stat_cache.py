"""What stat() and its kin said of the last name, for who wants PHP's answers (= BG(CurrentStatFile)).

PHP remembers one answer of stat and one of lstat until another name is asked for, or until it changes a name
itself.  Here that is so where the setting php_streams.stat_cache is "php"; else every answer is a new one.
"""

from __future__ import annotations

import os
import stat
from contextvars import ContextVar

from php_streams._core import ini

Answer = tuple[str, os.stat_result] | None

_of_stat: ContextVar[Answer] = ContextVar("of_stat", default=None)
_of_lstat: ContextVar[Answer] = ContextVar("of_lstat", default=None)


def is_wanted() -> bool:
    """Whether the program wants PHP's answers."""
    return ini.get("php_streams.stat_cache") == "php"


def known(path: str, follow: bool) -> os.stat_result | None:
    """The answer that is remembered for this name."""
    if not is_wanted():
        return None
    answer = (_of_stat if follow else _of_lstat).get()
    return answer[1] if answer is not None and answer[0] == path else None


def keep(path: str, follow: bool, status: os.stat_result) -> None:
    """Remembers an answer; lstat's is stat's too, where there is no link."""
    if not follow:
        _of_lstat.set((path, status))
    if follow or not stat.S_ISLNK(status.st_mode):
        _of_stat.set((path, status))


def forget() -> None:
    """The next answers are new ones."""
    _of_stat.set(None)
    _of_lstat.set(None)

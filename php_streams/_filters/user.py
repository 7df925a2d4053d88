"""Filters that are classes of the user's own (= ext/standard/user_filters.c)."""

from __future__ import annotations

from typing import Any

from php_streams._core.buckets import Brigade
from php_streams._core.diagnostics import warn, warn_while_raising
from php_streams._core.filters import Filter, Outcome
from php_streams._core.values import cast_int
from php_streams.constants import PSFS_FLAG_FLUSH_CLOSE, PSFS_PASS_ON

UNPROCESSED = "Unprocessed filter buckets remaining on input brigade"


class UserFilter(Filter):
    """An object of the user's class in a stream."""

    __slots__ = ("object",)

    def __init__(self, name: str, instance: Any) -> None:
        super().__init__(name)
        self.object = instance

    def run(self, buckets: list[bytes], flags: int) -> Outcome:
        """Calls filter(in, out, consumed, closing), and takes what it left in `out`."""
        before, after = Brigade(buckets), Brigade([])
        stream = self.owner() if self.owner is not None else None
        self.object.stream = stream
        raw = stream.raw if stream is not None and stream.is_open else None
        if raw is not None:
            could_close, raw.closed_by_fclose = raw.closed_by_fclose, False
        try:
            status, consumed = _result(self._method()(before, after, 0, flags == PSFS_FLAG_FLUSH_CLOSE))
        except BaseException:
            if before.buckets:
                warn_while_raising(UNPROCESSED)
            raise
        finally:
            if raw is not None:
                raw.closed_by_fclose = could_close
            self.object.stream = None
            left, made = before.end(), after.end()
        if left:
            warn(UNPROCESSED)
        return status, made if status == PSFS_PASS_ON else [], consumed

    def _method(self) -> Any:
        method = getattr(self.object, "filter", None)
        if method is None:
            name = type(self.object).__name__
            raise RuntimeError(
                f'Invalid callback {name}::filter, class {name} does not have a method "filter"'
            )
        return method

    def close(self) -> None:
        """Calls onClose."""
        closing = getattr(self.object, "onClose", None)
        if closing is not None:
            closing()


def _result(result: Any) -> tuple[int, int]:
    """What filter() returned: a status, with the number of bytes that were consumed (rule R3)."""
    if isinstance(result, tuple) and len(result) == 2:
        return cast_int(result[0]), cast_int(result[1])
    return cast_int(result), 0


def make(name: str, class_: Any, params: Any) -> Filter | None:
    """An object of the class as a filter; None when its onCreate refuses."""
    instance = class_.__new__(class_)
    instance.filtername, instance.params, instance.stream = name, params, None
    creating = getattr(instance, "onCreate", None)
    if creating is not None and creating() is False:
        return None
    return UserFilter(name, instance)

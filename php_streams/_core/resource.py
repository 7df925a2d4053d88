"""Resources: numbered handles that stay what they are after they were closed (rule R4)."""

from __future__ import annotations

import itertools
from typing import Any

# 1, 2 and 3 are PHP's STDIN, STDOUT and STDERR.
_numbers = itertools.count(4)


class Resource:
    """A handle as PHP knows it: a number, a type, true even when it is closed."""

    __slots__ = ("__weakref__", "number")
    type_name = "Unknown"
    php_type = "resource"  # in PHP's messages; a closed one is named the same

    def __init__(self) -> None:
        self.number = next(_numbers)

    @property
    def is_open(self) -> bool:
        """Whether the handle may still be used."""
        raise NotImplementedError

    def __int__(self) -> int:
        return self.number

    __index__ = __int__

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<Resource id #{self.number} of type ({self.type_name if self.is_open else 'Unknown'})>"

    def __copy__(self) -> Any:
        return self  # a handle is not copied, in PHP either

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self

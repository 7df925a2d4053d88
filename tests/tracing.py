"""Trace and profile functions for as long as a block takes; then the one before is back.

Coverage measures through the thread's trace function: a test that leaves None behind ends it for all that
follow.  An exception that a trace function raises takes the function away, so that a block that is left by it
is not traced any further.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def traced(function: Callable[..., Any]) -> Iterator[None]:
    """`sys.settrace`."""
    before = sys.gettrace()
    sys.settrace(function)
    try:
        yield
    finally:
        sys.settrace(before)


@contextmanager
def profiled(function: Callable[..., Any]) -> Iterator[None]:
    """`sys.setprofile`."""
    before = sys.getprofile()
    sys.setprofile(function)
    try:
        yield
    finally:
        sys.setprofile(before)

"""What a test changes for the whole program and does not put back: handlers, settings, wrappers, filters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from php_streams import _filters, _wrappers
from php_streams._core import context, diagnostics, ini

STATE = (
    diagnostics.handlers,
    diagnostics.reporting,
    diagnostics.last_error,
    ini._changed,
    context._default,
    _filters.registered,
    _wrappers._served,
)


@pytest.fixture(autouse=True)
def state_of_its_own() -> Iterator[None]:
    """No handler, last error, changed setting, filter or wrapper is left for the next test."""
    tokens = [variable.set(variable.get()) for variable in STATE]
    yield
    for variable, token in zip(STATE, tokens, strict=True):
        variable.reset(token)

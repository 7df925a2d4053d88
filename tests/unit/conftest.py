"""What every unit test starts with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from php_streams._core import context, diagnostics, ini

STATE = (
    diagnostics.handlers,
    diagnostics.reporting,
    diagnostics.last_error,
    ini._changed,
    context._default,
)


@pytest.fixture(autouse=True)
def state_of_its_own() -> Iterator[None]:
    """No handler, no last error, no changed setting is left for the next test."""
    tokens = [variable.set(variable.get()) for variable in STATE]
    yield
    for variable, token in zip(STATE, tokens, strict=True):
        variable.reset(token)

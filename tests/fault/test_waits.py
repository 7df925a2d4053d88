"""A signal handler that raises an OSError in a call that waits: it arrives at once, and nothing is lost.

The calls are in waits.py and waits_sockets.py.
"""

from __future__ import annotations

import json

import pytest

from tests.descriptors import only_where_listed
from tests.fault.waits import ERRORS
from tests.fault.waits_sockets import WAITS
from tests.programs import run_python

AT_ONCE = 3  # seconds

pytestmark = only_where_listed


@pytest.mark.parametrize("error", ERRORS)
def test_it_arrives(error: str) -> None:
    options = ("-bb", "-X", "dev", "-W", "error")
    code, out, told = run_python(*options, "-m", "tests.fault.waits", error, seconds=100)
    results = {row[0]: row[1:] for row in map(json.loads, out.splitlines())}
    assert code == 0 and set(results) == set(WAITS), told
    wrong = {
        name: (result, seconds, after)
        for name, (result, seconds, after) in results.items()
        if result != "raised" or seconds > AT_ONCE or after
    }
    assert not wrong
    assert "Exception ignored" not in told and "Warning" not in told

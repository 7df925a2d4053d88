"""A signal's handler that raises anywhere loses no byte: sockets, pipes, files and TLS, all ways to read."""

from __future__ import annotations

import json
import random

import pytest

from tests.programs import run_python

READS = 60  # kinds of streams times ways to read
SECONDS = 60  # where coverage is measured it takes several times as long


@pytest.mark.timeout(2.5 * SECONDS)
def test_no_byte_is_lost() -> None:
    interruptions = 0
    for _ in range(2):
        seed = str(random.randrange(10**6))
        code, out, error = run_python("-m", "tests.fault.interrupted", seed, seconds=SECONDS)
        results = [json.loads(line) for line in out.splitlines()]
        assert code == 0 and len(results) == READS, (seed, error)
        assert not [result for result in results if not result[3]], seed
        interruptions += sum(result[2] for result in results)
    assert interruptions > 100

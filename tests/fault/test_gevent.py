"""gevent: streams wait in its event loop when it has patched Python before they were imported."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).with_name("gevent_programs.py")
HELPERS = {"ticker", "together", "slow_echo", "main"}
NAMES = [
    node.name
    for node in ast.parse(PROGRAMS.read_text("utf-8")).body
    if isinstance(node, ast.FunctionDef) and node.name not in HELPERS
]


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_held_up(name: str) -> None:
    pytest.importorskip("gevent", reason="gevent is not installed: it comes with the extra test")
    environment = os.environ | {"PYTHONPATH": str(PROGRAMS.parents[2])}
    done = subprocess.run(
        [sys.executable, str(PROGRAMS), name],
        capture_output=True,
        text=True,
        env=environment,
        timeout=50,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("well\n", "")

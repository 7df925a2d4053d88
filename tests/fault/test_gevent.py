"""gevent: streams wait in its event loop when it has patched Python before they were imported."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.programs import run_python

PROGRAMS = Path(__file__).with_name("gevent_programs.py")
HELPERS = {"ticker", "thread", "together", "slow_echo", "main"}
NAMES = [
    node.name
    for node in ast.parse(PROGRAMS.read_text("utf-8")).body
    if isinstance(node, ast.FunctionDef) and node.name not in HELPERS
]


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_held_up(name: str) -> None:
    pytest.importorskip("gevent", reason="gevent is not installed: it comes with the extra test")
    assert run_python(str(PROGRAMS), name, seconds=50) == (0, "well\n", "")

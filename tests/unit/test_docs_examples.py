"""The documentation's sessions (`>>>`) are run: what they show is what comes out."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [path.name for path in sorted(DOCS.glob("*.md")) if "\n>>> " in path.read_text("utf-8")]


@pytest.mark.parametrize("page", PAGES)
def test_sessions(page: str) -> None:
    """Every one of a page's."""
    failed, tried = doctest.testfile(str(DOCS / page), module_relative=False, encoding="utf-8")
    assert tried
    assert not failed


def test_the_pages_with_sessions_are_found() -> None:
    """Else nothing above would fail."""
    assert "network.md" in PAGES

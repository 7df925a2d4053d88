"""Collects the ``*.case`` files below this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.items import CaseFile


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A case file holds one item for each php and one for Python."""
    return CaseFile.from_parent(parent, path=file_path) if file_path.suffix == ".case" else None

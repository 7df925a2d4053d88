"""Collects the ``*.case`` files below this folder, and sums them up at the end of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.items import CaseFile
from tests.conformance.php_found import find
from tests.conformance.summary import write_summary


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A case file holds one item for each php and one for Python."""
    return CaseFile.from_parent(parent, path=file_path) if file_path.suffix == ".case" else None


def pytest_configure(config: pytest.Config) -> None:
    """Looks for php now: a wrong option should end the run before it begins."""
    find(config)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Cases by subject, and what they were compared with."""
    write_summary(terminalreporter, find(config))

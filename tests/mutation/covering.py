"""Which tests run a line: a coverage data file in which each line knows its tests.

Tests whose package code runs in processes of their own are no context of any line.  A line without a context
is tried with the tests of its neighbours; where there are none either, nothing watches it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import coverage

from tests.places import ROOT

#: pytest over everything, without php-cli; the data file is what this module reads.
COMMAND = (
    *("-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "--offline", "-p", "no:cacheprovider"),
    *("--cov=php_streams", "--cov-context=test", "--cov-report="),
)


def record(data: Path) -> None:
    """Runs the offline suite and leaves its coverage in `data`; minutes.

    Without setup.cfg's patches: a test that forks would close, in the child, the file that each context's
    lines are written to.
    """
    settings = data.absolute().with_suffix(".ini")
    settings.write_text("[run]\nsource = php_streams\n")
    env = {**os.environ, "COVERAGE_FILE": str(data.absolute())}
    # A failing test leaves data all the same.
    subprocess.run([sys.executable, *COMMAND, f"--cov-config={settings}"], cwd=ROOT, env=env, check=False)


#: More tests than run a function: an import runs the line, which names and tables are made of.
IMPORTED = 500
#: What holds the names and tables of the whole package, whichever test imports it first.
FACTS = ("tests/test_facts.py", "tests/test_face.py", "tests/contract")


class Covering:
    """The tests of each line."""

    def __init__(self, data: Path) -> None:
        read = coverage.CoverageData(str(data))
        read.read()
        self.lines: dict[str, dict[int, frozenset[str]]] = {}
        for name in read.measured_files():
            path = Path(name)
            if path.is_relative_to(ROOT):
                contexts = read.contexts_by_lineno(name)
                self.lines[path.relative_to(ROOT).as_posix()] = {
                    line: frozenset(found.partition("|")[0] for found in tests if found)
                    for line, tests in contexts.items()
                }
        self.weights: dict[str, int] = defaultdict(int)
        for lines in self.lines.values():
            for tests in lines.values():
                for test in tests:
                    self.weights[test] += 1

    def of(self, path: str, line: int, reach: int = 3) -> list[str]:
        """The tests that run this line, or one near it: those first that run little else.

        For a line that an import runs, the tests of the module's functions come first, which work with what
        it makes.
        """
        lines = self.lines.get(path, {})
        for distance in range(reach + 1):
            near = {line - distance, line + distance}
            if tests := set().union(*(lines.get(each, ()) for each in near)):
                if len(tests) > IMPORTED:
                    first = self._by_weight(self._functions(path))
                    return list(dict.fromkeys([*FACTS, *first, *self._by_weight(tests)]))
                return self._by_weight(tests)
        return []

    def _by_weight(self, tests: Iterable[str]) -> list[str]:
        """Those first that run little else."""
        return sorted(tests, key=lambda test: (self.weights[test], test))

    def _functions(self, path: str) -> set[str]:
        """The tests that run something of the module besides its import."""
        lines = self.lines[path].values()
        return set().union(*(tests for tests in lines if len(tests) <= IMPORTED))

    def known(self, paths: Iterable[str]) -> list[str]:
        """Those of these modules that some test runs."""
        return [path for path in paths if self.lines.get(path)]

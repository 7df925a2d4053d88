"""The conformance part of pytest's summary: cases by subject, and what they were compared with."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import pytest

from tests.conformance.php_found import Found
from tests.conformance.releases import PROPERTY, Changed, listing

MARK = "conformance/"


def write_summary(reporter: pytest.TerminalReporter, found: Found) -> None:
    """Writes nothing when no case was run."""
    cases: dict[str, set[str]] = defaultdict(set)
    runs: dict[str, list[bool]] = defaultdict(list)
    recorded: set[str] = set()
    for report in reports(reporter):
        path, _, item = report.nodeid.partition("::")
        kind, subject = path.partition(MARK)[2].split("/")[:2]
        cases[f"{kind}/{subject}"].add(path)
        for name, version in report.user_properties:
            if name == "recorded":
                recorded.add(str(version))
            if name == "php":
                runs[str(version)].append(report.outcome == "passed")
    if not cases:
        write_changes(reporter)
        return
    reporter.section("conformance cases", "-")
    by_kind: dict[str, dict[str, int]] = defaultdict(dict)
    for name, paths in sorted(cases.items()):
        kind, subject = name.split("/")
        by_kind[kind][subject] = len(paths)
    for kind, subjects in by_kind.items():
        for line in table(kind, subjects, shutil.get_terminal_size().columns):
            reporter.write_line(line)
    total = len(set().union(*cases.values()))
    reporter.write_line(f"{total} cases; {compared(found, runs, recorded)}")
    for problem in found.problems:
        reporter.write_line(f"not used: {problem}")
    write_changes(reporter)


def write_changes(reporter: pytest.TerminalReporter) -> None:
    """What a php of another point release than the recorded one printed otherwise."""
    every = (report for some in reporter.stats.values() for report in some)
    found = [
        Changed(*value)
        for report in every
        for name, value in getattr(report, "user_properties", ())
        if name == PROPERTY
    ]
    for line in listing(found):
        reporter.write_line(line)


def reports(reporter: pytest.TerminalReporter) -> Iterable[pytest.TestReport]:
    """The reports of the runs of case items."""
    for outcome in ("passed", "failed", "skipped", "xfailed"):
        for report in reporter.stats.get(outcome, []):
            if (
                getattr(report, "when", None) == "call"
                and ".case::" in report.nodeid
                and MARK in report.nodeid
            ):
                yield report


def table(kind: str, subjects: dict[str, int], width: int) -> list[str]:
    """``functions: fgets 12  fopen 3 ...``, as many to a line as fit."""
    lines, line = [], f"{kind} ({sum(subjects.values())}):"
    for subject, count in subjects.items():
        entry = f"  {subject} {count}"
        if len(line) + len(entry) > max(width, 60):
            lines.append(line)
            line = "   "
        line += entry
    return [*lines, line]


def compared(found: Found, runs: Mapping[str, Sequence[bool]], recorded: Collection[str]) -> str:
    """What php-cli had to say about them: how many of the cases run agreed."""
    if found.offline:
        return f"{found.offline}; Python against what php-cli printed when they were recorded"
    if recorded:
        return f"recorded from php-cli {', '.join(sorted(recorded, reverse=True))}"
    if not runs:
        return "no php-cli was run"
    parts = [
        f"{version} ({sum(good)} of {len(good)} agree)"
        for version, good in sorted(runs.items(), reverse=True)
    ]
    return f"live with php-cli {', '.join(parts)}"

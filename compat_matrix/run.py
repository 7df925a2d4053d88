"""``python -m compat_matrix run``: the whole suite against any php binary, and the Python twins.

Each case that was recorded from the binary's version is run in it and compared with its EXPECT; then each
Python twin with the newest EXPECT.  Results go to a table, and if asked for to JSON and JUnit XML.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import php_streams
from compat_matrix import CASES, MatrixError
from compat_matrix.coverage import label
from compat_matrix.reports import write_json, write_junit
from php_streams.porting.php_cli import PhpCli, PhpNotUsable, open_php
from tests.conformance.case import Case, CaseError, Expect, read_case, version_key
from tests.conformance.namespace import Unavailable
from tests.conformance.php_side import run_php
from tests.conformance.python_side import run_python
from tests.conformance.releases import Changed, another, listing
from tests.conformance.side_by_side import side_by_side
from tests.conformance.transcript import Transcript
from tests.conformance.twins import check_twins

SECONDS = 60  # for a Python twin


@dataclass(frozen=True)
class Job:
    """One case to run with one program; `php` is None for Python."""

    case: Case
    expect: Expect
    who: str
    php: PhpCli | None = None


@dataclass(frozen=True)
class Result:
    """How a job went: `problems` stand in the way of trusting what was printed.

    `not_run` says what this system does not give that the case needs.
    """

    job: Job
    printed: tuple[str, ...]
    problems: tuple[str, ...]
    seconds: float
    detail: str = field(default="")
    not_run: str = field(default="")

    @property
    def good(self) -> bool:
        """Was the expected transcript printed, and nothing in its way?"""
        return not self.problems and not self.not_run and self.printed == self.job.expect.lines

    @property
    def changed(self) -> Changed | None:
        """What another point release than the recorded one printed otherwise."""
        php, case = self.job.php, self.job.case
        if self.good or self.not_run or self.problems or php is None or php.series not in case.releases:
            return None
        recorded, own = case.releases[php.series], self.job.expect == case.expected(php.series)
        if not own or not another(php.version, recorded):
            return None
        return Changed(php.version, recorded, label(case))

    @property
    def older(self) -> bool:
        """Does only an older release than the recorded one print something else?"""
        return self.changed is not None and not self.changed.newer

    @property
    def wrong(self) -> bool:
        """Was something else printed, and not by an older release?"""
        return not self.good and not self.not_run and not self.older

    @property
    def report(self) -> str:
        """Both transcripts side by side, and what went wrong."""
        titles = f"EXPECT {' '.join(self.job.expect.releases)}", self.job.who
        table = side_by_side(titles[0], self.job.expect.lines, titles[1], self.printed)
        return "\n".join([*self.problems, *table, *([self.detail.rstrip()] if self.detail else [])])


def run(options: argparse.Namespace) -> int:
    """Runs, shows, writes; 1 when anything differs."""
    for report in filter(None, (options.json, options.junit)):
        if not report.absolute().parent.is_dir():
            raise MatrixError(f"{report} cannot be written: there is no folder {report.absolute().parent}")
    # A descriptor of our own: Python twins have 1, 2 and sys.stderr to themselves while they run.
    with open(os.dup(2), "w", encoding="utf-8", closefd=True) as out:
        console = Console(file=out)
        php = open_all(options.php)
        cases = choose(options.only)
        jobs = list(plan(cases, php, options.as_version, not options.no_python))
        results = perform(jobs, options.jobs, console)
        show(results, console)
    if options.json:
        write_json(options.json, php, results)
    if options.junit:
        write_junit(options.junit, results)
    return int(any(result.wrong for result in results))


def open_all(paths: Iterable[Path]) -> list[PhpCli]:
    """Each binary, asked for its version; `MatrixError` for what is no php-cli."""
    found = []
    for path in paths:
        try:
            found.append(open_php(path))
        except PhpNotUsable as error:
            raise MatrixError(str(error)) from None
    return found


def choose(only: Sequence[str]) -> list[Case]:
    """The cases below these folders; `MatrixError` lists broken ones, each with its line and the reason."""
    paths: set[Path] = set()
    for name in only or ["."]:
        found = CASES / name
        more = [found] if found.suffix == ".case" and found.is_file() else list(found.rglob("*.case"))
        if not more:
            raise MatrixError(f"--only {name}: no cases there, below {CASES}")
        paths.update(more)
    cases, broken = [], []
    for path in sorted(paths):
        try:
            case = read_case(path)
            check_twins(case, php_streams.__all__)
            cases.append(case)
        except CaseError as error:
            broken.append(str(error))
    if broken:
        raise MatrixError("\n".join(["broken case files:", *broken]))
    return cases


def plan(
    cases: Sequence[Case], binaries: Sequence[PhpCli], as_version: str | None, python: bool
) -> Iterator[Job]:
    """What is to be run; `MatrixError` for a version that no case was recorded from."""
    known = sorted({version for case in cases for version in case.versions}, key=version_key)
    for php in binaries:
        version = as_version or php.series
        if version not in known:
            raise MatrixError(
                f"{php.path} is PHP {php.version}: no case was recorded from {version}"
                f" (known: {', '.join(known)});"
                f" --as {known[-1] if known else 'X.Y'} compares it with what that version printed"
            )
        for case in cases:
            if expect := case.expected(version):
                yield Job(case, expect, f"php {php.version}", php)
    for case in cases if python else ():
        if case.newest:
            yield Job(case, case.newest, "Python")


def perform(jobs: Sequence[Job], at_once: int, console: Console) -> list[Result]:
    """PHP's jobs in threads, each being a process of its own; then Python's in this one, one by one."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    results = []
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("running", total=len(jobs))

        def note(result: Result) -> None:
            results.append(result)
            wrong = sum(each.wrong for each in results)
            progress.update(task, advance=1, description=f"{result.job.who}, {wrong} differ")

        with ThreadPoolExecutor(at_once) as pool:
            for result in pool.map(timed, [job for job in jobs if job.php]):
                note(result)
        for job in jobs:
            if not job.php:
                note(timed(job))
    return results


def timed(job: Job) -> Result:
    """Runs one job; what the harness itself stumbles over is a problem of the case."""
    start = time.perf_counter()
    try:
        transcript = play(job)
    except Unavailable as error:
        return Result(job, (), (), time.perf_counter() - start, not_run=str(error))
    except (CaseError, OSError, RuntimeError, Overtime) as error:
        transcript = Transcript(problems=[f"{type(error).__name__}: {error}"])
    seconds = time.perf_counter() - start
    return Result(job, tuple(transcript.lines), tuple(transcript.problems), seconds, transcript.detail)


def play(job: Job) -> Transcript:
    """The transcript of this case with this program."""
    if job.php:
        return run_php(job.case, job.php)
    with deadline(SECONDS):
        return run_python(job.case)


class Overtime(BaseException):
    """A twin did not end; not an `Exception`, so that nothing under test takes it for its own."""


@contextlib.contextmanager
def deadline(seconds: int) -> Iterator[None]:
    """Interrupts what takes longer; php has its own deadline."""

    def stop(number: int, frame: object) -> None:
        raise Overtime(f"did not end within {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def show(results: Sequence[Result], console: Console) -> None:
    """A table of what differs, then one of sums."""
    wrong = [result for result in results if result.wrong]
    for result in wrong:
        console.rule(f"{result.job.who}  {label(result.job.case)}", align="left")
        console.print(result.job.case.title, highlight=False, markup=False)
        console.print(result.report, highlight=False, markup=False, soft_wrap=True)
    heads = "", "cases", "agree", "differ", "differ, older", "not run"
    sums = Table(*heads, title=f"Agreement with what was recorded: {recorded_from(results)}")
    for who in dict.fromkeys(result.job.who for result in results):
        own = [result for result in results if result.job.who == who]
        good, bad = sum(result.good for result in own), sum(result.wrong for result in own)
        older = sum(result.older for result in own)
        sums.add_row(who, *map(str, (len(own), good, bad, older, len(own) - good - bad - older)))
    if wrong:
        differing = Table("case", "differs in", title="Differences")
        for name in dict.fromkeys(label(result.job.case) for result in wrong):
            differing.add_row(name, ", ".join(r.job.who for r in wrong if label(r.job.case) == name))
        console.print(differing)
    console.print(sums)
    for line in listing(result.changed for result in results if result.changed):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    for reason in dict.fromkeys(result.not_run for result in results if result.not_run):
        console.print(f"not run: {reason}", highlight=False, markup=False)
    if not results:
        print("compat_matrix: nothing to run", file=sys.stderr)


def recorded_from(results: Iterable[Result]) -> str:
    """PHP 8.4.28, 8.2.36: the point releases behind the transcripts that were compared with."""
    releases = {release for result in results for release in result.job.expect.releases}
    return "PHP " + ", ".join(sorted(releases, key=version_key, reverse=True)) if releases else "nothing"

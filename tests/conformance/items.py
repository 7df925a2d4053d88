"""The test items of a case file: one for each php-cli that it has an EXPECT for, and one for Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from php_streams.porting.php_cli import PhpCli
from tests.conformance.case import Case, CaseError, Expect, merge, read_case, series_of, write_expects
from tests.conformance.namespace import Unavailable
from tests.conformance.php_found import find
from tests.conformance.php_side import run_php
from tests.conformance.python_side import run_python
from tests.conformance.releases import PROPERTY, Changed, another
from tests.conformance.side_by_side import side_by_side
from tests.conformance.transcript import Transcript
from tests.conformance.twins import check_twins

SECONDS = 60  # for one item, where pytest-timeout is installed


class Mismatch(Exception):
    """A case that failed; the text is the whole report."""


@cache
def php_names() -> frozenset[str]:
    """The names that have to stand in the same order on both sides."""
    import php_streams

    return frozenset(getattr(php_streams, "__all__", ()))


def checked(path: Path) -> Case:
    """The case, read and found well formed."""
    case = read_case(path)
    check_twins(case, php_names())
    return case


def label(path: Path) -> str:
    """functions/fgets/cut_by_timeout: a case's place, without what all have in common."""
    return "/".join(path.with_suffix("").parts[-3:])


class CaseFile(pytest.File):
    """One ``*.case`` file."""

    def collect(self) -> Iterator[pytest.Item]:
        """With --record one item; else one for each php that the case has an EXPECT for, and Python's."""
        try:
            case = checked(self.path)
        except CaseError as error:
            raise self.CollectError(str(error)) from None
        if self.config.option.record:
            yield self.item(RecordItem, "record", case)
            return
        for php in find(self.config).php:
            if case.expected(php.series):
                yield self.item(PhpItem, f"php-{php.series}", case, php)
        yield self.item(PythonItem, "python", case)

    def item(self, kind: type[CaseItem], name: str, case: Case, php: PhpCli | None = None) -> CaseItem:
        """One item of this case."""
        item: CaseItem = kind.from_parent(self, name=name)
        item.case, item.php = case, php
        if self.config.pluginmanager.has_plugin("timeout"):
            item.add_marker(pytest.mark.timeout(SECONDS * (4 if kind is RecordItem else 1)))
        return item


class CaseItem(pytest.Item):
    """What the items have in common."""

    case: Case
    php: PhpCli | None

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The report as it is; a traceback through the harness would tell nothing about the case."""
        if isinstance(excinfo.value, (Mismatch, CaseError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the case is, and what it says."""
        return self.path, None, f"{self.nodeid}: {self.case.title}"

    def compare(self, expect: Expect, transcript: Transcript, who: str) -> None:
        """Raises `Mismatch` unless the transcript is the expected one and nothing stands in its way."""
        if tuple(transcript.lines) == expect.lines and not transcript.problems:
            return
        parts = [f"{self.case.path}: {self.case.title}", *transcript.problems]
        parts += side_by_side(f"EXPECT {' '.join(expect.releases)}", expect.lines, who, transcript.lines)
        if transcript.detail:
            parts += ["", transcript.detail.rstrip()]
        raise Mismatch("\n".join(parts))

    def run_python(self, case: Case) -> None:
        """Python against the newest EXPECT."""
        if case.newest is None:
            raise Mismatch(f"{case.path}: there is no EXPECT section; record it: pytest {case.path} --record")
        self.compare(case.newest, run_python(case), "Python")


class PhpItem(CaseItem):
    """php-cli against the EXPECT that names its version."""

    def runtest(self) -> None:
        """Runs the PHP twin."""
        assert self.php is not None
        expect = self.case.expected(self.php.series)
        assert expect is not None
        try:
            transcript = run_php(self.case, self.php)
        except Unavailable as error:
            pytest.skip(str(error))
        self.user_properties.append(("php", self.php.version))
        try:
            self.compare(expect, transcript, f"php {self.php.version}")
        except Mismatch as difference:
            recorded = self.case.releases[self.php.series]
            if transcript.problems or not another(self.php.version, recorded):
                raise
            self.differ(Changed(self.php.version, recorded, label(self.path)), difference)

    def differ(self, change: Changed, difference: Mismatch) -> None:
        """Notes it for the summary; fails where a newer php was asked for, else says that it was expected."""
        self.user_properties.append((PROPERTY, astuple(change)))
        if change.newer and find(self.config).asked:
            raise Mismatch(f"{change.reason}; record the case anew: --record\n{difference}") from None
        pytest.xfail(change.reason)


class PythonItem(CaseItem):
    """Python against the newest EXPECT."""

    def runtest(self) -> None:
        """Runs the Python twin."""
        try:
            self.run_python(self.case)
        except Unavailable as error:
            pytest.skip(str(error))


class RecordItem(CaseItem):
    """Writes the EXPECT sections, then compares Python with them."""

    def runtest(self) -> None:
        """Each php is run twice, and both runs have to print the same.

        An older one that cannot be recorded keeps the newest from nothing: the others are written before it
        is a failure.
        """
        case = self.case
        kept = {release: expect.lines for expect in case.expects for release in expect.releases}
        recorded: dict[str, tuple[str, ...]] = {}
        faults = []
        for php in self.chosen():
            try:
                recorded[php.version] = self.transcribe(php)
            except Mismatch as fault:
                if not recorded:
                    raise
                faults.append(f"{fault}\n(or say in --WITHOUT {php.series}-- why this version cannot run it)")
            else:
                self.user_properties.append(("recorded", php.version))
        again = set(map(series_of, recorded))
        for release in list(kept):
            if series_of(release) in again or case.leaves_out(series_of(release)):
                del kept[release]
        if write_expects(case, merge(kept | recorded)):
            self.add_report_section(
                "call", "record", f"{case.path}: EXPECT {' '.join(sorted(recorded))} written\n"
            )
        if faults:
            raise Mismatch("\n".join(faults))
        self.run_python(checked(case.path))

    def chosen(self) -> Sequence[PhpCli]:
        """Every php found, newest first, but those that the case leaves out."""
        return [php for php in find(self.config).php if not self.case.leaves_out(php.series)]

    def transcribe(self, php: PhpCli) -> tuple[str, ...]:
        """What this php prints, if it prints it every time and nothing went wrong."""
        first, second = run_php(self.case, php), run_php(self.case, php)
        problems = first.problems + second.problems
        if problems:
            raise Mismatch(
                "\n".join([f"{self.case.path}: not recorded, php {php.version}:", *problems, first.text])
            )
        if first.lines != second.lines:
            table = side_by_side("first run", first.lines, "second run", second.lines)
            raise Mismatch(
                "\n".join([f"{self.case.path}: not recorded, php {php.version} is not stable:", *table])
            )
        return tuple(first.lines)

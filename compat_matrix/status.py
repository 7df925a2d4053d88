"""``python -m compat_matrix status``: coverage by chapter and function, as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from compat_matrix import MatrixError
from compat_matrix.coverage import Subject, data_faults, share, subjects
from compat_matrix.scope import SERIES, TITLES

HEAD = ("", "state", "cases", *(f"php {version}" for version in SERIES), "claims", "decisions")


def status(wanted: Sequence[str], show_open: bool) -> int:
    """Prints the tables of these chapters or functions (all, if none are named), and sums.

    1 when a case cites what the manual does not have, a function has no decision, or a wait is over; else 0.
    """
    chosen = list(select(wanted))
    for chapter, title in TITLES.items():
        if group := [each for each in chosen if each.chapter == chapter]:
            print(f"\n{title}")
            print_table([HEAD, *(row(each) for each in group)])
            if show_open:
                print_open(group)
    print("\nChapters")
    print_table([HEAD, *sums(chosen)])
    faults = data_faults()
    print("\n".join(["", *faults]) if faults else "")
    return bool(faults)


def select(wanted: Sequence[str]) -> Iterator[Subject]:
    """The subjects of these chapters, or with these names or ids; `MatrixError` for a name of nothing."""
    for name in wanted:
        if name not in TITLES and not any(name in names(each) for each in subjects()):
            raise MatrixError(f"{name}: no chapter ({', '.join(TITLES)}), function or page")
    for each in subjects():
        if not wanted or each.chapter in wanted or names(each) & set(wanted):
            yield each


def names(subject: Subject) -> set[str]:
    """What somebody may call it."""
    return {subject.name, subject.page.id if subject.page else ""}


def row(subject: Subject) -> tuple[str, ...]:
    """Of one subject."""
    return (
        subject.name[:48],
        subject.state,
        str(len(subject.cases) or ""),
        *(live(subject, version) for version in SERIES),
        subject.share,
        ", ".join(each.id for each in subject.deviations),
    )


def live(subject: Subject, version: str) -> str:
    """``12``, or ``12 (3 differ)``: the cases of this version, and how many print something else."""
    count, other = subject.live(version), subject.differs(version)
    return f"{count} ({other} differ)" if other else str(count or "")


def sums(chosen: Iterable[Subject]) -> Iterator[tuple[str, ...]]:
    """A row for each chapter, and one for all."""
    chosen = list(chosen)
    groups = [(title, [s for s in chosen if s.chapter == chapter]) for chapter, title in TITLES.items()]
    for title, group in [*groups, ("all", chosen)]:
        if group:
            cases = {case.path: case for each in group for case in each.cases}.values()
            done = [each for each in group if each.state == "done"]
            yield (
                title,
                f"{len(done)}/{len(group)} done, claims of these {share(done) or 0}",
                str(len(cases)),
                *(str(sum(version in case.versions for case in cases)) for version in SERIES),
                share(group),
                str(sum(len(s.deviations) for s in group) or ""),
            )


def print_open(group: Iterable[Subject]) -> None:
    """The claims that nothing settles, and those that wait, with what for."""
    for subject in group:
        for claim in subject.waiting:
            print(f"  waits for {claim.reason}  {claim.id}")
        for claim in subject.open:
            print(f"  open  {claim.id}  {claim.reason}".rstrip())


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as they need to be."""
    widths = [max(len(line[column]) for line in rows) for column in range(len(HEAD))]
    for line in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())

"""Citations that show nothing, and rows that say what a citation leaves out.

That a case names a claim is somebody's word.  Where a program can see that the case does not bear it out, it
is a fault: a change between two recorded versions is shown by what they print differently, by nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compat_matrix.automatic import settled, sides
from compat_matrix.decisions import decisions
from compat_matrix.manual import find_claim, pages
from tests.conformance.case import Case

Citations = Mapping[str, Sequence[Case]]


def citation_faults(cited: Citations) -> list[str]:
    """Changes that no case shows, and rows about parts of claims of which no case shows any."""
    return [*changes_unseen(cited), *parts_alone(cited), *decided_twice(cited)]


def changes_unseen(cited: Citations) -> list[str]:
    """The cited rows of changelogs whose cases print the same on both sides of the change.

    Facts may settle such a row, or [[wrong]] say that nothing changed.
    """
    found = []
    for page in pages().values():
        for claim, change in page.changes.items():
            name, between = f"{page.id}#{claim}", sides(change["version"])
            if name not in cited or not between or name in decisions().wrong or settled(page, claim) == "":
                continue
            if not any(differs(case, *between) for case in cited[name]):
                found.append(f"{name}: its cases show no difference between PHP {' and '.join(between)}")
    return found


def differs(case: Case, before: str, after: str) -> bool:
    """Did these two versions print something else?"""
    one, other = case.expected(before), case.expected(after)
    return one is not None and other is not None and one.lines != other.lines


def parts_alone(cited: Citations) -> list[str]:
    """[[part]] is for claims that a case shows but for a part."""
    return [f"[[part]] {name}: no case cites it" for name in decisions().parts if name not in cited]


def decided_twice(cited: Citations) -> list[str]:
    """[[claim]] says that no case shows it: then none may cite it."""
    found = []
    for name in decisions().claims.keys() & cited.keys():
        page, _ = find_claim(name)
        found.append(f"[[claim]] {name}: a case cites it ({page.name})")
    return sorted(found)

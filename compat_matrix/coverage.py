"""Joins claims, cases, facts and decisions: what of the manual is checked, and by what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import php_streams
from compat_matrix import CASES, MatrixError
from compat_matrix.automatic import later, settled
from compat_matrix.decisions import Deviation, decisions, undecided
from compat_matrix.manual import Page, pages
from compat_matrix.scope import SERIES, facts, functions
from compat_matrix.shown import citation_faults
from compat_matrix.waits import wait_faults, waits_for
from tests.conformance.case import Case, CaseError, read_case

#: Where several share a page.
WRAPPER_PAGES = {
    "https": "http",
    "ftps": "ftp",
    "compress.zlib": "compression",
    "compress.bzip2": "compression",
}
FILTER_PAGES = {
    "zlib.": "compression.zlib",
    "bzip2.": "compression.bzip2",
    "convert.base64": "convert.base64",
    "convert.quoted": "covert.quoted-printable",  # so spelt in the manual
    "convert.iconv": "convert.iconv",
    "convert.*": "convert",
}
#: How a claim is settled, best first.
STATES = ("case", "part", "facts", "decision", "later", "waits", "open")


@dataclass(frozen=True)
class Claim:
    """A claim and what settles it: the cases that cite it, or a reason."""

    id: str
    state: str
    cases: tuple[Case, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Subject:
    """What cases are about: a function, or a page that is none; `page` may be missing in the manual."""

    name: str
    chapter: str
    kind: str
    page: Page | None
    cases: tuple[Case, ...]
    claims: tuple[Claim, ...]
    deviations: tuple[Deviation, ...] = field(default=())

    @cached_property
    def state(self) -> str:
        """done, wanted or not wanted; what is no function is done as soon as there are cases."""
        if self.kind == "function" and self.name in functions():
            if hasattr(php_streams, self.name):  # not all come with the star: dir is a builtin of Python's
                return "done"
            return "not wanted" if self.name in decisions().not_wanted else "wanted"
        return "done" if self.cases else "wanted"

    @property
    def counted(self) -> list[Claim]:
        """The claims that count: not those about a PHP newer than any recorded."""
        return [claim for claim in self.claims if claim.state != "later"]

    @property
    def open(self) -> list[Claim]:
        """The claims that nothing settles."""
        return [claim for claim in self.claims if claim.state == "open"]

    @property
    def waiting(self) -> list[Claim]:
        """The claims that cannot be shown before something else is there."""
        return [claim for claim in self.claims if claim.state == "waits"]

    @property
    def covered(self) -> int:
        """How many of the claims that count are settled."""
        return len(self.counted) - len(self.open) - len(self.waiting)

    @property
    def share(self) -> str:
        """``15/18, 3 wait``: the settled claims, of all that count."""
        return share([self])

    def live(self, version: str) -> int:
        """How many cases that version printed."""
        return sum(version in case.versions for case in self.cases)

    def differs(self, version: str) -> int:
        """How many cases that version printed otherwise than the newest did."""
        found = [(case.expected(version), case.newest) for case in self.cases]
        return sum(one is not None and other is not None and one.lines != other.lines for one, other in found)


def share(group: Sequence[Subject]) -> str:
    """The same of several; nothing where nothing counts."""
    every, waiting = sum(len(each.counted) for each in group), sum(len(each.waiting) for each in group)
    settled = sum(each.covered for each in group)
    return (f"{settled}/{every}" + (f", {waiting} wait" if waiting else "")) if every else ""


def label(case: Case) -> str:
    """A case's path below tests/conformance, without its ending."""
    return case.path.relative_to(CASES).with_suffix("").as_posix()


def read_cases(folder: Path = CASES) -> list[Case]:
    """Every case file; `MatrixError` lists the broken ones with line and reason."""
    cases, broken = [], []
    for path in sorted(folder.rglob("*.case")):
        try:
            cases.append(read_case(path))
        except CaseError as error:
            broken.append(str(error))
    if broken:
        raise MatrixError("\n".join(broken))
    return cases


def page_of(kind: str, subject: str) -> str:
    """The page of the manual that a folder of cases stands for; there may be none."""
    if kind == "functions":
        return f"function.{subject.replace('_', '-').lower()}"
    if kind == "context":
        return f"context.{subject.partition('.')[0]}"
    if kind == "transports":
        return "transports.unix" if subject in ("unix", "udg") else "transports.inet"
    if kind == "wrappers":
        return f"wrappers.{WRAPPER_PAGES.get(subject, subject)}"
    shared = (page for start, page in FILTER_PAGES.items() if subject.startswith(start))
    return f"filters.{next(shared, subject)}"


def by_page(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """Page -> the cases in its folder and those that cite it."""
    found: dict[str, dict[Path, Case]] = defaultdict(dict)
    for case in cases:
        cited = {name.partition("#")[0] for name in case.see}
        for page in cited | {page_of(*label(case).split("/")[:2])}:
            found[page][case.path] = case
    return {page: list(group.values()) for page, group in found.items()}


def citations(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """Claim -> the cases that cite it; a case that was not recorded shows nothing yet."""
    found: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        for name in case.see if case.expects else ():
            if "#" in name:
                found[name].append(case)
    return found


def wrong_citations(cases: Iterable[Case]) -> list[str]:
    """The --SEE-- ids of claims that the manual does not have."""
    every = {f"{page.id}#{claim}" for page in pages().values() for claim in page.claims}
    wrong = [(case, name) for case in cases for name in case.see if "#" in name and name not in every]
    return [f"{case.path}: --SEE-- {name}: the manual has no such claim" for case, name in wrong]


def data_faults() -> list[str]:
    """What keeps the matrix from being made.

    Citations of nothing, or that show nothing, functions undecided, waits that are over.
    """
    cases = read_cases()
    cited = citations(cases)
    faults = wrong_citations(cases) + citation_faults(cited) + wait_faults(set(cited))
    return faults + [f"{name}: has no row in decisions.toml" for name in undecided()]


def settle(page: Page, claim: str, cited: dict[str, list[Case]]) -> Claim:
    """What settles one claim."""
    name = f"{page.id}#{claim}"
    if cases := cited.get(name):
        missing = decisions().parts.get(name, "")
        return Claim(name, "part" if missing else "case", tuple(cases), missing)
    if later(page, claim):
        return Claim(name, "later", reason="of a PHP newer than those recorded")
    if page.kind == "function" and page.name in decisions().not_wanted:
        return Claim(name, "decision", reason=decisions().not_wanted[page.name])
    if reason := decisions().claims.get(name):
        return Claim(name, "decision", reason=reason)
    said = settled(page, claim)
    if said and page.id in decisions().manual:
        return Claim(name, "decision", reason=decisions().manual[page.id])
    if said == "" and done(page):
        return Claim(name, "facts", reason="php-cli's Reflection says the same, and the def is held to it")
    if awaited := waits_for(name):
        return Claim(name, "waits", reason=f"{', '.join(awaited)}: {decisions().waits[name].reason}")
    return Claim(name, "open", reason=said or "")


def done(page: Page) -> bool:
    """Is what the page describes there, so that tests hold it to the facts?"""
    return hasattr(php_streams, page.name.partition("::")[0])


@cache
def subjects() -> tuple[Subject, ...]:
    """Everything in the matrix: the manual's pages, and the functions that have none."""
    cases = read_cases()
    cited, grouped = citations(cases), by_page(cases)
    found = []
    for page in pages().values():
        claims = tuple(settle(page, claim, cited) for claim in page.claims)
        found.append(subject(page.name, page.chapter, page.kind, page, grouped.get(page.id, []), claims))
    known = {each.name for each in found}
    for name in sorted(functions().keys() - known):
        own = grouped.get(f"function.{name.replace('_', '-')}", [])
        found.append(subject(name, functions()[name], "function", None, own, ()))
    return tuple(found)


def subject(
    name: str, chapter: str, kind: str, page: Page | None, cases: list[Case], claims: tuple[Claim, ...]
) -> Subject:
    """One row of the matrix."""
    page_id = page.id if page else f"function.{name.replace('_', '-')}"
    deviations = tuple(each for each in decisions().deviations if each.subject == page_id)
    return Subject(name, chapter, kind, page, tuple(cases), claims, deviations)


@cache
def things(chapter: str) -> tuple[Subject, ...]:
    """The transports, wrappers, filters or context options, each by its name.

    They are what php-cli lists, what the manual has an entry for, and what has a folder of cases.
    """
    folders = {label(case).split("/")[1] for case in read_cases() if label(case).startswith(f"{chapter}/")}
    listed = facts(SERIES[-1]).get(f"stream_get_{chapter}", [])
    every = {
        f"{each.page.id}#{claim}": each for each in subjects() if each.page for claim in each.page.claims
    }
    if chapter == "context":
        listed = [option(name) for name in every if name.startswith("context.") and "#options." in name]
    return tuple(thing(chapter, name) for name in dict.fromkeys([*listed, *sorted(folders)]))


def option(claim: str) -> str:
    """context.ssl#options.cafile -> ssl.cafile"""
    page, _, name = claim.partition("#options.")
    return f"{page.removeprefix('context.')}.{name}"


def thing(chapter: str, name: str) -> Subject:
    """One of them, with the cases of its folder, and the claims of its page, or of its entry on it."""
    page_id = page_of(chapter, name)
    owner = next((each for each in subjects() if each.page and each.page.id == page_id), None)
    claims = owner.claims if owner else ()
    if chapter == "context":
        claims = tuple(claim for claim in claims if claim.id.endswith(f"#options.{name.partition('.')[2]}"))
    own = (case for each in subjects() for case in each.cases if label(case).startswith(f"{chapter}/{name}/"))
    cases = tuple({case.path: case for case in own}.values())
    deviations = tuple(each for each in decisions().deviations if each.subject == f"{chapter}/{name}")
    page = owner.page if owner else None
    return Subject(name, chapter, chapter, page, cases, claims, deviations)

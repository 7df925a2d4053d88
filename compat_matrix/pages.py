"""The pages below the matrix: one for each function, transport, wrapper, filter and option that has cases.

Each case stands there with its PHP and its Python side by side, and what php-cli printed.  The pages are made
when the documentation is built (docs/conf.py), straight from the case files: they need not be committed.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from compat_matrix.coverage import Claim, Subject, label, subjects, things
from compat_matrix.scope import PAGES
from tests.conformance.case import Case, Section

FENCE = "`" * 6  # longer than any in a case
STATES = {
    "case": "case",
    "part": "part",
    "facts": "facts",
    "decision": "decided",
    "later": "later PHP",
    "waits": "waits for",
    "open": "open",
}


def shown() -> Iterator[Subject]:
    """Everything that has a page of its own: what has cases or differs on purpose."""
    for each in subjects():
        if each.chapter not in PAGES and (own_cases(each) or each.deviations or (each.cases and each.page)):
            yield each
    for chapter in PAGES:
        yield from (each for each in things(chapter) if each.cases or each.deviations)


def path_of(subject: Subject) -> str:
    """functions/fgets, context/ssl.cafile: the page's place below docs/matrix, and its target's name."""
    folder = subject.chapter if subject.chapter in PAGES else "functions"
    return f"{folder}/{re.sub(r'[^A-Za-z0-9_.-]+', '-', subject.name)}"


def target(text: str) -> str:
    """A name to link to, the same for a page, a case and a decision in every file."""
    return "m-" + re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def link(text: str, name: str) -> str:
    """A link to a target, wherever it is."""
    return f"[{text}](#{target(name)})"


def escape(text: str) -> str:
    """Text as it is, whatever it holds of Markdown's marks."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~!])", r"\\\1", text)


def own_cases(subject: Subject) -> list[Case]:
    """The cases in the subject's folder."""
    folder = f"{subject.chapter if subject.chapter in PAGES else 'functions'}/{subject.name}/"
    return [case for case in subject.cases if label(case).startswith(folder)]


def write_pages(docs: Path) -> None:
    """Makes docs/matrix anew."""
    folder = docs / "matrix"
    shutil.rmtree(folder, ignore_errors=True)
    every = list(shown())
    homes = {label(case) for each in every for case in own_cases(each)}
    for subject in every:
        path = folder / f"{path_of(subject)}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(page(subject, homes)) + "\n", "utf-8")


def page(subject: Subject, homes: set[str]) -> Iterator[str]:
    """One page, as lines of MyST; `homes` are the cases that some page shows."""
    yield from (
        "---",
        "orphan: true",
        "---",
        f"({target(path_of(subject))})=",
        f"# {escape(subject.name)}",
        "",
    )
    manual = f" · [in PHP's manual]({subject.page.url})" if subject.page else ""
    yield from (f"[The matrix](../../matrix.md){manual}", "")
    for deviation in subject.deviations:
        yield from (f"Differs on purpose: {link(deviation.id, 'decision ' + deviation.id)}", "")
    own = own_cases(subject)
    if subject.claims:
        yield from ("## What the manual promises", "")
        yield from claim_table(subject.claims, homes)
    elsewhere = [case for case in subject.cases if case not in own and label(case) in homes]
    if elsewhere:
        yield from ("## Cases elsewhere", "")
        yield from (f"- {link(escape(case.title), 'case ' + label(case))}" for case in elsewhere)
        yield ""
    for case in own:
        yield from case_lines(case)


def claim_table(claims: Iterable[Claim], homes: set[str]) -> Iterator[str]:
    """A claim a row: what settles it."""
    yield from ("| claim | | by |", "| --- | --- | --- |")
    for claim in claims:
        names = [label(case) for case in claim.cases]
        by = [link(name.rpartition("/")[2], f"case {name}") for name in names if name in homes]
        name = claim.id.partition("#")[2]
        said = ", ".join(by) or escape(claim.reason)
        if claim.state == "part":
            said += f"; missing: {escape(claim.reason)}"
        yield f"| {escape(name)} | {STATES[claim.state]} | {said} |"
    yield ""


def case_lines(case: Case) -> Iterator[str]:
    """A case: the twins side by side, and what php-cli printed."""
    yield from (f"({target('case ' + label(case))})=", f"## {escape(case.title)}", "")
    yield from (f"`{label(case)}.case` · {', '.join(f'`{name}`' for name in case.see)}", "")
    for name, settings in (("Settings", case.ini), ("Environment", case.env)):
        if settings:
            lines = tuple(f"{key} = {value}" for key, value in settings.items())
            yield from block(name, "text", lines)
    for title, section in (("The name servers", case.zone), ("The peer", case.peer)):
        if section:
            yield from block(title, "text", section.lines)
    yield from (f"{FENCE}`{{container}} twins", *twin("PHP", "php", case.php))
    yield from (*twin("Python", "python", case.python), f"{FENCE}`", "")
    if case.without:
        reason = escape(" ".join(case.without.lines))
        yield from (f"Not recorded from PHP {', '.join(case.without.words)}: {reason}", "")
    for expect in case.expects:
        versions = ", ".join(f"PHP {release}" for release in expect.releases)
        yield from block(f"{versions} printed", "text", expect.lines)


def twin(title: str, language: str, section: Section) -> Iterator[str]:
    """One half of the pair."""
    lines = section.lines or ("",)
    yield from (f"{FENCE}{{code-block}} {language}", f":caption: {title}", "", *lines, FENCE)


def block(title: str, language: str, lines: tuple[str, ...]) -> Iterator[str]:
    """A captioned block; a case may print nothing."""
    yield from (
        f"{FENCE}{{code-block}} {language}",
        f":caption: {title}",
        "",
        *(lines or ("(nothing)",)),
        FENCE,
        "",
    )

"""``python -m compat_matrix build``: docs/matrix.md and the README's sums, from the data.

The page is plain Markdown tables.  Where JavaScript runs, DataTables (table_component.py says where it comes
from) searches, filters and sorts them, as docs/_static/matrix.js tells it.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from compat_matrix import ROOT, MatrixError
from compat_matrix.automatic import settled
from compat_matrix.coverage import Subject, data_faults, label, read_cases, subjects, things
from compat_matrix.decisions import decisions
from compat_matrix.pages import escape, link, path_of, shown, target
from compat_matrix.scope import BOOKS, PAGES, SERIES, TITLES, facts, functions
from compat_matrix.waits import waits_for
from tests.conformance.case import version_key

PAGE = ROOT / "docs/matrix.md"
README = ROOT / "README.md"
MARKS = ("<!-- matrix: written by `python -m compat_matrix build` -->", "<!-- /matrix -->")
INTRO = """---
hide-toc: true
---

# Compatibility matrix

What PHP has, what of it is here, and what has been compared with real php-cli. A number under a PHP version
counts the [cases](cases.md) that were recorded from that version; its link shows them, PHP and Python side by
side. "Claims" are the single statements of PHP's manual (signature, parameter, return value, error, change,
example, note) that a case, a recorded fact or a decision settles, of all that the manual makes. Some *wait*:
they need a function or a wrapper that has yet to come ([which](#claims-that-wait)).

`state` is *done*, *wanted* (it will come) or *not wanted* (the last column says why). `signature` tells
whether the manual and php-cli's Reflection agree; each function here is held to Reflection by a test.
"""


def build(check: bool) -> int:
    """Writes both files, or, with `check`, says which is not what the data give (1)."""
    if faults := data_faults():
        raise MatrixError("\n".join(["the data are not in order:", *faults]))
    stale = []
    for path, text in ((PAGE, "\n".join(page()) + "\n"), (README, with_summary(README.read_text("utf-8")))):
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if not check:
            replace(path, text)
    if check and stale:
        print(
            f"{', '.join(stale)}: not what the data give; run python -m compat_matrix build", file=sys.stderr
        )
        return 1
    print(", ".join(stale) + ": written" if stale else "the matrix is what the data give")
    return 0


def replace(path: Path, text: str) -> None:
    """Puts the whole file there at once."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(text, "utf-8")
    part.replace(path)


def page() -> Iterator[str]:
    """The matrix as lines of MyST."""
    linked = {path_of(each) for each in shown()}
    yield from (INTRO, summary(), "", *columns(), "")
    for chapter, title in TITLES.items():
        rows = list(things(chapter)) if chapter in PAGES else [s for s in subjects() if s.chapter == chapter]
        yield from (f"## {title}", "")
        yield from table(rows, linked, chapter in BOOKS)
    yield from ("## Claims that wait", "")
    yield from waiting()
    yield from ("## Where the manual is not right", "")
    yield from wrong()
    yield from ("## Differences on purpose", "")
    yield from differences()


def columns() -> Iterator[str]:
    """Which point releases stand behind each column."""
    cases = read_cases()
    for version in SERIES:
        found = Counter(case.releases[version] for case in cases if version in case.releases)
        behind = ", ".join(
            f"{release} ({found[release]} cases)" for release in sorted(found, key=version_key)
        )
        yield f"- column {version}: PHP {behind}; signatures and constants from {facts(version)['php']}"


def table(rows: Iterable[Subject], linked: set[str], signatures: bool) -> Iterator[str]:
    """A row for each; only functions have signatures."""
    head = ["name", "state", *(["signature"] if signatures else []), *SERIES, "claims", "notes"]
    yield from (f"| {' | '.join(head)} |", f"| {' | '.join(['---'] * len(head))} |")
    for subject in rows:
        name = path_of(subject)
        cells = [heading(subject, name in linked), subject.state]
        if signatures:
            cells.append(signature(subject))
        cells += [live(subject, version, name in linked) for version in SERIES]
        cells += [claims(subject, name in linked), notes(subject)]
        yield f"| {' | '.join(cells)} |"
    yield ""


def heading(subject: Subject, linked: bool) -> str:
    """The name, with links to its cases and to the manual."""
    name = escape(subject.name)
    name = link(name, path_of(subject)) if linked else name
    return f"{name} [php.net]({subject.page.url})" if subject.page else name


def signature(subject: Subject) -> str:
    """Do the manual and Reflection agree?"""
    said = settled(subject.page, "signature") if subject.page and "signature" in subject.page.claims else None
    return "" if said is None else "agrees" if said == "" else escape(said)


def live(subject: Subject, version: str, linked: bool) -> str:
    """How many cases this version printed; or that it does not have the function."""
    if subject.kind == "function" and subject.name in functions() and not there(subject.name, version):
        return "absent"
    count, other = subject.live(version), subject.differs(version)
    if not count:
        return ""
    text = f"{count}, {other} differ" if other else str(count)
    return link(text, path_of(subject)) if linked else text


def there(name: str, version: str) -> bool:
    """Does that PHP have the function?"""
    return name in facts(version)["functions"]


def claims(subject: Subject, linked: bool) -> str:
    """Settled / all."""
    text = subject.share
    return link(text, path_of(subject)) if text and linked else text


def notes(subject: Subject) -> str:
    """Differences on purpose, and why something is not wanted."""
    found = [link(each.id, f"decision {each.id}") for each in subject.deviations]
    if subject.state == "not wanted":
        found.append(escape(decisions().not_wanted[subject.name]))
    return ", ".join(found)


def waiting() -> Iterator[str]:
    """The claims that no case can show yet, by what they wait for."""
    every = {claim.id: subject for subject in subjects() for claim in subject.waiting}
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in every:
        missing = ", ".join(waits_for(name))
        groups[missing, decisions().waits[name].reason].append(f"[{escape(name)}]({manual_url(every[name])})")
    yield from ("| waits for | claims | why |", "| --- | --- | --- |")
    for (missing, reason), names in sorted(groups.items()):
        yield f"| {escape(missing)} | {', '.join(names)} | {escape(reason)} |"
    yield ""


def manual_url(subject: Subject) -> str:
    """The page's address in the manual, if it has one."""
    return subject.page.url if subject.page else ""


def wrong() -> Iterator[str]:
    """The claims that php-cli does not bear out, each with the cases that show it."""
    every = {claim.id: (subject, claim) for subject in subjects() for claim in subject.claims}
    yield from ("| claim | php-cli | cases |", "| --- | --- | --- |")
    for name, php in decisions().wrong.items():
        subject, claim = every[name]
        cases = ", ".join(link(label(case).rpartition("/")[2], f"case {label(case)}") for case in claim.cases)
        yield f"| [{escape(name)}]({manual_url(subject)}) | {escape(php)} | {cases} |"
    yield ""


def differences() -> Iterator[str]:
    """Every decision, with what PHP does, what happens here, and why."""
    for each in decisions().deviations:
        yield from (f"({target('decision ' + each.id)})=", f"### {each.id}", "")
        yield from (f"In PHP: {escape(each.php)}", "", f"Here: {escape(each.here)}", "")
        yield from (f"Why: {escape(each.reason)}", "")
        if each.switch:
            yield from (f"PHP's way: `{each.switch}`", "")


def summary() -> str:
    """One line of sums."""
    rows = list(subjects())
    named = [each for each in rows if each.kind == "function" and each.name in functions()]
    done = sum(each.state == "done" for each in named)
    wanted = sum(each.state != "not wanted" for each in named)
    releases = {release for case in read_cases() for release in case.releases.values()}
    behind = ", ".join(sorted(releases, key=version_key, reverse=True))
    covered, all_claims = sum(s.covered for s in rows), sum(len(s.counted) for s in rows)
    return (
        f"**{done} of {wanted}** functions · **{len(read_cases())}** cases recorded from php-cli {behind} ·"
        f" **{covered} of {all_claims}** claims of the manual settled"
    )


def with_summary(readme: str) -> str:
    """The README with its line of sums between the marks; `MatrixError` when the marks are gone."""
    pattern = re.compile(f"({re.escape(MARKS[0])}\n).*?({re.escape(MARKS[1])})", re.DOTALL)
    if not pattern.search(readme):
        raise MatrixError(f"{README}: the lines {MARKS[0]} and {MARKS[1]} are missing")
    return pattern.sub(lambda match: f"{match[1]}{summary()}\n{match[2]}", readme)

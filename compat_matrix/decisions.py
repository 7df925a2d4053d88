"""Reads ``decisions.toml``: functions wanted or not, claims without cases, differences on purpose."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from compat_matrix import HERE, MatrixError
from compat_matrix.manual import find_claim, pages
from compat_matrix.scope import PAGES, functions

DECISIONS = HERE / "decisions.toml"
WANTED = ("wanted", "not wanted")
KEYS = {
    "name": {"names", "decision", "reason"},
    "claim": {"ids", "reason"},
    "part": {"ids", "missing"},
    "waits": {"ids", "until", "reason"},
    "manual": {"page", "reason"},
    "wrong": {"claim", "php"},
    "decision": {"id", "subject", "php", "here", "reason", "switch"},
}


@dataclass(frozen=True)
class Deviation:
    """A difference from PHP on purpose; `switch`, if there is one, gives PHP's way.

    `subject` is a page of the manual (function.fgets) or a folder of cases (context/ssl.cafile).
    """

    id: str
    subject: str
    php: str
    here: str
    reason: str
    switch: str


@dataclass(frozen=True)
class Wait:
    """Why a claim cannot be shown before all of `until` are there: fopen, wrappers/http ..."""

    until: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Decisions:
    """The whole file: reasons by what they are about."""

    wanted: dict[str, str]
    not_wanted: dict[str, str]
    claims: dict[str, str]
    parts: dict[str, str]
    waits: dict[str, Wait]
    manual: dict[str, str]
    wrong: dict[str, str]
    deviations: tuple[Deviation, ...]


@cache
def decisions(path: Path = DECISIONS) -> Decisions:
    """The file, checked: `MatrixError` for what is misspelt, decided twice, or about nothing."""
    try:
        rows = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise MatrixError(f"{path}: {error}") from None
    for kind, entries in rows.items():
        for row in entries if kind in KEYS and isinstance(entries, list) else [{}]:
            if kind not in KEYS or row.keys() != KEYS[kind]:
                raise MatrixError(
                    f"{path}: [[{kind}]] {row}: the keys have to be {sorted(KEYS.get(kind, KEYS))}"
                )
    return Decisions(
        wanted=names(path, rows.get("name", []), "wanted"),
        not_wanted=names(path, rows.get("name", []), "not wanted"),
        claims={claim: row["reason"] for claim, row in claims(path, "claim", rows.get("claim", []))},
        parts={claim: row["missing"] for claim, row in claims(path, "part", rows.get("part", []))},
        waits={
            claim: Wait(tuple(row["until"]), row["reason"])
            for claim, row in claims(path, "waits", rows.get("waits", []))
        },
        manual={row["page"]: row["reason"] for row in rows.get("manual", [])},
        wrong={checked(row["claim"]): row["php"] for row in rows.get("wrong", [])},
        deviations=deviations(path, rows.get("decision", [])),
    )


def checked(claim: str) -> str:
    """The claim's id, if it is one."""
    find_claim(claim)
    return claim


def names(path: Path, rows: list[dict[str, Any]], decision: str) -> dict[str, str]:
    """Function -> reason, of the rows with this decision."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    for row in rows:
        if row["decision"] not in WANTED:
            raise MatrixError(f"{path}: decision {row['decision']!r}: it is one of {', '.join(WANTED)}")
        for name in row["names"].split():
            if name in seen or name not in functions():
                raise MatrixError(f"{path}: {name}: {'twice' if name in seen else 'no function in scope'}")
            seen.add(name)
            if row["decision"] == decision:
                found[name] = row["reason"]
    return found


def claims(path: Path, kind: str, rows: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(claim, its row), the first row for each; a pattern has to match something."""
    every = [f"{page.id}#{claim}" for page in pages().values() for claim in page.claims]
    seen: set[str] = set()
    for row in rows:
        for pattern in row["ids"]:
            matching = (
                fnmatch.filter(every, pattern) if "*" in pattern else [c for c in every if c == pattern]
            )
            if not matching:
                raise MatrixError(f"{path}: [[{kind}]] {pattern}: the manual has no such claim")
            yield from ((claim, row) for claim in matching if claim not in seen)
            seen.update(matching)


def deviations(path: Path, rows: list[dict[str, Any]]) -> tuple[Deviation, ...]:
    """The differences on purpose, each about something that there is."""
    for row in rows:
        subject, known = row["subject"], pages()
        if subject not in known and f"{subject.partition('/')[0]}" not in PAGES:
            raise MatrixError(
                f"{path}: [[decision]] {row['id']}: {subject} is no page and no folder of cases"
            )
    ids = [row["id"] for row in rows]
    if again := {each for each in ids if ids.count(each) > 1}:
        raise MatrixError(f"{path}: [[decision]] {', '.join(sorted(again))}: twice")
    return tuple(Deviation(**row) for row in rows)


def undecided() -> list[str]:
    """The functions in scope that no row names."""
    found = decisions()
    return sorted(functions().keys() - found.wanted.keys() - found.not_wanted.keys())

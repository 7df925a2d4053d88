"""The ``.case`` file: its sections, its checks, and writing its EXPECT sections back.

A case is one text file of sections, each opened by a line ``--NAME--``.  TEST, SEE, PHP and PYTHON are
required, WITHOUT, PEER, ZONE, INI and ENV are there when needed; the EXPECT sections come last, because the
harness writes them.  Whatever is wrong with a file is a `CaseError` that names the file, the line and the
reason: a case that is misread in silence would prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REQUIRED = ("TEST", "SEE", "PHP", "PYTHON")
OPTIONAL = ("WITHOUT", "PEER", "ZONE", "INI", "ENV")
HEADER = re.compile(r"--([A-Z]+)((?: [^-\s]+)*)--")
SEE_ID = re.compile(r"[a-z0-9_]+(?:[.\-][a-z0-9_]+)*(?:#[\w.:\-]+)?", re.IGNORECASE)
VERSION = re.compile(r"\d+\.\d+")
RELEASE = re.compile(r"\d+\.\d+\.\d+")
SETTING = re.compile(r"([\w.]+)\s*=\s*(.*)")


class CaseError(Exception):
    """A case file that cannot be used, with the place and the reason."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.path, self.line, self.reason = path, line, reason


@dataclass(frozen=True)
class Section:
    """One section; `line` is the number of its first content line in the file."""

    name: str
    words: tuple[str, ...]
    line: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The content, each line ended."""
        return "".join(f"{line}\n" for line in self.lines)


@dataclass(frozen=True)
class Expect:
    """What the named point releases of php-cli printed, as transcript lines."""

    releases: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def versions(self) -> tuple[str, ...]:
        """The series that they belong to: "8.4" of "8.4.28"."""
        return tuple(map(series_of, self.releases))


@dataclass(frozen=True)
class Case:
    """A case as read from its file."""

    path: Path
    title: str
    see: tuple[str, ...]
    php: Section
    python: Section
    peer: Section | None = None
    zone: Section | None = None
    ini: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    expects: tuple[Expect, ...] = ()
    without: Section | None = None

    @property
    def versions(self) -> tuple[str, ...]:
        """Every series of php that has an EXPECT, oldest first."""
        return tuple(sorted((v for e in self.expects for v in e.versions), key=version_key))

    @property
    def releases(self) -> dict[str, str]:
        """The point release that each series was recorded from."""
        return {series_of(release): release for e in self.expects for release in e.releases}

    def expected(self, version: str) -> Expect | None:
        """What that series printed, or None when it was not recorded."""
        return next((e for e in self.expects if version in e.versions), None)

    @property
    def newest(self) -> Expect | None:
        """The EXPECT of the newest version: what the Python twin has to print."""
        return self.expected(self.versions[-1]) if self.versions else None

    def leaves_out(self, version: str) -> bool:
        """Does --WITHOUT-- say why this version cannot be recorded?"""
        return self.without is not None and version in self.without.words


def version_key(version: str) -> tuple[int, ...]:
    """Sorts "7.4" before "8.2" before "8.10", and 8.4.9 before 8.4.28."""
    return tuple(int(part) for part in version.split("."))


def series_of(release: str) -> str:
    """ "8.4" of "8.4.28"."""
    return ".".join(release.split(".")[:2])


def read_case(path: Path) -> Case:
    """Reads and checks one case file; raises `CaseError`."""
    sections = split_sections(path, path.read_bytes().decode())
    single = check_names(path, sections)
    title = " ".join(line.strip() for line in single["TEST"].lines).strip()
    if not title:
        raise CaseError(path, single["TEST"].line, "--TEST-- is empty: one line that says what holds")
    return Case(
        path=path,
        title=title,
        see=read_see(path, single["SEE"]),
        php=single["PHP"],
        python=single["PYTHON"],
        peer=single.get("PEER"),
        zone=single.get("ZONE"),
        ini=read_settings(path, single.get("INI")),
        env=read_settings(path, single.get("ENV")),
        expects=read_expects(path, [s for s in sections if s.name == "EXPECT"]),
        without=read_without(path, single.get("WITHOUT")),
    )


def split_sections(path: Path, text: str) -> list[Section]:
    """Cuts the text at its header lines."""
    if "\r" in text:
        raise CaseError(
            path, text[: text.index("\r")].count("\n") + 1, "a carriage return: lines end with \\n alone"
        )
    sections: list[Section] = []
    content: list[str] = []
    name, words, start = "", (), 0

    def close() -> None:
        if name:
            while content and not content[-1].strip():
                content.pop()
            sections.append(Section(name, words, start, tuple(content)))

    for number, line in enumerate(text.split("\n"), 1):
        if header := HEADER.fullmatch(line):
            close()
            name, words, start, content = header[1], tuple(header[2].split()), number + 1, []
        elif name:
            content.append(line)
        elif line.strip():
            raise CaseError(path, number, "text before the first section")
    close()
    return sections


def check_names(path: Path, sections: Sequence[Section]) -> dict[str, Section]:
    """Holds that each section is known, there once, and EXPECT last; gives the single ones by name."""
    single: dict[str, Section] = {}
    seen_expect = False
    for section in sections:
        at = section.line - 1
        if section.name == "EXPECT":
            seen_expect = True
            continue
        if section.name not in REQUIRED + OPTIONAL:
            raise CaseError(
                path,
                at,
                f"unknown section --{section.name}--; known: {', '.join(REQUIRED + OPTIONAL)}, EXPECT",
            )
        if section.words and section.name != "WITHOUT":
            raise CaseError(path, at, f"--{section.name}-- takes no words")
        if section.name in single:
            raise CaseError(path, at, f"a second --{section.name}--")
        if seen_expect:
            raise CaseError(path, at, f"--{section.name}-- after --EXPECT--: the EXPECT sections come last")
        single[section.name] = section
    for name in REQUIRED:
        if name not in single:
            raise CaseError(path, 1, f"--{name}-- is missing")
    return single


def read_see(path: Path, section: Section) -> tuple[str, ...]:
    """The manual's ids, separated by commas or line ends."""
    ids: list[str] = []
    for number, line in enumerate(section.lines, section.line):
        for name in filter(None, (part.strip() for part in line.split(","))):
            if not SEE_ID.fullmatch(name):
                raise CaseError(path, number, f"not an id of the manual: {name!r} (such as function.fgets)")
            ids.append(name)
    if not ids:
        raise CaseError(path, section.line, "--SEE-- names no page of the manual")
    return tuple(ids)


def read_settings(path: Path, section: Section | None) -> dict[str, str]:
    """Lines ``name = value``; a value may be put in double quotes to keep its blanks."""
    settings: dict[str, str] = {}
    for number, line in enumerate(section.lines, section.line) if section else ():
        if not line.strip():
            continue
        match = SETTING.fullmatch(line.strip())
        if not match:
            raise CaseError(path, number, f"not `name = value`: {line!r}")
        name, value = match[1], match[2]
        if name in settings:
            raise CaseError(path, number, f"{name} is set twice")
        settings[name] = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    return settings


def read_without(path: Path, section: Section | None) -> Section | None:
    """The versions that cannot be recorded, and the reason, which there has to be."""
    if section is not None:
        if not section.words:
            raise CaseError(path, section.line - 1, "--WITHOUT-- names no version, such as --WITHOUT 7.4--")
        for version in section.words:
            if not VERSION.fullmatch(version):
                raise CaseError(path, section.line - 1, f"not a version of the form 7.4: {version!r}")
        if not section.text.strip():
            raise CaseError(path, section.line, "--WITHOUT-- gives no reason")
    return section


def read_expects(path: Path, sections: Iterable[Section]) -> tuple[Expect, ...]:
    """The EXPECT sections, each series named once, by the point release that was recorded."""
    known: set[str] = set()
    expects = []
    for section in sections:
        at = section.line - 1
        if not section.words:
            raise CaseError(path, at, "--EXPECT-- names no version: it is written by --record, not by hand")
        for release in section.words:
            if not RELEASE.fullmatch(release):
                raise CaseError(path, at, f"not a point release of the form 8.4.28: {release!r}")
            if series_of(release) in known:
                raise CaseError(path, at, f"{series_of(release)} has two --EXPECT-- sections")
            known.add(series_of(release))
        expects.append(Expect(section.words, section.lines))
    return tuple(expects)


def merge(transcripts: dict[str, tuple[str, ...]]) -> tuple[Expect, ...]:
    """One EXPECT for all releases that printed the same, in the order of the oldest of each."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for release in sorted(transcripts, key=version_key):
        groups.setdefault(transcripts[release], []).append(release)
    return tuple(Expect(tuple(releases), lines) for lines, releases in groups.items())


def write_expects(case: Case, expects: Sequence[Expect]) -> bool:
    """Writes the file anew with these EXPECT sections; False when that changes nothing."""
    old = case.path.read_bytes().decode()
    head: list[str] = []
    for line in old.split("\n"):
        header = HEADER.fullmatch(line)
        if header and header[1] == "EXPECT":
            break
        head.append(line)
    text = "\n".join(head).rstrip("\n") + "\n"
    for expect in expects:
        text += f"--EXPECT {' '.join(expect.releases)}--\n" + "".join(f"{line}\n" for line in expect.lines)
    if text == old:
        return False
    part = case.path.with_suffix(".part")
    part.write_bytes(text.encode())
    part.replace(case.path)
    return True

"""Reads the claims of PHP's manual from its DocBook sources into ``manual.json``.

    python -m compat_matrix.read_manual --doc-en DIR      DIR: a checkout of php/doc-en

A claim has an id (``function.fgets#returnvalues.2``) and a hash of its normalised text, so that a manual that
has changed is noticed.  No sentence is stored.  What a program can check is kept as facts: the signature that
the manual gives, and those rows of a changelog that say which parameter became nullable and the like.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from compat_matrix import HERE, ROOT, MatrixError
from compat_matrix.docbook import (
    EXAMPLES,
    NOTES,
    XML_ID,
    Element,
    digest,
    items,
    read_entities,
    read_page,
    statements,
    text_of,
)
from compat_matrix.scope import Source, sources

MANUAL = HERE / "manual.json"
#: Files that every checkout of the manual has, and hardly anything else.
MARKS = ("reference/stream/functions", "appendices/transports.xml", "language/wrappers")

#: What a row of a changelog says, where one sentence says one thing about the signature.
CHANGES = [
    (
        re.compile(r"(?:The )?(\$\w+(?:(?:, | and )\$\w+)*) (?:is|are) (?:now nullable|nullable now)\b"),
        "nullable",
    ),
    (re.compile(r"(?:The (?:optional )?)?(\$\w+)(?: parameter)? (?:was|has been) added\."), "parameter"),
    (re.compile(r"(\$\w+) expects an? \w+ instance now\b"), "object"),
    (re.compile(r"(?:This function|[a-z]\w+) (?:is now|has been|was) (deprecated)\."), "deprecated"),
    (re.compile(r"(?:This|The) function now has a return type of (\w+)\b"), "returns"),
    (re.compile(r"(?:This|The) function now always returns \{?(\w+)\b"), "returns"),
    (re.compile(r"Return type changed from \w+ to (\w+)\b"), "returns"),
    (re.compile(r"This function returns an? (\w+) instance now\b"), "returns"),
]
Claims = dict[str, str]
Facts = dict[str, Any]


def read_manual(manual: Path) -> dict[str, Any]:
    """Every page in scope with its claims; `MatrixError` when `manual` is not the manual."""
    for mark in MARKS:
        if not (manual / mark).exists():
            raise MatrixError(f"{manual} is not a checkout of php/doc-en: {mark} is not there")
    entities = read_entities(manual)
    pages: dict[str, Any] = {}
    for source in sources(manual):
        root = read_page(manual / source.path, entities)
        for name, page in pages_of(root, source):
            if name in pages:
                raise MatrixError(f"{manual / source.path}: a second page with the id {name}")
            pages[name] = page
    return {"pages": pages}


def pages_of(root: Element, source: Source) -> Iterator[tuple[str, Facts]]:
    """A file's pages: one, or in an appendix one for each section that has an id."""
    if root.tag != "appendix":
        yield page_of(root, source)
        return
    for section in root.iter("section"):
        if XML_ID in section.attrib:
            page = section_page(section, source)
            if page["claims"]:
                yield section.attrib[XML_ID], page


def page_of(root: Element, source: Source) -> tuple[str, Facts]:
    """(id, page) of a reference page."""
    page: Facts = {"chapter": source.chapter, "kind": source.kind, "name": page_title(root)}
    claims: Claims = {}
    signatures(root, page, claims)
    counted = {"returnvalues", "errors"} | ({"description", "usage"} if source.kind == "wrappers" else set())
    for section in root.iter("refsect1"):
        role = section.get("role", "")
        if role in ("parameters", "options"):
            named(section, role, claims)
        elif role == "changelog":
            changelog(section, page, claims)
        elif role in counted:
            numbered(statements(section), role, claims)
    if source.kind == "class":
        for entry in root.iter("varlistentry"):
            if ".props." in entry.get(XML_ID, ""):
                add(claims, f"properties.{entry.attrib[XML_ID].rpartition('.')[2]}", text_of(entry))
    asides(root, claims)
    return root.attrib[XML_ID].lower(), page | {"claims": claims}


def section_page(section: Element, source: Source) -> Facts:
    """A section of an appendix: what it says itself, not what its sections say."""
    claims: Claims = {}
    own = [child for child in section if child.tag != "section"]
    section = Element("section")
    section.extend(own)
    numbered(statements(section), "description", claims)
    asides(section, claims)
    title = section.find("title")
    name = text_of(title) if title is not None else ""
    return {"chapter": source.chapter, "kind": source.kind, "name": name, "claims": claims}


def page_title(root: Element) -> str:
    """The name of what the page describes."""
    found = next(
        (e for e in (root.find(".//refname"), root.find("titleabbrev"), root.find("title")) if e is not None),
        None,
    )
    return text_of(found) if found is not None else root.attrib[XML_ID]


def add(claims: Claims, name: str, text: str) -> str:
    """Adds a claim; a second of the same name gets a number."""
    name, number = slug(name), 2
    unique = name
    while unique in claims:
        unique, number = f"{name}-{number}", number + 1
    claims[unique] = digest(text)
    return unique


def slug(text: str) -> str:
    """Only what may stand in an id of --SEE--."""
    return re.sub(r"[^\w.:]+", "-", text.replace("$", "")).strip("-.")


def numbered(found: Iterator[tuple[Element, str]], kind: str, claims: Claims) -> None:
    """`kind`.1, `kind`.2 ..."""
    for number, (_, text) in enumerate(found, 1):
        add(claims, f"{kind}.{number}", text)


def named(section: Element, kind: str, claims: Claims) -> None:
    """One claim for each entry of the section's outer lists, and each row of its tables, by its name."""
    inner = {e for item in section.iter("listitem") for e in item.iter("varlistentry")}
    for entry in section.iter("varlistentry"):
        if entry not in inner:
            add(claims, f"{kind}.{term_name(entry)}", text_of(entry, NOTES | EXAMPLES))
    if kind == "options" and not claims.keys() & {name for name in claims if name.startswith(kind)}:
        for table in [*section.iter("table"), *section.iter("informaltable")]:
            for row, text in items(table):
                add(claims, f"{kind}.{text_of(row[0])[:60]}", text)


def term_name(entry: Element) -> str:
    """What an entry of a list is about: the parameters it names, else its term."""
    terms = entry.findall("term")
    names = [text_of(name) for term in terms for name in term.iter("parameter")]
    return "-".join(names or [text_of(term) for term in terms])


def asides(root: Element, claims: Claims) -> None:
    """Examples and notes, wherever they stand, in the order of the page."""
    for kind, tags in (("examples", EXAMPLES), ("notes", NOTES)):
        found = [element for element in root.iter() if element.tag in tags]
        numbered(((element, text_of(element)) for element in found), kind, claims)


def changelog(section: Element, page: Facts, claims: Claims) -> None:
    """``changelog.8.0.0``: one claim for each row."""
    for row, _ in statements(section):
        entries = [text_of(entry) for entry in row.iter("entry")]
        if len(entries) == 2 and re.match(r"\d", entries[0]):
            name = add(claims, f"changelog.{entries[0]}", entries[1])
            change = next(filter(None, (said(entries[1], *change) for change in CHANGES)), {})
            page.setdefault("changes", {})[name] = {"version": entries[0].split(",")[-1].strip(), **change}


def said(text: str, pattern: re.Pattern[str], kind: str) -> Facts:
    """{"nullable": ["length"]} of a sentence that says so, and nothing else after it."""
    match = pattern.match(text)
    if not match or (kind == "nullable" and text.rstrip(".") != match[0]):
        return {}
    return {kind: re.findall(r"\w+", re.sub(r"\band\b", "", match[1]))}


def signatures(root: Element, page: Facts, claims: Claims) -> None:
    """The synopses of a page, or what it is an alias of."""
    purpose = root.find(".//refpurpose")
    aliased = purpose.find("function") if purpose is not None else None
    if aliased is not None and purpose is not None and re.match(r"\{?Alias", text_of(purpose)):
        add(claims, "signature", text_of(purpose))
        page["alias_of"] = text_of(aliased)
        return
    for section in root.iter("refsect1"):
        if section.get("role") == "description":
            for synopsis in section.iter("methodsynopsis"):
                add(claims, "signature", text_of(synopsis))
                page.setdefault("signatures", []).append(signature(synopsis))


def signature(synopsis: Element) -> Facts:
    """The signature in the form of record_facts.php, types as sorted lists."""
    result = synopsis.find("type")
    return {
        "returns": type_names(result),
        "parameters": [parameter(each) for each in synopsis.findall("methodparam")],
    }


def parameter(element: Element) -> Facts:
    """One parameter of a synopsis."""
    name = element.find("parameter")
    assert name is not None
    fact: Facts = {"name": (name.text or "").strip().lstrip("$&"), "type": type_names(element.find("type"))}
    if name.get("role") == "reference":
        fact["by_reference"] = True
    if element.get("choice") == "opt" or element.find("initializer") is not None:
        fact["optional"] = True
    if element.get("rep") == "repeat":
        fact["variadic"] = True
    if (default := element.find("initializer")) is not None:
        fact["default"] = text_of(default).strip("{}") if "array" not in text_of(default) else "[]"
    return fact


def type_names(element: Element | None) -> list[str]:
    """``["false", "string"]`` of a type or a union of types."""
    if element is None:
        return []
    below = element.findall("type")
    names = [text_of(each) for each in below] if below else [text_of(element)]
    names = [part for name in names for part in (["null", name[1:]] if name.startswith("?") else [name])]
    return sorted(name.strip("{}") for name in names)


def write(manual: dict[str, Any], path: Path = MANUAL) -> None:
    """One claim a line; the file is replaced as a whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(manual, indent=1, ensure_ascii=False) + "\n", "utf-8")
    part.replace(path)


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What the manual says otherwise than before: claims that are new, gone, or of another text."""
    before, after = flat(old), flat(new)
    return [
        *(f"new      {claim}" for claim in after if claim not in before),
        *(f"gone     {claim}" for claim in before if claim not in after),
        *(f"changed  {claim}" for claim in after if claim in before and before[claim] != after[claim]),
    ]


def flat(manual: dict[str, Any]) -> Claims:
    """Every claim by its whole id."""
    return {f"{n}#{c}": h for n, page in manual.get("pages", {}).items() for c, h in page["claims"].items()}


def earlier(path: Path) -> dict[str, Any]:
    """What the file holds now; nothing when there is none."""
    try:
        return json.loads(path.read_text("utf-8"))  # type: ignore[no-any-return]
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise MatrixError(f"{path} is not what this program writes: {error}") from None


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m compat_matrix.read_manual", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--doc-en", type=Path, required=True, metavar="DIR", help="a checkout of php/doc-en")
    parser.add_argument("--out", type=Path, default=MANUAL, metavar="FILE", help="default: manual.json")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; 1 when the manual says otherwise"
    )
    options = parser.parse_args(arguments)
    try:
        manual = read_manual(options.doc_en)
        news = changes(earlier(options.out), manual)
        if not options.check:
            write(manual, options.out)
    except (MatrixError, OSError) as error:
        print(f"read_manual: {error}", file=sys.stderr)
        return 2
    print("\n".join(news[:200]) if news else "no claim has changed")
    if options.check:
        return int(bool(news))
    claims = sum(len(page["claims"]) for page in manual["pages"].values())
    out = options.out.relative_to(ROOT) if options.out.is_relative_to(ROOT) else options.out
    print(f"{out}: {len(manual['pages'])} pages, {claims} claims")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

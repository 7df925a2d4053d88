"""Reads DocBook files of PHP's manual: their entities, their elements, and the normalised text of a part.

The manual's sources name hundreds of entities (texts shared between pages).  Most are defined in a few
``.ent`` files, some only when the manual is built.  What is defined is put in; what is not stays in the text
by its name, which is as good for a hash and wrong nowhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from compat_matrix import MatrixError

Element = ElementTree.Element

XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
XML_OWN = {"amp", "lt", "gt", "quot", "apos"}
ENTITY = re.compile(r"<!ENTITY\s+([\w.:-]+)\s+(?:'([^']*)'|\"([^\"]*)\")\s*>")
# Comments and CDATA are matched first, so that an entity within them stays what it is.
REFERENCE = re.compile(r"<!\[CDATA\[.*?\]\]>|<!--.*?-->|&([\w.:-]+);", re.DOTALL)
DEPTH = 10  # an entity within an entity; more would be a circle

NOTES = frozenset({"note", "warning", "caution", "tip", "important"})
EXAMPLES = frozenset({"example", "informalexample"})
LISTS = {
    "itemizedlist": "listitem",
    "orderedlist": "listitem",
    "simplelist": "member",
    "variablelist": "varlistentry",
    "table": "row",
    "informaltable": "row",
}
BLOCKS = frozenset(
    "term listitem para simpara entry row title".split()
)  # words do not join across their ends
APART = NOTES | EXAMPLES | {"programlisting", "screen", "title", "thead", "methodsynopsis"}


def read_entities(manual: Path) -> dict[str, str]:
    """Every entity that the manual's ``.ent`` files define with a text."""
    found: dict[str, str] = {}
    for path in [*sorted((manual / "entities").glob("*.ent")), manual / "language-snippets.ent"]:
        if path.is_file():
            text = re.sub(r"<!--.*?-->", "", path.read_text("utf-8"), flags=re.DOTALL)
            for name, single, double in ENTITY.findall(text):
                found.setdefault(name, single or double)
    return found


def expand(text: str, entities: Mapping[str, str], depth: int = DEPTH) -> str:
    """The text with its entities put in; one that is not known becomes its name in braces."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name is None or name in XML_OWN:
            return match[0]
        if name.startswith("reftitle."):
            return ""  # a heading
        if name not in entities or not depth:
            return "{" + name + "}"
        return expand(entities[name], entities, depth - 1)

    return REFERENCE.sub(value, text)


def read_page(path: Path, entities: Mapping[str, str]) -> Element:
    """The root of one file, namespaces dropped; `MatrixError` names the file and the place of a fault."""
    text = re.sub(r"<!DOCTYPE[^>\[]*(?:\[.*?\])?[^>]*>", "", path.read_text("utf-8"), flags=re.DOTALL)
    try:
        root = ElementTree.fromstring(expand(text, entities))
    except ElementTree.ParseError as error:
        raise MatrixError(f"{path}: not well-formed XML ({error}, entities expanded)") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def text_of(element: Element, apart: frozenset[str] | set[str] = frozenset()) -> str:
    """All text below, white space collapsed, parameters as ``$name``; elements named in `apart` left out."""
    return " ".join("".join(pieces(element, apart)).split())


def pieces(element: Element, apart: frozenset[str] | set[str]) -> Iterator[str]:
    """The text of an element and those below it, in order."""
    if element.tag == "parameter" and not (element.text or "").startswith("$"):
        yield "$"
    yield element.text or ""
    for child in element:
        if child.tag not in apart:
            yield " " if child.tag in BLOCKS else ""
            yield from pieces(child, apart)
        yield child.tail or ""


def digest(text: str) -> str:
    """Enough of a hash to notice that a text has changed."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def statements(section: Element) -> Iterator[tuple[Element, str]]:
    """Each paragraph, list item and table row of a section, with its text; notes and examples are none."""
    if own := " ".join(f"{section.text or ''} {' '.join(child.tail or '' for child in section)}".split()):
        yield section, own
    for child in section:
        if child.tag in APART:
            continue
        if child.tag in LISTS:
            yield from items(child)
        elif child.tag in ("para", "simpara", "formalpara"):
            if own := text_of(child, APART | LISTS.keys()):
                yield child, own
            for below in child:
                if below.tag in LISTS:
                    yield from items(below)
        elif child.tag in ("refsect2", "refsect3"):
            yield from statements(child)


def items(listing: Element) -> Iterator[tuple[Element, str]]:
    """The items of a list, the rows of a table's body."""
    wanted = LISTS[listing.tag]
    parents = listing.iter("tbody") if wanted == "row" else [listing]
    for parent in parents:
        for item in parent:
            if item.tag == wanted and (text := text_of(item, APART)):
                yield item, text

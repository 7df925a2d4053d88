"""What of the manual is in scope: which pages, and the chapter that each belongs to.

Five books are taken as a whole.  Of the others those functions count that `record_facts.php` names: it is the
one list of functions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from compat_matrix import HERE

SERIES = ("7.4", "8.2", "8.4")

#: Chapter -> (title, the books of the manual in it, as folders of reference/).
BOOKS = {
    "stream": ("Streams", ("stream",)),
    "network": ("Network", ("network", "url")),
    "filesystem": ("Filesystem", ("filesystem", "strings")),
    "directory": ("Directories", ("dir",)),
    "execution": ("Program execution", ("exec",)),
    "compression": ("Compressed files", ("zlib", "bzip2")),
    "sendmail": ("Mail", ("mail",)),
    "x509": ("Certificates", ("openssl",)),
    "errors": ("Errors", ("errorfunc",)),
    "settings": ("Settings", ("info",)),
    "variables": ("Variables", ("var",)),
}
WHOLE = {"stream", "network", "filesystem", "dir", "mail"}
NO_FUNCTION = {"delete"}  # a page that says "you look for unlink()"

#: The other chapters: pages outside of the books of functions.
PAGES = {
    "transports": ("Transports", ("appendices/transports.xml",)),
    "wrappers": (
        "Wrappers",
        tuple(f"language/wrappers/{n}.xml" for n in "file http ftp php compression data glob".split()),
    ),
    "filters": ("Filters", ("appendices/filters.xml",)),
    "context": (
        "Context options and parameters",
        tuple(f"language/context/{n}.xml" for n in "socket ssl http ftp zlib parameters".split()),
    ),
}
TITLES = {chapter: title for chapter, (title, _) in {**BOOKS, **PAGES}.items()}

#: Classes that users extend or get, and the pages of their methods.
CLASSES = {
    "stream": ("php-user-filter", "streambucket", "streamwrapper"),
    "directory": ("directory",),
}


@dataclass(frozen=True)
class Source:
    """One file of the manual, as a path below its root, and what it describes."""

    path: str
    chapter: str
    kind: str  # function, class, method, or the chapter of a page of PAGES


@cache
def facts(series: str, folder: Path = HERE / "facts") -> dict[str, Any]:
    """What that PHP says about itself, as record_facts.php wrote it."""
    return json.loads((folder / f"php-{series}.json").read_text("utf-8"))  # type: ignore[no-any-return]


@cache
def functions() -> dict[str, str]:
    """Every function in scope that any recorded PHP has -> its chapter."""
    chapters = {}
    for series in SERIES:
        for name, fact in facts(series)["functions"].items():
            chapters[name] = fact["chapter"].split("_")[0]
    return chapters


def sources(manual: Path) -> Iterator[Source]:
    """The manual's files that are in scope, chapter by chapter."""
    known = functions()
    for chapter, (_, books) in BOOKS.items():
        for book in books:
            for path in sorted((manual / "reference" / book / "functions").glob("*.xml")):
                name = path.stem.replace("-", "_")
                if name in known or (book in WHOLE and name not in NO_FUNCTION):
                    yield Source(str(path.relative_to(manual)), chapter, "function")
            for name in CLASSES.get(chapter, ()):
                yield from class_sources(manual, f"reference/{book}", name, chapter)
    for chapter, (_, paths) in PAGES.items():
        for name in paths:
            if (manual / name).is_file():
                yield Source(name, chapter, chapter)


def class_sources(manual: Path, book: str, name: str, chapter: str) -> Iterator[Source]:
    """A class's page and those of its methods."""
    if (manual / book / f"{name}.xml").is_file():
        yield Source(f"{book}/{name}.xml", chapter, "class")
    for path in sorted((manual / book / name.replace("php-user-filter", "php_user_filter")).glob("*.xml")):
        yield Source(str(path.relative_to(manual)), chapter, "method")

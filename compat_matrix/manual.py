"""The manual's claims, as `read_manual.py` wrote them."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from compat_matrix import HERE, MatrixError


@dataclass(frozen=True)
class Page:
    """One page of the manual: its id, what it describes, and its claims without the page's id."""

    id: str
    chapter: str
    kind: str
    name: str
    claims: tuple[str, ...]
    signatures: tuple[dict[str, Any], ...] = ()
    alias_of: str = ""
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its address at php.net; a section of a section is a place on a page."""
        page = ".".join(self.id.split(".")[:2])
        return f"https://www.php.net/manual/en/{page}.php" + (f"#{self.id}" if page != self.id else "")


@cache
def pages(path: Path = HERE / "manual.json") -> dict[str, Page]:
    """Every page in scope by its id, in the order of the manual."""
    try:
        found = json.loads(path.read_text("utf-8"))["pages"]
    except (OSError, ValueError, KeyError) as error:
        raise MatrixError(f"{path}: not what read_manual writes ({error})") from None
    return {
        name: Page(
            id=name,
            chapter=page["chapter"],
            kind=page["kind"],
            name=page["name"],
            claims=tuple(page["claims"]),
            signatures=tuple(page.get("signatures", ())),
            alias_of=page.get("alias_of", ""),
            changes=page.get("changes", {}),
        )
        for name, page in found.items()
    }


def find_claim(name: str) -> tuple[Page, str]:
    """The page and the claim of ``function.fgets#errors.1``; a `MatrixError` says what there is instead."""
    page_id, mark, claim = name.partition("#")
    page = pages().get(page_id)
    if page is None:
        close = difflib.get_close_matches(page_id, pages(), 3) or ["such as function.fgets"]
        raise MatrixError(
            f"{name}: the manual has no page {page_id} in scope; did you mean {', '.join(close)}?"
        )
    if not mark or claim not in page.claims:
        raise MatrixError(f"{name}: not a claim of {page_id}; it has {', '.join(page.claims) or 'none'}")
    return page, claim

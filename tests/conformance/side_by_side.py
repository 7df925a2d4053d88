"""Two transcripts next to each other, as plain text of limited width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

WIDTH = 140


def side_by_side(
    left_title: str, left: Sequence[str], right_title: str, right: Sequence[str], width: int = WIDTH
) -> list[str]:
    """A table of both; lines that differ are marked with ``*``, long ones go on below."""
    widest = max((len(line) for line in [*left, *right, left_title, right_title]), default=0)
    column = max(20, min(widest, (width - 5) // 2))
    rows = [row("  ", left_title, right_title, column), f"  {'-' * column} | {'-' * column}"]
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for what, i1, i2, j1, j2 in matcher.get_opcodes():
        mark = "  " if what == "equal" else "* "
        for a, b in zip_longest(left[i1:i2], right[j1:j2], fillvalue=""):
            for piece, other in zip_longest(pieces(a, column), pieces(b, column), fillvalue=""):
                rows.append(row(mark, piece, other, column))
    return rows


def row(mark: str, left: str, right: str, column: int) -> str:
    """One line of the table."""
    return f"{mark}{left.ljust(column)} | {right}".rstrip()


def pieces(line: str, column: int) -> Iterator[str]:
    """A long line cut to the column's width; at least one piece."""
    yield line[:column]
    for at in range(column, len(line), column - 2):
        yield "  " + line[at : at + column - 2]

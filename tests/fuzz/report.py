"""How a random program that behaves otherwise than in PHP is shown."""

from __future__ import annotations

from collections.abc import Sequence


def first_difference(calls: Sequence[object], ours: Sequence[object], of_php: Sequence[object]) -> str | None:
    """The calls up to the first after which the states differ, each with PHP's, and then ours; or None."""
    for number, (here, there) in enumerate(zip(ours, of_php, strict=True), 1):
        if here != there:
            told = zip(calls[:number], of_php[:number], strict=True)
            steps = "\n".join(f"    {call} {state}" for call, state in told)
            return f"{steps}\n    python {here}"
    return None


def shortest(differ: list[str], count: int, seed: int) -> str:
    """The message of a failed test: how many programs differ, and the four that are read first."""
    shown = "\n\n".join(sorted(differ, key=len)[:4])
    return f"{len(differ)} of {count} (seed {seed}) differ:\n{shown}"

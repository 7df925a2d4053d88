"""Point releases: php-cli may be a newer or an older one than what was recorded, and print something else.

A newer one that differs is news: an update of PHP has changed what counts as right.  It fails where php was
asked for (``--live``, ``--php``, ``python -m compat_matrix run``) and is listed everywhere.  An older one
that differs is told and counted, and is no fault: what it prints has since been changed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.conformance.case import series_of, version_key

FACTS = Path(__file__).resolve().parents[2] / "compat_matrix/facts"

#: The name of the property that carries a `Changed` from a test's process to the summary.
PROPERTY = "another release"


@dataclass(frozen=True, order=True)
class Changed:
    """What one php printed otherwise than another release of its series, which was recorded."""

    version: str
    recorded: str
    what: str

    @property
    def newer(self) -> bool:
        """Is the php that was run the newer of the two?"""
        return is_newer(self.version, self.recorded)

    @property
    def reason(self) -> str:
        """Why this is no fault of what is compared, in a few words."""
        age = "newer" if self.newer else "older"
        return f"php {self.version} is {age} than {self.recorded}, which was recorded, and differs"


def is_newer(version: str, recorded: str) -> bool:
    """Does this release come after that one?"""
    return version_key(version) > version_key(recorded)


def another(version: str, recorded: str) -> bool:
    """Are these two releases of one series?"""
    return version != recorded and series_of(version) == series_of(recorded)


@cache
def recorded_facts(series: str) -> str | None:
    """The release that the facts were recorded from: what stands for the record where no case does."""
    path = FACTS / f"php-{series}.json"
    return str(json.loads(path.read_text("utf-8"))["php"]) if path.is_file() else None


def listing(changes: Iterable[Changed]) -> list[str]:
    """The news, and how often older releases differ: lines for a summary."""
    groups: dict[tuple[str, str], list[Changed]] = defaultdict(list)
    for change in sorted(set(changes)):
        groups[change.version, change.recorded].append(change)
    lines = []
    for (version, recorded), group in groups.items():
        if group[0].newer:
            lines.append(f"newer: php {version} differs in {len(group)} from {recorded}, which was recorded:")
            lines += [f"newer:   {change.what}" for change in group]
        else:
            lines.append(
                f"older: php {version} differs in {len(group)} from {recorded}, which was recorded;"
                f" PHP changed these in between, and what the newer one prints is held"
            )
    return lines

"""The rows of the benchmark, read from ``goals.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """One row; ``goals.toml`` says what each field means."""

    name: str
    title: str
    n: int
    unit: str
    full: int = 0
    script: str = ""
    peer: str = ""
    input: str = ""
    tls: str = ""
    quickack: bool = False
    warm: int = 3
    args: list[int | str] = field(default_factory=list)
    cpus: int = 2
    measure: str = "time"
    rounds: int = 1000
    stdlib: bool = True
    php: bool = True
    goal: float | None = None
    goal_stdlib: float | None = None
    goal_kib: float | None = None

    @property
    def file(self) -> str:
        """The workload's file name, without its folder and suffix."""
        return self.script or self.name

    @property
    def label(self) -> str:
        """The title, and on how many CPUs when it is one."""
        return self.title + (" (1 CPU)" if self.cpus == 1 else "")


def load() -> list[Row]:
    """All rows, in the order in which they are shown."""
    return [Row(**entry) for entry in tomllib.loads((HERE / "goals.toml").read_text())["row"]]

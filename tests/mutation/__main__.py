"""``python -m tests.mutation``: draws mutants by a seed, tries each, lists the survivors."""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.progress import Progress

from tests.mutation.covering import Covering, record
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.trial import Copy, Outcome
from tests.places import ROOT

EQUIVALENT = Path(__file__).with_name("equivalent.toml")


def parser() -> argparse.ArgumentParser:
    """The options."""
    main = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    add = main.add_argument
    add("--seed", type=int, default=1, help="which mutants are drawn (default 1)")
    add("--count", type=int, default=50, metavar="N", help="how many (default 50)")
    add(
        "--only",
        action="append",
        default=[],
        metavar="PATH",
        help="modules below this path: php_streams/_core",
    )
    add("--jobs", type=int, default=2, metavar="N", help="at a time (default 2)")
    add(
        "--data",
        type=Path,
        default=ROOT / ".coverage.mutation",
        help="coverage with contexts; made when missing",
    )
    add("--json", type=Path, metavar="FILE", help="write every outcome")
    return main


def modules(only: Sequence[str]) -> list[str]:
    """The package's modules below these paths."""
    every = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "php_streams").rglob("*.py"))
    chosen = [path for path in every if any(path.startswith(start) for start in only or [""])]
    if not chosen:
        raise SystemExit(f"tests.mutation: --only {' '.join(only)}: no module of the package is there")
    return chosen


def draw(paths: Sequence[str], seed: int, count: int) -> list[Mutant]:
    """So many mutants of these modules, each as likely as any other."""
    every = [mutant for path in paths for mutant in mutants_of(ROOT, path)]
    return random.Random(seed).sample(every, min(count, len(every)))


def excused(mutant: Mutant, rows: Sequence[dict[str, str]]) -> bool:
    """Whether one of these rows names the mutant; `line` is the text of the whole line."""
    line = (ROOT / mutant.path).read_text("utf-8").splitlines()[mutant.line - 1].strip()
    texts = {"path": mutant.path, "old": mutant.old, "new": mutant.new, "line": line}
    return any(all(row[key] == text for key, text in texts.items()) for row in rows)


def equivalents() -> list[dict[str, str]]:
    """Changes that no test can notice."""
    return list(tomllib.loads(EQUIVALENT.read_text("utf-8")).get("mutant", []))


def trials(mutants: Sequence[Mutant], covering: Covering, jobs: int) -> Iterator[Outcome]:
    """Each outcome, in the order of the mutants."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder, ThreadPoolExecutor(jobs) as pool:
        free: SimpleQueue[Copy] = SimpleQueue()
        for number in range(jobs):
            free.put(Copy(Path(folder) / str(number)))

        def one(mutant: Mutant) -> Outcome:
            copy = free.get()
            try:
                return copy.try_mutant(mutant, covering.of(mutant.path, mutant.line))
            finally:
                free.put(copy)

        yield from pool.map(one, mutants)


def main(arguments: Sequence[str] | None = None) -> int:
    """1 when a mutant survives that is not known to be equivalent."""
    options = parser().parse_args(arguments)
    console = Console()
    mutants = draw(modules(options.only), options.seed, options.count)
    if not options.data.exists():
        console.print(f"running the offline suite once, for which test runs which line: {options.data}")
        record(options.data)
    known, outcomes = equivalents(), []
    with Progress(console=console) as progress:
        for outcome in progress.track(trials(mutants, Covering(options.data), options.jobs), len(mutants)):
            outcomes.append(outcome)
            if outcome.state != "killed":
                console.print(
                    f"{outcome.state} ({outcome.tests} tests): {outcome.mutant.title}", markup=False
                )
    if options.json:
        options.json.write_text(json.dumps([as_row(each) for each in outcomes], indent=1))
    alive = [each for each in outcomes if each.state != "killed"]
    real = [each for each in alive if not excused(each.mutant, known)]
    console.print(f"seed {options.seed}: {dict(Counter(each.state for each in outcomes))}")
    console.print(f"{len(real)} of {len(outcomes)} survive and are not known to be equivalent")
    for each in real:
        console.print(f"  {each.state}: {each.mutant.title}", markup=False, highlight=False, soft_wrap=True)
    return int(bool(real))


def as_row(outcome: Outcome) -> dict[str, object]:
    """For programs."""
    mutant = outcome.mutant
    return {
        "path": mutant.path,
        "line": mutant.line,
        "old": mutant.old,
        "new": mutant.new,
        "state": outcome.state,
        "tests": outcome.tests,
        "said": outcome.said,
    }


if __name__ == "__main__":
    raise SystemExit(main())

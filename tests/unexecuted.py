"""Which statements of the package the offline suite never runs, and why.

    pytest --offline --cov && python -m tests.unexecuted [DATA]

A statement either runs or is named in `unexecuted.toml` with its reason; both are held here.  Rows go by
module, function and the first line of the statement itself, so that they outlive edits elsewhere:

    [[statement]]
    module = "php_streams._core.values"
    function = "Class.method"
    code = '''
    return None
    '''
    reason = "..."

`function` is "" outside of functions.  `code` has a line for each statement, with the comment behind it, or
is "*": every statement of a function that is never entered.  ``sometimes = true`` marks what runs on some
systems or Pythons only, or by chance: it may have run, but it has to be there.
"""

from __future__ import annotations

import argparse
import ast
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from coverage import Coverage, CoverageData
from coverage.exceptions import CoverageException

from tests.places import ROOT

ROWS = ROOT / "tests/unexecuted.toml"
REQUIRED = {"module", "function", "code", "reason"}
KEYS = REQUIRED | {"sometimes"}
FOR_CHECKERS_ONLY = (r"if TYPE_CHECKING:", r"^\s*@(typing\.)?overload\b")
WHOLE = "*"


class ListError(Exception):
    """The list, or the coverage data, cannot be used."""


class Statement(NamedTuple):
    """A statement as a row names it; several that look alike in one function are one, and counted."""

    module: str
    function: str
    code: str


@dataclass(frozen=True)
class Row:
    """A row of the list."""

    module: str
    function: str
    code: tuple[str, ...]
    reason: str
    sometimes: bool = False

    def __str__(self) -> str:
        return f"{self.module}: {self.function or '(module)'}: {' / '.join(self.code)}"


@dataclass(frozen=True)
class Module:
    """A module's statements: every one, and those that did not run, with their lines."""

    every: Counter[Statement]
    unrun: Counter[Statement]
    lines: dict[Statement, list[int]]


@dataclass(frozen=True)
class Verdict:
    """What the list does not say, and what it says wrongly."""

    unnamed: Counter[Statement]
    stale: list[str]


def read_rows(path: Path = ROWS) -> list[Row]:
    """The list; `ListError` for a row that is misspelt or gives no reason."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ListError(f"{path}: {error}") from None
    if unknown := found.keys() - {"statement"}:
        raise ListError(f"{path}: [[{min(unknown)}]]: the rows are [[statement]]")
    rows = []
    for row in found.get("statement", []):
        code = tuple(line.strip() for line in row.get("code", "").splitlines() if line.strip())
        if not REQUIRED <= row.keys() <= KEYS or not code or not row["reason"].strip():
            raise ListError(f"{path}: {row}: a row has {', '.join(sorted(REQUIRED))}, none of them empty")
        rows.append(Row(row["module"], row["function"], code, row["reason"], row.get("sometimes", False)))
    return rows


def functions(tree: ast.AST, owner: str = "") -> Iterator[tuple[range, str]]:
    """(the lines of its body, qualified name) of every function, the outer before the inner ones."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{owner}.{node.name}" if owner else node.name
            if not isinstance(node, ast.ClassDef):
                assert node.end_lineno is not None
                yield range(node.body[0].lineno, node.end_lineno + 1), name
            yield from functions(node, name)
        else:
            yield from functions(node, owner)


def module_name(path: Path, root: Path) -> str:
    """php_streams/_core/values.py -> php_streams._core.values"""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read_module(path: Path, root: Path, every: Iterable[int], unrun: Iterable[int]) -> Module:
    """A module's statements by their first lines."""
    text = path.read_text("utf-8")
    lines, inside, name = text.splitlines(), list(functions(ast.parse(text))), module_name(path, root)

    def statement(number: int) -> Statement:
        owners = [function for body, function in inside if number in body]
        return Statement(name, owners[-1] if owners else "", lines[number - 1].strip())

    places: dict[Statement, list[int]] = {}
    for number in unrun:
        places.setdefault(statement(number), []).append(number)
    unran = Counter({each: len(numbers) for each, numbers in places.items()})
    return Module(Counter(map(statement, every)), unran, places)


def measured(data: Path, root: Path = ROOT, package: str = "php_streams") -> dict[str, Module]:
    """Every module of the package, whether or not anything imported it; `ListError` for data of nothing."""
    if not data.is_file():
        raise ListError(f"{data}: no coverage data: run pytest --offline --cov first")
    coverage = Coverage(data_file=str(data), config_file=False)
    try:
        coverage.load()
        check(coverage.get_data(), data, root / package)
        return read_modules(coverage, root, package)
    except CoverageException as error:
        raise ListError(f"{data}: {error}") from None
    finally:
        coverage.get_data().close(force=True)


def unmeasured(root: Path = ROOT, package: str = "php_streams") -> dict[str, Module]:
    """The same where nothing ran: what there is to be named."""
    coverage = Coverage(data_file=None, config_file=False)
    try:
        return read_modules(coverage, root, package)
    finally:
        coverage.get_data().close(force=True)


def read_modules(coverage: Coverage, root: Path, package: str) -> dict[str, Module]:
    """The package's modules and what these data say of them."""
    coverage.clear_exclude()
    for pattern in FOR_CHECKERS_ONLY:
        coverage.exclude(pattern)
    found = {}
    for path in sorted((root / package).rglob("*.py")):
        _, every, _, unrun, _ = coverage.analysis2(str(path))
        found[module_name(path, root)] = read_module(path, root, every, unrun)
    return found


def check(data: CoverageData, path: Path, package: Path) -> None:
    """Data about another tree would call every statement unrun."""
    if not any(Path(name).is_relative_to(package) for name in data.measured_files()):
        raise ListError(f"{path}: nothing in it is about {package}")


def compare(modules: dict[str, Module], rows: Sequence[Row]) -> Verdict:
    """The statements that neither run nor are named; the rows that name what runs, or what is not there."""
    left = Counter({each: count for module in modules.values() for each, count in module.unrun.items()})
    stale = []
    for row in rows:
        module = modules.get(row.module)
        if module is None:
            stale.append(f"{row}: there is no such module")
        elif row.code == (WHOLE,):
            stale += whole(row, module, left)
        else:
            for code, count in Counter(row.code).items():
                stale += several(row, Statement(row.module, row.function, code), count, module, left)
    return Verdict(+left, stale)


def whole(row: Row, module: Module, left: Counter[Statement]) -> Iterator[str]:
    """Takes away a function that is never entered; says so when it is, or is not there."""
    own = [each for each in module.every if each.function == row.function and row.function]
    if not own:
        yield f"{row}: there is no such function"
    elif not row.sometimes and any(module.unrun[each] < module.every[each] for each in own):
        yield f"{row}: some of it runs"
    for each in own:
        left[each] = 0


def several(row: Row, each: Statement, count: int, module: Module, left: Counter[Statement]) -> Iterator[str]:
    """Takes away `count` statements that look alike; says so when fewer are unrun, or there are fewer."""
    if count > module.every[each]:
        yield f"{row}: of {each.code!r} there are {module.every[each]}"
    elif count > left[each] and not row.sometimes:
        yield f"{row}: {each.code!r} runs now, or another row names it"
    left[each] = max(left[each] - count, 0)


def report(verdict: Verdict, modules: dict[str, Module]) -> Iterator[str]:
    """One line for each statement and each row, and the sums by module."""
    sums: Counter[str] = Counter()
    for each, count in sorted(verdict.unnamed.items()):
        sums[each.module] += count
        at = ", ".join(map(str, modules[each.module].lines[each]))
        yield f"never runs: {each.module}:{at}: {each.function or '(module)'}: {each.code}"
    yield from (f"out of date: {each}" for each in verdict.stale)
    yield from (f"{count:5} {module}" for module, count in sorted(sums.items()))
    statements = sum(sum(module.every.values()) for module in modules.values())
    unrun = sum(sum(module.unrun.values()) for module in modules.values())
    yield f"{statements} statements, {unrun} never run, {sums.total()} of them not named in the list"


def as_rows(unnamed: Counter[Statement]) -> Iterator[str]:
    """Rows to paste, one a function; the reason is for who pastes them."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for each, count in unnamed.items():
        grouped.setdefault((each.module, each.function), []).extend([each.code] * count)
    for (module, function), codes in sorted(grouped.items()):
        yield f'[[statement]]\nmodule = "{module}"\nfunction = "{function}"'
        mark = "'" * 3 if not any("'" * 3 in code for code in codes) else '"' * 3
        yield f"code = {mark}\n" + "\n".join(codes) + f'\n{mark}\nreason = ""\n'


def main(arguments: list[str] | None = None) -> int:
    """0: every statement runs or is named, and every row is true; 1: not so; 2: that cannot be told."""
    parser = argparse.ArgumentParser(prog="python -m tests.unexecuted", description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("data", nargs="?", type=Path, default=ROOT / ".coverage", metavar="DATA", help="default: .coverage")
    add("--rows", action="store_true", help="print rows for what is not named, to be given reasons")
    options = parser.parse_args(arguments)
    try:
        modules = measured(options.data)
        verdict = compare(modules, read_rows())
    except ListError as error:
        print(f"unexecuted: {error}", file=sys.stderr)
        return 2
    print(*(as_rows(verdict.unnamed) if options.rows else report(verdict, modules)), sep="\n")
    return int(bool(verdict.unnamed or verdict.stale))


if __name__ == "__main__":
    raise SystemExit(main())

"""The mutation tool: what it changes, what it leaves alone, and a trial that kills and one that does not."""

from __future__ import annotations

from pathlib import Path

import coverage
import pytest

from tests.mutation import __main__ as command
from tests.mutation import covering, trial
from tests.mutation.mutants import mutants_of

MODULE = '''"""Docstring."""
from __future__ import annotations
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import os
__all__ = ["larger"]
LIMIT: int = 3

def larger(a: int, b: "int" = 1) -> bool:
    """Docstring."""
    if a > b and a:
        return True
    print(f"{a}")
    return data[1:LIMIT] is not None
'''


def changed(tmp_path: Path, text: str = MODULE) -> set[tuple[str, str]]:
    (tmp_path / "m.py").write_text(text)
    return {(mutant.old, mutant.new) for mutant in mutants_of(tmp_path, "m.py")}


def test_what_runs_is_changed_and_nothing_else(tmp_path: Path) -> None:
    assert changed(tmp_path) == {
        ("3", "(4)"),
        ("3", "(0)"),
        ("1", "(2)"),
        ("1", "(0)"),
        ("a > b", "(a >= b)"),
        ("a > b and a", "(a > b or a)"),
        ("a > b and a", "(a)"),
        ("a > b and a", "(not (a > b and a))"),
        ("return True", "return None"),
        ("True", "(False)"),
        ('print(f"{a}")', "pass"),
        ("return data[1:LIMIT] is not None", "return None"),
        ("data[1:LIMIT] is not None", "(data[1:LIMIT] is None)"),
        ("data[1:LIMIT]", "(data[:LIMIT])"),
        ("data[1:LIMIT]", "(data[1:])"),
    }


def test_types_in_strings_and_names_that_nothing_asks_for_are_left_alone(tmp_path: Path) -> None:
    text = """
Factory = Callable[[str, "int"], "Filter | None"]
T = TypeVar("T", bound="Base")
opening = ContextVar[str]("opening", default="none")
face = cast("TlsSocket", face)
pairs = zip("ab", "cd", strict=True)
"""
    assert changed(tmp_path, text) == {
        ('"none"', "('noneX')"),
        ('"ab"', "('abX')"),
        ('"cd"', "('cdX')"),
    }


def test_a_mutant_is_one_change_on_its_line(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("x = 'é'; y = 1 + 2\n")
    (plus,) = [m for m in mutants_of(tmp_path, "m.py") if m.new == "(1 - 2)"]
    assert plus.applied((tmp_path / "m.py").read_bytes()).decode() == "x = 'é'; y = (1 - 2)\n"
    assert plus.title == "m.py:1: 1 + 2  ->  (1 - 2)"


def test_the_seed_decides_what_is_drawn() -> None:
    paths = command.modules(["php_streams/_core/at_exit.py"])
    assert paths == ["php_streams/_core/at_exit.py"]
    assert command.draw(paths, 1, 9) == command.draw(paths, 1, 9) != command.draw(paths, 2, 9)


def test_a_module_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="--only php_streams/nothing: no module"):
        command.modules(["php_streams/nothing"])


def test_a_trial_kills_what_a_test_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "m.py").write_text("def double(x):\n    return x * 2\n\n\ndef other():\n    return 5\n")
    (root / "test_m.py").write_text("from m import *\ndef test_double(): assert double(4) == 8 and other()\n")
    (root / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--offline', action='store_true')\n"
    )
    monkeypatch.setattr(trial, "ROOT", root)
    copy = trial.Copy(tmp_path / "copy")
    found = {
        (mutant.old, mutant.new): copy.try_mutant(mutant, ["test_m.py::test_double"]).state
        for mutant in mutants_of(root, "m.py")
    }
    assert found.pop(("5", "(6)")) == "survived"
    assert set(found.values()) == {"killed"} and len(found) >= 4
    assert (copy.folder / "m.py").read_text() == (root / "m.py").read_text()
    assert copy.try_mutant(mutants_of(root, "m.py")[0], []).state == "untested"


def test_what_is_excused_is_there_and_means_one_line() -> None:
    rows = command.equivalents()
    for row in rows:
        assert row["reason"]
        named = [mutant for mutant in mutants_of(command.ROOT, row["path"]) if command.excused(mutant, [row])]
        assert len(named) == 1, row
        (same,) = named
        assert command.excused(same, rows)
        assert not command.excused(same, [{**row, "line": "another"}])
        assert not command.excused(same, [{**row, "new": "another"}])


def test_the_tests_of_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = coverage.CoverageData(str(tmp_path / "data"))
    for test, lines in {"one": [1, 2, 3], "two": [1, 5, 6, 7], "three": [1, 5, 6, 7, 8], "": [1, 9]}.items():
        data.set_context(test and f"{test}|run")
        data.add_lines({str(tmp_path / "m.py"): lines})
    data.write()
    data.close(force=True)
    monkeypatch.setattr(covering, "ROOT", tmp_path)
    monkeypatch.setattr(covering, "IMPORTED", 2)
    found = covering.Covering(tmp_path / "data")
    assert found.of("m.py", 2) == ["one"]
    assert found.of("m.py", 6) == ["two", "three"], "the one that runs less else comes first"
    assert found.of("m.py", 1) == [*covering.FACTS, "one", "two", "three"], "what an import runs"
    assert found.of("m.py", 11) == ["three"], "a line that no test runs: its neighbours'"
    assert found.of("m.py", 40) == found.of("n.py", 1) == []
    assert found.known(["m.py", "n.py"]) == ["m.py"]

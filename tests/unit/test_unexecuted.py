"""The list of statements that never run is held to what ran: measured on a small package of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import unexecuted
from tests.unexecuted import ListError, compare, main, measured, read_rows

MODULE = """from typing import TYPE_CHECKING, overload
if TYPE_CHECKING:
    import nothing

class Shop:
    def sell(self, price):
        if price < 0:
            return None  # no gifts
        return price

    def close(self):
        def lock():
            return None
        raise NotImplementedError

@overload
def twice(x: int) -> int: ...
@overload
def twice(x: str) -> str: ...
def twice(x):
    if x == 1:
        return None
    if x == 2:
        return None
    return (
        x * 2
    )

twice(1), twice(3), Shop().sell(2)
"""
ALONE = "def never():\n    return 1\n"
ROWS = '''
[[statement]]
module = "shop.main"
function = "Shop.sell"
code = """
return None  # no gifts
"""
reason = "shops make no gifts"
[[statement]]
module = "shop.main"
function = "Shop.close"
code = "*"
reason = "always open"
[[statement]]
module = "shop.main"
function = "Shop.close.lock"
code = "return None"
reason = "always open"
[[statement]]
module = "shop.main"
function = "twice"
code = "return None"
reason = "nobody asks for two"
[[statement]]
module = "shop.alone"
function = ""
code = "def never():"
reason = "nobody imports it"
[[statement]]
module = "shop.alone"
function = "never"
code = "*"
reason = "nobody imports it"
'''


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package, and the coverage data of a run of one of its two modules."""
    root = tmp_path_factory.mktemp("shop")
    (root / "shop").mkdir()
    (root / "shop/__init__.py").touch()
    (root / "shop/main.py").write_text(MODULE)
    (root / "shop/alone.py").write_text(ALONE)
    command = [
        sys.executable,
        "-m",
        "coverage",
        "run",
        "--source=shop",
        "--data-file=data",
        "-m",
        "shop.main",
    ]
    subprocess.run(command, cwd=root, check=True, env={"PATH": "/usr/bin:/bin"})
    return root


def verdict(shop: Path, rows: str) -> tuple[list[str], list[str]]:
    """What is not named, as function and code, and what is out of date."""
    (shop / "rows.toml").write_text(rows)
    found = compare(measured(shop / "data", shop, "shop"), read_rows(shop / "rows.toml"))
    return [f"{each.function}: {each.code}" for each in sorted(found.unnamed.elements())], found.stale


def test_what_never_runs_is_found_in_modules_that_nobody_imports_too(shop: Path) -> None:
    assert verdict(shop, "") == (
        [
            ": def never():",
            "never: return 1",
            "Shop.close: def lock():",
            "Shop.close: raise NotImplementedError",
            "Shop.close.lock: return None",
            "Shop.sell: return None  # no gifts",
            "twice: return None",
        ],
        [],
    )


def test_every_statement_is_named(shop: Path) -> None:
    assert verdict(shop, ROWS) == ([], [])


@pytest.mark.parametrize(
    ("old", "new", "unnamed", "stale"),
    [
        ("return None  # no gifts", "return None", ["Shop.sell: return None  # no gifts"], "there are 0"),
        (
            "return None  # no gifts\n",
            "return None  # no gifts\nreturn price\n",
            [],
            "'return price' runs now",
        ),
        ('"Shop.close.lock"', '"Shop.lock"', ["Shop.close.lock: return None"], "there are 0"),
        ('"twice"\ncode = "return None"', '"twice"\ncode = """\nreturn None\nreturn None"""', [], "runs now"),
        ('"Shop.close"', '"Shop.open"', ["Shop.close: def lock():"], "there is no such function"),
        ('"Shop.close"', '"Shop.sell"', ["Shop.close: def lock():"], "some of it runs"),
        ('"shop.main"', '"shop.other"', ["Shop.sell: return None  # no gifts"], "there is no such module"),
    ],
)
def test_a_row_that_is_out_of_date_is_told(
    old: str, new: str, unnamed: list[str], stale: str, shop: Path
) -> None:
    left, told = verdict(shop, ROWS.replace(old, new, 1))
    assert set(unnamed) <= set(left)
    assert len(told) == 1 and stale in told[0]


@pytest.mark.parametrize(("function", "code"), [("Shop.sell", "return price"), ("twice", "*")])
def test_what_runs_sometimes_may_run(function: str, code: str, shop: Path) -> None:
    row = f'[[statement]]\nmodule = "shop.main"\nfunction = "{function}"\ncode = "{code}"\nreason = "luck"\n'
    assert len(verdict(shop, row)[1]) == 1
    assert verdict(shop, row + "sometimes = true\n")[1] == []
    assert len(verdict(shop, row.replace(f'"{function}"', '"gone"') + "sometimes = true\n")[1]) == 1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("[[row]]\n", "the rows are"),
        ("[[statement]\n", "rows.toml: "),
        (ROWS.replace('reason = "always open"', 'reason = " "', 1), "none of them empty"),
        (ROWS.replace('code = "*"', 'code = ""', 1), "none of them empty"),
        (ROWS.replace('reason = "always open"', 'why = "always open"', 1), "a row has"),
        (ROWS.replace('reason = "always open"', 'reason = "x"\nwhy = "y"', 1), "a row has"),
    ],
)
def test_a_list_that_is_none_is_refused(rows: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "rows.toml").write_text(rows)
    with pytest.raises(ListError, match=said):
        read_rows(tmp_path / "rows.toml")


def test_there_has_to_be_a_list(tmp_path: Path) -> None:
    with pytest.raises(ListError, match=r"rows\.toml"):
        read_rows(tmp_path / "rows.toml")


def test_data_of_nothing_are_refused(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(ListError, match="no coverage data"):
        measured(tmp_path / "data", shop, "shop")
    (tmp_path / "data").write_text("no data base")
    with pytest.raises(ListError, match="data: "):
        measured(tmp_path / "data", shop, "shop")
    with pytest.raises(ListError, match="nothing in it is about"):
        measured(shop / "data", tmp_path, "shop")


@pytest.fixture
def here(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lets the small package be the one that is asked about, with no list yet."""
    found = measured(shop / "data", shop, "shop")

    def small(data: Path) -> dict[str, unexecuted.Module]:
        return found if data == shop / "data" else measured(data)

    monkeypatch.setattr(unexecuted, "measured", small)
    (shop / "rows.toml").write_text("")
    monkeypatch.setattr(unexecuted, "read_rows", lambda: read_rows(shop / "rows.toml"))
    return shop


def test_the_report_gives_places_and_sums(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(here / "data")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "never runs: shop.main:8: Shop.sell: return None  # no gifts" in lines
    assert "never runs: shop.alone:1: (module): def never():" in lines
    assert lines[-3:] == [
        "    2 shop.alone",
        "    5 shop.main",
        "19 statements, 7 never run, 7 of them not named in the list",
    ]


def test_the_rows_that_are_missing_can_be_pasted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(here / "data"), "--rows"]) == 1
    (here / "rows.toml").write_text(capsys.readouterr().out.replace('reason = ""', 'reason = "so it is"'))
    assert main([str(here / "data")]) == 0
    assert capsys.readouterr().out == "19 statements, 7 never run, 0 of them not named in the list\n"


def test_what_is_out_of_date_fails(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "rows.toml").write_text(ROWS.replace('"twice"', '"thrice"'))
    assert main([str(here / "data")]) == 1
    assert (
        "out of date: shop.main: thrice: return None: of 'return None' there are 0" in capsys.readouterr().out
    )


def test_what_cannot_be_told_is_said(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "data")]) == 2
    assert "no coverage data: run pytest --offline --cov first" in capsys.readouterr().err


def test_the_list_of_this_package_names_what_is_there() -> None:
    """What can be held without a measured run: modules, functions and statements exist."""
    every = unexecuted.unmeasured()
    assert [line for line in compare(every, read_rows()).stale if "runs" not in line] == []

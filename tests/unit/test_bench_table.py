"""The table of goals and the workloads of tests/bench belong together."""

from __future__ import annotations

import pytest

from tests.bench import inputs, peer, rows

ROWS = rows.load()
FOLDERS = {"php": ".php", "workloads": ".py", "stdlib": ".py"}


def test_row_names_are_unique() -> None:
    """``--only`` and the JSON name rows by these."""
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_is_complete(row: rows.Row) -> None:
    """Every row has its scripts and a peer that exists, and goals that can be met."""
    for folder, suffix in FOLDERS.items():
        exists = (rows.HERE / folder / (row.file + suffix)).is_file()
        assert exists == getattr(row, folder, True)
    assert row.peer in peer.KINDS or (row.peer == "" and (row.measure == "process" or row.input))
    assert row.input in ("", *inputs.KINDS)
    assert not row.full or row.full > row.n
    assert row.tls in ("", "connect", "starttls")
    assert row.measure in ("time", "rss", "process")
    assert row.cpus in (1, 2)
    assert row.n > 0
    assert row.rounds > 0
    assert all(goal is None or goal > 0 for goal in (row.goal, row.goal_stdlib, row.goal_kib))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_workload_has_a_row(folder: str) -> None:
    """No script lies there unmeasured."""
    used = {row.file for row in ROWS} | {"mailer"}
    found = {path.stem for path in (rows.HERE / folder).glob(f"*{FOLDERS[folder]}")}
    assert found <= used


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_twins_measure_the_same(row: rows.Row) -> None:
    """Where one language hashes its data for proof, the others do too."""
    files = [rows.HERE / folder / (row.file + suffix) for folder, suffix in FOLDERS.items()]
    assert len({"proof(" in file.read_text() for file in files if file.exists()}) == 1

"""Citations that show nothing are found: changes that no case bears out, parts, contradictions."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from compat_matrix import MatrixError, automatic, coverage, shown
from compat_matrix.automatic import change_difference, sides
from compat_matrix.coverage import citations, read_cases, settle
from compat_matrix.decisions import Decisions, decisions
from compat_matrix.manual import Page, pages
from compat_matrix.pages import claim_table
from tests.conformance.case import Case

SAME = "--EXPECT 7.4.33 8.2.36 8.4.28--\na i:1;\n"
OTHER = "--EXPECT 7.4.33--\na i:0;\n--EXPECT 8.2.36 8.4.28--\na i:1;\n"
NEW = "--EXPECT 7.4.33 8.2.36--\na i:0;\n--EXPECT 8.4.28--\na i:1;\n"
AFTER = "--EXPECT 8.2.36 8.4.28--\na i:1;\n"
CHANGE = "function.bzdecompress#changelog.8.0.0"
PART = "function.openssl-x509-verify#changelog.8.0.0-2"


def citing(folder: Path, expect: str, claim: str = CHANGE) -> dict[str, list[Case]]:
    """What one case with this EXPECT cites."""
    (folder / "x.case").write_text(
        f"--TEST--\nx\n--SEE--\n{claim}\n--PHP--\nsee('a', 1);\n--PYTHON--\nsee('a', 1)\n{expect}"
    )
    return citations(read_cases(folder))


@pytest.mark.parametrize("expect", [SAME, NEW, AFTER])
def test_a_change_that_its_case_does_not_show_is_a_fault(expect: str, tmp_path: Path) -> None:
    assert shown.changes_unseen(citing(tmp_path, expect)) == [
        f"{CHANGE}: its cases show no difference between PHP 7.4 and 8.2"
    ]


@pytest.mark.parametrize(
    ("expect", "claim"),
    [
        (OTHER, CHANGE),
        (SAME, "function.gzgets#changelog.8.0.0"),  # a row [[wrong]] says that PHP did not change
        (AFTER, "function.fputcsv#changelog.8.1.0"),  # Reflection has the parameter that came
        (SAME, "function.fopen#changelog.7.4.0"),  # no version before is recorded
        (SAME, "function.bzdecompress#returnvalues.1"),
    ],
)
def test_no_fault_where_a_difference_is_shown_or_none_is_to_be_seen(
    expect: str, claim: str, tmp_path: Path
) -> None:
    if claim == "function.gzgets#changelog.8.0.0":
        assert claim in decisions().wrong
    assert shown.changes_unseen(citing(tmp_path, expect, claim)) == []


def test_one_case_of_several_is_enough(tmp_path: Path) -> None:
    several = citing(tmp_path, SAME)
    (tmp_path / "other").mkdir()
    several[CHANGE] += citing(tmp_path / "other", OTHER)[CHANGE]
    assert shown.changes_unseen(several) == []


@pytest.mark.parametrize(
    ("version", "between"),
    [
        ("7.4.0", None),
        ("8.0.0", ("7.4", "8.2")),
        ("8.2", ("7.4", "8.2")),
        ("8.4.11", ("8.2", "8.4")),
        ("8.5.0", None),
    ],
)
def test_the_versions_on_both_sides_of_a_change(version: str, between: tuple[str, str] | None) -> None:
    assert sides(version) == between


def deciding(monkeypatch: pytest.MonkeyPatch, **rows: dict[str, str]) -> None:
    """Lets the decisions have these rows."""
    found: Decisions = dataclasses.replace(decisions(), **rows)  # type: ignore[arg-type]
    monkeypatch.setattr(shown, "decisions", lambda: found)
    monkeypatch.setattr(coverage, "decisions", lambda: found)


def test_a_part_needs_a_case_for_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deciding(monkeypatch, parts={PART: "keys"}, claims={})
    assert shown.citation_faults({}) == [f"[[part]] {PART}: no case cites it"]
    assert shown.citation_faults(citing(tmp_path, OTHER, PART)) == []


def test_what_no_case_shows_is_not_cited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deciding(monkeypatch, claims={CHANGE: "advice"}, parts={})
    assert shown.citation_faults(citing(tmp_path, OTHER)) == [
        f"[[claim]] {CHANGE}: a case cites it (bzdecompress)"
    ]


def test_what_is_missing_stands_beside_the_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deciding(monkeypatch, parts={PART: "keys of <their own>"})
    page, _, claim = PART.partition("#")
    cited = citing(tmp_path, OTHER, PART)
    found = settle(pages()[page], claim, cited)
    assert (found.state, found.cases, found.reason) == ("part", tuple(cited[PART]), "keys of <their own>")
    monkeypatch.setattr("compat_matrix.pages.label", lambda case: "functions/openssl_x509_verify/x")
    *_, row, _ = claim_table([found], {"functions/openssl_x509_verify/x"})
    assert "| part | [x](#m-case-functions-openssl-x509-verify-x); missing: keys of \\<their own\\> |" in row


def test_a_part_of_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "decisions.toml").write_text('[[part]]\nids = ["function.fgets#x"]\nmissing = ""')
    with pytest.raises(MatrixError, match="the manual has no such claim"):
        decisions(tmp_path / "decisions.toml")


def test_a_type_that_was_there_before_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page("function.openlog", "network", "function", "openlog", ())
    change = {"version": "8.2.0", "returns": ["true"]}
    assert change_difference(page, change) == ""
    monkeypatch.setattr(automatic, "reflection", lambda name, version: {"returns": "true", "parameters": []})
    assert change_difference(page, change) == "returns true in 7.4"

"""The matrix's data are in order, and what is wrong with them is said."""

from __future__ import annotations

import dataclasses
import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import php_streams
from compat_matrix import MatrixError, build, coverage, status, waits
from compat_matrix.automatic import change_difference, later, settled, signature_difference
from compat_matrix.coverage import data_faults, page_of, read_cases, subjects, things, wrong_citations
from compat_matrix.decisions import decisions, undecided
from compat_matrix.manual import Page, find_claim, pages
from compat_matrix.scope import SERIES, facts, functions
from compat_matrix.table_component import classic_script

CASE = """--TEST--
x
--SEE--
function.fgets, function.fgets#nonsense.1
--PHP--
see('a', 1);
--PYTHON--
see('a', 1)
"""


def test_every_claim_that_a_case_cites_is_one_of_the_manuals() -> None:
    assert wrong_citations(read_cases()) == []


def test_a_citation_of_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "x.case").write_text(CASE)
    (found,) = wrong_citations(read_cases(tmp_path))
    assert found.endswith("x.case: --SEE-- function.fgets#nonsense.1: the manual has no such claim")


def test_broken_case_files_are_all_named_with_line_and_reason(tmp_path: Path) -> None:
    (tmp_path / "a.case").write_text(CASE.replace("--PHP--", "--PPH--"))
    (tmp_path / "b.case").write_text("--TEST--\n")
    with pytest.raises(
        MatrixError, match=r"a\.case:5: unknown section --PPH--.*\n.*b\.case:1: --SEE-- is missing"
    ):
        read_cases(tmp_path)


def test_every_function_in_scope_has_a_decision() -> None:
    assert undecided() == []
    assert decisions().not_wanted.keys().isdisjoint(decisions().wanted)


def test_what_was_not_wanted_is_not_there() -> None:
    states = {each.name: each.state for each in subjects() if each.kind == "function"}
    assert {states[name] for name in decisions().not_wanted} == {"not wanted"}


def test_nothing_waits_for_what_is_there() -> None:
    assert data_faults() == []


WAIT = '[[waits]]\nids = ["function.fclose#examples.1"]\nuntil = {until}\nreason = "files"\n'


def use_wait(until: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the decisions consist of one wait."""
    path = folder / "decisions.toml"
    path.write_text(WAIT.format(until=until))
    found = decisions(path)
    monkeypatch.setattr(waits, "decisions", lambda: found)
    monkeypatch.setattr(coverage, "decisions", lambda: found)


FCLOSE = pages()["function.fclose"]


def test_a_claim_waits_until_the_last_of_the_names_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_wait(["fopen", "filesize", "fread"], tmp_path, monkeypatch)
    monkeypatch.setattr(php_streams, "__all__", ["fread"])
    assert coverage.settle(FCLOSE, "examples.1", {}).state == "waits"
    assert coverage.settle(FCLOSE, "examples.1", {}).reason == "fopen, filesize: files"
    monkeypatch.setattr(php_streams, "__all__", ["fread", "fopen"])
    assert waits.wait_faults(set()) == []
    assert coverage.settle(FCLOSE, "examples.1", {}).reason == "filesize: files"
    monkeypatch.setattr(php_streams, "__all__", ["fread", "fopen", "filesize"])
    assert coverage.settle(FCLOSE, "examples.1", {}).state == "open"
    (fault,) = waits.wait_faults(set())
    assert fault.endswith(
        "function.fclose#examples.1: fopen, filesize, fread is there now: a case has to show it"
    )


def test_the_build_fails_when_a_wait_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_wait(["fread"], tmp_path, monkeypatch)
    with pytest.raises(MatrixError, match=r"fclose#examples\.1: fread is there now"):
        build.build(True)


@pytest.mark.parametrize("name", ["wrappers/http", "filters/zlib.inflate", "context/http.proxy"])
def test_a_wrapper_has_come_when_there_is_a_case_about_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for listing in ("stream_get_wrappers", "stream_get_filters"):
        monkeypatch.setattr(php_streams, listing, list)
    assert waits.known(name) and not waits.there(name, tmp_path)
    (tmp_path / name).mkdir(parents=True)
    assert not waits.there(name, tmp_path)
    (tmp_path / name / "x.case").touch()
    assert waits.there(name, tmp_path)


def test_a_wrapper_has_come_when_it_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert waits.there("transports/tcp", tmp_path)
    monkeypatch.setattr(php_streams, "stream_get_filters", lambda: ["zlib.*"], raising=False)
    assert waits.there("filters/zlib.inflate", tmp_path) and not waits.there(
        "filters/convert.base64-encode", tmp_path
    )


@pytest.mark.parametrize("name", ["fopenn", "header", "wrappers/gopher", "context/http.colour", "things/x"])
def test_a_wait_for_what_will_never_come_is_a_fault(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_wait([name], tmp_path, monkeypatch)
    found = dataclasses.replace(waits.decisions(), not_wanted={"header": "web servers"})
    monkeypatch.setattr(waits, "decisions", lambda: found)
    assert f"function.fclose#examples.1: {name}: nothing that will come" in waits.wait_faults(set())[0]


def test_a_wait_for_what_a_case_shows_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_wait(["fopen"], tmp_path, monkeypatch)
    monkeypatch.setattr(php_streams, "__all__", [])
    assert "a case or a decision settles it" in waits.wait_faults({"function.fclose#examples.1"})[0]


def test_what_waits_is_not_covered() -> None:
    page = pages()["function.fclose"]
    claims = tuple(
        coverage.Claim(name, state) for name, state in [("a", "case"), ("b", "waits"), ("c", "open")]
    )
    subject = coverage.Subject("fclose", "filesystem", "function", page, (), claims)
    assert (subject.covered, subject.share) == (1, "1/3, 1 wait")


# Claims about signatures, and what changed in them: each is a test against php-cli's recorded Reflection.
SETTLED = [
    (page, claim)
    for page in pages().values()
    for claim in page.claims
    if settled(page, claim) is not None and not later(page, claim)
]


@pytest.mark.parametrize(
    ("page", "claim"), [pytest.param(*each, id=f"{each[0].id}#{each[1]}") for each in SETTLED]
)
def test_what_the_manual_says_of_a_signature_is_what_php_says(page: Page, claim: str) -> None:
    said = settled(page, claim)
    if claim == "signature" and page.id in decisions().manual:
        assert said, "decisions.toml [[manual]] has this page, and there is no difference any more"
    elif page.name not in decisions().not_wanted:
        assert said == ""


@pytest.mark.parametrize("series", SERIES)
def test_php_calls_those_methods_of_a_wrapper_that_the_manual_describes(series: str) -> None:
    called = facts(series)["stream_wrapper_methods"]
    start = "streamWrapper::"
    described = {p.name.removeprefix(start): p for p in pages().values() if p.name.startswith(start)}
    assert called.keys() == described.keys()
    for name, kinds in called.items():
        parameters = described[name].signatures[0]["parameters"] if described[name].signatures else []
        assert len(kinds) == len(parameters), name
        for kind, parameter in zip(kinds, parameters, strict=True):
            spelt = {"integer": "int", "NULL": "null"}.get(kind, kind)
            assert (
                {spelt, "mixed"} & set(parameter["type"]) or parameter.get("by_reference") or kind == "NULL"
            )


def test_cases_show_what_php_does_where_the_manual_is_wrong() -> None:
    cases = {claim.id: claim.cases for each in subjects() for claim in each.claims}
    assert [name for name in decisions().wrong if not cases[name]] == []


def test_there_are_claims_of_both_kinds() -> None:
    kinds = [claim.partition(".")[0] for _, claim in SETTLED]
    assert kinds.count("signature") > 200 and kinds.count("changelog") > 25


FGETS = pages()["function.fgets"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("name", "file", "parameters file, length; in php-cli stream, length"),
        ("optional", True, "stream is not optional in php-cli"),
        ("by_reference", True, "stream is not by reference in php-cli"),
    ],
)
def test_a_signature_that_differs_is_found(key: str, value: object, said: str) -> None:
    first, second = FGETS.signatures[0]["parameters"]
    changed = FGETS.signatures[0] | {"parameters": [first | {key: value}, second]}
    assert signature_difference(dataclasses.replace(FGETS, signatures=(changed,))) == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": ["int"]}, "length is int, in php-cli ?int"),
        ({"default": "0"}, "length is 0 by default, in php-cli None"),
    ],
)
def test_a_parameter_that_differs_is_found(change: dict[str, object], said: str) -> None:
    first, second = FGETS.signatures[0]["parameters"]
    changed = FGETS.signatures[0] | {"parameters": [first, second | change]}
    assert signature_difference(dataclasses.replace(FGETS, signatures=(changed,))) == said


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("fgets", {"version": "8.0.0", "nullable": ["length"]}, ""),
        ("fgets", {"version": "8.0.0", "nullable": ["stream"]}, "stream is None"),
        ("fread", {"version": "8.0.0", "nullable": ["length"]}, "length is int"),
        ("fputcsv", {"version": "8.1.0", "parameter": ["eol"]}, ""),
        ("fputcsv", {"version": "8.1.0", "parameter": ["handle"]}, "handle is not there in 8.2"),
        ("fgets", {"version": "8.4.0", "parameter": ["length"]}, "length is there in 8.2"),
        ("fgets", {"version": "8.0.0", "deprecated": ["deprecated"]}, "not deprecated in 8.2"),
        ("stream_bucket_append", {"version": "8.4.0", "object": ["bucket"]}, ""),
        ("fgets", {"version": "8.4.0", "object": ["length"]}, "length is ?int"),
        ("stream_bucket_new", {"version": "8.4.0", "returns": ["StreamBucket"]}, ""),
        ("fgets", {"version": "8.4.0", "returns": ["StreamBucket"]}, "returns string|false in 8.4"),
        ("fgets", {"version": "9.0.0", "nullable": ["length"]}, None),
    ],
)
def test_a_row_of_a_changelog_is_compared(name: str, change: dict[str, object], said: str | None) -> None:
    page = Page(f"function.{name}", "filesystem", "function", name, ())
    assert change_difference(page, change) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("function.fgest#signature", "did you mean function.fgets"),
        ("function.fgets#errors.9", "not a claim of function.fgets; it has signature, parameters.stream"),
        ("function.fgets", "not a claim of function.fgets"),
    ],
)
def test_a_claim_that_is_none_is_answered_with_those_there_are(name: str, said: str) -> None:
    with pytest.raises(MatrixError, match=re.escape(said)):
        find_claim(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[[name]]\nnames = "nofunction"\ndecision = "wanted"\nreason = ""',
            "nofunction: no function in scope",
        ),
        ('[[name]]\nnames = "fgets fgets"\ndecision = "wanted"\nreason = ""', "fgets: twice"),
        ('[[name]]\nnames = "fgets"\ndecision = "maybe"\nreason = ""', "decision 'maybe'"),
        ('[[name]]\nnames = "fgets"\ndecision = "wanted"', "the keys have to be"),
        ('[[nam]]\nnames = "fgets"', "[[nam]]"),
        ('[[claim]]\nids = ["function.fgets#x"]\nreason = ""', "the manual has no such claim"),
        ('[[claim]]\nids = ["function.nothing#*"]\nreason = ""', "the manual has no such claim"),
        ('[[wrong]]\nclaim = "function.fgets#x"\nphp = ""', "not a claim of function.fgets"),
        ("[[claim", "decisions.toml: Expected"),
    ],
)
def test_a_decision_that_is_wrong_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "decisions.toml").write_text(text)
    with pytest.raises(MatrixError, match=re.escape(said)):
        decisions(tmp_path / "decisions.toml")


def test_folders_stand_for_pages_of_the_manual() -> None:
    assert page_of("functions", "stream_get_line") == "function.stream-get-line"
    assert page_of("context", "ssl.cafile") == "context.ssl"
    assert page_of("transports", "tlsv1.2") == "transports.inet"
    assert page_of("wrappers", "https") == "wrappers.http"
    assert page_of("filters", "zlib.inflate") == "filters.compression.zlib"


def test_transports_are_those_that_php_lists() -> None:
    assert {"tcp", "udp", "unix", "tls", "tlsv1.3"} <= {each.name for each in things("transports")}


def test_status_names_every_function_of_a_chapter() -> None:
    with redirect_stdout(io.StringIO()) as out:
        assert status.status(["variables"], True) == 0
    text = out.getvalue()
    for name in (name for name, chapter in functions().items() if chapter == "variables"):
        assert re.search(rf"^  {name} +(done|wanted) .* \d+/\d+", text, re.MULTILINE)
    with pytest.raises(MatrixError, match="varables: no chapter"):
        status.status(["varables"], False)


def test_the_summary_goes_between_its_marks() -> None:
    first, last = build.MARKS
    text = build.with_summary(f"a\n{first}\nold\n{last}\nb\n")
    assert text == f"a\n{first}\n{build.summary()}\n{last}\nb\n"
    with pytest.raises(MatrixError, match="are missing"):
        build.with_summary("a\nb\n")


def test_check_tells_what_is_stale_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "PAGE", tmp_path / "matrix.md")
    monkeypatch.setattr(build, "README", tmp_path / "README.md")
    (tmp_path / "README.md").write_text("\n".join(build.MARKS))
    assert build.build(True) == 1
    assert "matrix.md, README.md: not what the data give" in capsys.readouterr().err
    assert not (tmp_path / "matrix.md").exists()
    assert build.build(False) == 0
    assert build.build(True) == 0
    (tmp_path / "matrix.md").write_text((tmp_path / "matrix.md").read_text().replace("fgets", "fgest", 1))
    assert build.build(True) == 1


@pytest.mark.parametrize("end", ["", ";\n/*! Licences:\n *  MIT\n */\n"])
def test_a_module_becomes_a_script(end: str) -> None:
    script = classic_script("var a=1,b=2;export{a as default,b as other}" + end)
    assert "var a=1,b=2;" in script and "window.DataTable = a;" in script and "export" not in script
    assert ("MIT" in script) == ("MIT" in end)


@pytest.mark.parametrize("module", ["var a=1;", "export{a as other}", "export{a as default};var b;"])
def test_a_bundle_of_another_form_is_refused(module: str) -> None:
    with pytest.raises(MatrixError, match="does not end with its exports"):
        classic_script(module)

"""`run` and `new`: what they do with good input and with bad, and what the reports hold."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

import php_streams
from compat_matrix import MatrixError, __main__, new_case, run
from php_streams.porting.php_cli import PhpCli, find_php
from tests.conformance.case import CaseError, read_case
from tests.conformance.namespace import Unavailable
from tests.conformance.python_side import run_python
from tests.conformance.twins import check_twins

PHP: list[PhpCli] = find_php([])
PHP_OR_SKIP = pytest.mark.skipif(not PHP, reason="no php-cli here (compat_matrix/install_php.sh installs it)")

CASE = """--TEST--
Three bytes
--SEE--
function.strlen
--PHP--
see('length', 1 + 2);
--PYTHON--
see('length', 1 + 2)
--EXPECT {}--
length i:{};
"""


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cases"
    (folder / "functions/good").mkdir(parents=True)
    release = PHP[0].version if PHP else "8.4.28"
    (folder / "functions/good/a.case").write_text(CASE.format(release, 3))
    for module in ("run", "reports", "coverage"):
        monkeypatch.setattr(f"compat_matrix.{module}.CASES", folder, raising=False)
    return folder


def command(*arguments: str | Path) -> int:
    return __main__.main(["run", *map(str, arguments)])


@PHP_OR_SKIP
def test_what_agrees_is_good(cases: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    assert command("--php", PHP[0].path, "--json", out) == 0
    found = json.loads(out.read_text())
    assert found["php"][0]["version"] == PHP[0].version
    assert [(each["case"], each["with"], each["agrees"]) for each in found["results"]] == [
        ("functions/good/a", f"php {PHP[0].version}", True),
        ("functions/good/a", "Python", True),
    ]
    assert f"php {PHP[0].version}" in capfd.readouterr().err


@PHP_OR_SKIP
def test_what_differs_is_shown_and_written(
    cases: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (cases / "functions/good/b.case").write_text(CASE.format(PHP[0].version, 4))
    out, junit = tmp_path / "out.json", tmp_path / "out.xml"
    assert command("--php", PHP[0].path, "--json", out, "--junit", junit) == 1
    shown = capfd.readouterr().err
    assert "functions/good/b" in shown and "length i:3;" in shown and "length i:4;" in shown
    wrong = [each for each in json.loads(out.read_text())["results"] if not each["agrees"]]
    assert [each["with"] for each in wrong] == [f"php {PHP[0].version}", "Python"]
    assert wrong[0]["expected"] == ["length i:4;"] and wrong[0]["printed"] == ["length i:3;"]
    suites = ElementTree.parse(junit).getroot().findall("testsuite")
    assert [(each.get("tests"), each.get("failures")) for each in suites] == [("2", "1"), ("2", "1")]
    assert "length i:4;" in (suites[0].findtext("testcase/failure") or "")


def other_release(step: int) -> str:
    """The release of this php's series that comes some steps later."""
    return f"{PHP[0].series}.{int(PHP[0].version.rpartition('.')[2]) + step}"


@PHP_OR_SKIP
def test_a_newer_release_that_differs_fails_and_is_listed(
    cases: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (cases / "functions/good/b.case").write_text(CASE.format(other_release(-1), 4))
    out = tmp_path / "out.json"
    assert command("--php", PHP[0].path, "--no-python", "--json", out) == 1
    shown = capfd.readouterr().err
    news = f"newer: php {PHP[0].version} differs in 1 from {other_release(-1)}, which was recorded:"
    assert f"{news}\nnewer:   functions/good/b\n" in shown
    (found,) = [each for each in json.loads(out.read_text())["results"] if not each["agrees"]]
    assert "newer than" in found["another_release"] and found["printed"] == ["length i:3;"]


@PHP_OR_SKIP
def test_an_older_release_that_differs_is_told_and_does_not_fail(
    cases: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (cases / "functions/good/b.case").write_text(CASE.format(other_release(+1), 4))
    junit = tmp_path / "out.xml"
    assert command("--php", PHP[0].path, "--no-python", "--junit", junit) == 0
    assert f"older: php {PHP[0].version} differs in 1 from {other_release(+1)}" in capfd.readouterr().err
    (suite,) = ElementTree.parse(junit).getroot().findall("testsuite")
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "1")
    assert "is older than" in (suite.find("testcase/skipped").get("message") or "")  # type: ignore[union-attr]


@PHP_OR_SKIP
def test_python_may_be_left_out(cases: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert command("--php", PHP[0].path, "--no-python", "--only", "functions/good", "--json", out) == 0
    assert len(json.loads(out.read_text())["results"]) == 1


@PHP_OR_SKIP
def test_what_the_system_does_not_allow_is_not_run_and_no_difference(
    cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(job: run.Job) -> None:
        raise Unavailable("no namespaces here")

    monkeypatch.setattr(run, "play", refuse)
    out, junit = tmp_path / "out.json", tmp_path / "out.xml"
    assert command("--php", PHP[0].path, "--json", out, "--junit", junit) == 0
    assert "not run: no namespaces here" in capfd.readouterr().err
    results = json.loads(out.read_text())["results"]
    assert {(each["agrees"], each["not_run"]) for each in results} == {(None, "no namespaces here")}
    suite = ElementTree.parse(junit).getroot().findall("testsuite")[0]
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "1")
    assert suite.find("testcase/skipped") is not None


@PHP_OR_SKIP
def test_a_version_that_nothing_was_recorded_from(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cases / "functions/good/a.case").write_text(CASE.format("7.0.1", 3))
    assert command("--php", PHP[0].path) == 2
    assert f"no case was recorded from {PHP[0].series} (known: 7.0); --as 7.0" in capsys.readouterr().err
    assert command("--php", PHP[0].path, "--as", "7.0", "--no-python") == 0


@PHP_OR_SKIP
def test_a_broken_case_file(cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = CASE.format(PHP[0].version, 3).replace("see('length', 1 + 2)\n", "see('other', 1 + 2)\n")
    (cases / "functions/good/a.case").write_text(text)
    assert command("--php", PHP[0].path, "--json", tmp_path / "out.json") == 2
    assert "a.case:8: does not face line 6 of the PHP" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


@PHP_OR_SKIP
def test_a_folder_without_cases(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--php", PHP[0].path, "--only", "functions/nothing") == 2
    assert "--only functions/nothing: no cases there" in capsys.readouterr().err


@PHP_OR_SKIP
def test_a_report_that_cannot_be_written(
    cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("--php", PHP[0].path, "--json", tmp_path / "nowhere/out.json") == 2
    said = capsys.readouterr().err
    assert "out.json cannot be written: there is no folder" in said and "Agreement" not in said
    assert command("--php", PHP[0].path, "--junit", tmp_path) == 2
    assert "cannot be written: Is a directory" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_a_number_of_jobs_that_is_none(number: str, cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command("--php", "php", f"--jobs={number}")
    assert "is not a number from 1 on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "said"), [("/bin/true", "is not a php-cli that runs"), ("nothing", "does not run")]
)
def test_a_binary_that_is_not_php(
    path: str, said: str, cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("--php", path) == 2
    assert said in capsys.readouterr().err


def test_a_python_twin_that_never_ends_is_stopped(cases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = CASE.format("8.4.28", 3).replace("see('length', 1 + 2)\n", "while True: pass\n")
    (cases / "functions/good/a.case").write_text(text)
    case = read_case(cases / "functions/good/a.case")
    monkeypatch.setattr(run, "SECONDS", 1)
    assert case.newest
    result = run.timed(run.Job(case, case.newest, "Python"))
    assert not result.good


@pytest.mark.parametrize(
    ("claim", "path", "lines"),
    [
        (
            "function.fgets#returnvalues.2",
            "functions/fgets/returnvalues_2.case",
            ["see('result', fgets($stream));", "see('result', fgets(stream))", 'send "hello\\r\\n"'],
        ),
        (
            "function.fsockopen#errors.1",
            "functions/fsockopen/errors_1.case",
            [
                "$result = fsockopen($hostname, $error_code, $error_message);",
                "result, error_code, error_message = fsockopen(hostname)",
            ],
        ),
        (
            "function.stream-select#returnvalues.1",
            "functions/stream_select/returnvalues_1.case",
            ["result, read, write, except_ = stream_select(read, write, except_, seconds)"],
        ),
        (
            "function.stream-socket-server#returnvalues.1",
            "functions/stream_socket_server/returnvalues_1.case",
            ["see('result', is_resource($result));", "see('result', is_resource(result))"],
        ),
        (
            "context.ssl#options.cafile",
            "context/ssl.cafile/options_cafile.case",
            [
                "tls good",
                "$context = stream_context_create(['ssl' => ['cafile' => null]]);",
                "context = stream_context_create({'ssl': {'cafile': None}})",
                "stream, errno, errstr = stream_socket_client("
                'f"tls://localhost:{port}", 5, STREAM_CLIENT_CONNECT, context)',
            ],
        ),
        (
            "transports.unix#notes.1",
            "transports/unix/notes_1.case",
            ['$stream = stream_socket_client("unix://$unix", $errno, $errstr, 5);'],
        ),
    ],
)
def test_a_skeleton_names_the_claim_and_calls_the_function(
    claim: str, path: str, lines: list[str], tmp_path: Path
) -> None:
    found = new_case.new_case(claim, False, None, tmp_path)
    assert found == tmp_path / path
    text = found.read_text().splitlines()
    assert [line for line in [claim, *lines] if line not in text] == []
    with pytest.raises(CaseError, match="--TEST-- is empty"):
        read_case(found)


def test_a_filled_in_skeleton_is_a_case(tmp_path: Path) -> None:
    path = new_case.new_case("function.fgets#returnvalues.1", False, "line", tmp_path)
    path.write_text(path.read_text().replace("--TEST--\n", "--TEST--\nA line"))
    case = read_case(path)
    assert (case.title, case.see) == ("A line", ("function.fgets#returnvalues.1",))
    assert case.peer is not None


def test_a_skeleton_of_an_option_runs_as_it_is_written(tmp_path: Path) -> None:
    path = new_case.new_case("context.ssl#options.SNI_enabled", False, None, tmp_path)
    path.write_text(path.read_text().replace("--TEST--\n", "--TEST--\nA line").replace("null", "true"))
    path.write_text(path.read_text().replace("None", "True"))
    case = read_case(path)
    check_twins(case, frozenset(php_streams.__all__))
    assert run_python(case).problems == []


def test_nothing_is_overwritten_and_no_odd_name_taken(tmp_path: Path) -> None:
    new_case.new_case("function.fgets#returnvalues.1", False, "line", tmp_path)
    with pytest.raises(MatrixError, match="is there already"):
        new_case.new_case("function.fgets#returnvalues.1", False, "line", tmp_path)
    with pytest.raises(MatrixError, match="letters, digits"):
        new_case.new_case("function.fgets#returnvalues.1", False, "../line", tmp_path)

"""The case file: what is read, what is refused, what is written back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.case import Case, CaseError, Expect, merge, read_case, write_expects
from tests.conformance.twins import check_twins

GOOD = """\
--TEST--
A title
--SEE--
function.fgets, transports.inet
--INI--
default_socket_timeout = 2
user_agent = " a "
--PHP--
see('a', 1);
--PYTHON--
see('a', 1)
--EXPECT 8.2.36 8.4.28--
a i:1;
--EXPECT 7.4.33--
a i:2;
"""
NAMES = {"fgets", "fputs", "fsockopen", "SEEK_SET", "silence", "file"}


def write(folder: Path, text: str) -> Path:
    path = folder / "x.case"
    path.write_text(text, encoding="utf-8")
    return path


def twins(folder: Path, php: str, python: str) -> Case:
    return read_case(
        write(folder, f"--TEST--\nt\n--SEE--\nfunction.x\n--PHP--\n{php}\n--PYTHON--\n{python}\n")
    )


def test_every_section_is_read(tmp_path: Path) -> None:
    case = read_case(write(tmp_path, GOOD))
    assert (case.title, case.see) == ("A title", ("function.fgets", "transports.inet"))
    assert case.ini == {"default_socket_timeout": "2", "user_agent": " a "}
    assert (case.php.text, case.python.line) == ("see('a', 1);\n", 11)
    assert case.versions == ("7.4", "8.2", "8.4")
    assert case.releases == {"7.4": "7.4.33", "8.2": "8.2.36", "8.4": "8.4.28"}
    assert case.newest == Expect(("8.2.36", "8.4.28"), ("a i:1;",))
    assert case.expected("7.4") == Expect(("7.4.33",), ("a i:2;",))
    assert case.expected("8.3") is None


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("--INI--", "--INIT--", 5, "unknown section --INIT--"),
        ("--INI--", "--TEST--", 5, "a second --TEST--"),
        ("--INI--", "--INI x--", 5, "takes no words"),
        ("--SEE--\nfunction.fgets, transports.inet\n", "", 1, "--SEE-- is missing"),
        ("function.fgets, transports.inet", "", 4, "names no page"),
        ("function.fgets,", "function fgets,", 4, "not an id of the manual: 'function fgets'"),
        ("A title", "", 2, "--TEST-- is empty"),
        ("--TEST--\n", "hello\n--TEST--\n", 1, "text before the first section"),
        ("user_agent =", "default_socket_timeout =", 7, "is set twice"),
        ("user_agent =", "user_agent", 7, "not `name = value`"),
        ("--EXPECT 7.4.33--", "--EXPECT 8.4.27--", 14, "8.4 has two --EXPECT-- sections"),
        ("--EXPECT 7.4.33--", "--EXPECT--", 14, "names no version"),
        ("--EXPECT 7.4.33--", "--EXPECT 7.4--", 14, "not a point release of the form 8.4.28: '7.4'"),
        ("a i:2;\n", "--ENV--\n", 15, "--ENV-- after --EXPECT--"),
        ("A title", "A title\r", 2, "a carriage return"),
        ("--INI--", "--WITHOUT--\nbecause\n--INI--", 5, "names no version"),
        ("--INI--", "--WITHOUT 7.4.33--\nbecause\n--INI--", 5, "not a version of the form 7.4"),
        ("--INI--", "--WITHOUT 7.4--\n--INI--", 6, "gives no reason"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: int, reason: str) -> None:
    assert old in GOOD
    path = tmp_path / "x.case"
    path.write_bytes(GOOD.replace(old, new, 1).encode())
    with pytest.raises(CaseError) as caught:
        read_case(path)
    assert (caught.value.path, caught.value.line) == (path, line)
    assert reason in caught.value.reason
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_a_case_may_leave_out_versions(tmp_path: Path) -> None:
    assert not read_case(write(tmp_path, GOOD)).leaves_out("7.4")
    case = read_case(write(tmp_path, GOOD.replace("--INI--", "--WITHOUT 7.4 8.2--\nIt waits there\n--INI--")))
    assert [case.leaves_out(version) for version in ("7.4", "8.2", "8.4")] == [True, True, False]
    assert case.without and case.without.text == "It waits there\n"


def test_versions_with_the_same_transcript_share_a_section() -> None:
    assert merge({"8.4.9": ("a",), "8.10.0": ("b",), "7.4.33": ("b",), "8.2.36": ("a",)}) == (
        Expect(("7.4.33", "8.10.0"), ("b",)),
        Expect(("8.2.36", "8.4.9"), ("a",)),
    )


def test_only_the_expect_sections_are_written(tmp_path: Path) -> None:
    case = read_case(write(tmp_path, GOOD))
    assert write_expects(case, [Expect(("8.4.28",), ("a i:3;", "| é"))])
    text = case.path.read_text(encoding="utf-8")
    assert text == GOOD[: GOOD.index("--EXPECT")] + "--EXPECT 8.4.28--\na i:3;\n| é\n"
    assert not write_expects(case, [Expect(("8.4.28",), ("a i:3;", "| é"))])
    assert [path.name for path in tmp_path.iterdir()] == ["x.case"]


@pytest.mark.parametrize(
    ("php", "python"),
    [
        ("see('a', fgets($fp));", "see('a', fgets(fp))"),
        (
            "if (@fsockopen($h) === false) {\n    fputs($x, 'fgets(1)');\n}",
            "with silence(): x = fsockopen(h)\nfputs(x, '')",
        ),
        (
            "try {\n    f();\n} catch (ValueError $e) {\n    g();\n}",
            "try:\n    f()\nexcept ValueError as e:\n    g()",
        ),
        ("f([\n    'a' => 1,\n]);\n\n// why", "f({\n    'a': 1,\n})\n\n# because"),
        ("$file = $x->fgets();\n$y = X::fgets();", "file = x.fgets()\ny = X.fgets()"),
        ("g(SEEK_SET); // fgets()", "g(SEEK_SET)  # other"),
    ],
)
def test_twins_that_correspond(tmp_path: Path, php: str, python: str) -> None:
    check_twins(twins(tmp_path, php, python), NAMES)


@pytest.mark.parametrize(
    ("php", "python", "line", "reason"),
    [
        ("see('a', 1);", "see('b', 1)", 8, "labels ['b'], there ['a']"),
        ("see('a', 1);", "# see('a', 1)", 8, "a line that is 'a comment', there 'code'"),
        ("f();\n\ng();", "f()\ng()", 11, "a line that is 'code', there 'blank'"),
        ("fgets($fp);", "fputs(fp)", 8, "names ['fputs'], there ['fgets']"),
        ("fputs(fgets($fp));", "fgets(fputs(fp))", 8, "names ['fgets', 'fputs']"),
        ("f(SEEK_SET);", "f(0)", 8, "names [], there ['SEEK_SET']"),
        ("@f();", "f()", 8, "silenced calls 0, there 1"),
        ("f();", "f()\ng()", 9, "1 lines of PHP face 2 of PYTHON; from here --PYTHON-- goes on alone"),
        ("f();\ng();", "f()", 7, "2 lines of PHP face 1 of PYTHON; from here --PHP-- goes on alone"),
    ],
)
def test_twins_that_do_not(tmp_path: Path, php: str, python: str, line: int, reason: str) -> None:
    with pytest.raises(CaseError) as caught:
        check_twins(twins(tmp_path, php, python), NAMES)
    assert (caught.value.line, reason in caught.value.reason) == (line, True), caught.value

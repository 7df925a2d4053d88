"""The runner: recording, live and offline runs, reports and summary; with a php-cli of our own making."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.releases import recorded_facts
from tests.programs import environment

# Answers as php-cli does, and understands `see('label', 1);`, `series();` and a few ways to go wrong.
FAKE_PHP = """\
#!{python}
import os, re, sys
if "-r" in sys.argv:
    print("php:{version}:cli", end="")
    sys.exit()
given = os.environ["PHP_STREAMS_CASE"]
token = re.search(r'"token";s:16:"(\\w+)"', given)[1]
file = re.search(r'"file";s:\\d+:"([^"]+)"', given)[1]
def frame(kind, *parts):
    sys.stdout.write("\\x1e" + token + kind + "\\x1f".join(parts) + "\\x1e" + token + "E")
for line in open(file).read().removeprefix("<?php ").splitlines():
    if "// since 8" in line and "{series}" < "8":
        os.abort()
    if match := re.match(r"see\\('(\\w+)', (\\d+)\\);", line):
        frame("S", match[1], "i:%s;" % match[2])
    elif line == "series();":
        frame("S", "series", 's:3:"{series}";')
    elif line == "unstable();":
        frame("S", "pid", "i:%d;" % os.getpid())
    elif line == "refuse();":
        frame("H", "see('x'): a resource")
        sys.exit(70)
    elif line == "crash();":
        os.abort()
"""


class Project:
    """A folder with cases, and pytest run over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases = folder / "conformance" / "functions" / "f"
        self.cases.mkdir(parents=True)
        for path, module in (
            (folder, "tests.conftest"),
            (folder / "conformance", "tests.conformance.conftest"),
        ):
            (path / "conftest.py").write_text(f"from {module} import *\n")

    def php(self, version: str) -> str:
        path = self.folder / f"php{version}"
        series = version.rpartition(".")[0]
        path.write_text(FAKE_PHP.format(python=sys.executable, version=version, series=series))
        path.chmod(0o755)
        return str(path)

    def case(self, name: str, php: str, python: str, rest: str = "", expect: str | None = None) -> Path:
        path = self.cases / f"{name}.case"
        text = f"--TEST--\nIt holds\n--SEE--\nfunction.f\n{rest}--PHP--\n{php}--PYTHON--\n{python}"
        path.write_text(text if expect is None else f"{text}--EXPECT 8.4.1--\n{expect}")
        return path

    def run(self, *arguments: str, php: tuple[str, ...] = ()) -> tuple[int, str]:
        chosen = [word for path in php for word in ("--php", path)]
        env = environment(COLUMNS="120")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-c",
            os.devnull,
            "--rootdir",
            str(self.folder),
        ]
        command += [*chosen, *arguments, str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=self.folder, check=False)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_record_then_live_then_offline(project: Project) -> None:
    path = project.case("x", "see('a', 1);\n", "see('a', 1)\n")
    php = (project.php("8.4.1"), project.php("8.2.7"))
    code, text = project.run(php=php)
    assert code == 1
    assert "there is no EXPECT section; record it" in text

    code, text = project.run("--record", php=php)
    assert code == 0, text
    assert path.read_text().endswith("--EXPECT 8.2.7 8.4.1--\na i:1;\n")
    assert "1 cases; recorded from php-cli 8.4.1, 8.2.7" in text

    code, text = project.run(php=php)
    assert (code, "3 passed" in text) == (0, True), text
    assert (
        "functions (1):  f 1\n1 cases; live with php-cli 8.4.1 (1 of 1 agree), 8.2.7 (1 of 1 agree)" in text
    )

    code, text = project.run("--offline")
    assert (code, "1 passed" in text, "1 cases; offline: --offline" in text) == (0, True, True), text


def test_a_version_that_differs_has_its_own_section(project: Project) -> None:
    path = project.case("x", "series();\n", "show()\n")
    php = tuple(project.php(version) for version in ("8.4.1", "8.2.7", "7.4.33"))
    project.run("--record", php=php[:2])
    assert '--EXPECT 8.2.7--\nseries s:3:"8.2";\n--EXPECT 8.4.1--\nseries s:3:"8.4";\n' in path.read_text()
    assert "7.4" not in path.read_text()
    project.run("--record", php=php)
    # A version that is not found keeps its section.
    project.run("--record", php=php[1:])
    assert [line for line in path.read_text().splitlines() if line.startswith("--EXPECT")] == [
        "--EXPECT 7.4.33--",
        "--EXPECT 8.2.7--",
        "--EXPECT 8.4.1--",
    ]


def test_an_older_version_that_fails_does_not_keep_the_others_from_the_record(project: Project) -> None:
    path = project.case("x", "see('x', 1); // since 8\n", "see('x', 1)\n")
    php = tuple(project.php(version) for version in ("8.4.1", "7.4.33"))
    code, text = project.run("--record", php=php)
    assert (code, path.read_text().endswith("--EXPECT 8.4.1--\nx i:1;\n")) == (1, True), text
    assert "not recorded, php 7.4.33" in text and "(or say in --WITHOUT 7.4-- why" in text
    assert "recorded from php-cli 8.4.1" in text


def test_a_version_that_a_case_leaves_out_is_not_run(project: Project) -> None:
    php = tuple(project.php(version) for version in ("8.4.1", "7.4.33"))
    path = project.case("x", "see('x', 1); // since 8\n", "see('x', 1)\n", "--WITHOUT 7.4--\nIt is new\n")
    path.write_text(path.read_text() + "--EXPECT 7.4.33--\nolder\n")
    code, text = project.run("--record", php=php)
    assert (code, path.read_text().count("EXPECT")) == (0, 1), text
    code, text = project.run(php=php)
    assert (code, "2 passed" in text) == (0, True), text


@pytest.mark.parametrize(
    ("php", "reason"),
    [("unstable();", "is not stable"), ("refuse();", "see('x'): a resource"), ("crash();", "ended with -6")],
)
def test_what_is_not_recorded(project: Project, php: str, reason: str) -> None:
    path = project.case("x", php + "\n", "show()\n")
    before = path.read_text()
    code, text = project.run("--record", php=(project.php("8.4.1"),))
    assert (code, path.read_text()) == (1, before)
    assert "not recorded, php 8.4.1" in text
    assert reason in text


def test_a_peer_that_is_not_spoken_to_as_its_script_says_is_not_recorded(project: Project) -> None:
    path = project.case("x", "see('a', 1);\n", "see('a', 1)\n", '--PEER--\nexpect "QUIT"\n')
    _, text = project.run("--record", php=(project.php("8.4.1"),))
    assert "peer 1: connection 1 never came" in text
    assert "--EXPECT" not in path.read_text()


def test_an_expect_changed_by_hand_fails_live(project: Project) -> None:
    project.case("x", "see('a', 1);\n", "see('a', 2)\n", expect="a i:2;\n")
    code, text = project.run(php=(project.php("8.4.1"),))
    assert code == 1
    assert "1 failed, 1 passed" in text
    assert "  EXPECT 8.4.1         | php 8.4.1\n" in text
    assert "* a i:2;               | a i:1;\n" in text


def found_by_itself(project: Project, version: str, monkeypatch: Any) -> None:
    """This php is found, where no option names one."""
    (project.folder / "bin").mkdir(exist_ok=True)
    link = project.folder / "bin/php8.4"
    link.unlink(missing_ok=True)
    link.symlink_to(project.php(version))
    monkeypatch.setenv("PHP_STREAMS_PHP", str(project.folder))


def test_a_newer_release_that_differs_is_listed_and_fails_where_php_was_asked_for(
    project: Project, monkeypatch: Any
) -> None:
    project.case("x", "see('a', 1);\n", "see('a', 2)\n", expect="a i:2;\n")
    project.case("y", "see('a', 2);\n", "see('a', 2)\n", expect="a i:2;\n")
    found_by_itself(project, "8.4.10", monkeypatch)
    code, text = project.run("-ra")
    assert (code, "3 passed, 1 xfailed" in text) == (0, True), text
    assert "php 8.4.10 is newer than 8.4.1, which was recorded, and differs" in text
    assert "newer: php 8.4.10 differs in 1 from 8.4.1, which was recorded:\nnewer:   functions/f/x\n" in text
    assert "2 cases; live with php-cli 8.4.10 (1 of 2 agree)" in text
    code, text = project.run("--live")
    assert (code, "1 failed, 3 passed" in text) == (1, True), text
    assert "record the case anew" in text and "newer:   functions/f/x" in text
    assert "* a i:2;" in text


def test_an_older_release_that_differs_is_counted_and_does_not_fail(
    project: Project, monkeypatch: Any
) -> None:
    project.case("x", "see('a', 1);\n", "see('a', 2)\n", expect="a i:2;\n")
    project.case("y", "see('a', 2);\n", "see('a', 2)\n", expect="a i:2;\n")
    found_by_itself(project, "8.4.0", monkeypatch)
    for options in ((), ("--live",)):
        code, text = project.run("-ra", *options)
        assert (code, "3 passed, 1 xfailed" in text) == (0, True), text
        assert "older: php 8.4.0 differs in 1 from 8.4.1, which was recorded; PHP changed" in text


def test_a_test_that_asks_php_is_told_of_as_a_case_is(project: Project, monkeypatch: Any) -> None:
    recorded = recorded_facts("8.4")
    assert recorded is not None
    test = "def test_it(php): assert not php\ndef test_other(tmp_path): pass\n"
    (project.folder / "test_it.py").write_text(test)
    for version, live, code, outcome in (
        ("8.4.99", (), 0, "1 passed, 1 xfailed"),
        ("8.4.99", ("--live",), 1, "1 failed, 1 passed"),
        ("8.4.0", ("--live",), 0, "1 passed, 1 xfailed"),
        (recorded, (), 1, "1 failed, 1 passed"),
    ):
        found_by_itself(project, version, monkeypatch)
        result, text = project.run("-ra", *live)
        assert (result, outcome in text) == (code, True), text
        assert (f"differs in 1 from {recorded}" in text) == (version != recorded), text


def failing(project: Project, python: str, php: str = "nothing();\n") -> str:
    project.case("x", php, python, expect="")
    code, text = project.run("--offline")
    assert (code, "1 failed" in text) == (1, True), text
    return text


def test_python_fails_with_both_transcripts_and_its_traceback(project: Project) -> None:
    text = failing(project, "nothing()\n")
    assert "  | ! NameError name 'nothing' is not defined" in text
    assert f'File "{project.cases}/x.case", line 8, in <module>\n    nothing()' in text


def test_a_descriptor_or_a_thread_left_behind_fails(project: Project) -> None:
    text = failing(project, "os.kept = os.open('/dev/null', 0)\n")
    assert "left behind by the Python twin: descriptor " in text
    assert "(/dev/null)" in text
    text = failing(
        project, "__import__('threading').Thread(target=pause, args=(0.5,), name='mine').start()\n"
    )
    assert "left behind by the Python twin: thread mine" in text


def test_a_tuple_is_refused_with_advice(project: Project) -> None:
    text = failing(project, "see('a', (1, 2))\n", php="see('a', 1);\n")
    assert "see('a'): a tuple is no PHP value; unpack it" in text


def test_standard_error_and_output_are_in_the_transcript(project: Project) -> None:
    python = "print('out'); os.write(2, b'err'); __import__('sys').stderr.write('x'); os.write(1, b'raw')\n"
    text = failing(project, python)
    for line in ("| | out\\n", "| | raw", "| 2> errx"):
        assert line in text


def test_warnings_appear_in_their_order_even_with_w_error(project: Project) -> None:
    python = "echo('1'); __import__('warnings').warn('w', DeprecationWarning); echo('2')\n"
    project.case("x", "nothing();\n", python, expect="| 1\n! DeprecationWarning w\n| 2\n")
    code, text = project.run("--offline", "-W", "error")
    assert code == 0, text


def test_each_case_starts_from_nothing(project: Project) -> None:
    python = (
        "import php_streams, sys, atexit\nsee('kept', hasattr(php_streams, 'mark'))\nphp_streams.mark = 1\n"
    )
    python += "os.chdir('/'); os.environ['X'] = '1'; x = atexit.register(echo, 'bye')\n"
    php = "a();\nsee('kept', 0);\nb();\nc();\n"
    for name in ("x", "y"):
        project.case(name, php, python, expect="kept b:0;\n| bye\n")
    code, text = project.run("--offline", "-p", "no:randomly")
    assert code == 0, text


def test_a_case_that_cannot_be_read_is_an_error_of_collection(project: Project) -> None:
    (project.cases / "x.case").write_text("--TEST--\nt\n")
    code, text = project.run("--offline")
    assert code == 2
    assert "x.case:1: --SEE-- is missing" in text
    project.case("x", "a();\n", "a()\n", "--PEER--\nwait\nsned\n", expect="")
    assert "x.case:6: 'wait' is not of the form wait SECONDS" in project.run("--offline")[1]


def test_ini_settings_are_there_before_the_script_and_have_to_exist(project: Project) -> None:
    php, python = "ini_get();\nsee('ini', 0);\n", "x = ini_get('user_agent')\nsee('ini', x)\n"
    project.case("x", php, python, "--INI--\nuser_agent = a{dir}\n", expect='ini s:6:"a{dir}";\n')
    code, text = project.run("--offline")
    assert code == 0, text
    project.case("x", php, python, "--INI--\nno.such = 1\n", expect="")
    assert "--INI--: php_streams has no setting no.such" in project.run("--offline")[1]


def test_a_script_can_be_interrupted(project: Project) -> None:
    python = "interrupt_after(0.1)\nr, w = os.pipe(); __import__('select').select([r], [], [], 0.5)\n"
    python += "os.close(r); os.close(w)\n"
    project.case("x", "interrupt_after(0.1);\nb();\nc();\n", python, expect="")
    code, text = project.run("--offline")
    assert code == 0, text


def test_a_case_that_hangs_is_ended(project: Project) -> None:
    pytest.importorskip("pytest_timeout")
    conftest = project.folder / "conftest.py"
    conftest.write_text(conftest.read_text() + "import tests.conformance.items as items\nitems.SECONDS = 1\n")
    project.case("x", "pause(30);\n", "pause(30)\n", expect="")
    project.case("y", "a();\n", "a = 1\n", expect="")
    code, text = project.run("--offline", "-k", "case")
    assert "Timeout" in text
    assert "1 failed, 1 passed" in text


def test_options_that_cannot_be_met(project: Project, tmp_path: Path) -> None:
    project.case("x", "a();\n", "a()\n")
    (tmp_path / "no_php").write_text("#!/bin/sh\necho hello\n")
    (tmp_path / "no_php").chmod(0o755)
    code, text = project.run(php=(str(tmp_path / "no_php"),))
    assert code == 4
    assert "no_php is not a php-cli that runs: hello" in text
    assert "--offline excludes" in project.run("--offline", "--record")[1]

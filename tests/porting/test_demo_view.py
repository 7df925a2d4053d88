"""What the demo shows, with its colours: every text of its own stands in demo_view.txt."""

from __future__ import annotations

import io
import json
import platform
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from rich.console import Console
from rich.segment import Segment

from php_streams.porting import cli
from php_streams.porting.demo import examples_folder, make_twins
from php_streams.porting.demo_checks import Check
from php_streams.porting.demo_messages import write_messages
from php_streams.porting.demo_servers import Connection, Delivery, MailServer
from php_streams.porting.demo_sessions import MISTAKES, SESSIONS, Run, Twin
from php_streams.porting.demo_view import View, make_console, protocol
from php_streams.porting.php_cli import PhpCli

SHOWN = Path(__file__).with_name("demo_view.txt")
LINES = ["C: EHLO x", "S: 250 y", "T: TLSv1.3 and a cipher", "E: a warning", "? what nobody knows"]


class Recorder(Console):
    """A terminal of 100 columns that keeps what it is given, each piece with its style in front."""

    def __init__(self) -> None:
        super().__init__(file=io.StringIO(), force_terminal=True, width=100, highlight=False)
        self.kept = ""

    def _render_buffer(self, buffer: list[Segment]) -> str:  # type: ignore[override]
        for text, style, control in buffer:
            if not control:
                self.kept += f"<{style}>{text}" if style and text.strip() else text
        return super()._render_buffer(buffer)  # type: ignore[no-any-return]


def everything(view: View, folder: Path) -> None:
    """Each part of the demo once, in each of its forms."""
    view.introduction(["Python"], write_messages(folder, attachment=5 << 20))
    messages = write_messages(folder, attachment=5 << 10)
    view.introduction(["Python", "PHP"], messages)
    for session in (*SESSIONS, *MISTAKES):
        view.session(session)
        job = session.job(cast(MailServer, SimpleNamespace(port=25)), Path("ca"), messages)
        view.console.print(json.dumps(job).replace(str(folder), "{dir}"), soft_wrap=True)
    for shown in (True, False):
        with view.dialogue("one", 0, shown=shown) as watch:
            for number, line in enumerate((*LINES, None)):
                watch(line, number)
    view.checks([Check("it holds", True, "unseen"), Check("it fails", False, "why"), Check("bare", False)])
    view.failure("no server")
    view.lessons(examples_folder())
    delivery = Delivery("a", ("b",), b"c", "")
    ran = Run(Twin("one", ()), LINES, 0, Connection(heard=bytearray(1234), deliveries=[delivery]))
    view.summary(
        [
            (SESSIONS[0], [ran], [Check("a", True), Check("b", True)]),
            (MISTAKES[0], [], [Check("a", True), Check("b", False)]),
        ]
    )
    for failed, twins in ((1, ["one"]), (2, ["one"]), (0, ["one", "other"]), (0, ["one"])):
        view.verdict(failed, twins)


def test_every_text_and_its_style(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Recorder()
    everything(View(console), tmp_path)
    shown = "".join(f"{line.rstrip()}\n" for line in console.kept.splitlines())
    assert shown == SHOWN.read_text("utf-8"), "write it anew if it was changed on purpose"


def test_a_bar_fills_up_and_goes() -> None:
    out = io.StringIO()
    view = View(Console(file=out, force_terminal=True, width=100, color_system=None))
    with view.dialogue("one", 2048, shown=True) as watch:
        watch("C: hi", 512)
    shown = out.getvalue()
    assert "  one " in shown and "0.5/2.0 KiB" in shown and "  C: hi\n" in shown
    assert max(len(found) for found in re.findall("[\u2501\u2578\u257a]+", shown)) == 10, "of 40"
    assert shown.endswith("\x1b[2K"), "the bar is taken away"


def test_without_a_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with View(make_console()).dialogue("one", 2048, shown=True) as watch:
        watch("C: hi " + 120 * "x", 512)
    assert capsys.readouterr().out == f"  C: hi {120 * 'x'}\n"


def test_a_pipe_has_100_columns(capsys: pytest.CaptureFixture[str]) -> None:
    make_console().print("word " * 40)
    assert max(map(len, capsys.readouterr().out.splitlines())) in range(95, 101)
    assert make_console().width == 100


def test_the_protocol_is_the_first_that_is_told() -> None:
    ran = Run(Twin("one", ()), ["C: x", "T: TLSv1.2 AES", "T: TLSv1.3"], 0, Connection())
    assert [protocol([ran]), protocol([]), protocol([Run(ran.twin, ["T:"], 0, ran.connection)])] == [
        "TLSv1.2",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("version", "words"), [("8.4.0", True), ("8.5.1", True), ("8.3.30", False), ("7.4.33", False)]
)
def test_from_84_on_php_words_its_warnings_as_we_do(version: str, words: bool) -> None:
    python, php = make_twins(Path("mailers"), PhpCli(version, Path("php")))
    assert (python.name, python.words) == (f"Python {platform.python_version()}", True)
    assert python.command == (sys.executable, "mailers/mailer.py")
    assert (php.name, php.words) == (f"PHP {version}", words)
    settings = "-d display_errors=stderr -d log_errors=0 -d html_errors=0".split()
    assert php.command == ("php", *settings, "mailers/mailer.php")
    assert make_twins(Path("mailers"), None) == [python]


def help_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stop:
        cli.main([*arguments, "--help"])
    assert stop.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def test_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    text = "a PHP mailer and its Python port send mail over ports of kind 25, 465 and 587, and are compared"
    shown = help_of(capsys)
    assert shown.startswith(
        "usage: php-streams [-h] COMMAND ... Tools for people who port PHP to Python. options:"
    )
    assert shown.endswith(f"commands: COMMAND demo {text}")
    shown = help_of(capsys, "demo")
    usage = "usage: php-streams demo [-h] [--quick] [--no-php | --php PATH]"
    assert shown.startswith(f"{usage} A{text[1:]}. options: -h, --help show this help message and exit")
    assert shown.endswith(
        "--quick send an attachment of 64 KiB instead of 1 MiB"
        " --no-php leave php-cli out, even where there is one"
        " --php PATH the php-cli to compare with; default: the newest one found"
    )


@pytest.mark.parametrize("terminal", ["0", "1"])
def test_a_locale_without_check_marks_and_numbers_without_colours(
    terminal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("FORCE_COLOR", terminal)
    make_console().print("✓ 12 'x'")
    out.flush()
    assert out.buffer.getvalue() == b"? 12 'x'\n"  # type: ignore[attr-defined]

"""What the demo shows, to the last word and colour: each part of the view, on a terminal and in a pipe."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

from php_streams.porting.demo_checks import Check
from php_streams.porting.demo_messages import Message
from php_streams.porting.demo_servers import Connection, Delivery
from php_streams.porting.demo_sessions import Run, Session, Twin
from php_streams.porting.demo_view import LESSONS, View, make_console

PHP = """<?php
    $a = stream_socket_client($target);
    $b = fsockopen($host);
    if (!$this->conn) {
    set_error_handler($f);
    stream_socket_enable_crypto($a, true);
    stream_select($r, $w, $e, 1);
    $line = fgets($a);
    $meta['timed_out'];
    fwrite($a, "x"); // and so on and on, much further than a line of the terminal ever went, or will go
"""


LONG = "S: " + "long " * 21 + "enough"  # than a line


class Shown:
    """A view, and what it has printed: `<1;31>...</>` is bold and red."""

    def __init__(self, *, terminal: bool = True) -> None:
        self.file = io.StringIO()
        colours = {"color_system": "standard", "legacy_windows": False} if terminal else {}
        self.view = View(
            Console(file=self.file, width=100, highlight=False, force_terminal=terminal, **colours)  # type: ignore[arg-type]
        )

    @property
    def lines(self) -> list[str]:
        """All of it, with long rules and panels made short."""
        text = self.file.getvalue().replace("\x1b[0m", "</>")
        text = re.sub(r"\x1b\[([0-9;]+)m", r"<\1>", text)
        text = re.sub(r"</><(1|34)>", "", text)  # one style goes on
        return [re.sub(r"(─)─+|  +(?=<34>│)", r"\1", line).rstrip() for line in text.splitlines()]


@pytest.fixture
def shown() -> Shown:
    return Shown()


def run_of(lines: list[str], heard: bytes, mails: int) -> Run:
    """A run that printed these lines, and whose server heard that much."""
    connection = Connection()
    connection.heard[:] = heard
    connection.deliveries += [Delivery("a", ("b",), b"", "")] * mails
    return Run(Twin("Python", ("python",)), lines, 0, connection)


def test_the_introduction(shown: Shown, tmp_path: Path) -> None:
    messages = {name: Message(name, tmp_path, b"", f"special {name}") for name in ("one", "two")}
    shown.view.introduction(["PHP 8.4", "Python 3.11"], messages)
    shown.view.introduction(["Python 3.11"], messages)
    assert shown.lines == [
        "<34>╭─ php_streams: a PHP mailer, ported line by line ─╮</>",
        "<34>│</> <1>Mailers  </>PHP 8.4 and Python 3.11<34>│</>",
        "<34>│</> <1>Servers  </>aiosmtpd on loopback, certificates of a throw-away authority<34>│</>",
        "<34>│</> <1>Messages </>special one; special two<34>│</>",
        "<34>╰─╯</>",
        "<34>╭─ php_streams: a PHP mailer, ported line by line ─╮</>",
        "<34>│</> <1>Mailers  </>Python 3.11<34>│</>",
        "<34>│</> <1>Servers  </>aiosmtpd on loopback, certificates of a throw-away authority<34>│</>",
        "<34>│</> <1>Messages </>special one; special two<34>│</>",
        "<34>│</> <33>Without php-cli there is nobody to compare with: Python runs alone.</><34>│</>",
        "<34>╰─╯</>",
    ]


def test_the_heading_of_a_session(shown: Shown) -> None:
    shown.view.session(Session("a title", "plain"))
    shown.view.session(Session("another", "plain", mistake="nobody listens"))
    assert shown.lines == [
        "",
        "<1>a title</> <34>─</>",
        "",
        "<1>another</> <34>─</>",
        "<3>nobody listens</>",
    ]


def test_checks_and_failures(shown: Shown) -> None:
    checks = [Check("it holds", True, "unsaid"), Check("it does not", False), Check("nor", False, "why")]
    shown.view.checks(checks)
    shown.view.failure("no, thanks")
    assert shown.lines == [
        "<1;32>  ✓ it holds</>",
        "<1;31>  ✗ it does not</>",
        "<1;31>  ✗ nor</>",
        "<31>    why</>",
        "<1;31>  ✗ no, thanks</>",
    ]


TAUGHT = [
    "",
    "<1>What you just saw</> <34>─</>",
    "<3>Connecting: $errno and $errstr come back beside the result</>",
    "<2>  mailer.php:2   </><33>$a = stream_socket_client($target);</>",
    "<2>  mailer.py:2    </><36>line 2</>",
    "<3>The older way, without a context</>",
    "<2>  mailer.php:3   </><33>$b = fsockopen($host);</>",
    "<2>  mailer.py:3    </><36>line 3</>",
    "<3>A failed connect: false in PHP, False in Python</>",
    "<2>  mailer.php:4   </><33>if (!$this->conn) {</>",
    "<2>  mailer.py:4    </><36>line 4</>",
    "<3>Warnings: the handler gets PHP's level and PHP's text</>",
    "<2>  mailer.php:5   </><33>set_error_handler($f);</>",
    "<2>  mailer.py:5    </><36>line 5</>",
    "<3>STARTTLS: true, false or 0 as in PHP, so compare by identity</>",
    "<2>  mailer.php:6   </><33>stream_socket_enable_crypto($a, true);</>",
    "<2>  mailer.py:6    </><36>line 6</>",
    "<3>Waiting: the arrays, changed by reference in PHP, come back too</>",
    "<2>  mailer.php:7   </><33>stream_select($r, $w, $e, 1);</>",
    "<2>  mailer.py:7    </><36>line 7</>",
    "<3>Reading: bytes, or False</>",
    "<2>  mailer.php:8   </><33>$line = fgets($a);</>",
    "<2>  mailer.py:8    </><36>line 8</>",
    "<3>Why nothing was read: the meta data is a dict with PHP's keys</>",
    "<2>  mailer.php:9   </><33>$meta['timed_out'];</>",
    "<2>  mailer.py:9    </><36>line 9</>",
    "<3>Writing: the number of bytes, or False</>",
    '<2>  mailer.php:10  </><33>fwrite($a, "x"); // and so on and on, much further than'
    " a line of the terminal ever went, or will go</>",
    "<2>  mailer.py:10   </><36>line 10</>",
]


def test_the_lessons(shown: Shown, tmp_path: Path) -> None:
    (tmp_path / "mailer.php").write_text(PHP)
    (tmp_path / "mailer.py").write_text("".join(f"    line {number}  \n" for number in range(1, 12)))
    shown.view.lessons(tmp_path)
    assert shown.lines == TAUGHT
    assert sum("mailer.py" in line for line in TAUGHT) == len(LESSONS)


def test_the_summary(shown: Shown) -> None:
    good, bad = Check("a", True), Check("b", False)
    run = run_of(["C: EHLO", "xT: TLSv9", "T: TLSv1.3 TLS_AES", "T: TLSv1.2"], b"x" * 1234, 2)
    rows = [
        (Session("with TLS", "tls"), [run, run_of([], b"", 0)], [good, good, good]),
        (Session("in the clear", "plain"), [run_of(["C: T: x"], b"abc", 1)], [good, bad]),
        (Session("not run", "plain"), [], [bad]),
    ]
    shown.view.summary(rows)
    assert shown.lines == [
        "",
        " <1> Session      </> <1> TLS     </> <1> Mails </> <1> Bytes said </> <1> Checks </>",
        " ─",
        "  with TLS       TLSv1.3       2        1,234   <32>   3/3</>",
        "  in the clear                 1            3   <1;31>   1/2</>",
        "  not run                      0            0   <1;31>   0/1</>",
        "",
    ]


def test_a_long_title_is_folded(shown: Shown) -> None:
    shown.view.summary([(Session("q" * 100, "plain"), [], [])])
    text = "".join(shown.lines)
    assert (text.count("q"), text.count("…")) == (100, 0)


def test_the_verdict(shown: Shown) -> None:
    for failed, twins in ((0, ["PHP", "Python"]), (0, ["Python"]), (1, ["Python"]), (2, ["PHP", "Python"])):
        shown.view.verdict(failed, twins)
    assert shown.lines == [
        "<1;32>Everything matched: PHP and Python are one and the same on the wire.</>",
        "<1;32>Everything matched for Python; php-cli was not there to agree.</>",
        "<1;31>1 check failed.</>",
        "<1;31>2 checks failed.</>",
    ]


def speak(shown: Shown, expected: int, *, said: bool = True) -> None:
    """A dialogue of one line of each speaker."""
    with shown.view.dialogue("Python", expected, shown=said) as watch:
        for size, line in enumerate(["C: QUIT", LONG, "T: TLSv1.3", "E: oh", "else", None]):
            watch(line, size * 512)


def test_a_dialogue_in_a_pipe() -> None:
    plain = Shown(terminal=False)
    speak(plain, 1000)
    assert plain.lines == [
        "  C: QUIT",
        f"  {LONG}",
        "  T: TLSv1.3",
        "  E: oh",
        "  else",
    ]


def test_a_dialogue_on_a_terminal(shown: Shown) -> None:
    speak(shown, 0)
    assert shown.lines == [
        "<36>  C: QUIT</>",
        f"<32>  {LONG}</>",
        "<1;35>  T: TLSv1.3</>",
        "<31>  E: oh</>",
        "<31>  else</>",
    ]
    bar = Shown()
    speak(bar, 4096)
    text = re.sub(r"<[^>]*>", "", "\n".join(bar.lines))
    frames = re.findall(r"  Python \S+ \S+ \S+$", text, re.MULTILINE)
    assert frames[0] == f"  Python {'━' * 40} 0.0/4.0 KiB"
    assert re.sub("[╺╸]", "━", frames[-1]) == f"  Python {'━' * 40} 2.5/4.0 KiB"
    assert "  E: oh\n" in text
    assert text.endswith("\x1b[1A\x1b[2K"), "nothing of it stays"


def test_a_dialogue_that_is_only_compared(shown: Shown) -> None:
    speak(shown, 0, said=False)
    assert shown.lines == []


def test_the_console_of_a_pipe_and_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii"))
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    console = make_console()
    assert (console.is_terminal, console.width) == (False, 100)
    console.print("✓ 12 'a'")
    sys.stdout.flush()
    assert raw.getvalue() == b"? 12 'a'\n"
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "77")
    console = make_console()
    assert (console.is_terminal, console.width) == (True, 77)
    console.print("12 'a'")
    sys.stdout.flush()
    assert raw.getvalue().endswith(b"\n12 'a'\n")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert make_console().is_terminal

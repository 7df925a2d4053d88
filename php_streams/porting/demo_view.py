"""What the demo looks like: rich on a terminal, plain text of 100 columns in a pipe."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from .demo_checks import Check
from .demo_messages import Message
from .demo_sessions import Run, Session, Watcher

WIDTH = 100  # where there is no terminal that has a width
SPEAKERS = {"C: ": "cyan", "S: ": "green", "T: ": "bold magenta"}  # all others: red

# What a porter asks first: a part of the line in mailer.php, under the question that it answers.
LESSONS = (
    ("Connecting: $errno and $errstr come back beside the result", "stream_socket_client("),
    ("The older way, without a context", "fsockopen("),
    ("A failed connect: false in PHP, False in Python", "if (!$this->conn)"),
    ("Warnings: the handler gets PHP's level and PHP's text", "set_error_handler("),
    ("STARTTLS: true, false or 0 as in PHP, so compare by identity", "stream_socket_enable_crypto("),
    ("Waiting: the arrays, changed by reference in PHP, come back too", "stream_select("),
    ("Reading: bytes, or False", "= fgets("),
    ("Why nothing was read: the meta data is a dict with PHP's keys", "['timed_out']"),
    ("Writing: the number of bytes, or False", "fwrite("),
)


def make_console() -> Console:
    """Standard output: a terminal as wide as it is, or a pipe of `WIDTH` columns without control codes."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A locale without check marks and box lines is no reason to stop.
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    return console


class View:
    """Prints the demo's parts, from top to bottom."""

    def __init__(self, console: Console) -> None:
        """Prints to this console."""
        self.console = console

    def introduction(self, twins: Sequence[str], messages: dict[str, Message]) -> None:
        """Who takes part, and what is sent."""
        lines = [
            Text.assemble(("Mailers  ", "bold"), " and ".join(twins)),
            Text.assemble(
                ("Servers  ", "bold"), "aiosmtpd on loopback, certificates of a throw-away authority"
            ),
            Text.assemble(("Messages ", "bold"), "; ".join(each.special for each in messages.values())),
        ]
        if len(twins) == 1:
            lines.append(
                Text("Without php-cli there is nobody to compare with: Python runs alone.", "yellow")
            )
        title = "php_streams: a PHP mailer, ported line by line"
        self.console.print(Panel(Group(*lines), title=title, border_style="blue", box=box.ROUNDED))

    def session(self, session: Session) -> None:
        """Begins a session."""
        self.console.print()
        self.console.print(Rule(Text(session.title, "bold"), align="left", style="blue"))
        if session.mistake:
            self.console.print(Text(session.mistake, "italic"))

    @contextmanager
    def dialogue(self, name: str, expected: int, *, shown: bool) -> Iterator[Watcher]:
        """Shows a twin's lines as they come, and on a terminal a bar that fills up to `expected` bytes.

        The dialogue of a twin that is only compared is not `shown`.
        """
        columns = (TextColumn("  {task.description}"), BarColumn(40), DownloadColumn(binary_units=True))
        bare = not self.console.is_terminal or not expected
        with Progress(*columns, console=self.console, transient=True, disable=bare) as progress:
            bar = progress.add_task(name, total=expected)

            def watch(line: str | None, size: int) -> None:
                """Shows what has come."""
                progress.update(bar, completed=size)
                if shown and line is not None:
                    style = SPEAKERS.get(line[:3], "red")
                    self.console.print(Text("  " + line, style), soft_wrap=True)

            yield watch

    def checks(self, checks: Sequence[Check]) -> None:
        """What held, and what did not."""
        for check in checks:
            mark = Text("  ✓ ", "bold green") if check.holds else Text("  ✗ ", "bold red")
            self.console.print(mark + Text(check.text))
            if not check.holds and check.detail:
                self.console.print(Text(f"    {check.detail}", "red"))

    def failure(self, text: str) -> None:
        """A session that did not come to its end."""
        self.console.print(Text(f"  ✗ {text}", "bold red"))

    def lessons(self, folder: Path) -> None:
        """Lines of the two mailers, one above the other, read from the files: they are the lines that ran."""
        self.console.print()
        self.console.print(Rule(Text("What you just saw", "bold"), align="left", style="blue"))
        php, python = (
            (folder / name).read_text("utf-8").splitlines() for name in ("mailer.php", "mailer.py")
        )
        for lesson, wanted in LESSONS:
            number = next(index for index, line in enumerate(php) if wanted in line)
            self.console.print(Text(lesson, "italic"))
            for name, lines, style in (("mailer.php", php, "yellow"), ("mailer.py", python, "cyan")):
                place = f"  {f'{name}:{number + 1}':15}"
                self.console.print(
                    Text.assemble((place, "dim"), (lines[number].strip(), style)), soft_wrap=True
                )

    def summary(self, rows: Sequence[tuple[Session, list[Run], list[Check]]]) -> None:
        """One line for each session."""
        table = Table(box=box.SIMPLE_HEAD)
        table.add_column("Session", overflow="fold")
        table.add_column("TLS")
        for title in ("Mails", "Bytes said", "Checks"):
            table.add_column(title, justify="right")
        for session, runs, checks in rows:
            deliveries = runs[0].connection.deliveries if runs else []
            heard = len(runs[0].connection.heard) if runs else 0
            held = sum(check.holds for check in checks)
            mark = Text(f"{held}/{len(checks)}", "green" if held == len(checks) else "bold red")
            table.add_row(session.title, protocol(runs), str(len(deliveries)), f"{heard:,}", mark)
        self.console.print(table)

    def verdict(self, failed: int, twins: Sequence[str]) -> None:
        """The last line."""
        if failed:
            text, style = f"{failed} check{'s' * (failed > 1)} failed.", "bold red"
        elif len(twins) > 1:
            text, style = (
                f"Everything matched: {' and '.join(twins)} are one and the same on the wire.",
                "bold green",
            )
        else:
            text, style = f"Everything matched for {twins[0]}; php-cli was not there to agree.", "bold green"
        self.console.print(Text(text, style))


def protocol(runs: Sequence[Run]) -> str:
    """The TLS version that the dialogue names, or nothing."""
    lines = runs[0].output if runs else []
    return next((found[1] for line in lines if (found := re.match(r"T: (\S+)", line))), "")

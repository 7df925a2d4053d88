"""``php-streams demo``: a PHP mailer and its Python port send real mail, before your eyes.

It starts SMTP servers of the three kinds (ports 25, 465 and 587) on loopback, lets examples/mailer.py send
through each of them, holds every message to its bytes, and then makes the two mistakes that everybody makes
once.  Where php-cli is found, examples/mailer.php does the same, and both have to be alike on the wire.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
import sys
import tempfile
from pathlib import Path

from .demo_checks import Check, check_run, check_twins
from .demo_messages import ATTACHMENT_BYTES, SMALL_ATTACHMENT_BYTES, Message, write_messages
from .demo_servers import MailServers
from .demo_sessions import MISTAKES, SESSIONS, Run, Session, SessionNotRun, Twin, run_session, server_of
from .demo_view import View, make_console
from .php_cli import PhpCli

# PHP's own copies of its messages would stand among the dialogue's lines.
PHP_SETTINGS = ("-d", "display_errors=stderr", "-d", "log_errors=0", "-d", "html_errors=0")
# From here on PHP words its warnings as php_streams does; older ones differ here and there.
WORDED_ALIKE = (8, 4)


def examples_folder() -> Path:
    """Where the two mailers are: beside the package in a checkout, or where the installation put them.

    Raises FileNotFoundError when they are in neither place.
    """
    folders = [Path(__file__).resolve().parents[2] / "examples"]
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        files = importlib.metadata.files("php-streams") or []
        folders += [Path(str(file.locate())).resolve().parent for file in files if file.name == "mailer.php"]
    for folder in folders:
        if (folder / "mailer.php").is_file() and (folder / "mailer.py").is_file():
            return folder
    raise FileNotFoundError("the installation lacks the examples mailer.php and mailer.py")


def make_twins(folder: Path, php: PhpCli | None) -> list[Twin]:
    """The Python mailer, and the PHP one where there is php-cli."""
    twins = [Twin(f"Python {platform.python_version()}", (sys.executable, str(folder / "mailer.py")))]
    if php:
        command = (str(php.path), *PHP_SETTINGS, str(folder / "mailer.php"))
        words = tuple(map(int, php.series.split("."))) >= WORDED_ALIKE
        twins.append(Twin(f"PHP {php.version}", command, words))
    return twins


def run_demo(examples: Path, *, quick: bool = False, php: PhpCli | None = None) -> bool:
    """Runs all of it; true when every check held.

    `examples` is the folder of the two mailers; `quick` sends a small attachment instead of a large one;
    `php` is the php-cli to compare with, if any.
    """
    view = View(make_console())
    twins = make_twins(examples, php)
    names = [twin.name for twin in twins]
    with tempfile.TemporaryDirectory(prefix="php-streams-demo-") as name:
        folder = Path(name)
        messages = write_messages(folder, attachment=SMALL_ATTACHMENT_BYTES if quick else ATTACHMENT_BYTES)
        view.introduction(names, messages)
        with MailServers(folder) as servers:
            stage = Stage(servers, twins, messages, folder, view)
            rows = [stage.play(session) for session in (*SESSIONS, *MISTAKES)]
        surprises = [Check("the servers were content", not servers.surprises, "\n".join(servers.surprises))]
    failed = sum(not check.holds for _, _, checks in rows for check in checks)
    if servers.surprises:
        view.checks(surprises)
        failed += 1
    view.lessons(examples)
    view.summary(rows)
    view.verdict(failed, names)
    return not failed


class Stage:
    """Everything that a session needs to be played."""

    def __init__(
        self,
        servers: MailServers,
        twins: list[Twin],
        messages: dict[str, Message],
        folder: Path,
        view: View,
    ) -> None:
        """The first twin's dialogue is shown; the others are compared with it."""
        self.servers = servers
        self.twins = twins
        self.messages = messages
        self.folder = folder
        self.view = view

    def play(self, session: Session) -> tuple[Session, list[Run], list[Check]]:
        """Runs the session with each twin and checks it."""
        self.view.session(session)
        runs: list[Run] = []
        try:
            for twin in self.twins:
                runs.append(self.run(twin, session, shown=not runs))
        except SessionNotRun as error:
            self.view.failure(str(error))
            return session, runs, [Check("every mailer came to its end", False, str(error))]
        checks = [check for run in runs for check in check_run(session, run, self.messages)]
        checks += [check for other in runs[1:] for check in check_twins(session, runs[0], other)]
        self.view.checks(checks)
        return session, runs, checks

    def run(self, twin: Twin, session: Session, *, shown: bool) -> Run:
        """Runs one twin."""
        server = server_of(self.servers, session)
        job = session.job(server, self.servers.cafile, self.messages)
        expected = sum(len(delivery.content) for delivery in session.deliveries(self.messages))
        with self.view.dialogue(twin.name, expected, shown=shown) as watch:
            return run_session(twin, job, server, self.folder, watch)

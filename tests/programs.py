"""Python programs of a process of their own, which find the php_streams that is tested."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

from tests.places import ROOT


def environment(**more: str) -> dict[str, str]:
    """This process's, with the tested php_streams before all others."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def run_python(*arguments: str, seconds: float = 30) -> tuple[int, str, str]:
    """How `python ARGUMENTS` ended (its status), and what it wrote on standard output and error."""
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=seconds,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def run_code(code: str, *options: str, seconds: float = 30) -> tuple[int, str, str]:
    """The same for code, which may be indented, under options of Python."""
    return run_python(*options, "-c", textwrap.dedent(code), seconds=seconds)

"""Running a mutant: a copy of the checkout with one change, and the tests that cover the changed line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from compileall import compile_dir
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

from tests.mutation.mutants import Mutant
from tests.places import ROOT

#: A mutant that loops for ever is noticed by pytest's own timeout for a test, or by this one for all.
SECONDS = 600
FIRST = 40  # tests that are tried before the others
# What two thousand tests run (an import, say) is tried with those that run little else: what they do not
# notice counts as survived, though others might.
MOST = 300
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", ".tox*", "__pycache__", "*.egg-info", "_build", "matrix", ".*_cache"
)


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: killed, survived or untested (no test runs the line)."""

    mutant: Mutant
    state: str
    tests: int
    said: str = ""


class Copy:
    """A copy of the checkout, for one mutant at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT, symlinks=True)
        # By hash: a mutant as long as what it replaces, within the second, would go by the old bytecode.
        compile_dir(folder, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)

    def try_mutant(self, mutant: Mutant, tests: Sequence[str]) -> Outcome:
        """Few tests first, since most mutants die at once; then the others."""
        if not tests:
            return Outcome(mutant, "untested", 0)
        path = self.folder / mutant.path
        source = path.read_bytes()
        path.write_bytes(mutant.applied(source))
        try:
            for some in (tests[:FIRST], tests[FIRST:MOST]):
                status, said = self.run(some) if some else (0, "")
                if status:
                    return Outcome(mutant, "killed", len(tests), said)
            return Outcome(mutant, "survived", len(tests))
        finally:
            path.write_bytes(source)

    def run(self, tests: Sequence[str]) -> tuple[int, str]:
        """pytest's status over these tests, and its last lines.  5: none of them is there any more."""
        arguments = self.folder / "chosen.txt"
        arguments.write_text("".join(f"{test}\n" for test in tests))
        options = ["-x", "-q", "--offline", "--no-header", "-p", "no:cacheprovider", "--timeout=20"]
        command = [sys.executable, "-m", "pytest", *options, f"@{arguments}"]
        env = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return 1, f"no end within {SECONDS} s"
        finally:
            # What a mutant has started must not outlive it.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        return process.returncode, "\n".join(said.splitlines()[-3:])

"""Namespaces of Linux: a network and a /dev of a test's own, and no need to be root.

What runs in them sees no interface of the machine and no log daemon, and nothing outside sees what it does.
Each command has its own; the cases with a ZONE share one process (tests/conformance/namespace.py).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.programs import environment

OWN = ("unshare", "--user", "--map-root-user", "--mount", "--net")

# /dev becomes an empty folder of our own with what programs need.
OWN_DEV = """
import os, subprocess, sys
old = sys.argv.pop(1)
def mount(*arguments): subprocess.run(["mount", *arguments], check=True)
mount("--rbind", "/dev", old)
mount("-t", "tmpfs", "tmpfs", "/dev")
for name in ("null", "zero", "random", "urandom"):
    open(f"/dev/{name}", "x").close()
    mount("--bind", f"{old}/{name}", f"/dev/{name}")
"""


@cache
def refusal(*programs: str) -> str | None:
    """Why there can be no namespaces here, or None."""
    for program in ("unshare", *programs):
        if shutil.which(program) is None:
            return f"there is no {program} here"
    done = subprocess.run([*OWN, "true"], capture_output=True, text=True, check=False, timeout=20)
    return f"no namespaces here: {done.stderr.strip()}" if done.returncode else None


def need(*programs: str) -> None:
    """Skips the test where there can be no namespaces, or a program is not there."""
    if reason := refusal(*programs):
        pytest.skip(reason)


def run(*command: str) -> bytes:
    """What a command prints in new namespaces; it has to end well, and without a word on standard error."""
    env = environment(LC_ALL="C")
    done = subprocess.run([*OWN, *command], capture_output=True, env=env, check=False, timeout=40)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr.decode("utf-8", "replace")[-2000:]
    return done.stdout


def run_with_own_dev(code: str, folder: Path, *arguments: str) -> bytes:
    """What Python code prints in new namespaces whose /dev is its own."""
    below = folder / "dev"
    below.mkdir()
    return run(sys.executable, "-c", OWN_DEV + code, str(below), *arguments)

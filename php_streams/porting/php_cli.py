"""Finding php-cli and running code in it, so that a port can be compared with the original.

>>> for php in find_php():                                  # doctest: +SKIP
...     print(php.version, php.evaluate("strlen('stream')"))
8.4.28 6

Where php is looked for, in this order; of each ``major.minor`` the first that is found counts:

1. the folder that the environment variable ``PHP_STREAMS_PHP`` names (its ``bin/php*``),
2. the cache folder of ``compat_matrix/install_php.sh``,
3. ``PATH``: php8.4, php8.3, php8.2 ... php7.4, php.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import phpserialize

VERSIONS = ("8.5", "8.4", "8.3", "8.2", "8.1", "8.0", "7.4")
PROBE = "echo 'php:', PHP_VERSION, ':', PHP_SAPI;"


class PhpNotUsable(Exception):
    """A file that should be php-cli is not, or does not run; the text says which and why."""


class PhpError(Exception):
    """What PHP said instead of giving a value."""


@dataclass(frozen=True)
class PhpResult:
    """What a run of php-cli left: both outputs as bytes, the exit status (negative: killed by a signal)."""

    stdout: bytes
    stderr: bytes
    status: int

    @property
    def value(self) -> Any:
        """The output read as one serialize()d value: str and bytes both come as bytes, arrays as dict."""
        return phpserialize.loads(self.stdout)


@dataclass(frozen=True)
class PhpCli:
    """A php-cli that runs: `version` such as "8.4.28", `path` of the binary."""

    version: str
    path: Path

    @property
    def series(self) -> str:
        """major.minor, such as "8.4"."""
        return ".".join(self.version.split(".")[:2])

    def run(
        self,
        code: str,
        *,
        ini: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> PhpResult:
        """Runs PHP code (without ``<?php``) to its end; see `run`."""
        return run(self.path, code, ini=ini, env=env, timeout=timeout)

    def evaluate(
        self, expression: str, *, ini: Mapping[str, str] | None = None, timeout: float = 30.0
    ) -> Any:
        """The value of a PHP expression: strings as bytes, arrays as dict. PHP's refusal is a `PhpError`."""
        result = self.run(
            f"echo serialize({expression});", ini={"display_errors": "stderr", **(ini or {})}, timeout=timeout
        )
        try:
            return result.value
        except ValueError:
            said = (result.stderr or result.stdout).decode("utf-8", "replace").strip()
            raise PhpError(f"{self.path}: {expression}: {said or f'exit status {result.status}'}") from None


def run(
    path: str | os.PathLike[str],
    code: str,
    *,
    ini: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 30.0,
) -> PhpResult:
    """Runs PHP code in the php-cli at `path` and waits for its end.

    `ini` are settings as ``php -d`` takes them; `env` replaces the whole environment when given; `timeout`
    is in seconds, after which php is killed and `subprocess.TimeoutExpired` is raised.  Raises
    `PhpNotUsable` when the file cannot be started.
    """
    command = [os.fspath(path), *settings(ini or {}), "-r", code]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, env=env, timeout=timeout, check=False
        )
    except OSError as error:
        raise PhpNotUsable(f"{path} does not run: {error.strerror or error}") from None
    return PhpResult(done.stdout, done.stderr, done.returncode)


def settings(ini: Mapping[str, str]) -> list[str]:
    """The ``-d`` arguments; a value is quoted so that PHP's ini reader takes it literally."""
    arguments = []
    for name, value in ini.items():
        if not re.fullmatch(r"[\w.]+", name) or "\n" in value or "\0" in value:
            raise ValueError(f"not a setting that -d can carry: {name}={value!r}")
        # Constants (E_ALL) and numbers have to stay bare, or PHP takes them for text.
        bare = re.fullmatch(r"[A-Z_]+|-?\d+", value)
        quoted = (
            value if bare else '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'
        )
        arguments += ["-d", f"{name}={quoted}"]
    return arguments


def open_php(path: str | os.PathLike[str]) -> PhpCli:
    """The php-cli at `path`; raises `PhpNotUsable` when that is no php-cli or it does not run."""
    try:
        result = run(path, PROBE, timeout=20.0)
    except subprocess.TimeoutExpired:
        raise PhpNotUsable(f"{path} is not php-cli: it did not end within 20 seconds") from None
    answer = re.search(rb"php:(\d+\.\d+\.\d+)[^:]*:(\w+)", result.stdout)
    if answer and answer[2] == b"cli":
        return PhpCli(answer[1].decode(), Path(path))
    said = (result.stderr or result.stdout).decode("utf-8", "replace").strip().splitlines()
    reason = (
        f"it is the {answer[2].decode()} build"
        if answer
        else said[0][:200]
        if said
        else f"exit status {result.status}"
    )
    raise PhpNotUsable(f"{path} is not a php-cli that runs: {reason}")


def cache_folder() -> Path:
    """Where ``compat_matrix/install_php.sh`` puts what it installs."""
    if chosen := os.environ.get("PHP_STREAMS_PHP"):
        return Path(chosen)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "php-streams" / "php"


def candidates() -> Iterator[Path]:
    """Every file that may be a php-cli, first choice first."""
    yield from sorted((cache_folder() / "bin").glob("php*"), reverse=True)
    for name in (*(f"php{version}" for version in VERSIONS), "php"):
        if found := shutil.which(name):
            yield Path(found)


def find_php(problems: list[str] | None = None) -> list[PhpCli]:
    """Every php-cli of this machine, the newest first, one of each ``major.minor``.

    A file that is there and does not run is an error (`PhpNotUsable`); with a list given, the text is
    appended to it and the search goes on.  An empty list means that there is no php here.
    """
    if (chosen := os.environ.get("PHP_STREAMS_PHP")) and not list((Path(chosen) / "bin").glob("php*")):
        report(problems, f"PHP_STREAMS_PHP names {chosen}, where there is no bin/php*")
    return best_of(candidates(), problems)


def best_of(paths: Sequence[Path] | Iterator[Path], problems: list[str] | None = None) -> list[PhpCli]:
    """Opens these binaries and keeps the first of each ``major.minor``, the newest version first."""
    found: dict[str, PhpCli] = {}
    opened: set[Path] = set()
    for path in paths:
        real = path.resolve()
        if real in opened:
            continue
        opened.add(real)
        try:
            php = open_php(path)
        except PhpNotUsable as error:
            report(problems, str(error))
        else:
            found.setdefault(php.series, php)
    return sorted(
        found.values(), key=lambda php: [int(part) for part in php.version.split(".")], reverse=True
    )


def report(problems: list[str] | None, text: str) -> None:
    """Notes the problem, or raises it when nobody takes notes."""
    if problems is None:
        raise PhpNotUsable(text)
    problems.append(text)

"""Which php-cli the options choose."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from php_streams.porting.php_cli import PhpCli, PhpNotUsable, best_of, find_php

INSTALL = "compat_matrix/install_php.sh installs it"


@dataclass(frozen=True)
class Found:
    """The php-cli to run, newest first; why there are none; what was found and cannot be used.

    `asked`: the options want php, or this php: a newer release that prints something else is a failure then.
    Else it is the one that happens to be here, and what it changed is listed.
    """

    php: list[PhpCli] = field(default_factory=list)
    offline: str = ""
    problems: list[str] = field(default_factory=list)
    asked: bool = False


KEY = pytest.StashKey[Found]()


def find(config: pytest.Config) -> Found:
    """Looks once for each run."""
    if KEY not in config.stash:
        config.stash[KEY] = search(config)
    return config.stash[KEY]


def first_where(config: pytest.Config, condition: str) -> PhpCli | None:
    """The newest of which this condition, written in PHP, is true."""
    return next((php for php in find(config).php if php.evaluate(condition)), None)


def search(config: pytest.Config) -> Found:
    """As the options say; raises `pytest.UsageError` where they cannot be met."""
    options = config.option
    required = options.live or options.record or os.environ.get("PHP_STREAMS_LIVE") == "require"
    if options.offline and (options.live or options.record or options.php):
        raise pytest.UsageError("--offline excludes --live, --record and --php")
    if options.offline:
        return Found(offline="offline: --offline")
    problems: list[str] = []
    try:
        php = best_of([Path(path) for path in options.php]) if options.php else find_php(problems)
    except PhpNotUsable as error:
        raise pytest.UsageError(str(error)) from None
    if not php and required:
        raise pytest.UsageError("; ".join(["php-cli not found", *problems, INSTALL]))
    offline = "" if php else f"offline: php-cli not found ({INSTALL})"
    return Found(php, offline, problems, asked=bool(required or options.php))

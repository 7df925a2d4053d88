"""``python -m tests.bench [--rounds N] [--only PATTERN] [--php PATH] [--json FILE] [--quick | --full] ...``.

``--full --only 'fil*'`` measures files and filters at full size: 3 M lines, 1 M writes, 1 GiB read, 500 MiB
copied, 200 MiB in one piece or through a filter.  ``--help`` tells the rest.

The exit status is 1 when something could not be measured or did other work, never because a goal is missed.
"""

from __future__ import annotations

import argparse
import fnmatch
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import certs, report, rows, runner

DESCRIPTORS = 6000


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="php_streams, php and stdlib")
    parser.add_argument(
        "--rounds", type=int, default=0, help="paired rounds per row (default 9, quick and full 3)"
    )
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN", help="rows, as smtp_*")
    parser.add_argument("--php", help="the php-cli of the php column; '' for none (default: 8.4 if found)")
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="a quarter of the work, 3 rounds")
    size.add_argument(
        "--full",
        action="store_true",
        help="files and filters at full size (3 M lines, 1 GiB, ...: 'full' in goals.toml), 3 rounds; "
        "with --only 'fil*' these rows alone",
    )
    parser.add_argument("--list", action="store_true", help="only name the rows")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick or options.full else 9)
    return options


def more_descriptors() -> None:
    """Allow 5,000 streams at once, here and in what is started from here."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < DESCRIPTORS:
        wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def about(options: argparse.Namespace, php: runner.Column | None) -> dict[str, Any]:
    """Machine, versions and rounds."""
    work = "a quarter" if options.quick else "full sizes" if options.full else "as usual"
    facts = report.machine() | {"rounds": options.rounds, "work": work}
    if php:
        versions = "echo PHP_VERSION, defined('OPENSSL_VERSION_TEXT') ? ', ' . OPENSSL_VERSION_TEXT : '';"
        command = [php.command[0], "-r", versions]
        facts["php"] = subprocess.check_output(command, text=True, env=php.env)
    return facts


def main() -> int:
    """Run the chosen rows, show the table."""
    options = arguments()
    only = options.only or ["*"]
    chosen = [row for row in rows.load() if any(fnmatch.fnmatch(row.name, pattern) for pattern in only)]
    if options.full:
        chosen = [replace(row, n=row.full or row.n) for row in chosen]
    if options.list or not chosen:
        print("\n".join(f"{row.name:22}{row.label}" for row in chosen) or "no such row; --list names them")
        return not chosen
    path = runner.find_php() if options.php is None else options.php
    php = runner.php_column(path) if path else None
    facts = about(options, php)
    print("; ".join(f"{name}: {value}" for name, value in facts.items()))
    more_descriptors()
    start, results = time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder:
        columns = ([php] if php else []) + runner.python_columns(Path(folder, "compiled"))
        made = certs.make(Path(folder))
        for i, row in enumerate(chosen, 1):
            print(f"[{i}/{len(chosen)}] {row.name}", file=sys.stderr, flush=True)
            results.append(runner.measure_row(row, columns, made, options.rounds, 4 if options.quick else 1))
    facts["seconds"] = round(time.monotonic() - start)
    report.show(results, php.name if php else None)
    print(report.summary(results, php.name if php else None) + f"; {facts['seconds']} s")
    failures = [(r.row.name, column, text) for r in results for column, text in r.failures.items()]
    for name, column, text in failures:
        print(f"{name}, {column}: {text}")
    if options.json:
        Path(options.json).write_text(report.as_json(results, facts, columns))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

"""The command line of the compatibility matrix."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from compat_matrix import ROOT, MatrixError


def parser() -> argparse.ArgumentParser:
    """All commands."""
    main = argparse.ArgumentParser(
        prog="python -m compat_matrix", description="What PHP's manual promises, checked."
    )
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    status = commands.add_parser("status", help="coverage by chapter and function")
    status.add_argument("what", nargs="*", metavar="WHAT", help="chapters, functions or pages (default: all)")
    status.add_argument("--open", action="store_true", help="list the claims that nothing settles")
    new = commands.add_parser("new", help="the skeleton of a case for a claim")
    new.add_argument("claim", metavar="CLAIM", help="such as function.fgets#errors.1")
    new.add_argument(
        "--peer", action="store_true", help="with a peer, also where the function takes no stream"
    )
    new.add_argument("--name", metavar="NAME", help="of the file (default: after the claim)")
    build = commands.add_parser("build", help="write the matrix page and the README's summary")
    build.add_argument(
        "--check", action="store_true", help="write nothing; fail when they are not what the data give"
    )
    add_run(commands.add_parser("run", help="the whole suite against any php binary"))
    return main


def add_run(run: argparse.ArgumentParser) -> None:
    """The options of ``run``."""
    add = run.add_argument
    add("--php", action="append", required=True, type=Path, metavar="PATH", help="a php-cli (repeatable)")
    add("--as", dest="as_version", metavar="X.Y", help="expect what this version printed, not the php's own")
    add(
        "--only",
        action="append",
        default=[],
        metavar="FOLDER",
        help="below tests/conformance: functions/fgets",
    )
    add("--no-python", action="store_true", help="leave out the Python twins")
    add("--jobs", type=positive, default=2, metavar="N", help="php processes at a time (default 2)")
    add("--json", type=Path, metavar="FILE", help="write the results as JSON")
    add("--junit", type=Path, metavar="FILE", help="write the results as JUnit XML")


def positive(text: str) -> int:
    """A number of processes."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    """0 good, 1 something differs, 2 the input cannot be used."""
    options = parser().parse_args(arguments)
    try:
        return command(options)
    except MatrixError as error:
        print(f"compat_matrix: {error}", file=sys.stderr)
        return 2


def command(options: argparse.Namespace) -> int:
    """Imports only what the command needs: the Python side of `run` is not needed to print a table."""
    if options.command == "status":
        from compat_matrix.status import status

        return status(options.what, options.open)
    if options.command == "new":
        from compat_matrix.new_case import new_case

        path = new_case(options.claim, options.peer, options.name)
        print(
            f"{path.relative_to(ROOT)}: say in --TEST-- what holds, fill in the twins, then pytest --record"
        )
        return 0
    if options.command == "build":
        from compat_matrix.build import build

        return build(options.check)
    from compat_matrix.run import run

    return run(options)


if __name__ == "__main__":
    raise SystemExit(main())

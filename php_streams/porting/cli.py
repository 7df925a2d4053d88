"""The command ``php-streams``."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Sequence

from .php_cli import PhpCli, PhpNotUsable, find_php, open_php

INTERRUPTED = 130  # what a shell reports for SIGINT
DEMO_NEEDS = ("aiosmtpd", "rich", "trustme")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; `arguments` default to those of the process. The result is the exit status.

    0: all is well; 1: the demo found a difference; 2: wrong usage, or something that is needed is missing;
    130: interrupted from the keyboard.
    """
    parser = make_parser()
    options = parser.parse_args(arguments)
    return demo(parser, options)


def make_parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    parser = argparse.ArgumentParser(
        prog="php-streams", description="Tools for people who port PHP to Python."
    )
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    text = "a PHP mailer and its Python port send mail over ports of kind 25, 465 and 587, and are compared"
    command = commands.add_parser("demo", help=text, description=f"{text[0].upper()}{text[1:]}.")
    command.add_argument("--quick", action="store_true", help="send an attachment of 64 KiB instead of 1 MiB")
    group = command.add_mutually_exclusive_group()
    group.add_argument("--no-php", action="store_true", help="leave php-cli out, even where there is one")
    group.add_argument(
        "--php", metavar="PATH", help="the php-cli to compare with; default: the newest one found"
    )
    return parser


def demo(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """The command ``demo``."""
    missing = [name for name in DEMO_NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        parser.error(f"the demo needs {', '.join(missing)}: pip install 'php-streams[tools]'")
    from .demo import examples_folder, run_demo

    try:
        examples, php = examples_folder(), chosen_php(options)
    except (FileNotFoundError, PhpNotUsable) as error:
        parser.error(str(error))
    try:
        return 0 if run_demo(examples, quick=options.quick, php=php) else 1
    except KeyboardInterrupt:
        return INTERRUPTED


def chosen_php(options: argparse.Namespace) -> PhpCli | None:
    """The php-cli that the options name, or the newest one found, or none."""
    if options.no_php:
        return None
    if options.php:
        return open_php(options.php)
    # A php that is broken is none to compare with; whoever wants to know why names it with --php.
    return next(iter(find_php(problems=[])), None)


if __name__ == "__main__":
    raise SystemExit(main())

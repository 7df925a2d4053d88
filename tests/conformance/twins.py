"""Holds that the PHP and the PYTHON section of a case are the same program, line for line.

The rules, simple on purpose:

- A line of closing punctuation only (``}``, ``});``, ``]``) has no counterpart; it is left out on both sides.
- What remains has the same number of lines; a blank line faces a blank line, a comment a comment, code code.
- Lines that face each other have the same ``see`` labels, call the same functions and name the same
constants of
  php_streams in the same order, and PHP's ``@`` faces ``silence()``.

So ``} catch (ValueError $e) {`` faces ``except ValueError as e:`` and ``} else {`` faces ``else:``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from tests.conformance.case import Case, CaseError, Section

CLOSERS = re.compile(r"[\s)\]};,]+")
STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
LABEL = re.compile(r"\bsee\w*\(\s*(?:'([^']*)'|\"([^\"]*)\")")
CALL = re.compile(r"(?<!->)(?<!::)(?<![\w$.\\])([A-Za-z_]\w*)(\s*\()?")
HELPERS = {"see", "see_name", "pause", "interrupt_after"}


def check_twins(case: Case, names: Collection[str]) -> None:
    """Raises `CaseError` where a PYTHON line does not correspond; `names` is php_streams.__all__."""
    php, python = list(numbered(case.php)), list(numbered(case.python))
    for (php_at, php_line), (at, line) in zip(php, python, strict=False):
        for what, of_php, of_python in compare(php_line, line, names):
            if of_php != of_python:
                raise CaseError(
                    case.path,
                    at,
                    f"does not face line {php_at} of the PHP: {what} {of_python!r}, there {of_php!r}",
                )
    if len(php) != len(python):
        longer, name = (php, "PHP") if len(php) > len(python) else (python, "PYTHON")
        at = longer[min(len(php), len(python))][0]
        reason = f"{len(php)} lines of PHP face {len(python)} of PYTHON; from here --{name}-- goes on alone"
        raise CaseError(case.path, at, reason)


def numbered(section: Section) -> Iterator[tuple[int, str]]:
    """The lines that count, with their numbers in the file."""
    for number, line in enumerate(section.lines, section.line):
        if not line.strip() or not CLOSERS.fullmatch(line):
            yield number, line.strip()


def compare(php: str, python: str, names: Collection[str]) -> Iterator[tuple[str, object, object]]:
    """Each thing that has to be equal on the two lines: what it is, PHP's, Python's."""
    php_code, python_code = code(php, ("//", "#", "/*")), code(python, ("#",))
    yield "a line that is", kind(php, php_code), kind(python, python_code)
    yield "labels", labels(php), labels(python)
    yield "names", named(php_code, names), named(python_code, names)
    yield "silenced calls", php_code.count("@"), len(re.findall(r"\bsilence\(\)", python_code))


def code(line: str, comments: tuple[str, ...]) -> str:
    """The line with its strings emptied and its comment cut off."""
    line = STRING.sub("''", line)
    for mark in comments:
        line = line.split(mark, 1)[0]
    return line.strip()


def kind(line: str, code_only: str) -> str:
    """Blank, comment or code."""
    return "code" if code_only else "a comment" if line else "blank"


def labels(line: str) -> list[str]:
    """The labels of the see() calls on a line."""
    return [single or double for single, double in LABEL.findall(line)]


def named(line: str, names: Collection[str]) -> list[str]:
    """The functions called and the constants named, as far as they are php_streams' or the harness's own."""
    found = []
    for name, call in CALL.findall(line):
        known = name in names or name in HELPERS
        if known and name != "silence" and (call or name.isupper()):
            found.append(name)
    return found

"""Does line N of a PHP program say what line N of its Python port says?

`faults` compares what both languages have in common: indentation, the kind of statement, the functions and
constants of PHP's that are named, the methods called, the words in string literals.  Python has no line for a
closing brace; it is blank there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from types import FunctionType

import php_streams

# A statement's first word in PHP, and in Python.
KINDS = {
    "if": "if",
    "} else {": "else",
    "while": "while",
    "foreach": "for",
    "switch": "match",
    "case": "case",
    "return": "return",
    "break": "break",
    "public function": "def",
    "function": "def",
    "class": "class",
}
LITERAL = re.compile(r"""[bf]?"((?:[^"\\]|\\.)*)"|[bf]?'((?:[^'\\]|\\.)*)'""")
NAMES = frozenset(php_streams.__all__)
# Of these only a call counts: `file` may be a parameter.
FUNCTIONS = frozenset(name for name in NAMES if isinstance(getattr(php_streams, name), FunctionType))
# Words that only Python needs: how bytes become text, and what to do with those that are no UTF-8.
EXTRA_PYTHON = Counter({"decode": 1, "surrogateescape": 1})
METHOD = re.compile(
    r"(?:\$this->|self\.|\$(?:this->)?(?:mailer|loop|client)->|(?:mailer|loop|client)\.)\(?(\w+)\)?\("
)
DUNDERS = {"__construct": "__init__"}
# How each language asks whether this file is the program that runs.
IDIOMS = {"if (realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__)": 'if __name__ == "__main__":'}
CALLBACK = re.compile(r"\[\$\w+, '\w+'\]|(?<=Mailer\()'\w+'")  # PHP finds a method or a function by its name


def kind(line: str, python: bool) -> str:
    """What a line begins with, in Python's words; "" for a plain statement."""
    for php_word, python_word in KINDS.items():
        if re.match(re.escape(python_word if python else php_word) + r"(?!\w)", line):
            return python_word
    return ""


def names(code: str) -> list[str]:
    """The functions, constants and classes of PHP's in the order in which they stand."""
    found = re.findall(r"(?<![\w$>.])(\w+)(\s*\()?", code)
    return [name for name, called in found if name in NAMES and (called or name not in FUNCTIONS)]


def words(line: str, python: bool) -> Counter[str]:
    """The words in string literals; of an interpolated one with the names of its variables."""
    found: Counter[str] = Counter()
    for double, single in LITERAL.findall(CALLBACK.sub("", line)):
        text = re.sub(r"\\[rn0]", " ", double or single)
        text = re.sub(r"\b(?:self\.|this->)", "", text)
        found.update(re.findall(r"[A-Za-z0-9_]+", text))
    if python:
        found -= EXTRA_PYTHON
    return found


def compare_code(php: str, python: str) -> Iterator[str]:
    """What differs between two lines of code."""
    if IDIOMS.get(php) == python:
        return
    if kind(php, False) != kind(python, True):
        yield "another kind of statement"
    bare_php, bare_python = LITERAL.sub('""', php), LITERAL.sub('""', python)
    if names(bare_php) != names(bare_python):
        yield f"PHP's names {names(bare_php)} and {names(bare_python)}"
    methods = [DUNDERS.get(name, name) for name in METHOD.findall(bare_php)]
    if methods != METHOD.findall(bare_python):
        yield f"methods {methods} and {METHOD.findall(bare_python)}"
    if words(php, False) != words(python, True):
        yield f"literals {sorted(words(php, False))} and {sorted(words(python, True))}"


def is_comment(line: str, python: bool) -> bool:
    """A comment, a docstring of one line, or where Python imports what PHP requires or has built in."""
    return bool(re.match(r'#|"""|import |from ' if python else r"//|<\?php //|require_once ", line))


def compare_line(php: str, python: str) -> Iterator[str]:
    """What differs between two lines."""
    a, b = php.strip(), python.strip()
    if a.startswith("public $"):
        # The properties; Python spells them as strings.
        a = "public " + re.sub(r"\$(\w+)", r"'\1'", a[7:])
    if a in ("", "}"):
        if b:
            yield "Python says something where PHP does not"
        return
    if not b:
        yield "PHP says something where Python does not"
        return
    if len(php) - len(php.lstrip()) != len(python) - len(python.lstrip()):
        yield "another indentation"
    if is_comment(a, False) or is_comment(b, True):
        if is_comment(a, False) != is_comment(b, True):
            yield "a comment beside code"
        return
    yield from compare_code(a, b)


def faults(php: Sequence[str], python: Sequence[str]) -> list[str]:
    """Every place where the two differ, such as "17: another indentation"."""
    php = list(php)
    while php and len(php) > len(python) and php[-1].strip() == "}":
        php.pop()  # Python's file ends with the last statement
    lengths = f"the end: {len(php)} lines of PHP, {len(python)} of Python"
    found = [] if len(php) == len(python) else [lengths]
    for number, (one, other) in enumerate(zip(php, python, strict=False), 1):
        found += [f"{number}: {what}" for what in compare_line(one, other)]
    return found

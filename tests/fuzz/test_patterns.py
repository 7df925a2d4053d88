"""fnmatch and glob against php-cli: random patterns and flags, the same answers.

Left out is what glob(3) makes of several slashes at a pattern's end, and of one together with GLOB_MARK:
where it puts a second slash depends on the file system.

The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import phpserialize
import pytest

import php_streams
from php_streams.constants import GLOB_BRACE, GLOB_MARK, GLOB_NOCHECK, GLOB_NOESCAPE, GLOB_ONLYDIR
from php_streams.porting.php_cli import PhpCli

COUNT = 5000
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20240717"))

Call = tuple[str, list[Any]]

PHP = r"""
chdir(getenv('FUZZ_FOLDER'));
$answers = [];
foreach (unserialize(file_get_contents('../calls')) as [$name, $arguments]) {
    $answers[] = $name(...$arguments);
}
echo serialize($answers);
"""
BRACKETS = """
    [ [! [^ ] [a-c] [!a] [[:alpha:]] [:upper:] [[:upper:]] [[=a=]] []a] [a\\]b] [.] [/] [b-a] [[:foo:]]
""".split()
PIECES = ["a", "b", "A", ".", "/", "*", "?", "**", "\\", "-", *BRACKETS]
LETTERS = "a b c A . / [ ] \\ - ! ^ :".split()
PARTS = """
    * ? a b / . .. *.txt [ab] {a,b} {a,z {f,g}.* .* c \\ [ l la x.d {,a} {{a,b},z} w\\* f.txt [x] \\{y} z none
""".split()


def make_match(draw: random.Random) -> Call:
    """A pattern and a text."""
    pattern = "".join(draw.choices(PIECES, k=draw.randint(0, 5)))
    text = "".join(draw.choices(draw.choice([LETTERS, "ab./"]), k=draw.randint(0, 5)))
    return "fnmatch", [pattern, text, draw.choice([0, 0, 1, 2, 4, 16, 5, 3, 7, 20, 23, 17])]


def make_glob(draw: random.Random) -> Call:
    """A pattern that stays in the folder."""
    flags = draw.choice([0, 0, GLOB_MARK, GLOB_NOCHECK, GLOB_NOESCAPE, GLOB_ONLYDIR, GLOB_BRACE])
    flags |= draw.choice([0, 0, GLOB_BRACE])
    pattern = "".join(draw.choices(PARTS, k=draw.randint(1, 5))).lstrip("/\\")
    while "//" in pattern or "/\\/" in pattern:
        pattern = pattern.replace("//", "/").replace("/\\/", "/")
    return "glob", [pattern.rstrip("/\\"), flags]


def settle(folder: Path) -> None:
    """Folders, files and links, with names that mean something to patterns."""
    for name in ("a", "b", "a/c", ".h", "b/x.d"):
        (folder / name).mkdir()
    for name in ("a/f.txt", "a/g.md", "b/f.txt", ".dot", "z", "b/x.d/q", "a/c/[x]", "{y}", "w*", "a b", "B"):
        (folder / name).touch()
    (folder / "l").symlink_to("none")
    (folder / "la").symlink_to("a")


def known(name: str, arguments: list[Any]) -> bool:
    """What the C library does and we do not: an escaped slash behind a *, and symbols like [.x"""
    return name == "fnmatch" and ("*\\/" in arguments[0] or "[." in arguments[0])


def test_patterns_fit_what_they_fit_in_php(
    php: PhpCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same answer to each call."""
    draw = random.Random(SEED)
    calls = [draw.choice([make_match, make_glob])(draw) for _ in range(COUNT)]
    (tmp_path / "calls").write_bytes(phpserialize.dumps([list(call) for call in calls]))
    (tmp_path / "place").mkdir()
    settle(tmp_path / "place")
    result = php.run(PHP, env={**os.environ, "FUZZ_FOLDER": str(tmp_path / "place")}, timeout=50)
    assert result.status == 0 and result.stdout.startswith(b"a:"), result.stdout[-300:] + result.stderr[-300:]
    monkeypatch.chdir(tmp_path / "place")
    differ = []
    for (name, arguments), there in zip(calls, result.value.values(), strict=True):
        expected = [item.decode() for item in there.values()] if isinstance(there, dict) else there
        here = getattr(php_streams, name)(*arguments)
        if here != expected and not known(name, arguments):
            differ.append(f"{name}{arguments}\n    php    {expected}\n    python {here}")
    assert not differ, f"{len(differ)} of {COUNT} differ (seed {SEED})\n" + "\n".join(differ[:20])

"""The house's rules, read from the syntax trees: layers, sizes, no machine paths.

Every rule is a function from a folder to a list of breaches.  The tests run it over this checkout, and over a
small house built wrong on purpose, where it has to find the fault: a rule that cannot fail guards nothing.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "php_streams"

MODULE_LINES = 400
FUNCTION_LINES = 30
FUNCTION_LINES_WITH_REASON = 50

# Who stands on whom, from the ground up; a module imports from lower layers and from its own part.
# Transports, filters and network stand side by side and know nothing of each other; porting is a guest.
LAYERS = {"constants": 0, "_core": 1, "_transports": 2, "_filters": 2, "_network": 2, "_wrappers": 3}
CHAPTER, FACE = 4, 5

# What is not in the standard library, and where it may be imported.
THIRD_PARTY = {
    "certifi": r"php_streams\._transports\.tls\w*",
    "cryptography": r"php_streams\.(_transports\.tls\w*|x509)",
    "dns": r"php_streams\._network\.\w+",
    "phpserialize": r"php_streams\.porting\..*",
    "aiosmtpd": r"php_streams\.porting\..*",
    "rich": r"php_streams\.porting\..*",
    "trustme": r"php_streams\.porting\..*",
}
TOP_LEVEL = {
    *(".ci", ".gitignore", "CONTRIBUTING.md", "LICENSE", "README.md", "pyproject.toml"),
    *("compat_matrix", "docs", "examples", "php_streams", "setup.cfg", "tests", "tox.ini"),
}
# Imported at the first use of TLS only: `ssl` is the larger part of the start-up time.
TLS_MODULES = re.compile(r"php_streams\.(_transports\.tls\w*|porting\..*)")


@dataclass(frozen=True)
class Module:
    path: Path
    name: str
    tree: ast.Module
    text: str

    @property
    def part(self) -> str:
        """The name below the package: "_core", "network", "porting", or "" for the package itself."""
        return (self.name.split(".") + [""])[1]


def read(root: Path, folders: Iterable[str]) -> Iterator[Module]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            text = path.read_text("utf-8")
            name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            yield Module(path.relative_to(root), name, ast.parse(text, str(path)), text)


def type_only(tree: ast.Module) -> set[ast.AST]:
    """The nodes below `if TYPE_CHECKING:`, which are never run."""
    return {
        node
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and ast.unparse(test.test).endswith("TYPE_CHECKING")
        for statement in test.body
        for node in ast.walk(statement)
    }


def imports(module: Module, *, running: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
    """Each imported module's absolute name; `running` leaves out what only type checkers import."""
    skipped = type_only(module.tree) if running else set()
    for node in ast.walk(module.tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = (
                    module.name.split(".") if module.path.stem == "__init__" else module.name.split(".")[:-1]
                )
                parts = parts[: len(parts) - node.level + 1]
                base = ".".join([*parts, base] if base else parts)
            if base == PACKAGE:
                yield from ((node, f"{base}.{alias.name}") for alias in node.names)
            else:
                yield node, base


def layer(part: str) -> int:
    return FACE if part == "" else LAYERS.get(part, CHAPTER)


def aliased(statement: ast.stmt) -> ast.expr | None:
    """The `name` of `twin = name` or `twin = alias(name, ...)`."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return None
    value = statement.value
    if isinstance(value, ast.Call):
        return value.args[0] if ast.unparse(value.func) == "alias" and value.args else None
    return value if isinstance(value, ast.Name | ast.Attribute) else None


def aliases_only(module: Module, node: ast.Import | ast.ImportFrom) -> bool:
    """Is every name that this import binds used for nothing but an alias?"""
    bound = {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    allowed = {
        id(part)
        for statement in module.tree.body
        if (value := aliased(statement)) is not None
        for part in ast.walk(value)
    }
    uses = (use for use in ast.walk(module.tree) if isinstance(use, ast.Name) and use.id in bound)
    return all(id(use) in allowed for use in uses)


# The rules


def layers(root: Path) -> list[str]:
    faults = []
    for module in read(root, [PACKAGE]):
        for node, name in imports(module):
            if name.split(".")[0] != PACKAGE:
                continue
            target = (name.split(".") + [""])[1]
            where = f"{module.path}:{node.lineno}: imports {name}"
            if module.part == "porting":
                if target.startswith("_") and target != "__version__":
                    faults.append(f"{where}: porting uses the public face only")
            elif target == "porting":
                faults.append(f"{where}: the house does not know its guests")
            elif layer(target) > layer(module.part):
                faults.append(f"{where}: imports point down")
            elif layer(target) == layer(module.part) == CHAPTER and target != module.part:
                if not aliases_only(module, node):
                    faults.append(f"{where}: a chapter imports another for aliases only")
            elif layer(target) == layer(module.part) and target != module.part:
                faults.append(f"{where}: stands beside it, not below")
    return faults


def core_names_nobody(root: Path) -> list[str]:
    """The tables of the upper packages are handed down to the core; it spells none of their modules."""
    upper = re.compile(rf"{PACKAGE}\._(wrappers|transports|filters)\b|^_(wrappers|transports|filters)\b")
    return [
        f"{module.path}:{node.lineno}: names {node.value}"
        for module in read(root, [f"{PACKAGE}/_core"])
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value
        if upper.search(node.value)
    ]


def outside_packages(root: Path) -> list[str]:
    faults = []
    for module in read(root, [PACKAGE]):
        for node, name in imports(module):
            top = name.split(".")[0]
            if top == PACKAGE or top in sys.stdlib_module_names:
                continue
            if not re.fullmatch(THIRD_PARTY.get(top, r"(?!)"), module.name):
                faults.append(f"{module.path}:{node.lineno}: imports {name}, which has no business here")
    homes = {
        module.path for module in read(root, [PACKAGE]) for _, name in imports(module) if name == "certifi"
    }
    if len(homes) > 1:
        faults.append(f"certifi is imported in more than one module: {sorted(map(str, homes))}")
    return faults


def ssl_at_home(root: Path) -> list[str]:
    return [
        f"{module.path}:{node.lineno}: imports {name}: TLS lives in _transports/tls*.py"
        for module in read(root, [PACKAGE])
        for node, name in imports(module, running=True)
        if name.split(".")[0] in ("ssl", "_ssl") and not TLS_MODULES.fullmatch(module.name)
    ]


def function_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From `def` to the end; the docstring does not count."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


def sizes(root: Path) -> list[str]:
    faults = []
    for module in read(root, [PACKAGE, "tests", "compat_matrix", "examples", "docs"]):
        lines = module.text.splitlines()
        if len(lines) > MODULE_LINES:
            faults.append(f"{module.path}: {len(lines)} lines, at most {MODULE_LINES}")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                head = lines[node.lineno - 1 : node.body[0].lineno]
                reason = any(re.search(r"#\s*long:\s*\S", line) for line in head)
                most = FUNCTION_LINES_WITH_REASON if reason else FUNCTION_LINES
                if (size := function_lines(node)) > most:
                    faults.append(
                        f"{module.path}:{node.lineno}: {node.name} has {size} lines, at most {most}"
                    )
    return faults


def tracked(root: Path) -> Iterator[Path]:
    """The project's files as git sees them, or all of them where there is no git."""
    listing = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(listing, check=True, capture_output=True).stdout.decode().split("\0")
        yield from (root / name for name in names if name and (root / name).is_file())
    except (OSError, subprocess.CalledProcessError):
        yield from (path for path in root.rglob("*") if path.is_file())


def machine_paths(root: Path) -> list[str]:
    """Somebody's home or a mount of one machine: such a path works nowhere else."""
    pattern = re.compile(r"(?<![\w.$}/-])/(?:root|work|home|Users|opt|tmp/venv)/\w[^\s'\"]*")
    faults = []
    for path in tracked(root):
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            faults += [f"{path.relative_to(root)}:{number}: {found[0]}" for found in pattern.finditer(line)]
    return faults


def possessive(root: Path) -> list[str]:
    """Possessive quantifiers and atomic groups: Python 3.11.2, which Debian 12 has, goes wrong on some."""
    pattern = re.compile(r"[])}.\w][*+?}]\+|\(\?>")
    return [
        f"{module.path}:{number}: {line.strip()}"
        for module in read(root, [PACKAGE])
        for number, line in enumerate(module.text.splitlines(), 1)
        if pattern.search(line.partition("  # ")[0])
    ]


def top_level(root: Path) -> list[str]:
    """What lies beside the package is fixed; a file that a slip of the shell left there is seen here."""
    found = {path.relative_to(root).parts[0] for path in tracked(root)}
    return sorted(found - TOP_LEVEL)


def tracing(root: Path) -> list[str]:
    """Who sets a trace function puts back the one before, which may be coverage's: `tests.tracing` does."""
    return [
        f"{module.path}:{node.lineno}: sys.{node.attr}"
        for module in read(root, [PACKAGE, "tests", "compat_matrix", "examples", "docs"])
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in ("settrace", "setprofile")
        if module.path.as_posix() != "tests/tracing.py"
    ]


RULES = [
    tracing,
    layers,
    core_names_nobody,
    outside_packages,
    ssl_at_home,
    sizes,
    machine_paths,
    possessive,
    top_level,
]


@pytest.mark.parametrize("rule", RULES)
def test_the_house_keeps(rule: Callable[[Path], list[str]]) -> None:
    faults = rule(ROOT)
    assert not faults, "\n".join(["", *faults])


LONG = "def f():\n" + "    x = 1\n" * 35
WRONG_HOUSES = [
    (layers, "php_streams/_core/a.py", "from php_streams._wrappers import http"),
    (layers, "php_streams/_core/a.py", "from .. import network"),
    (layers, "php_streams/_transports/a.py", "from php_streams._filters import zlib"),
    (layers, "php_streams/_wrappers/a.py", "from ..filesystem import fopen"),
    (layers, "php_streams/constants.py", "from php_streams._core import values"),
    (layers, "php_streams/_core/a.py", "import php_streams"),
    (layers, "php_streams/stream.py", "from .network import fsockopen\n\ndef f():\n    fsockopen('')"),
    (layers, "php_streams/stream.py", "from . import network as n\n\nf = alias(g, n.fsockopen)"),
    (layers, "php_streams/porting/demo.py", "from php_streams._core import stream"),
    (layers, "php_streams/porting/demo.py", "from .._transports import tls"),
    (layers, "php_streams/network.py", "from php_streams.porting import peer"),
    (core_names_nobody, "php_streams/_core/a.py", "import_module('php_streams._wrappers.http')"),
    (outside_packages, "php_streams/network.py", "import requests"),
    (outside_packages, "php_streams/network.py", "import certifi"),
    (outside_packages, "php_streams/network.py", "import dns.resolver"),
    (layers, "php_streams/_network/a.py", "from php_streams._transports import socket"),
    (outside_packages, "php_streams/_core/a.py", "import phpserialize"),
    (ssl_at_home, "php_streams/_transports/socket.py", "import ssl"),
    (ssl_at_home, "php_streams/network.py", "def f():\n    from ssl import SSLContext"),
    (sizes, "php_streams/network.py", "x = 1\n" * 401),
    (sizes, "php_streams/network.py", LONG),
    (sizes, "tests/conftest.py", LONG.replace("():", "():  # long: all one table") + "    x = 1\n" * 15),
    (possessive, "php_streams/network.py", 'A = re.compile(r"\\s*+x")'),
    (top_level, "o", ""),
    (tracing, "tests/unit/test_a.py", "def f():\n    sys.settrace(None)"),
    (machine_paths, "docs/index.md", "see `/" + "root/notes.txt`"),
    (machine_paths, "setup.cfg", "python = /" + "home/me/bin/python"),
]


@pytest.mark.parametrize(("rule", "path", "text"), WRONG_HOUSES)
def test_a_fault_is_found(rule: Callable[[Path], list[str]], path: str, text: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(text)
    assert rule(tmp_path) != []


RIGHT_HOUSES = [
    (
        layers,
        "php_streams/filesystem.py",
        "from ._core import stream\nfrom .constants import SEEK_SET\nimport os",
    ),
    (
        layers,
        "php_streams/filesystem.py",
        "from .stream import stream_get_line\n\nget_line = stream_get_line",
    ),
    (layers, "php_streams/network.py", "from . import stream as s\n\nf = alias(s.stream_get_line, 'f')"),
    (layers, "php_streams/porting/demo.py", "from php_streams import fopen\nfrom .peer import Peer"),
    (ssl_at_home, "php_streams/_transports/tls_client.py", "import ssl"),
    (ssl_at_home, "php_streams/network.py", "if TYPE_CHECKING:\n    import ssl"),
    (sizes, "php_streams/network.py", LONG.replace("():", "():  # long: all one table")),
    (top_level, "docs/index.md", ""),
    (machine_paths, "docs/index.md", "unpacked in $cache/root/usr, mail in /var/mail"),
]


@pytest.mark.parametrize(("rule", "path", "text"), RIGHT_HOUSES)
def test_what_is_right_passes(
    rule: Callable[[Path], list[str]], path: str, text: str, tmp_path: Path
) -> None:
    test_path = tmp_path / path
    test_path.parent.mkdir(parents=True, exist_ok=True)
    test_path.write_text(text)
    assert rule(tmp_path) == []

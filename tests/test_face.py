"""The public face: names of PHP's that shadow nothing, documentation, tables that name what there is."""

from __future__ import annotations

import builtins
import importlib
import inspect
import json
import keyword
import re

import php_streams
from php_streams import _filters, _wrappers
from php_streams._transports import TRANSPORTS
from php_streams._transports.socket import LABELS
from tests.places import ROOT

# Names in __all__ that PHP has no name for: what a port writes in place of PHP's `@`.
NOT_PHP = {"silence", "STDIN", "STDOUT", "STDERR"}


def php_names() -> set[str]:
    facts = json.loads((ROOT / "compat_matrix/facts/php-8.4.json").read_text("utf-8"))
    return {*facts["functions"], *facts["constants"], *facts["classes"], *facts["exceptions"]}


def bad_names(names: list[str]) -> list[str]:
    known = php_names() | NOT_PHP
    return [
        *(f"{name}: twice" for name in sorted({name for name in names if names.count(name) > 1})),
        *(
            f"{name}: shadows Python's own"
            for name in names
            if keyword.iskeyword(name) or hasattr(builtins, name)
        ),
        *(f"{name}: not a name of PHP's" for name in names if name not in known),
    ]


def documentation(name: str, thing: object) -> str:
    """The manual's address of a function or class of PHP's."""
    kind = "class" if isinstance(thing, type) else "function"
    return f"https://www.php.net/{kind}.{name.lower().replace('_', '-')}"


def undocumented(names: dict[str, object]) -> list[str]:
    return [
        name
        for name, thing in names.items()
        if callable(thing) and name not in NOT_PHP
        if not re.search(re.escape(documentation(name, thing)) + r"(?![\w-])", inspect.getdoc(thing) or "")
    ]


def test_all_holds_names_of_php_and_shadows_nothing() -> None:
    assert bad_names(list(php_streams.__all__)) == []
    assert [name for name in php_streams.__all__ if not hasattr(php_streams, name)] == []


def test_tables_name_what_there_is() -> None:
    for place in (*_wrappers.WRAPPERS.values(), *_filters.FILTERS.values()):
        module, _, function = place.partition(":")
        assert callable(getattr(importlib.import_module(module), function)), place
    assert set(LABELS) < set(TRANSPORTS)


def test_every_function_links_the_manual() -> None:
    assert undocumented({name: getattr(php_streams, name) for name in php_streams.__all__}) == []


def test_bad_names_are_found() -> None:
    assert bad_names(["fgets", "silence", "E_ALL"]) == []
    for name in ("dir", "exec", "fgets_all", "print", "TlsSession"):
        assert bad_names([name]) != [], name
    assert bad_names(["fgets", "fgets"]) == ["fgets: twice"]


def test_missing_documentation_is_found() -> None:
    def fgets() -> None:
        """Gets a line.  https://www.php.net/function.fgetss"""

    assert undocumented({"fgets": fgets}) == ["fgets"]
    fgets.__doc__ = "Gets a line.  https://www.php.net/function.fgets"
    assert undocumented({"fgets": fgets}) == []

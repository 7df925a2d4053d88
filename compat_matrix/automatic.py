"""Claims that need no case, because recorded facts settle them: signatures, and what changed in them.

The chain is closed: the manual's signature is held to php-cli's Reflection here, and `tests/test_facts.py`
holds every `def` of the package to the same Reflection.
"""

from __future__ import annotations

import ast
import re
from functools import reduce
from operator import or_
from typing import Any

from compat_matrix.manual import Page
from compat_matrix.scope import SERIES, facts

Fact = dict[str, Any]
NEWEST = SERIES[-1]


def settled(page: Page, claim: str) -> str | None:
    """What facts say about a claim: "" they agree, a text they differ, None they have nothing to say."""
    if claim == "signature":
        return signature_difference(page)
    change = page.changes.get(claim, {})
    return change_difference(page, change) if len(change) > 1 else None


def later(page: Page, claim: str) -> bool:
    """Is this about a PHP newer than the newest recorded one?"""
    version = page.changes.get(claim, {}).get("version", "")
    return bool(version) and series(version) > series(NEWEST)


def sides(version: str) -> tuple[str, str] | None:
    """The recorded versions next to a change: 8.1.0 -> 7.4, 8.2; None where one of its sides has none."""
    before = [each for each in SERIES if series(each) < series(version)]
    after = [each for each in SERIES if series(each) >= series(version)]
    return (before[-1], after[0]) if before and after else None


def series(version: str) -> tuple[int, int]:
    """8.4.1 -> (8, 4)"""
    parts = version.split(".")
    return int(parts[0]), int(parts[1]) if len(parts) > 1 else 0


def reflection(name: str, version: str = NEWEST) -> Fact | None:
    """What that PHP says about a function, or a method written ``class::method``."""
    known = facts(version)
    owner, _, method = name.partition("::")
    if method:
        return known["classes"].get(owner, {}).get("methods", {}).get(method)  # type: ignore[no-any-return]
    return known["functions"].get(name)  # type: ignore[no-any-return]


def signature_difference(page: Page) -> str | None:
    """The manual's signature against Reflection's."""
    found = reflection(page.name)
    if found is None:
        return None
    if page.alias_of:
        other = reflection(page.alias_of)
        return (
            None if other is None else "" if same_but_names(found, other) else f"differs from {page.alias_of}"
        )
    faults = parameter_faults(page.signatures[0]["parameters"], found["parameters"])
    if not same_type(page.signatures[0]["returns"], found["returns"]):
        faults.append(f"returns {shown(page.signatures[0]['returns'])}, in php-cli {found['returns']}")
    return "; ".join(faults)


def same_but_names(one: Fact, other: Fact) -> bool:
    """Do an alias and its function take the same?"""
    return (one["parameters"], one["returns"]) == (other["parameters"], other["returns"])


def parameter_faults(manual: list[Fact], found: list[Fact]) -> list[str]:
    """Where the manual's parameters are not Reflection's."""
    names, real = [p["name"] for p in manual], [p["name"] for p in found]
    if names != real:
        return [f"parameters {', '.join(names)}; in php-cli {', '.join(real)}"]
    faults = []
    for one, other in zip(manual, found, strict=True):
        name = one["name"]
        for key in ("by_reference", "optional", "variadic"):
            # A variadic parameter may be left out; the manual does not say it twice.
            if bool(one.get(key)) != bool(other.get(key)) and not other.get("variadic"):
                faults.append(
                    f"{name} is {'' if other.get(key) else 'not '}{key.replace('_', ' ')} in php-cli"
                )
        if not same_type(one["type"], other["type"]) and not other.get("by_reference"):
            faults.append(f"{name} is {shown(one['type'])}, in php-cli {other['type']}")
        if "default" in one and "default" in other and not same_default(one["default"], other):
            faults.append(f"{name} is {one['default']} by default, in php-cli {other['default']!r}")
    return faults


def shown(names: list[str]) -> str:
    """A union as PHP writes it."""
    return "|".join(names)


def same_type(manual: list[str], found: str | None) -> bool:
    """Reflection leaves out what it has no type for (resources): then there is nothing to differ from."""
    if found is None:
        return True
    return set(manual) == set(("null|" + found[1:] if found.startswith("?") else found).split("|"))


def same_default(text: str, found: Fact) -> bool:
    """``null``, ``-1``, ``","``, ``0777``, ``STREAM_SERVER_BIND | STREAM_SERVER_LISTEN``"""
    if text == found.get("default_constant"):
        return True
    words = facts(NEWEST)["constants"] | {"null": None, "true": True, "false": False}
    try:
        values = [words[part] if part in words else literal(part) for part in text.split(" | ")]
    except (ValueError, SyntaxError):
        return False
    value = values[0] if len(values) == 1 else reduce(or_, values)
    return bool(value == found["default"])


def literal(text: str) -> Any:
    """A PHP literal; an octal number has no o."""
    return int(text, 8) if re.fullmatch(r"0\d+", text) else ast.literal_eval(text)


def change_difference(page: Page, change: Fact) -> str | None:
    """A row of a changelog against the versions on both sides of it."""
    since = series(change["version"])
    after = [version for version in SERIES if series(version) >= since]
    before = [version for version in SERIES if series(version) < since]
    found = reflection(page.name, after[0]) if after else None
    if found is None:
        return None
    parameters = {p["name"]: p for p in found["parameters"]}
    if names := change.get("parameter"):
        old = reflection(page.name, before[-1]) if before else None
        there = [p["name"] for p in old["parameters"]] if old else []
        faults = [f"{name} is not there in {after[0]}" for name in names if name not in parameters]
        return "; ".join(faults + [f"{name} is there in {before[-1]}" for name in names if name in there])
    if names := change.get("nullable") or change.get("object"):
        return "; ".join(filter(None, (typed(name, parameters, "nullable" in change) for name in names)))
    if "deprecated" in change:
        return "" if found.get("deprecated") else f"not deprecated in {after[0]}"
    wanted = change["returns"][0]
    if (found["returns"] or "").lstrip("?") != wanted:
        return f"returns {found['returns']} in {after[0]}"
    old = reflection(page.name, before[-1]) if before else None
    return f"returns {wanted} in {before[-1]}" if old and old["returns"] == wanted else ""


def typed(name: str, parameters: dict[str, Fact], nullable: bool) -> str:
    """What is wrong with a parameter that should take null, or an object."""
    fact = parameters.get(name)
    if fact is None:
        return f"no parameter {name}"
    kind = fact["type"]
    if nullable:
        fine = fact.get("default", 0) is None if kind is None else same_null(kind)
        return "" if fine else f"{name} is {kind}"
    return "" if kind == "object" or (kind and kind[0].isupper()) else f"{name} is {kind}"


def same_null(kind: str) -> bool:
    """Does this type take null?"""
    return kind.startswith("?") or "null" in kind.split("|") or kind == "mixed"

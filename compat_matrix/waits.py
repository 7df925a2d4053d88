"""Claims that wait for what is not there yet.

A wait cannot be forgotten: as soon as everything that it names is there, it is a fault, until a case takes
its place.
"""

from __future__ import annotations

import fnmatch
from pathlib import Path

import php_streams
from compat_matrix import CASES
from compat_matrix.decisions import decisions
from compat_matrix.manual import pages
from compat_matrix.scope import SERIES, facts, functions

#: What has a list in PHP, and folders of cases by the same name; context options have the manual's list.
LISTED = ("transports", "wrappers", "filters")


def known(name: str) -> bool:
    """Can this come: a function that is wanted, or transports/tls, wrappers/http, context/http.proxy ...?"""
    chapter, mark, thing = name.partition("/")
    if not mark:
        return name in functions() and name not in decisions().not_wanted
    if chapter == "context":
        wrapper, _, option = thing.partition(".")
        page = pages().get(f"context.{wrapper}")
        return page is not None and f"options.{option}" in page.claims
    return chapter in LISTED and listed(thing, facts(SERIES[-1])[f"stream_get_{chapter}"])


def listed(thing: str, names: list[str]) -> bool:
    """Is it in the list? PHP lists filters by family, such as ``zlib.*``."""
    return any(fnmatch.fnmatchcase(thing, name) for name in names)


def there(name: str, cases: Path = CASES) -> bool:
    """Has it come: does the package have the function, or list the thing, or is there a case about it?"""
    chapter, mark, thing = name.partition("/")
    if not mark:
        return name in php_streams.__all__
    lists = getattr(php_streams, f"stream_get_{chapter}", None) if chapter in LISTED else None
    return (lists is not None and listed(thing, lists())) or any((cases / name).glob("*.case"))


def waits_for(claim: str) -> tuple[str, ...]:
    """What of the things that a claim waits for is not there yet; nothing when it does not wait."""
    wait = decisions().waits.get(claim)
    return tuple(name for name in wait.until if not there(name)) if wait else ()


def wait_faults(cited: set[str]) -> list[str]:
    """The waits that are over, for something that cannot come, or for a claim that needs none."""
    found = []
    for claim, wait in decisions().waits.items():
        if unknown := [name for name in wait.until if not known(name)]:
            found.append(f"[[waits]] {claim}: {', '.join(unknown)}: nothing that will come")
        elif not waits_for(claim):
            found.append(f"[[waits]] {claim}: {', '.join(wait.until)} is there now: a case has to show it")
        if claim in cited or claim in decisions().claims:
            found.append(f"[[waits]] {claim}: a case or a decision settles it")
    return found

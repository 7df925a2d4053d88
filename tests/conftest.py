"""Options of the whole test suite, the conformance part of its summary, and the php-cli that is asked.

The options are here and not in conformance/: a conftest further down is read too late for them, and not at
all by the process that hands out the tests of a parallel run.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Generator
from dataclasses import astuple

import pytest

from php_streams import error_clear_last
from php_streams.porting.php_cli import PhpCli
from tests.conformance import namespace
from tests.conformance.php_found import find
from tests.conformance.releases import PROPERTY, Changed, another, recorded_facts
from tests.conformance.summary import write_summary


def pytest_addoption(parser: pytest.Parser) -> None:
    """How the conformance cases are run."""
    add = parser.getgroup("conformance", "php_streams: conformance cases").addoption
    add("--live", action="store_true", help="fail when no php-cli is found (default: live if there is one)")
    add("--offline", action="store_true", help="do not run php-cli: Python against the recorded EXPECT alone")
    add("--php", action="append", default=[], metavar="PATH", help="a php-cli to use in place of those found")
    add("--inject-all", action="store_true", help="tests/fault/test_injected.py: every line, not a sample")
    add("--inject-error", metavar="NAME", help="what is raised at those lines (default: one of several)")
    add("--record", action="store_true", help="write the EXPECT sections of the selected cases from php-cli")
    parser.addoption(
        "--order", metavar="SEED", help="run the tests in a random order, the same for each SEED"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Looks for php now: a wrong option should end the run before it begins."""
    find(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Shuffles what is to be run, for --order: no test may need another one to have run before it."""
    if config.option.order is not None:
        random.Random(config.option.order).shuffle(items)


def pytest_collection_finish() -> None:
    """Leaves what stays until the end out of the collections after each case: a third of a case's time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """Ends the process of the cases with a ZONE before pytest-cov puts the data of all processes together."""
    try:
        return (yield)
    finally:
        namespace.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Cases by subject, and what they were compared with."""
    write_summary(terminalreporter, find(config))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails with a php of another point release than the recorded one is told of as cases are."""
    report = yield
    if report.when != "call" or not report.failed:
        return report
    for php in (value for value in getattr(item, "funcargs", {}).values() if isinstance(value, PhpCli)):
        recorded = recorded_facts(php.series)
        if recorded is None or not another(php.version, recorded):
            continue
        change = Changed(php.version, recorded, item.nodeid)
        report.user_properties.append((PROPERTY, astuple(change)))
        if not (change.newer and find(item.config).asked):
            report.outcome, report.wasxfail = "skipped", change.reason  # type: ignore[attr-defined]
    return report


@pytest.fixture(autouse=True)
def no_last_error() -> None:
    """PHP's last error belongs to the thread, and the tests share one: each begins without."""
    error_clear_last()


@pytest.fixture(scope="session")
def php(pytestconfig: pytest.Config) -> PhpCli:
    """The newest php-cli; a test that asks for it is skipped where there is none."""
    found = find(pytestconfig)
    if not found.php:
        pytest.skip(found.offline)
    return found.php[0]


@pytest.fixture(scope="session")
def php_alike(pytestconfig: pytest.Config) -> PhpCli | None:
    """The newest php-cli that words its warnings as php_streams does, where the options allow one."""
    alike = (php for php in find(pytestconfig).php if float(php.series) >= 8.4)
    return next(alike, None)

"""An exception at any line of the package arrives, leaves nothing open or running, nothing hangs: inject.py.

A sample of the lines each time, by a seed that a failure names; `--inject-all` takes them all (minutes).
What is raised is another one from line to line, also by the seed; `--inject-error TimeoutError` raises those.
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

import pytest

from tests.descriptors import only_where_listed
from tests.fault.inject_scenarios import SCENARIOS
from tests.programs import run_python

SHARE = 0.02  # of about 35,000 lines

pytestmark = only_where_listed


def test_nothing_is_left(request: pytest.FixtureRequest) -> None:
    every = request.config.getoption("--inject-all")
    share, seed = ("1", "0") if every else (str(SHARE), str(random.randrange(10**6)))
    error = request.config.getoption("--inject-error")
    arguments = ["-m", "tests.fault.inject", "--share", share, "--seed", seed]
    arguments += ["--error", error] if error else []
    code, out, error = run_python(*arguments, seconds=1800 if every else 50)
    results = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and len(results) == len(SCENARIOS), (seed, error)
    faults = [(result["scenario"], fault) for result in results for fault in result["faults"]]
    assert not faults, f"seed {seed}: python -m tests.fault.inject {again(*faults[0])}"
    assert sum(result["runs"] for result in results) > (10_000 if every else 500), sys.version


def again(scenario: str, fault: dict[str, Any]) -> str:
    """The arguments for the same once more, and what was found."""
    return f"{scenario} --at {fault['at']} --error {fault['error']}: {fault['place']}, {fault['left']}"


@pytest.mark.parametrize("kind", ["Injected", "TimeoutError"])
def test_what_does_not_arrive_is_found(kind: str) -> None:
    """The injector itself: it finds an exception that is taken for the failure of a call."""
    program = f"""
import os, sys
from tests.fault import inject
import php_streams._core.temporary as victim
code = "def lost():\\n try:\\n  os.getpid()\\n except (OSError, inject.Injected):\\n  os.getpid()\\n"
exec(compile(code, victim.__file__, "exec"), globals())
inject.SCENARIOS["lost"] = lambda ports, folder: lost()
found = inject.explore("lost", {{}}, 1.0, "0", error={kind!r})
assert [(fault["at"], fault["left"]) for fault in found["faults"]] == [(2, ["swallowed"])], found
"""
    assert run_python("-c", program) == (0, "", "")


def test_what_is_left_is_found() -> None:
    """The injector itself: it finds a descriptor that an exception leaves open."""
    program = """
import os, sys
from tests.fault import inject
import php_streams._core.temporary as victim
code = "def leak():\\n    fd = os.dup(0)\\n    os.close(fd)\\n"
exec(compile(code, victim.__file__, "exec"), globals())
inject.SCENARIOS["leak"] = lambda ports, folder: leak()
found = inject.explore("leak", {}, 1.0, "0")
assert found["lines"] == 2 and [fault["at"] for fault in found["faults"]] == [2], found
"""
    assert run_python("-c", program) == (0, "", "")


def test_one_place_is_spared_the_end_of_an_except_clause() -> None:
    """Where CPython drops the exception that was handled: a tracer can raise there, a signal cannot."""
    program = """
from tests.fault import inject
import php_streams._core.temporary as victim
code = "def end():\\n    try:\\n        int('x')\\n    except ValueError:\\n        pass\\n"
exec(compile(code, victim.__file__, "exec"), globals())
places = []
for number in range(1, 6):
    tracer = inject.Tracer(number)
    inject.run(lambda ports, folder: end(), {}, tracer)
    places.append(bool(tracer.place))
assert places == [True, True, True, False, False] and tracer.count == 4, (places, tracer.count)
"""
    assert run_python("-c", program) == (0, "", "")

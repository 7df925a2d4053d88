"""The options of sockets are held by cases; `python -m tests.mutation.options` asks so of all others."""

from __future__ import annotations

import pytest

from tests.conformance.case import Case
from tests.mutation.options import EXCUSED, cases_of, notices, options, usable_cases


@pytest.fixture(scope="module")
def every() -> list[Case]:
    return usable_cases()


@pytest.mark.parametrize("name", [name for _, name in options(["socket"])])
def test_a_case_notices_that_the_option_is_gone(every: list[Case], name: str) -> None:
    found = cases_of("socket", name, every)
    assert any(notices(case, "socket", name) for case in found), [str(case.path) for case in found]


def test_what_is_excused_is_there() -> None:
    assert EXCUSED.keys() <= {f"{group}.{name}" for group, name in options()}

"""Every function with too few arguments, too many, and names that it does not have, against php-cli.

None of these calls gets into its function, so all functions can be tried.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from keyword import iskeyword
from pathlib import Path
from typing import Any

import phpserialize
import pytest

import php_streams
from php_streams._core.counted import HOT
from php_streams.porting.php_cli import PhpCli

FACTS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "compat_matrix/facts/php-8.4.json").read_text("utf-8")
)["functions"]
FUNCTIONS = [name for name in (*php_streams.__all__, "dir", "exec") if name in FACTS]

PHP = r"""
$said = [];
foreach (unserialize(file_get_contents('php://stdin')) as [$name, $arguments]) {
    try {
        $name(...$arguments);
        $said[] = 'nothing';
    } catch (Error $error) {
        $said[] = get_class($error) . ' ' . $error->getMessage();
    }
}
echo serialize($said);
"""


def outputs(name: str) -> list[str]:
    """Parameters that are results in Python (rule R3), so that the numbers differ."""
    return [one["name"] for one in FACTS[name]["parameters"] if one.get("by_reference")]


def calls(name: str) -> list[list[Any]]:
    """What to call it with; the keys are places or names."""
    parameters = FACTS[name]["parameters"]
    least = sum(not one.get("optional") for one in parameters)
    tried: list[Any] = [[None] * number for number in range(least)]
    if not (parameters and parameters[-1].get("variadic")) and name not in HOT:
        tried += [[None] * (len(parameters) + 1), {"nosuch": 1}, {0: None, "nosuch": 1}]
        if parameters:
            tried.append({0: None, parameters[0]["name"]: 1})
    if least > 1 and name not in HOT:
        tried.append({parameters[least - 1]["name"]: 1})
    return [[name, arguments] for arguments in tried]


def in_python(name: str, arguments: list[Any] | dict[Any, Any]) -> str:
    """What it says here."""
    items = dict(enumerate(arguments)) if isinstance(arguments, list) else arguments
    places = [value for key, value in items.items() if isinstance(key, int)]
    named = {key + "_" * iskeyword(key): value for key, value in items.items() if isinstance(key, str)}
    function: Callable[..., Any] = getattr(php_streams, name)
    try:
        function(*places, **named)
    except TypeError as error:
        return f"{type(error).__name__} {error}"
    return "nothing"


def test_every_wrong_call_is_phps(php84: PhpCli, tmp_path: Path) -> None:
    """The same error for each; PHP's Error is a TypeError."""
    tried = [call for name in FUNCTIONS if not outputs(name) for call in calls(name)]
    assert len(tried) > 1000
    file = tmp_path / "calls"
    file.write_bytes(phpserialize.dumps(tried))
    result = php84.run(PHP.replace("php://stdin", str(file)), timeout=50)
    assert result.status == 0, result.stderr[-500:]
    differ = []
    for (name, arguments), said in zip(tried, result.value.values(), strict=True):
        expected, found = said.decode(), in_python(name, arguments)
        if found != expected and found != f"TypeError {expected.removeprefix('Error ')}":
            differ.append(f"{name} {arguments}: php {expected!r}, here {found!r}")
    assert not differ, f"{len(differ)} of {len(tried)}\n" + "\n".join(differ[:20])


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if outputs(name)])
def test_a_function_with_outputs_counts_what_it_takes(name: str) -> None:
    """By-reference outputs are no arguments here."""
    required = [one for one in FACTS[name]["parameters"] if not one.get("optional")]
    taken = [one for one in required if one["name"] not in outputs(name) or name == "stream_select"]
    for number in range(len(taken)):
        said = in_python(name, [None] * number)
        assert said.startswith(f"ArgumentCountError {name}() expects ")
        assert f" {len(taken)} argument" in said and said.endswith(f", {number} given")

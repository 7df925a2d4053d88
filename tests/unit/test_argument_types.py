"""Which argument a message speaks of: each function's, by place and name, as the recorded facts have them."""

from __future__ import annotations

import importlib
import inspect
import json
import keyword
from pathlib import Path
from typing import Any

import pytest

import php_streams as php

FACTS = Path(__file__).parents[2] / "compat_matrix" / "facts" / "php-8.4.json"
FUNCTIONS = json.loads(FACTS.read_text("utf-8"))["functions"]
#: The facts give resources no type.
RESOURCES = {"stream", "socket", "from", "to", "context", "stream_or_context", "session_stream", "bz"}
RESOURCES |= {"handle", "process", "brigade"}
#: Where an object is no wrong type, or PHP says something else (the fuzz test of arguments asks it).
OTHERWISE = {
    ("fputcsv", "eol"): "Argument #6 ($eol) must be of type ?string, object given",
    ("ini_alter", "value"): "Argument #2 ($value) must be of type string|int|float|bool|null",
    ("ini_set", "value"): "Argument #2 ($value) must be of type string|int|float|bool|null",
    ("set_error_handler", "callback"): "Argument #1 ($callback) must be a valid callback or null",
    ("stream_register_wrapper", "class"): "Argument #2 ($class) must be a valid class name, object given",
    ("stream_wrapper_register", "class"): "Argument #2 ($class) must be a valid class name, object given",
    ("stream_is_local", "stream"): "could not be converted to string",
    ("stream_bucket_new", "stream"): "supplied argument is not a valid stream resource",
}


def places() -> list[tuple[str, int]]:
    """Each parameter, by its number, that has a type and can be given in Python."""
    found = []
    for name in php.__all__:
        for number, parameter in enumerate(FUNCTIONS.get(name, {}).get("parameters", []), 1):
            if is_resource(parameter) or parameter["type"] not in (None, "mixed"):
                found += [(name, number)] * (not parameter.get("by_reference"))
    return found


def is_resource(parameter: dict[str, Any]) -> bool:
    return parameter["type"] is None and parameter["name"] in RESOURCES


def usual(parameter: dict[str, Any]) -> Any:
    """What the parameter's type asks for."""
    kind = parameter["type"] or ""
    if parameter["name"] in ("context", "class"):
        return php.stream_context_create() if is_resource(parameter) else object
    for part, value in (("string", "text"), ("array", []), ("int", 5), ("bool", True), ("callable", print)):
        if part in kind:
            return value
    return php.fopen("php://memory", "w+") if is_resource(parameter) else 5


def values(name: str, odd: int) -> dict[str, Any]:
    """Arguments of which one, and no other, has the wrong type."""
    taken = inspect.signature(getattr(php, name)).parameters
    given = {}
    for number, parameter in enumerate(FUNCTIONS[name]["parameters"], 1):
        own = f"{parameter['name']}_" if f"{parameter['name']}_" in taken else parameter["name"]
        if number == odd:
            given[own] = object()
        elif not parameter.get("by_reference"):
            given |= {} if parameter.get("optional") else {own: usual(parameter)}
        elif own in taken and not parameter.get("optional"):
            given[own] = None
    return given


@pytest.mark.parametrize(("name", "number"), places())
def test_the_argument_of_the_wrong_type_is_named(name: str, number: int) -> None:
    parameter = FUNCTIONS[name]["parameters"][number - 1]
    kind = parameter["type"] or f"resource{' or null' * (parameter.get('default', 0) is None)}"
    usual_text = f"{name}(): Argument #{number} (${parameter['name']}) must be of type {kind}, object given"
    with php.silence(), pytest.raises(TypeError) as caught:
        getattr(php, name)(**values(name, number))
    assert OTHERWISE.get((name, parameter["name"]), usual_text) in str(caught.value)


def test_most_functions_are_asked() -> None:
    assert len(places()) > 350


def defaults() -> list[tuple[str, str, Any]]:
    """(function, parameter, PHP's default) of each parameter that may be left out."""
    return [
        (name, parameter["name"], parameter["default"])
        for name in php.__all__
        for parameter in FUNCTIONS.get(name, {}).get("parameters", [])
        if "default" in parameter and not parameter.get("by_reference")
    ]


def test_what_is_left_out_is_phps_default() -> None:
    differ, asked = [], defaults()
    for name, parameter, expected in asked:
        taken = inspect.signature(getattr(php, name)).parameters
        found = taken[parameter if parameter in taken else f"{parameter}_"].default
        shown = found.decode("latin-1") if isinstance(found, bytes) else found
        if (type(shown), shown) != (type(expected), expected):
            differ.append((name, parameter, shown, expected))
    assert differ == [] and len(asked) > 120


def output_names(function: str) -> tuple[str, ...]:
    """The fields of its result: PHP's by-reference parameters, where Python has those names free."""
    given = [one["name"] for one in FUNCTIONS[function]["parameters"] if one.get("by_reference")]
    return ("result", *(f"{name}_" if keyword.iskeyword(name) else name for name in given))


def test_results_are_named_as_the_parameters_that_they_stand_for() -> None:
    found = {}
    for path in sorted(Path(php.__path__[0]).glob("*.py")):
        module = importlib.import_module(f"php_streams.{path.stem}")
        found |= {name: thing for name, thing in vars(module).items() if name.endswith("Result")}
    expected = {
        "".join(part.capitalize() for part in function.split("_")) + "Result": function
        for function in FUNCTIONS
        if len(output_names(function)) > 1
    }
    assert len(found) == 13 and found.keys() <= expected.keys()
    for name, kind in found.items():
        assert (kind.__name__, kind._fields) == (name, output_names(expected[name])), name

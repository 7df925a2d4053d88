"""PHP's weak typing of arguments: what each kind of parameter makes of each kind of value."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import php_streams as php
from php_streams._core import quantity
from php_streams._core.values import (
    array_copy,
    array_items,
    outputs,
    scalar_text,
    shortest_text,
    to_bool,
    to_bytes,
    to_float,
    to_int,
    to_path,
    to_string,
    truth,
    type_name,
    wrap,
)

Convert = Callable[..., Any]
REFUSED = object()

# 2**63 is the first double that is no integer of PHP's.
INTEGERS: list[tuple[Any, Any]] = [
    (5, 5),
    (True, 1),
    (False, 0),
    (2.0, 2),
    (-0.0, 0),
    (2.0**62, 2**62),
    (2.0**63, REFUSED),
    (-(2.0**63), -(2**63)),
    (2**63 - 1, 2**63 - 1),
    (2**63, REFUSED),
    (10**400, REFUSED),
    (math.nan, REFUSED),
    (-math.inf, REFUSED),
    ("12", 12),
    (b"12", 12),
    (bytearray(b"12"), 12),
    (" 12", 12),
    ("12 ", 12),
    ("\t\n\v\f\r 12 \n", 12),
    ("+12", 12),
    ("-12", -12),
    ("0012", 12),
    ("1e3", 1000),
    ("1.0", 1),
    (".0", 0),
    ("5.", 5),
    ("9223372036854775807", 2**63 - 1),
    ("9223372036854775808", REFUSED),
    ("-9223372036854775808", -(2**63)),
    ("9" * 5000, REFUSED),
    ("1e1000", REFUSED),
    ("", REFUSED),
    (" ", REFUSED),
    (".", REFUSED),
    ("e5", REFUSED),
    ("12abc", REFUSED),
    ("1 2", REFUSED),
    ("0x1A", REFUSED),
    ("1_000", REFUSED),
    ("inf", REFUSED),
    ("nan", REFUSED),
    ("\u0661\u0662", REFUSED),
    ("12\0", REFUSED),
    ("\udcff", REFUSED),
    ([], REFUSED),
    ([1], REFUSED),
    ({}, REFUSED),
    ((1,), REFUSED),
    (object(), REFUSED),
    (print, REFUSED),
]


def converted(convert: Convert, value: Any) -> Any:
    try:
        return convert(value, 2, "length")
    except TypeError:
        return REFUSED


@pytest.mark.parametrize(("value", "expected"), INTEGERS)
def test_int(value: Any, expected: Any) -> None:
    result = converted(to_int, value)
    assert (result, type(result)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.5, "float 1.5"),
        (-1.5, "float -1.5"),
        (0.1 + 0.2, "float 0.30000000000000004"),
        (1e15 + 0.5, "float 1000000000000000.5"),
        (1e-7, "float 1.0E-7"),
        ("1.5", 'float-string "1.5"'),
        (b" 2.25 ", 'float-string " 2.25 "'),
        ("1e-1", 'float-string "1e-1"'),
    ],
)
def test_a_lost_fraction_is_deprecated(value: Any, shown: str) -> None:
    with pytest.warns(php.PhpDeprecated) as caught:
        assert to_int(value, 2, "length") == math.trunc(float(value))
    assert [str(warning.message) for warning in caught] == [
        f"Implicit conversion from {shown} to int loses precision"
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5.0),
        (2.5, 2.5),
        (True, 1.0),
        ("2.5", 2.5),
        (b" 1e3 ", 1000.0),
        (".5", 0.5),
        ("1e1000", math.inf),
        (10**400, math.inf),
        (-(10**400), -math.inf),
        (2**63, 2.0**63),
        ("", REFUSED),
        ("5s", REFUSED),
        ("inf", REFUSED),
        ("1_0", REFUSED),
        ([], REFUSED),
        (object(), REFUSED),
    ],
)
def test_float(value: Any, expected: Any) -> None:
    result = converted(to_float, value)
    assert (result, type(result)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((value, True) for value in (True, 1, -1, 0.5, math.nan, "a", "false", "0.0", "00", " ", b"\0")),
        *((value, False) for value in (False, 0, 0.0, -0.0, "", "0", b"", b"0", bytearray(b"0"))),
        *((value, REFUSED) for value in ([], [0], {}, (), object(), print)),
    ],
)
def test_bool(value: Any, expected: Any) -> None:
    assert converted(to_bool, value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"\xff\0", b"\xff\0"),
        ("na\u00efve", b"na\xc3\xafve"),
        ("\udcff", b"\xff"),
        (bytearray(b"x"), b"x"),
        (memoryview(b"xy")[1:], b"y"),
        (5, b"5"),
        (-5, b"-5"),
        (True, b"1"),
        (False, b""),
        (0.1 + 0.2, b"0.3"),
        (1e25, b"1.0E+25"),
        (2**63, b"9.2233720368548E+18"),
        ([], REFUSED),
        ({}, REFUSED),
        (Path("x"), REFUSED),
        (object(), REFUSED),
    ],
)
def test_string(value: Any, expected: Any) -> None:
    assert converted(to_bytes, value) == expected
    text = converted(to_string, value)
    assert text is REFUSED if expected is REFUSED else text.encode("utf-8", "surrogateescape") == expected


def test_a_path_is_a_file_name() -> None:
    assert to_path(Path("a/b"), 1, "filename") == "a/b"
    assert to_path(b"a\xff", 1, "filename") == "a\udcff"


@pytest.mark.parametrize(
    ("convert", "kind", "expected"),
    [(to_int, "int", 0), (to_float, "float", 0.0), (to_bool, "bool", False), (to_bytes, "string", b"")],
)
def test_null_is_deprecated(convert: Convert, kind: str, expected: Any) -> None:
    with pytest.warns(php.PhpDeprecated) as caught:
        assert convert(None, 3, "what") == expected
    assert str(caught[0].message).endswith(
        f"Passing null to parameter #3 ($what) of type {kind} is deprecated"
    )


def test_the_type_error_names_function_parameter_and_type() -> None:
    with pytest.raises(
        TypeError,
        match=r"^error_reporting\(\): Argument #1 \(\$error_level\) must be of type \?int, array given$",
    ):
        php.error_reporting([])


class Client:
    """Stands for a class of the user's."""


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (5, "int"),
        (2**63, "float"),
        (1.5, "float"),
        ("x", "string"),
        (b"x", "string"),
        ([], "array"),
        ({}, "array"),
        ((), "array"),
        (Client(), "Client"),
        (print, "Closure"),
        (lambda: 0, "Closure"),
        (Client().__init__, "method-wrapper"),
        (php.stream_context_create(), "resource"),
    ],
)
def test_type_name(value: Any, name: str) -> None:
    assert type_name(value) == name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (True, "1"),
        (False, ""),
        (1.0, "1"),
        (-0.0, "-0"),
        (1.5, "1.5"),
        (1 / 3, "0.33333333333333"),
        (100000.0, "100000"),
        (12345678901234.0, "12345678901234"),
        (99999999999999.9, "1.0E+14"),
        (1e14, "1.0E+14"),
        (0.0001, "0.0001"),
        (0.00001, "1.0E-5"),
        (-1.5e-10, "-1.5E-10"),
        (5e-324, "4.9406564584125E-324"),
        (1e308, "1.0E+308"),
        (math.inf, "INF"),
        (-math.inf, "-INF"),
        (math.nan, "NAN"),
        (10**400, "INF"),
    ],
)
def test_numbers_as_text(value: Any, text: str) -> None:
    assert scalar_text(value) == text


@pytest.mark.parametrize(
    "value", [0.1, 0.1 + 0.2, 1e22, 1e-5, 123456789.123456789, 5e-324, 1.7976931348623157e308, 2.0**53 + 1]
)
def test_the_shortest_text_gives_the_number_back(value: float) -> None:
    assert float(shortest_text(value)) == value
    assert float(shortest_text(-value)) == -value


def test_keys_that_look_like_integers_are_integers() -> None:
    given = {"12": 1, "-5": 2, "012": 3, "-0": 4, "1.5": 5, "9223372036854775808": 6, 7: 7, b"8": 8, "": 9}
    keys = [12, -5, "012", "-0", "1.5", "9223372036854775808", 7, 8, ""]
    assert [key for key, _ in array_items(given)] == keys
    assert array_items(["a", "b"]) == [(0, "a"), (1, "b")]


def test_arrays_are_copied_and_objects_are_not() -> None:
    client = Client()
    given = {"list": [1, [2]], "dict": {"client": client}}
    copy = array_copy(given)
    assert copy == given
    assert copy["dict"]["client"] is client
    copy["list"][1].append(3)
    copy["dict"]["more"] = 1
    assert given == {"list": [1, [2]], "dict": {"client": client}}


def test_truth_is_phps() -> None:
    assert [truth(value) for value in ("0", b"0", "", None, 0, [])] == [False] * 6
    assert [truth(value) for value in ("00", b" ", Client(), 0.1, [0])] == [True] * 5
    result = outputs("Result", "result output")
    assert [bool(result(first, "x")) for first in (b"0", b"00", 0, False, None)] == [False, True] + [
        False
    ] * 3


def test_sixty_four_bits() -> None:
    assert [wrap(number) for number in (2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64)] == [
        2**63 - 1,
        -(2**63),
        -(2**63),
        2**63 - 1,
        0,
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("60", 60),
        (" 7 ", 7),
        ("", 0),
        ("1k", 1024),
        ("2 M", 2 << 20),
        ("3G", 3 << 30),
        ("0x1f", 31),
        ("0b11", 3),
        ("0o17", 15),
        ("017", 15),
        ("-1", -1),
        ("-0x10k", -16384),
        ("0b" + "0" * 100 + "1", 1),
    ],
)
def test_quantities(text: str, number: int) -> None:
    assert quantity.parse(text) == (number, None)


@pytest.mark.parametrize(
    ("text", "number", "complaint"),
    [
        ("10s", 10, 'unknown multiplier "s"'),
        ("2.5k", 2048, 'interpreting as "2k"'),
        ("abc", 0, "no valid leading digits"),
        ("0x", 0, "no digits after base prefix"),
        ("0z", 0, 'Invalid prefix "0z"'),
        ("08", 0, 'unknown multiplier "8"'),
        ("9" * 5000, -1, "value is out of range"),
        ("9223372036854775807k", -1024, "value is out of range"),
        ("1\udcff\n", 1, 'unknown multiplier "\\xFF"'),
    ],
)
def test_quantities_that_are_not_quite(text: str, number: int, complaint: str) -> None:
    found, text = quantity.parse(text)
    assert found == number
    assert text is not None and complaint in text

"""fprintf's directives, held to what can be computed another way; tests/fuzz holds them to php itself."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest

from php_streams import restore_error_handler, set_error_handler
from php_streams._core.diagnostics import ArgumentCountError
from php_streams._core.format import php_format

NO_POSITION = "Argument number specifier must be greater than zero and less than 2147483647"
INTS = [0, 1, -1, 9, 10, 255, 256, -256, 2**31, -(2**31), 2**63 - 1, -(2**63)]


def fmt(directives: str, *values: object) -> str:
    """The text, for values as fprintf is given them."""
    return php_format(directives.encode(), values, first=3).decode("latin-1")


def doubles(count: int) -> Iterator[float]:
    """Finite doubles of every size."""
    draw = random.Random(7)
    while count:
        number = struct.unpack("d", draw.randbytes(8))[0]
        if number - number == 0:
            count -= 1
            yield number
        yield draw.uniform(-1e6, 1e6)


def exact(number: float, places: int) -> str:
    """The double's exact decimal value, rounded."""
    with localcontext() as context:
        context.prec = 1200
        return format(Decimal(number).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN), "f")


@pytest.mark.parametrize("number", INTS)
def test_integers_in_every_base(number: int) -> None:
    bits = struct.unpack("Q", struct.pack("q", number))[0]
    assert fmt("%d", number) == str(number)
    assert fmt("%+d", number) == ("" if number < 0 else "+") + str(number)
    assert fmt("%u", number) == str(bits)
    assert int(fmt("%b", number), 2) == bits
    assert int(fmt("%o", number), 8) == bits
    assert int(fmt("%x", number), 16) == bits
    assert fmt("%X", number) == fmt("%x", number).upper()
    assert fmt("%c", number).encode("latin-1") == bytes([bits & 0xFF])


@pytest.mark.parametrize("places", [0, 1, 2, 6, 20, 53])
def test_fixed_point_is_the_exact_value_rounded(places: int) -> None:
    for number in doubles(50):
        assert fmt(f"%.{places}f", number) == exact(number, places)


@pytest.mark.parametrize("places", [0, 1, 5, 16])
def test_exponents_say_the_same_number(places: int) -> None:
    for number in doubles(100):
        mantissa, _, exponent = fmt(f"%.{places}e", number).partition("e")
        assert exponent[0] in "+-" and (exponent[1] != "0" or len(exponent) == 2)
        assert len(mantissa.lstrip("-").replace(".", "")) == places + 1
        # The mantissa is the number scaled by the exponent and rounded: half of its last digit at most.
        with localcontext() as context:
            context.prec = 1200
            scaled = Decimal(number).scaleb(-int(exponent))
            assert abs(scaled - Decimal(mantissa)) <= Decimal(5).scaleb(-places - 1)


def test_shortest_form_reads_back() -> None:
    for number in doubles(500):
        text = fmt("%.*h", -1, number)
        assert float(text) == number
        assert len(text.partition("e")[0].replace(".", "").strip("-0")) <= 17
        assert float(fmt("%.17g", number)) == number
        assert fmt("%.*H", -1, number) == text.replace("e", "E")


def test_general_form_has_the_digits_asked_for() -> None:
    for number in doubles(200):
        for digits in (1, 3, 6, 15):
            text = fmt(f"%.{digits}g", number)
            assert float(text) == float(f"{number:.{digits - 1}e}")
            power = int(f"{number:.{digits - 1}e}".partition("e")[2])
            assert ("e" in text) == (not -5 < power < digits)


@pytest.mark.parametrize("directive", ["%{}d", "%+{}d", "%{}s", "%{}x", "%{}.2f", "%{}e", "%{}g", "%{}b"])
@pytest.mark.parametrize("flags", ["", "-", "0", "'*", "-'*", " "])
def test_width_pads_and_never_cuts(directive: str, flags: str) -> None:
    for number in (0, 7, -7, 123456789):
        plain = fmt(directive.format(""), number)
        for width in (0, 1, 8, 30):
            text = fmt(directive.format(f"{flags}{width or ''}"), number)
            pad = "*" if "*" in flags else "0" if flags == "0" else " "
            assert len(text) == max(width, len(plain))
            if pad == "0" and plain[0] in "+-" and directive[-1] != "s":
                assert text == plain[0] + plain[1:].rjust(width - 1, "0")
            else:
                assert text == (plain.ljust(width, pad) if "-" in flags else plain.rjust(width, pad))


def test_text() -> None:
    assert fmt("%s|%5s|%-5s|%.2s|%05s|%'x5.1s|", "abc", "abc", "abc", "abc", "abc", "abc") == (
        "abc|  abc|abc  |ab|00abc|xxxxa|"
    )
    assert php_format(b"%s", [b"\0\xff"], first=3) == b"\0\xff"
    assert fmt("%s%s%s%s", True, False, None, 1.0) == "11"


def test_arguments_by_number_and_from_arguments() -> None:
    assert fmt("%2$s %1$s %2$s", "a", "b") == "b a b"
    assert fmt("%s %2$s %s", "a", "b") == "a b b"
    assert fmt("%*d|%-*d|%2$*1$d|", 3, 7, 3, 8) == "  7|8  |  7|"
    assert fmt("%.*f", 2, 1.005) == "1.00"
    assert fmt("100%% %d%%", 5) == "100% 5%"


@pytest.mark.parametrize(
    ("directives", "values", "text"),
    [
        ("%y", [1], 'Unknown format specifier "y"'),
        ("%", [1], "Missing format specifier at end of string"),
        ("%5", [1], "Missing format specifier at end of string"),
        ("%'", [1], "Missing padding character"),
        ("%0$s", [1], "Argument number specifier must be greater than zero and less than 2147483647"),
        (
            "%2147483647$s",
            [1],
            "Argument number specifier must be greater than zero and less than 2147483647",
        ),
        ("%2147483647d", [1], "Width must be between 0 and 2147483647"),
        ("%.2147483647f", [1], "Precision must be between 0 and 2147483647"),
        ("%*d", ["3", 1], "Width must be an integer"),
        ("%*d", [-1, 1], "Width must be between 0 and 2147483647"),
        ("%.*f", [1.0, 1], "Precision must be an integer"),
        ("%.*f", [-2, 1], "Precision must be between -1 and 2147483647"),
        ("%.*f", [-1, 1], "Precision -1 is only supported for %g, %G, %h and %H"),
    ],
)
def test_what_is_wrong_is_said(directives: str, values: list[object], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        fmt(directives, *values)
    assert str(caught.value) == text


def test_missing_arguments_are_counted() -> None:
    with pytest.raises(ArgumentCountError, match=r"^5 arguments are required, 3 given$"):
        fmt("%s %3$s", "a")
    with pytest.raises(ValueError, match=r"^The arguments array must contain 3 items, 1 given$"):
        php_format(b"%s %3$s", ["a"], first=-1)
    with pytest.raises(ValueError, match="Unknown format specifier"):
        fmt("%9$s %1$y", "a")


def test_a_precision_too_large_is_a_notice() -> None:
    said: list[str] = []
    set_error_handler(lambda level, message: said.append(f"{level} {message}"))
    try:
        assert fmt("%.60f", 0.5) == "0.5" + "0" * 52
    finally:
        restore_error_handler()
    assert said == ["8 Requested precision of 60 digits was truncated to PHP maximum of 53 digits"]

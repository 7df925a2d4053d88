"""fprintf's directives against php-cli: random formats and values, the same text or the same error.

The seed is fixed, so a run can be repeated; PHP_STREAMS_FUZZ_SEED chooses another one and PHP_STREAMS_FUZZ
the number of formats (20,000 of them take php and Python together about two seconds).
"""

from __future__ import annotations

import os
import random
import struct
import tempfile
from pathlib import Path
from typing import Any

import phpserialize

import php_streams
from php_streams._core.format import php_format
from php_streams.porting.php_cli import PhpCli

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ", "20000"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20240717"))
AT_ONCE = 5000

# Reads [[format, [value, ...]], ...]; floats come as their eight bytes, because serialize() of another
# language need not write the same digits.  Answers [[kind, text, [diagnostic, ...]], ...].
PHP = r"""
$said = [];
set_error_handler(function ($level, $message) use (&$said) {
    $said[] = preg_replace('/^fprintf\(\): /', '', $message);
    return true;
});
$value = function ($given) {
    return is_array($given) && isset($given['double']) ? unpack('d', $given['double'])[1] : $given;
};
$answers = [];
foreach (unserialize(file_get_contents(getenv('FUZZ_FILE'))) as [$format, $given]) {
    $said = [];
    $stream = fopen('php://memory', 'w+');
    try {
        $size = fprintf($stream, $format, ...array_map($value, $given));
        rewind($stream);
        $text = stream_get_contents($stream);
        $answer = $size === strlen($text) ? ['text', $text] : ['size', "$size"];
    } catch (Error $e) {
        $answer = [get_class($e), $e->getMessage()];
    }
    $answers[] = [...$answer, $said];
}
echo serialize($answers);
"""

SPECIFIERS = "bcdeEfFgGhHosuxX%"
ODD = ["l", "ld", "y", "", "$", ".", "-", "'", "*", "é", "\0", "i", "n", "S", " "]
PRECISIONS = ".0 .1 .2 .5 .15 .17 .40 .53 .54 .100 . .* .*1$ .*2$ .-1 .99999999999".split()
FLOATS = [
    float(text)
    for text in "0 -0.0 0.1 0.5 1 -1.5 2.5 0.125 1e15 1e17 1e20 1e22 1e23 1e-4 1e-5 1.5e-5 1e100 "
    "123456789.123 1.7976931348623157e308 5e-324 0.9999995 999999.5 inf -inf nan".split()
]
TEXTS = ["", "0", "abc", "12", "-7", "+5", " 42 ", "1e3", "1.5abc", "0x1A", "9223372036854775808", "-", ".5",
         "5.", "1e400", "\x00z", "inf", "NAN", "grüße", "  -0.0001e-3 tail", "1_000", "٣", "007"]  # fmt: skip


def make_format(draw: random.Random) -> str:
    """Literal text and directives, most of them well formed."""
    parts = []
    for _ in range(draw.randint(1, 4)):
        if draw.random() < 0.3:
            parts.append(draw.choice(["", "x", "%%", " = ", "\n", "100"]))
        parts.append(make_directive(draw))
    return "".join(parts)


def make_directive(draw: random.Random) -> str:
    """One directive: position, flags, width, precision, specifier, each with a good chance to be odd."""

    def some(chance: float, *choices: str) -> str:
        return draw.choice(choices) if draw.random() < chance else ""

    position = some(
        0.15, "1$", "2$", "3$", "9$", "0$", "$", "2147483647$", "2147483640$", "99999999999999999999$"
    )
    flags = "".join(some(0.4, "-", "+", " ", "0", "'*", "'0", "'x", "''", "'%", "'") for _ in range(3))
    width = some(0.5, "1", "5", "10", "20", "0", "07", "*", "*1$", "*2$", "*9$", "*0$", "99999999999")
    precision = some(0.4, *PRECISIONS)
    kind = draw.choice(ODD) if draw.random() < 0.04 else some(1, *SPECIFIERS)
    return f"%{position}{flags}{width}{precision}{kind}"


def make_values(draw: random.Random) -> list[Any]:
    """As many as most formats need, sometimes fewer."""
    return [make_value(draw) for _ in range(draw.randint(0, 6))]


def make_value(draw: random.Random) -> Any:
    """A value of a type that PHP can be given."""
    kind = draw.random()
    if kind < 0.25:
        return draw.choice([0, 1, -1, 7, 12, 255, -300, 12345, 2**31, 2**63 - 1, -(2**63), -5, 3])
    if kind < 0.5:
        return make_float(draw)
    if kind < 0.7:
        return draw.choice([-1, 0, 1, 2, 3, 5, 10, 15, 17, 20])
    if kind < 0.9:
        return draw.choice(TEXTS)
    return draw.choice([True, False, None, [], ["a"]])


def make_float(draw: random.Random) -> float:
    """Any double: round ones, those at the limits, those in between."""
    kind = draw.random()
    if kind < 0.3:
        return draw.choice(FLOATS)
    if kind < 0.6:
        return round(draw.uniform(-1000, 1000), draw.randint(0, 6))
    if kind < 0.8:
        return draw.uniform(-1, 1) * 10.0 ** draw.randint(-30, 30)
    return struct.unpack("d", draw.randbytes(8))[0]  # type: ignore[no-any-return]


def in_php(php: PhpCli, cases: list[tuple[str, list[Any]]], folder: Path) -> list[tuple[str, str, list[str]]]:
    """What fprintf does in php."""

    def given(value: Any) -> Any:
        return {"double": struct.pack("d", value)} if isinstance(value, float) else value

    file = folder / "cases"
    file.write_bytes(phpserialize.dumps([[text, [given(v) for v in values]] for text, values in cases]))
    result = php.run(PHP, env={**os.environ, "FUZZ_FILE": str(file)}, ini={"memory_limit": "512M"})
    assert result.status == 0, result.stdout[-500:] + result.stderr[-500:]
    return [
        (kind.decode(), text.decode("utf-8", "surrogateescape"), [m.decode() for m in said.values()])
        for answer in result.value.values()
        for kind, text, said in [(answer[0], answer[1], answer[2])]
    ]


def in_python(text: str, values: list[Any]) -> tuple[str, str, list[str]]:
    """What php_format does."""
    said: list[str] = []
    php_streams.set_error_handler(lambda level, message: said.append(message))
    try:
        found = php_format(text.encode(), values, first=3)
        return "text", found.decode("utf-8", "surrogateescape"), said
    except Exception as error:
        return type(error).__name__, str(error), said
    finally:
        php_streams.restore_error_handler()


def test_every_directive_is_phps(php: PhpCli) -> None:
    """The same text, error and notices for every random format."""
    draw = random.Random(SEED)
    differ = []
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, COUNT, AT_ONCE):
            size = min(AT_ONCE, COUNT - start)
            cases = [
                (make_format(draw), [make_value(draw) for _ in range(draw.randint(0, 6))])
                for _ in range(size)
            ]
            for (text, values), expected in zip(cases, in_php(php, cases, Path(folder)), strict=True):
                found = in_python(text, values)
                if found != expected:
                    differ.append(f"{text!r} {values!r}\n    php    {expected}\n    python {found}")
    assert not differ, f"{len(differ)} of {COUNT} (seed {SEED}) differ:\n" + "\n".join(differ[:20])

"""fgetcsv, fputcsv and fscanf against php-cli: random lines, separators and formats.

The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one, PHP_STREAMS_FUZZ_LINES the number of lines.
"""

from __future__ import annotations

import os
import random
import struct
import warnings
from pathlib import Path
from typing import Any

import phpserialize

import php_streams
from php_streams.porting.php_cli import PhpCli

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ_LINES", "6000"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20240717"))
LINES = 12  # no text has more of them

Call = list[Any]  # what is called, the text of the stream or the fields, the arguments behind the stream

PHP = r"""
ini_set('display_errors', '0');
$answers = [];
foreach (unserialize(file_get_contents(getenv('FUZZ_FILE'))) as [$name, $given, $arguments]) {
    error_clear_last();
    $fp = fopen('php://memory', 'w+');
    try {
        if ($name === 'fputcsv') {
            $size = fputcsv($fp, $given, ...$arguments);
            rewind($fp);
            $answer = [$size, stream_get_contents($fp)];
        } else {
            fwrite($fp, $given);
            rewind($fp);
            $answer = [];
            do {
                $found = $name($fp, ...$arguments);
                foreach (is_array($found) ? $found : [] as $place => $value) {
                    $found[$place] = is_float($value) ? ['double' => pack('d', $value)] : $value;
                }
                $answer[] = [$found, ftell($fp)];
            } while ($found !== false && count($answer) < 12);
        }
    } catch (Error $e) {
        $answer = [get_class($e), $e->getMessage()];
    }
    $answers[] = [$answer, error_get_last()['message'] ?? ''];
}
echo serialize($answers);
"""

CSV = [
    b"a",
    b"bc",
    b",",
    b",",
    b",",
    b'"',
    b'"',
    b'""',
    b"\\",
    b'\\"',
    b" ",
    b"\t",
    b"\n",
    b"\r\n",
    b"\r",
    b";",
]
CSV += ["é".encode(), b"\0", b"x y", b"\xff", b"\xe9", b"\xa0"]
ODD = [b"\t", b"|", b" ", b"a", b'"', b"'", b",", b"\xe9", b"\\", b"\n", b"\0", b"\xa0", b"", b"ab"]
ODD_ENCLOSURES = [mark for mark in ODD if mark.isascii() and mark != b"\0"]
INPUT = (
    "12 -5 +7 0x1F 0 077 089 1.5 -.5 . 1e5 1e 1e+ 2.5E-3 abc hello , : - % x é 0X -0x1f e5 1.2.3 +-3".split()
)
INPUT += ["99999999999999999999", "-99999999999999999999", "18446744073709551615", "  ", "\t", "\n", "\0"]
KINDS = (  # the last ones are none
    *"ddixXoufegEsscnDsf",
    *"[a-z] [^a-z] []abc] [^]x] [0-9-] [z-a] [-+] [a-] [1-9 p G F [ [^ []".split(),
)
LITERALS = [" ", "-", ",", ":", "%%", "a", "\t", "\n", "x", "é", "%"]


def text(draw: random.Random, most: int) -> bytes:
    """What a line of fields may have in it."""
    return b"".join(draw.choices(CSV, k=draw.randint(0, most)))


def csv_arguments(draw: random.Random, length: list[Any]) -> list[Any]:
    """Separator, enclosure and escape character, some of them or all."""
    odd = draw.random() < 0.3
    marks = [draw.choice(ODD if odd else [b",", b";"]), draw.choice(ODD_ENCLOSURES) if odd else b'"']
    escape = draw.choice([b"", b"\\", b"\\", b'"', b",", b"a", b"ab", b"\xff"])
    return draw.choice([length, length + marks, [*length, *marks, escape], [*length, *marks, escape]])


def make_format(draw: random.Random) -> str:
    """Directives, and what stands between them."""
    parts = []
    for _ in range(draw.randint(1, 5)):
        if draw.random() < 0.25:
            parts.append(draw.choice(LITERALS))
            continue
        place = draw.choice(["", "", "", "*"] if draw.random() < 0.8 else ["1$", "2$", "3$", "0$", "300$"])
        width = draw.choice(["", "", "", "1", "2", "3", "10", "0", "70"])
        parts.append("%" + place + width + draw.choice(["", "", "", "l", "h", "L"]) + draw.choice(KINDS))
    return "".join(parts)


def make_call(draw: random.Random) -> Call:
    """One function, and what it gets."""
    name = draw.choice(["fgetcsv", "fgetcsv", "fputcsv", "fscanf", "fscanf"])
    if name == "fscanf":
        return [
            name,
            "".join(draw.choices(INPUT, k=draw.randint(0, 5))).encode(),
            [make_format(draw).encode()],
        ]
    if name == "fgetcsv":
        length = draw.choice([None, 0, 5, 1, 1000, -1]) if draw.random() < 0.3 else 0
        return [name, text(draw, 14), csv_arguments(draw, [length])]
    values = [
        draw.choice([text(draw, 6), draw.randint(-5, 5), 1.5, True, None]) for _ in range(draw.randint(0, 4))
    ]
    arguments = csv_arguments(draw, [])
    if len(arguments) == 3 and draw.random() < 0.4:
        arguments.append(draw.choice([b"\r\n", b"", b"EOL"]))
    return [name, values, arguments]


def in_python(name: str, given: Any, arguments: list[Any]) -> list[Any]:
    """What a call gives here, and the last message."""
    php_streams.error_clear_last()
    fp = php_streams.fopen("php://memory", "w+")
    answer: list[Any] = []
    try:
        if name == "fputcsv":
            size = php_streams.fputcsv(fp, given, *arguments)
            php_streams.rewind(fp)
            answer = [size, php_streams.stream_get_contents(fp)]
        else:
            php_streams.fwrite(fp, given)
            php_streams.rewind(fp)
            found: Any = None
            while found is not False and len(answer) < LINES:
                found = getattr(php_streams, name)(fp, *arguments)
                answer.append([plain(found), php_streams.ftell(fp)])
    except (ValueError, TypeError) as error:
        answer = [type(error).__name__.encode(), str(error).encode("utf-8", "surrogateescape")]
    told = (php_streams.error_get_last() or {"message": ""})["message"]
    return [answer, told.encode("utf-8", "surrogateescape")]


def plain(value: Any) -> Any:
    """Lists as phpserialize reads them, floats as their eight bytes."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    return {b"double": struct.pack("d", value)} if isinstance(value, float) else value


def lists(value: Any) -> Any:
    """Arrays of php as lists, where their keys are a list's."""
    if isinstance(value, dict) and list(value) == list(range(len(value))):
        return [lists(item) for item in value.values()]
    return value


def test_every_line_is_phps(php: PhpCli, tmp_path: Path) -> None:
    """The same fields, positions, lines and messages."""
    draw = random.Random(SEED)
    calls = [make_call(draw) for _ in range(COUNT)]
    file = tmp_path / "calls"
    file.write_bytes(phpserialize.dumps(calls))
    result = php.run(PHP, env={**os.environ, "FUZZ_FILE": str(file)}, timeout=50)
    assert result.status == 0 and result.stdout.startswith(b"a:"), result.stdout[-500:] + result.stderr[-500:]
    differ = []
    for call, (number, there) in zip(calls, result.value.items(), strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            here = in_python(*call)
        if here != lists(there):
            differ.append(f"{number}: {call}\n  php    {lists(there)}\n  python {here}")
    assert not differ, f"{len(differ)} of {COUNT} differ (seed {SEED})\n" + "\n\n".join(differ[:3])

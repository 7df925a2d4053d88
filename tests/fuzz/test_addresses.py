"""Addresses against php-cli: right ones, nearly right ones and wrong ones, in all four directions.

The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one, PHP_STREAMS_FUZZ the number of addresses
(20,000 of them take php and Python together half a second).
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import phpserialize

from php_streams import inet_ntop, inet_pton, ip2long, long2ip
from php_streams.porting.php_cli import PhpCli

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ", "20000"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20240717"))

# Reads [[text, packed, number], ...] and answers with what the four functions make of them.
PHP = r"""
function of($function, $value) {
    try {
        return $function($value);
    } catch (ValueError $e) {
        return [$e->getMessage()];
    }
}
$answers = [];
foreach (unserialize(file_get_contents(getenv('FUZZ_FILE'))) as [$text, $packed, $number]) {
    $of_text = [of('inet_pton', $text), of('ip2long', $text)];
    $answers[] = [...$of_text, of('inet_ntop', $packed), of('long2ip', $number)];
}
echo serialize($answers);
"""

NUMBERS = "0 1 9 10 99 127 255 256 300 00 01 007 0x7f -1 +1 1e1 4294967295 99999999999999999999 ٣ a".split()
NUMBERS += ["", " 1"]
GROUPS = ["", " 1", *"0 1 ffff FFFF abc 0000 00000 12345 g -1 0x1 127.0.0.1 1.2.3".split()]
ENDS = ["", "", "", "", " ", "\n", "\0", "%lo", "%1", "/24", ":80", ".", ":", "\xff", "]"]
WHOLE = [0, 1, -1, 255, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, -(2**63), -(2**31), -(2**32)]


def make_ipv4(draw: random.Random) -> str:
    """Numbers between dots, four of them as a rule, most of them good."""
    size = draw.choice([4, 4, 4, 4, 4, 3, 5, 2, 1])
    parts = [str(draw.randrange(256)) if draw.random() < 0.8 else draw.choice(NUMBERS) for _ in range(size)]
    return ".".join(parts)


def make_ipv6(draw: random.Random) -> str:
    """Groups between colons, some shortened, some with IPv4 at the end."""
    size = draw.choice([8, 8, 8, 7, 9, *range(1, 8)])
    numbers = [f"{draw.randrange(65536):x}" for _ in range(size)]
    parts = [number if draw.random() < 0.8 else draw.choice(GROUPS) for number in numbers]
    if draw.random() < 0.2:
        parts[-1] = make_ipv4(draw)
    if draw.random() < 0.5:
        parts.insert(draw.randint(0, size), draw.choice(["", "", ":"]))
    return draw.choice(["", "", "", ":", "::", "["]) + ":".join(parts)


def make_text(draw: random.Random) -> bytes:
    """An address, perhaps with something around it, perhaps with one byte changed."""
    text = draw.choice([make_ipv4, make_ipv6])(draw) + (draw.choice(ENDS) if draw.random() < 0.3 else "")
    data = bytearray(text.encode("latin-1" if draw.random() < 0.5 and text.isascii() else "utf-8"))
    if data and draw.random() < 0.2:
        data[draw.randrange(len(data))] = draw.choice(b"0129afgF.:% \0\xff")
    return bytes(data)


def make_packed(draw: random.Random) -> bytes:
    """4 or 16 bytes as a rule, with runs of zeros, which IPv6 shortens."""
    size = draw.choice([4, 16, 16, 16, 16, draw.randint(0, 40)])
    zero = draw.random()
    return bytes(draw.randrange(256) if draw.random() > zero else 0 for _ in range(size))


def make_number(draw: random.Random) -> int:
    """Any integer that PHP has."""
    return draw.choice(WHOLE) if draw.random() < 0.2 else draw.randrange(-(2 ** draw.randint(1, 63)), 2**63)


def in_python(function: Any, value: Any) -> Any:
    """A result as phpserialize gives PHP's."""
    try:
        found = function(value)
    except ValueError as error:
        return {0: str(error).encode()}
    return found.encode() if isinstance(found, str) else found


def test_every_address_is_phps(php: PhpCli, tmp_path: Path) -> None:
    """The same bytes, text, number, false or error for each."""
    draw = random.Random(SEED)
    cases = [[make_text(draw), make_packed(draw), make_number(draw)] for _ in range(COUNT)]
    file = tmp_path / "cases"
    file.write_bytes(phpserialize.dumps(cases))
    result = php.run(PHP, env={**os.environ, "FUZZ_FILE": str(file)}, ini={"memory_limit": "512M"})
    assert result.status == 0, result.stdout[-500:] + result.stderr[-500:]
    differ, good = [], 0
    for case, answers in zip(cases, result.value.values(), strict=True):
        text, packed, number = case
        ours = [in_python(function, text) for function in (inet_pton, ip2long)]
        ours += [in_python(inet_ntop, packed), in_python(long2ip, number)]
        good += ours[0] is not False
        if ours != list(answers.values()):
            differ.append(f"{case}\n    php    {list(answers.values())}\n    python {ours}")
    assert not differ, f"{len(differ)} of {COUNT} (seed {SEED}) differ:\n" + "\n".join(differ[:20])
    assert COUNT // 10 < good < COUNT  # addresses and what is none, both

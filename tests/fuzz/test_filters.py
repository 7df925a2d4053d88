"""Built-in filters against php-cli: random data, good and bad, in random pieces, through random chains.

Written through, with flushes between, and read through with reads of a random size; what comes out, what each
call gives and what php says are compared.

The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one, PHP_STREAMS_FUZZ_PROGRAMS their number.
"""

from __future__ import annotations

import base64
import bz2
import contextlib
import os
import quopri
import random
import warnings
import zlib
from pathlib import Path
from typing import Any

import phpserialize
import pytest

import php_streams
from php_streams.porting.php_cli import PhpCli

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ_PROGRAMS", "1500"))
BATCH = 100
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20240717"))

NAMES = [
    *["string.rot13", "string.toupper", "string.tolower", "convert.base64-encode", "convert.base64-decode"],
    *["convert.quoted-printable-encode"] * 2,
    *["convert.quoted-printable-decode", "convert.iconv.utf-8.iso-8859-1", "convert.iconv.iso-8859-1/utf-8"],
    *["convert.iconv.utf-8.utf-16le", "convert.iconv.utf-16.utf-8", "zlib.deflate", "zlib.inflate"],
    *["convert.iconv.utf-8.iso-2022-kr//IGNORE", "convert.iconv.utf-8.ascii//TRANSLIT"],
    *["bzip2.compress", "bzip2.decompress", "dechunk"],
]

Chain = list[list[Any]]  # names and parameters
Program = tuple[
    str, Chain, list[bytes], int
]  # write or read, filters, pieces, and how much one read asks for

PHP = r"""
chdir(getenv('FUZZ_FOLDER'));
ini_set('display_errors', '0');
$told = [];
set_error_handler(function ($level, $text) use (&$told) {
    $told[] = $text;
    return true;
});
$answers = [];
foreach (unserialize(file_get_contents('programs')) as [$way, $chain, $pieces, $size]) {
    $told = [];
    $results = [];
    file_put_contents('file', $way === 'read' ? implode('', $pieces) : '');
    $fp = fopen('file', $way === 'read' ? 'r' : 'w');
    stream_set_chunk_size($fp, $size);
    $mode = $way === 'read' ? STREAM_FILTER_READ : STREAM_FILTER_WRITE;
    foreach ($chain as $one) {
        stream_filter_append($fp, $one[0], $mode, ...array_slice($one, 1));
    }
    foreach ($pieces as $piece) {
        if ($way === 'read') {
            $results[] = fread($fp, strlen($piece) + 1);
        } else {
            $results[] = $piece === '' ? fflush($fp) : fwrite($fp, $piece);
        }
    }
    if ($way === 'read') {
        $results[] = stream_get_contents($fp);
        $results[] = feof($fp);
    }
    fclose($fp);
    $answers[] = [$results, $way === 'read' ? '' : file_get_contents('file'), $told];
}
echo serialize($answers);
"""


def some_bytes(draw: random.Random, most: int = 300) -> bytes:
    """Text, binary data, or one byte many times."""
    size = draw.choice([0, 1, 2, 3, 10, 57, 100, most, most * 40])
    kind = draw.randrange(3)
    if kind == 0:
        return draw.randbytes(size)
    if kind == 1:
        return bytes(draw.choices(b"ab =.~\t \r\n\r\n\x00\xe9Z", k=size))
    return bytes([draw.randrange(256)]) * size


def spoilt(draw: random.Random, data: bytes) -> bytes:
    """The data, most often whole; else cut short, with something wrong in them, or something after them."""
    place = draw.randrange(len(data) + 1)
    return draw.choices(
        [data, data[:place], data[:place] + some_bytes(draw, 5) + data[place:], data + some_bytes(draw, 20)],
        [5, 2, 2, 1],
    )[0]


def quoted(draw: random.Random) -> bytes:
    """Something like quoted-printable."""
    parts = [
        b"=41",
        b"=e9",
        b"=0d=0a",
        b"=aF",
        b"=C3=A9",
        b"=\r\n",
        b"=\n",
        b"=\r",
        b"= \t\r\n",
        b"=",
        b"text",
        b" ",
        b"\r\n",
        b"=4",
    ]
    weights = [9, 4, 2, 2, 9, 9, 4, 4, 1, 1, 9, 9, 9, 1]
    return b"".join(draw.choices(parts, weights, k=draw.randrange(30)))


def based(draw: random.Random) -> bytes:
    """Base64, in lines."""
    text = base64.encodebytes(some_bytes(draw, 100))
    return draw.choice([text, text.replace(b"\n", b""), text.replace(b"\n", b"\r\n-")])


def chunked(draw: random.Random) -> bytes:
    """HTTP's chunked coding."""
    parts = [some_bytes(draw, 50) for _ in range(draw.randrange(4))]
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part]
    return b"".join(chunks) + draw.choice([b"0\r\n\r\n", b"0\r\nTrailer: 1\r\n\r\n", b"0;ext\n\n", b""])


def packed(draw: random.Random, window: int) -> bytes:
    """Deflated data."""
    maker = zlib.compressobj(wbits=window)
    return maker.compress(some_bytes(draw)) + maker.flush()


def letters(draw: random.Random, charset: str) -> bytes:
    """Text in a character set."""
    # No character of three bytes: php loses one that comes byte by byte (decisions.toml, iconv-cut).
    return "".join(draw.choices("abcäöüßé \n", k=draw.randrange(60))).encode(charset, "replace")


def text_filter(draw: random.Random, name: str) -> tuple[list[Any], bytes]:
    """A convert.* filter with its parameters, and something for it."""
    length = draw.choice([0, 3, 4, 5, 8, 20, 76])
    ending = draw.choice(["\r\n", "\n", "ab", "|", "\r\r\n"])  # php reads past its buffer for blanks in it
    lines = draw.choice([{}, {"line-length": length}, {"line-length": length, "line-break-chars": ending}])
    switches = draw.choice([{}, {"binary": True}, {"force-encode-first": True}, {"binary": False}])
    if name == "convert.base64-encode":
        return [name, lines], some_bytes(draw)
    if name == "convert.quoted-printable-encode":
        return [name, {**lines, **switches}], some_bytes(draw)
    if name == "convert.base64-decode":
        return [name], spoilt(draw, based(draw))
    if name == "convert.quoted-printable-decode":
        options = [[], [], [{"line-break-chars": draw.choice(["\r\n", "\n", "ab"])}]]
        data = quopri.encodestring(some_bytes(draw, 50))
        return [name, *draw.choice(options)], spoilt(draw, draw.choice([quoted(draw), data]))
    data = letters(draw, name.removeprefix("convert.iconv.").replace("/", ".").split(".")[0])
    return [name], draw.choice([data, data, data[: draw.randrange(len(data) + 1)], data + b"\xff\xff"])


def make_one(draw: random.Random) -> tuple[list[Any], bytes]:
    """A filter with its parameters, and something for it."""
    name = draw.choice(NAMES)
    window = draw.choice([-15, -9, 15, 31])
    if name.startswith("convert."):
        return text_filter(draw, name)
    if name == "zlib.deflate":
        options = {"level": draw.randint(-1, 9), "window": window, "memory": draw.randint(1, 9)}
        return [name, options], some_bytes(draw)
    if name == "zlib.inflate":
        asked = draw.choice([window, window, 32, 47, 40, 8, 0])
        return [name, {"window": asked}], spoilt(draw, packed(draw, window))
    if name == "bzip2.compress":
        return [name, {"blocks": draw.randint(1, 9)}], some_bytes(draw, 50)
    if name == "bzip2.decompress":
        options = {"concatenated": draw.random() < 0.5, "small": draw.random() < 0.5}
        return [name, options], spoilt(draw, bz2.compress(b"x" + some_bytes(draw, 50)))
    if name == "dechunk":
        return [name], spoilt(draw, chunked(draw))
    return [name], some_bytes(draw)


def cut(draw: random.Random, data: bytes) -> list[bytes]:
    """The data in pieces; an empty one stands for a flush."""
    if len(data) < 100 and draw.random() < 0.2:
        return [data[place : place + 1] for place in range(len(data))]
    places = sorted(draw.randrange(len(data) + 1) for _ in range(draw.choice([0, 0, 1, 2, 5])))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def make_program(draw: random.Random) -> Program:
    """One filter, or up to three; the first one gets what is for it."""
    first, data = make_one(draw)
    chain = [first] + [make_one(draw)[0] for _ in range(draw.choice([0, 0, 0, 1, 2]))]
    # What php's bzip2.compress loses, and when it ends a block: decisions.toml, bzip2-flush, bzip2-behind.
    # iconv-cut: what iconv loses when characters come in pieces, as filters make them.  What zlib.deflate
    # makes depends a little on the size of the pieces, and those of other compressors are smaller in php.
    only_first = ("bzip2.compress", "convert.iconv", "zlib.deflate")
    chain = [one for one in chain if one is first or not one[0].startswith(only_first)]
    pieces = cut(draw, data)
    if first[0] == "bzip2.compress":
        pieces = [piece for piece in pieces if piece]
    return draw.choice(["read", "write"]), chain, pieces, draw.choice([8192, 8192, 1000, 7])


class PhpDied(Exception):
    """Some of these programs, in some orders, damage php 8.4's own memory."""


def in_php(php: PhpCli, programs: list[Program], folder: Path) -> list[list[Any]]:
    """What php made of them."""
    (folder / "programs").write_bytes(phpserialize.dumps([list(program) for program in programs]))
    result = php.run(PHP, env={**os.environ, "FUZZ_FOLDER": str(folder)}, timeout=50)
    if result.status < 0:
        raise PhpDied(result.stderr[-500:])
    assert result.status == 0 and result.stdout.startswith(b"a:"), result.stdout[-500:] + result.stderr[-500:]
    answers = [list(answer.values()) for answer in result.value.values()]
    return [
        [list(results.values()), made, [text.decode() for text in told.values()]]
        for results, made, told in answers
    ]


def in_python(program: Program) -> list[Any]:
    """What is made of it here."""
    way, chain, pieces, size = program
    told: list[str] = []
    php_streams.set_error_handler(lambda level, text, file, line: told.append(text) or True)
    try:
        results: list[Any] = []
        Path("file").write_bytes(b"".join(pieces) if way == "read" else b"")
        fp = php_streams.fopen("file", "r" if way == "read" else "w")
        php_streams.stream_set_chunk_size(fp, size)
        mode = php_streams.STREAM_FILTER_READ if way == "read" else php_streams.STREAM_FILTER_WRITE
        for name, *params in chain:
            php_streams.stream_filter_append(fp, name, mode, *params)
        for piece in pieces:
            if way == "read":
                results.append(php_streams.fread(fp, len(piece) + 1))
            else:
                results.append(php_streams.fwrite(fp, piece) if piece else php_streams.fflush(fp))
        if way == "read":
            results += [php_streams.stream_get_contents(fp), php_streams.feof(fp)]
        php_streams.fclose(fp)
    finally:
        php_streams.restore_error_handler()
    return [results, b"" if way == "read" else Path("file").read_bytes(), told]


def comparable(program: Program, answer: list[Any]) -> list[Any]:
    """An answer without what is not php's to the byte.

    When a compressor lets go of what it holds is the library's business; what was made before an error comes
    out later in php, and its count of what bzip2.decompress took is wrong at the end (decisions.toml:
    decompress-error).
    """
    results, made, told = answer
    names = {one[0] for one in program[1]}
    if any("zlib: data error" in text for text in told) or "bzip2.decompress" in names:
        made, told = b"", []
    if program[0] == "read" and names & {
        "zlib.inflate",
        "zlib.deflate",
        "bzip2.compress",
        "bzip2.decompress",
    }:
        results = [b"".join(part for part in results if isinstance(part, bytes))]
    if program[0] == "write" and "bzip2.decompress" in names:
        results = []
    return [results, made, told]


def answered(php: PhpCli, programs: list[Program], folder: Path) -> list[tuple[Program, list[Any]]]:
    """The programs with php's answers, a batch to a process; at most one is lost, to a php that died."""
    found: list[tuple[Program, list[Any]]] = []
    for start in range(0, len(programs), BATCH):
        batch = programs[start : start + BATCH]
        with contextlib.suppress(PhpDied):
            found += zip(batch, in_php(php, batch, folder), strict=True)
    assert len(found) >= len(programs) - BATCH
    return found


def test_filters_make_what_phps_make(php: PhpCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes, results and messages for every random program."""
    draw = random.Random(SEED)
    programs = [make_program(draw) for _ in range(COUNT)]
    monkeypatch.chdir(tmp_path)
    differ = []
    for program, there in answered(php, programs, tmp_path):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            here = in_python(program)
        here, there = (comparable(program, answer) for answer in (here, there))
        if here != there:
            differ.append(
                f"{str(program)[:1500]}\n    php    {str(there)[:1500]}\n    python {str(here)[:1500]}"
            )
    assert not differ, f"{len(differ)} of {COUNT} programs differ (seed {SEED})\n" + "\n\n".join(
        sorted(differ, key=len)[:4]
    )

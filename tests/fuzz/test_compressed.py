"""Compressed files and strings against php-cli: random programs over files that are whole, cut and damaged.

What was written is compared byte by byte as it lies on the disk; what is read with the position and the end
after each step.  The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one, PHP_STREAMS_FUZZ_PROGRAMS the
number of programs.
"""

from __future__ import annotations

import bz2
import gzip
import os
import random
import warnings
from pathlib import Path
from typing import Any

import phpserialize
import pytest

import php_streams
from php_streams.porting.php_cli import PhpCli

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ_PROGRAMS", "400"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20240717"))

Step = list[Any]
Program = tuple[str, str, bytes, list[Step]]  # the function that opens, the mode, the file before, the steps

PHP = r"""
chdir(getenv('FUZZ_FOLDER'));
ini_set('display_errors', '0');
$answers = [];
foreach (unserialize(file_get_contents('programs')) as [$open, $mode, $content, $steps]) {
    file_put_contents('file', $content);
    $fp = $open === 'fopen' ? fopen('compress.bzip2://file', $mode) : $open('file', $mode);
    $states = [];
    foreach ($steps as $step) {
        $name = array_shift($step);
        error_clear_last();
        $result = $name($fp, ...$step);
        $told = error_get_last()['message'] ?? '';
        $end = stream_get_meta_data($fp)['eof'];
        $states[] = [$result, ftell($fp), $end, $told];
    }
    fclose($fp);
    $states[] = [true, 0, false, file_get_contents('file')];
    $answers[] = $states;
}
echo serialize($answers);
"""


def make_text(draw: random.Random) -> bytes:
    """What packs well, what does not, and lines."""
    parts = [b"a", b"bc", b"\n", b"line of text\n", draw.randbytes(draw.randint(1, 300)), b"x" * 70]
    return b"".join(draw.choices(parts, k=draw.randint(0, 30)))


def make_file(draw: random.Random, packs: Any) -> bytes:
    """A compressed file, or several, and what may have happened to it."""
    text = make_text(draw) * draw.choice([1, 1, 3, 200])
    if draw.random() < 0.2:
        text += draw.randbytes(40000)
    packed = bytearray(packs(text))
    for _ in range(draw.choice([0, 0, 0, 1, 2])):
        packed += draw.choice([packs(make_text(draw)), b"\0" * 3, b"tail", b"\x1f"])
    fate = draw.random()
    if fate < 0.15:
        return text
    if fate < 0.3:
        return bytes(packed[: draw.randrange(len(packed) + 1)])
    if fate < 0.5:
        packed[draw.randrange(len(packed))] ^= 1 << draw.randrange(8)
    return bytes(packed)


def make_step(draw: random.Random, bzip2: bool, writes: bool) -> Step:
    """One call."""
    length = draw.choice([1, 3, 10, 50, 200, 5000, 9000, 20000])
    if writes:
        text = make_text(draw) * draw.choice([1, 1, 50])
        ways: list[Step] = [["fwrite", text], ["fwrite", text, length], ["fflush"], ["ftell"], ["fread", 5]]
        moves: list[Step] = [["fseek", length], ["fseek", draw.choice([-1, 0, 30]), php_streams.SEEK_CUR]]
    else:
        ways = [["fread", length], ["fgets"], ["fgets", length], ["fgetc"], ["feof"]]
        ways += [["stream_get_line", length, "e"], ["stream_get_contents"], ["stream_get_contents", length]]
        moves = [["fseek", length], ["fseek", draw.choice([0, 1, 100, -3]), php_streams.SEEK_CUR], ["rewind"]]
    return draw.choice([*ways, ["bzerrno"]] if bzip2 else ways + moves)


def make_program(draw: random.Random) -> Program:
    """Something to open, and steps."""
    open_ = draw.choice(["gzopen", "gzopen", "gzopen", "bzopen", "fopen"])
    bzip2 = open_ != "gzopen"
    modes = ["r", "w"] if open_ == "bzopen" else ["r", "rb", "w", "wb", "w1", "wb6"]
    modes += [] if bzip2 else ["a", "w0", "w9", "wb6f", "wb1h", "wbR", "wF", "wT"]
    mode = draw.choice([*modes, "r", "r", "r"])
    steps = [make_step(draw, bzip2, mode[0] != "r") for _ in range(draw.randint(1, 12))]
    if mode[0] != "r":  # a gap before the first byte is not cleared by zlib: it writes what lies in memory
        steps.insert(0, ["fwrite", b"first"])
    # What damaged data take with them also depends on how much of them php had in its buffer.
    steps = steps[:1] + [step for step in steps[1:] if bzip2 or step != ["stream_get_contents"]]
    return open_, mode, make_file(draw, bz2.compress if bzip2 else gzip.compress), steps


def in_php(php: PhpCli, programs: list[Program], folder: Path) -> list[list[list[Any]]]:
    """What each step gave in php."""
    (folder / "programs").write_bytes(phpserialize.dumps([list(program) for program in programs]))
    result = php.run(PHP, env={**os.environ, "FUZZ_FOLDER": str(folder)}, timeout=50)
    assert result.status == 0 and result.stdout.startswith(b"a:"), result.stdout[-500:] + result.stderr[-500:]
    return [[list(state.values()) for state in states.values()] for states in result.value.values()]


def in_python(program: Program) -> list[list[Any]]:
    """What each step gives here."""
    open_, mode, content, steps = program
    Path("file").write_bytes(content)
    fp = getattr(php_streams, open_)("compress.bzip2://file" if open_ == "fopen" else "file", mode)
    states = []
    for name, *arguments in steps:
        php_streams.error_clear_last()
        result = getattr(php_streams, name)(fp, *arguments)
        told = (php_streams.error_get_last() or {"message": ""})["message"]
        end = php_streams.stream_get_meta_data(fp)["eof"]
        states.append([result, php_streams.ftell(fp), end, told.encode()])
    php_streams.fclose(fp)
    return [*states, [True, 0, False, Path("file").read_bytes()]]


def test_every_step_is_phps(php: PhpCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same results, positions and files for every random program."""
    draw = random.Random(SEED)
    programs = [make_program(draw) for _ in range(COUNT)]
    expected = in_php(php, programs, tmp_path)
    monkeypatch.chdir(tmp_path)
    differ = []
    for program, states in zip(programs, expected, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = in_python(program)
        for number, (here, there) in enumerate(zip(found, states, strict=True)):
            if here != there:
                steps = "\n".join(f"    {shown(step)}" for step in program[3][: number + 1])
                differ.append(
                    f"{shown(program[:3])}\n{steps}\n  php    {shown(there)}\n  python {shown(here)}"
                )
                break
    assert not differ, f"{len(differ)} of {COUNT} programs differ (seed {SEED})\n" + "\n\n".join(differ[:3])


def shown(value: Any) -> str:
    """Short enough to be looked at."""
    text = repr(value)
    return text if len(text) < 300 else f"{text[:200]} ... {text[-80:]} ({len(text)})"


STRINGS = r"""
ini_set('display_errors', '0');
$answers = [];
foreach (unserialize(file_get_contents(getenv('FUZZ_FOLDER') . '/calls')) as $call) {
    $name = array_shift($call);
    error_clear_last();
    try {
        $answers[] = [$name(...$call), error_get_last()['message'] ?? ''];
    } catch (Error $e) {
        $answers[] = [get_class($e), $e->getMessage()];
    }
}
echo serialize($answers);
"""


def make_call(draw: random.Random) -> Step:
    """One function for a whole string."""
    text = make_text(draw) * draw.choice([1, 1, 1, 100])
    level = draw.choice([-1, 0, 1, 5, 6, 9, draw.randint(-3, 11)])
    encoding = draw.choice([-15, 15, 31, 31, 5])
    encode = draw.choice(["gzcompress", "gzdeflate", "gzencode", "zlib_encode", "bzcompress"])
    if encode == "zlib_encode":
        return [encode, text, encoding, level]
    if encode == "bzcompress":
        return [encode, text, draw.randint(0, 10), draw.choice([0, 30, 250, 251])]
    if draw.random() < 0.3:
        return [encode, text, level, *draw.choice([[], [encoding]])]
    packed = bytearray(getattr(php_streams, encode)(text))
    fate = draw.random()
    if fate < 0.2:
        packed = packed[: draw.randrange(len(packed) + 1)]
    elif fate < 0.5:
        packed[draw.randrange(min(len(packed), draw.choice([3, 20, 10**6])))] ^= 1 << draw.randrange(8)
    elif fate < 0.6:
        packed += draw.choice([b"tail", bytes(packed)])
    decode = {"gzcompress": "gzuncompress", "gzdeflate": "gzinflate", "gzencode": "gzdecode"}[encode]
    size = max(len(text) + draw.randint(-3, 3), -1)
    limit = draw.choice([[], [0], [size], [size], [draw.randint(0, 300)], [-1]])
    return [draw.choice([decode, decode, decode, "zlib_decode", "gzinflate"]), bytes(packed), *limit]


def test_whole_strings_are_phps(php: PhpCli, tmp_path: Path) -> None:
    """The same bytes out of every encoder, the same answer to every damage and limit."""
    draw = random.Random(SEED)
    calls = [make_call(draw) for _ in range(min(COUNT * 10, 5000))]
    (tmp_path / "calls").write_bytes(phpserialize.dumps(calls))
    result = php.run(STRINGS, env={**os.environ, "FUZZ_FOLDER": str(tmp_path)}, timeout=50)
    assert result.status == 0 and result.stdout.startswith(b"a:"), result.stdout[-500:] + result.stderr[-500:]
    differ = []
    for call, (number, answer) in zip(calls, result.value.items(), strict=True):
        there = list(answer.values())
        here = called(*call)
        if here != there:
            differ.append(f"{number}: {shown(call)}\n  php    {shown(there)}\n  python {shown(here)}")
    assert not differ, f"{len(differ)} of {len(calls)} differ (seed {SEED})\n" + "\n\n".join(differ[:3])


def called(name: str, *arguments: Any) -> list[Any]:
    """The result and the warning, or the error."""
    php_streams.error_clear_last()
    try:
        with php_streams.silence():
            result = getattr(php_streams, name)(*arguments)
    except ValueError as error:
        return [b"ValueError", str(error).encode()]
    return [result, (php_streams.error_get_last() or {"message": ""})["message"].encode()]

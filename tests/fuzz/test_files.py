"""Files against php-cli: random programs over a plain file, php://memory and php://temp, in every mode.

Reads, writes, seeks and cuts in any order; after each step the result, the position, the state that
stream_get_meta_data shows and, for a plain file, what is in it are compared.

The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one, PHP_STREAMS_FUZZ_PROGRAMS their number.
"""

from __future__ import annotations

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
State = list[Any]
Program = tuple[str, str, bytes, list[Step]]  # what is opened, how, what is in it before, and what is done

MODES = ["r", "r+", "w", "w+", "a", "a+", "x", "x+", "c", "c+", "rb", "r+b", "rb+", "wb", "w+b", "ab+", "rt"]
KINDS = ["file", "php://memory", "php://temp", "php://temp/maxmemory:60"]

PHP = r"""
chdir(getenv('FUZZ_FOLDER'));
ini_set('display_errors', '0');
$answers = [];
foreach (unserialize(file_get_contents('programs')) as [$kind, $mode, $content, $steps]) {
    @unlink('file');
    if ($kind === 'file' && $mode[0] !== 'x') {
        file_put_contents('file', $content);
    }
    $fp = fopen($kind, $mode);
    if ($kind !== 'file') {
        fwrite($fp, $content);
        rewind($fp);
    }
    $states = [];
    $grown = false;
    foreach ($steps as $step) {
        $name = array_shift($step);
        error_clear_last();
        $result = $name($fp, ...$step);
        $result = $name === 'fstat' ? $result['size'] : $result;
        $told = error_get_last()['message'] ?? '';
        $meta = stream_get_meta_data($fp);
        $end = $meta['eof'] ?? null;
        $held = $kind === 'file' ? file_get_contents('file') : '';
        // php's buffer grows by a chunk in that call, and reads more ahead then: decision chunk-size-at-once.
        $grown = $grown || $name === 'stream_get_line';
        $unread = $grown ? 0 : $meta['unread_bytes'];
        $states[] = [$result, ftell($fp), $end, $unread, $meta['mode'], $held, $told];
    }
    fclose($fp);
    $answers[] = $states;
}
echo serialize($answers);
"""


def make_text(draw: random.Random) -> bytes:
    """Lines, records, and what is neither."""
    parts = [b"a", b"bc", b"\n", b"\r\n", b"|", b"||", b"\0", b"aab", b"x" * draw.randint(0, 40)]
    return b"".join(draw.choices(parts, k=draw.randint(1, 20)))


def make_step(draw: random.Random) -> Step:
    """One call."""
    length = draw.choice([1, 2, 3, 5, 10, 50, 200, 9000])
    offset = draw.choice([0, 1, 2, 5, 20, 100, 9000])
    back = draw.choice([0, -1, -2, -5, -20, 3])
    record = draw.choice(["\n", "|", "||", "\r\n", "aab", ""])
    return draw.choices(
        [
            ["fgets"],
            ["fgets", length],
            ["fgetc"],
            ["fread", length],
            ["fwrite", make_text(draw)],
            ["fseek", offset],
            ["fseek", draw.choice([0, 1, 3, 10, -1, -4, 100]), php_streams.SEEK_CUR],
            ["fseek", back, php_streams.SEEK_END],
            ["rewind"],
            ["ftell"],
            ["feof"],
            ["fflush"],
            ["fstat"],
            ["ftruncate", draw.choice([0, 1, 5, 30, 200])],
            ["stream_get_line", draw.choice([0, length]), record],
            ["stream_get_contents", draw.choice([-1, length])],
            ["stream_get_contents", draw.choice([-1, 0, length]), offset],
            ["stream_set_read_buffer", draw.choice([0, 1])],
        ],
        [12, 8, 8, 12, 18, 8, 6, 4, 4, 2, 6, 2, 2, 5, 8, 3, 2, 1],
    )[0]


def make_program(draw: random.Random) -> Program:
    """Something to open, and steps."""
    content = make_text(draw) * draw.choice([0, 1, 1, 1, 2, 200])
    steps = [make_step(draw) for _ in range(draw.randint(2, 30))]
    kind, mode = draw.choice(KINDS), draw.choice(MODES)
    if "maxmemory" in kind:  # php's file below php://temp has a buffer of its own, which outlives a cut
        steps = [step for step in steps if step[0] != "ftruncate"]
    if kind != "file" and any(step[0] == "fseek" and step[1] < 0 for step in steps):
        # From a position that was lost SEEK_CUR leads to the largest number, and php dies at the next write.
        steps = [step for step in steps if step[-1] != php_streams.SEEK_CUR or len(step) < 3]
    return kind, mode, content, steps


def in_php(php: PhpCli, programs: list[Program], folder: Path) -> list[list[State]]:
    """What each step gave in php."""
    (folder / "programs").write_bytes(phpserialize.dumps([list(program) for program in programs]))
    result = php.run(PHP, env={**os.environ, "FUZZ_FOLDER": str(folder)}, timeout=50)
    assert result.status == 0 and result.stdout.startswith(b"a:"), result.stdout[-500:] + result.stderr[-500:]
    answers = [[list(state.values()) for state in states.values()] for states in result.value.values()]
    return [[[*state[:-1], state[-1].decode()] for state in states] for states in answers]


def in_python(program: Program) -> list[State]:
    """What each step gives here."""
    kind, mode, content, steps = program
    file = Path("file")
    file.unlink(missing_ok=True)
    if kind == "file" and mode[0] != "x":
        file.write_bytes(content)
    fp = php_streams.fopen(kind, mode)
    if kind != "file":
        php_streams.fwrite(fp, content)
        php_streams.rewind(fp)
    states = []
    grown = False
    for name, *arguments in steps:
        php_streams.error_clear_last()
        result = getattr(php_streams, name)(fp, *arguments)
        result = result["size"] if name == "fstat" else result
        told = (php_streams.error_get_last() or {"message": ""})["message"]
        meta = php_streams.stream_get_meta_data(fp)
        held = file.read_bytes() if kind == "file" else b""
        grown = grown or name == "stream_get_line"
        unread = 0 if grown else meta["unread_bytes"]
        state = [result, php_streams.ftell(fp), meta.get("eof"), unread, meta["mode"], held, told]
        states.append(
            [item.encode() if isinstance(item, str) and item is not told else item for item in state]
        )
    php_streams.fclose(fp)
    return states


def test_every_step_is_phps(php: PhpCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same results, positions, states and contents for every random program."""
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
                told = zip(program[3][: number + 1], states[: number + 1], strict=True)
                steps = "\n".join(f"    {step} {state}" for step, state in told)
                differ.append(f"{program[:3]}\n{steps}\n    python {here}")
                break
    assert not differ, f"{len(differ)} of {COUNT} programs differ (seed {SEED})\n" + "\n\n".join(differ[:3])

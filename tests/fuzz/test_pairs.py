"""Both ends of pairs against php-cli: random programs of writes, reads, looks, shuts and closes.

After each step the result, what PHP said, and position and meta data of both ends are compared.  Calls that
wait for ever (recvfrom and sendto obey no timeout) are made on an end that does not block for that moment.

Not tried: so much data that PHP's buffer grows (decision chunk-size-at-once), and bytes that are sent out of
band (decision unread-urgent-byte).

The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one, PHP_STREAMS_FUZZ_PROGRAMS their number.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import phpserialize

import php_streams
from php_streams._core.stream import Stream
from php_streams.porting.php_cli import PhpCli
from tests.fuzz.report import first_difference, shortest
from tests.fuzz.test_reads import make_text

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ_PROGRAMS", "200"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20240717"))

TYPES = [
    php_streams.STREAM_SOCK_STREAM,
    php_streams.STREAM_SOCK_STREAM,
    php_streams.STREAM_SOCK_SEQPACKET,
    php_streams.STREAM_SOCK_DGRAM,
]

Step = list[Any]
Program = tuple[int, list[Step]]
State = list[Any]

PHP = r"""
function state($fp) {
    if (!is_resource($fp)) {
        return null;
    }
    $meta = stream_get_meta_data($fp);
    return [ftell($fp), $meta['timed_out'], $meta['blocked'], $meta['eof'], $meta['unread_bytes']];
}

function step($ends, $which, $name, $arguments) {
    $fp = $ends[$which];
    if ($name === 'stream_select') {
        $read = $write = $except = $ends;
        $n = stream_select($read, $write, $except, 0, 0);
        return [$n, array_keys($read), array_keys($write), count($except)];
    }
    if ($name !== 'stream_socket_recvfrom' && $name !== 'stream_socket_sendto') {
        return $name($fp, ...$arguments);
    }
    $blocked = stream_get_meta_data($fp)['blocked'];
    stream_set_blocking($fp, false);
    if ($name === 'stream_socket_recvfrom') {
        $result = [stream_socket_recvfrom($fp, $arguments[0], $arguments[1], $address), $address];
    } else {
        $result = stream_socket_sendto($fp, ...$arguments);
    }
    stream_set_blocking($fp, $blocked);
    return $result;
}

$said = [];
set_error_handler(function ($level, $message) use (&$said) {
    $said[] = [$level, $message];
});
$answers = [];
foreach (unserialize(file_get_contents(getenv('FUZZ_FILE'))) as [$type, $steps]) {
    $ends = ['a' => null, 'b' => null];
    [$ends['a'], $ends['b']] = stream_socket_pair(STREAM_PF_UNIX, $type, 0);
    foreach ($ends as $fp) {
        stream_set_timeout($fp, 0, 1000);
        stream_set_chunk_size($fp, 8192);
    }
    $all = $ends;
    $states = [];
    foreach ($steps as [$which, $name, $arguments]) {
        $said = [];
        $result = step($ends, $which, $name, $arguments);
        if ($name === 'fclose') {
            unset($ends[$which]);
        }
        $states[] = [$result, $said, state($all['a']), state($all['b'])];
    }
    $answers[] = $states;
}
echo serialize($answers);
"""


def make_call(draw: random.Random) -> Step:
    """The name of a function and its arguments after the stream."""
    length = draw.choice([1, 2, 3, 5, 10, 50, 200, 4000, 20000])
    flags = draw.choice([0, 0, php_streams.STREAM_PEEK, php_streams.STREAM_PEEK, php_streams.STREAM_OOB])
    return draw.choices(
        [
            ["fwrite", [make_text(draw) * draw.choice([1, 1, 1, 1, 10])]],
            ["stream_socket_sendto", [draw.choice([b"", make_text(draw)]), 0]],
            ["fgets", []],
            ["fgets", [length]],
            ["fread", [length]],
            ["fgetc", []],
            ["stream_get_line", [length, "\n"]],
            ["stream_get_contents", [length]],
            ["stream_get_contents", []],
            ["stream_socket_recvfrom", [length, flags]],
            ["feof", []],
            ["stream_select", []],
            ["stream_set_blocking", [draw.random() < 0.5]],
            ["stream_socket_get_name", [draw.random() < 0.5]],
            ["stream_socket_shutdown", [draw.choice([0, 1, 1, 2])]],
            ["fclose", []],
        ],
        [25, 10, 12, 8, 12, 4, 4, 2, 2, 14, 6, 6, 4, 1, 3, 1],
    )[0]


def make_program(draw: random.Random) -> Program:
    """The pair's type, and steps on its ends; none on an end that is closed."""
    steps: list[Step] = []
    ends = ["a", "b"]
    for _ in range(draw.randint(3, 40)):
        steps.append([draw.choice(ends), *make_call(draw)])
        if steps[-1][1] == "fclose":
            ends.remove(steps[-1][0])
        if not ends:
            break
    return draw.choice(TYPES), steps


def in_php(php: PhpCli, programs: list[Program], folder: Path) -> list[list[State]]:
    """What each step gave in php."""
    file = folder / "programs"
    file.write_bytes(phpserialize.dumps([list(program) for program in programs]))
    result = php.run(PHP, env={**os.environ, "FUZZ_FILE": str(file)}, timeout=50)
    assert result.status == 0 and result.stdout.startswith(b"a:"), result.stdout[-500:] + result.stderr[-500:]
    return [[plain(state) for state in states.values()] for states in result.value.values()]


def plain(value: Any) -> Any:
    """PHP's arrays as lists."""
    if isinstance(value, dict):
        return [plain(member) for member in value.values()]
    return value.encode() if isinstance(value, str) else value


def in_python(program: Program) -> Iterator[State]:
    """What each step gives here."""
    said: list[list[Any]] = []
    php_streams.set_error_handler(lambda level, message: said.append([level, message]))
    pair = php_streams.stream_socket_pair(php_streams.STREAM_PF_UNIX, program[0], 0)
    every = dict(zip("ab", pair, strict=True))
    try:
        for fp in pair:
            php_streams.stream_set_timeout(fp, 0, 1000)
            php_streams.stream_set_chunk_size(fp, 8192)
        ends = dict(every)
        for which, name, arguments in program[1]:
            said.clear()
            result = step(ends, which, name, arguments)
            if name == "fclose":
                del ends[which]
            yield plain({"": result, "s": as_array(said), **{key: state(every[key]) for key in "ab"}})
    finally:
        php_streams.restore_error_handler()
        for fp in pair:
            fp.close()


def as_array(value: Any) -> Any:
    """Lists and tuples as PHP's arrays."""
    return (
        {number: as_array(member) for number, member in enumerate(value)}
        if isinstance(value, (list, tuple))
        else value
    )


def state(fp: Stream) -> Any:
    """Position and meta data; None when it is closed."""
    if not php_streams.is_resource(fp):
        return None
    meta = php_streams.stream_get_meta_data(fp)
    return as_array(
        [php_streams.ftell(fp), meta["timed_out"], meta["blocked"], meta["eof"], meta["unread_bytes"]]
    )


def step(ends: dict[str, Stream], which: str, name: str, arguments: list[Any]) -> Any:
    """One call, as PHP's step() makes it."""
    fp = ends[which]
    if name == "stream_select":
        n, read, write, except_ = php_streams.stream_select(ends, ends, ends, 0, 0)
        return as_array([n, list(read), list(write), len(except_)])
    if name not in ("stream_socket_recvfrom", "stream_socket_sendto"):
        return getattr(php_streams, name)(fp, *arguments)
    blocked = php_streams.stream_get_meta_data(fp)["blocked"]
    php_streams.stream_set_blocking(fp, False)
    result = getattr(php_streams, name)(fp, *arguments)
    php_streams.stream_set_blocking(fp, blocked)
    return as_array(result)


def test_both_ends_are_phps(php: PhpCli) -> None:
    """The same results, messages and states for every random program."""
    draw = random.Random(SEED)
    programs = [make_program(draw) for _ in range(COUNT)]
    with tempfile.TemporaryDirectory() as folder:
        expected = in_php(php, programs, Path(folder))
    differ = []
    for program, states in zip(programs, expected, strict=True):
        if difference := first_difference(program[1], in_python(program), states):
            differ.append(f"type {program[0]}\n{difference}")
    assert not differ, shortest(differ, COUNT, SEED)

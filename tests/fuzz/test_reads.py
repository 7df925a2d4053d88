"""Reads against php-cli: random programs over a pair of sockets, the same results and the same state.

Each program writes on one end and reads on the other, in one process, so that nothing depends on time but
the timeouts, which are short.  After each step the position and the meta data are compared, too.

The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one, PHP_STREAMS_FUZZ_PROGRAMS their number.
"""

from __future__ import annotations

import os
import random
import socket
import tempfile
from pathlib import Path
from typing import Any

import phpserialize

import php_streams
from php_streams._core.stream import Stream
from php_streams._transports.socket import LABELS, SocketRaw
from php_streams.porting.php_cli import PhpCli
from tests.fuzz.report import first_difference, shortest

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ_PROGRAMS", "200"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20240717"))

Step = list[Any]
State = list[Any]

PHP = r"""
$answers = [];
foreach (unserialize(file_get_contents(getenv('FUZZ_FILE'))) as $program) {
    [$near, $far] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    stream_set_timeout($near, 0, 1000);
    stream_set_chunk_size($near, 8192);
    $states = [];
    foreach ($program as $step) {
        $name = array_shift($step);
        $result = match ($name) {
            'send' => fwrite($far, $step[0]),
            'end' => stream_socket_shutdown($far, STREAM_SHUT_WR),
            default => $name($near, ...$step),
        };
        $meta = stream_get_meta_data($near);
        $states[] = [$result, ftell($near), $meta['timed_out'], $meta['eof'], $meta['unread_bytes']];
    }
    $answers[] = $states;
}
echo serialize($answers);
"""


def make_text(draw: random.Random) -> bytes:
    """Lines, records, and what is neither."""
    parts = [b"a", b"bc", b"\n", b"\r\n", b"|", b"||", b"\0", b"aab", b"x" * draw.randint(0, 40)]
    return b"".join(draw.choices(parts, k=draw.randint(1, 30)))


def make_step(draw: random.Random) -> Step:
    """One call on one of the ends."""
    length = draw.choice([1, 2, 3, 5, 10, 50, 200, 4000])
    return draw.choices(
        [
            ["send", make_text(draw)],
            ["fgets"],
            ["fgets", length],
            ["fgetc"],
            ["fread", length],
            ["stream_get_line", draw.choice([0, length]), draw.choice(["\n", "|", "||", "\r\n", "aab", ""])],
            ["stream_get_contents", draw.choice([0, length])],
            ["stream_get_contents"],
            ["feof"],
            ["stream_set_blocking", draw.random() < 0.5],
            ["stream_set_read_buffer", draw.choice([0, 0, 1])],
            ["stream_set_chunk_size", draw.choice([8192, 8192, 4096])],
            ["end"],
        ],
        [30, 15, 10, 8, 12, 15, 4, 1, 6, 4, 2, 2, 1],
    )[0]


def make_program(draw: random.Random) -> list[Step]:
    """Steps; nothing is sent after the end."""
    steps = [make_step(draw) for _ in range(draw.randint(3, 40))]
    end = steps.index(["end"]) if ["end"] in steps else len(steps)
    return steps[:end] + [step for step in steps[end:] if step[0] != "send"]


def in_php(php: PhpCli, programs: list[list[Step]], folder: Path) -> list[list[State]]:
    """What each step gave in php."""
    file = folder / "programs"
    file.write_bytes(phpserialize.dumps(programs))
    result = php.run(PHP, env={**os.environ, "FUZZ_FILE": str(file)}, timeout=50)
    assert result.status == 0 and result.stdout.startswith(b"a:"), result.stdout[-500:] + result.stderr[-500:]
    return [[list(state.values()) for state in states.values()] for states in result.value.values()]


def in_python(program: list[Step]) -> list[State]:
    """What each step gives here."""
    near, far = socket.socketpair()
    states = []
    with near, far, Stream(SocketRaw(near, LABELS["unix"], 60.0), "r+") as fp:
        php_streams.stream_set_timeout(fp, 0, 1000)
        php_streams.stream_set_chunk_size(fp, 8192)
        for name, *arguments in program:
            result: Any = True
            if name == "send":
                result = far.send(arguments[0])
            elif name == "end":
                far.shutdown(socket.SHUT_WR)
            else:
                result = getattr(php_streams, name)(fp, *arguments)
            meta = php_streams.stream_get_meta_data(fp)
            states.append(
                [result, php_streams.ftell(fp), meta["timed_out"], meta["eof"], meta["unread_bytes"]]
            )
    return states


def test_every_read_is_phps(php: PhpCli) -> None:
    """The same results, positions and states for every random program."""
    draw = random.Random(SEED)
    programs = [make_program(draw) for _ in range(COUNT)]
    with tempfile.TemporaryDirectory() as folder:
        expected = in_php(php, programs, Path(folder))
    differ = []
    for program, states in zip(programs, expected, strict=True):
        if difference := first_difference(program, in_python(program), states):
            differ.append(difference)
    assert not differ, shortest(differ, COUNT, SEED)

"""proc_open against php-cli: random descriptors, environments and folders, and what the program has of them.

The program is find, which tells its own descriptors: what they lead to and whether they read or write.  Only
numbers that are named are compared, for PHP's programs inherit others.

The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one, PHP_STREAMS_FUZZ_PROGRAMS their number.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import phpserialize
import pytest

import php_streams
from php_streams.porting.php_cli import PhpCli
from tests.fuzz.report import shortest

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ_PROGRAMS", "300"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20261129"))

Program = list[Any]  # the descriptors, the environment (None: ours), the folder (None: this one)

PHP = r"""
chdir(getenv('FUZZ_FOLDER'));
ini_set('display_errors', 'stderr');
function streams() {
    $file = fopen('in', 'r');
    fgets($file);
    $closed = fopen('in', 'r');
    fclose($closed);
    $temporary = fopen('php://temp', 'w+');
    $filtered = fopen('in', 'r');
    stream_filter_append($filtered, 'string.rot13', STREAM_FILTER_READ);
    return [
        'file' => $file, 'closed' => $closed, 'temp' => $temporary, 'filtered' => $filtered,
        'memory' => fopen('php://memory', 'w+'), 'folder' => opendir('.'),
        'socket' => stream_socket_pair(1, 1, 0)[0], 'context' => stream_context_create(),
        'append' => fopen('out', 'a'),
    ];
}
$told = [];
set_error_handler(function ($level, $message) use (&$told) { $told[] = $message; return true; });
$answers = [];
foreach (unserialize(file_get_contents('programs')) as [$spec, $environment, $folder]) {
    @unlink('report');
    @unlink('new');
    $streams = streams();
    $given = fn($item) => is_array($item) && ($item[0] ?? '') === 'stream' ? $streams[$item[1]] : $item;
    $spec = array_map($given, $spec);
    $command = explode(' ', 'find /proc/self/fd/ /proc/self/cwd -maxdepth 1 -type l -fprintf');
    $command = [...$command, getenv('FUZZ_FOLDER') . '/report', "%f %l %m\n"];
    $told = [];
    try {
        $process = proc_open($command, $spec, $pipes, $folder, $environment);
        $modes = [];
        foreach ($process ? $pipes : [] as $number => $pipe) {
            $modes[] = "$number " . stream_get_meta_data($pipe)['mode'];
        }
        $pipes = [];
        $status = $process ? proc_close($process) : $process;
        $answers[] = [$modes, $status, $told, @file_get_contents('report')];
    } catch (Error $error) {
        $answers[] = [[], 'Error ' . $error->getMessage(), $told, false];
    }
}
echo serialize($answers);
"""

MODES = ["r", "w", "a", "", "rw", "w+", 5, None]
TARGETS = [0, 1, 2, 60, 61, 62, 9, -1, "1", None, 4294967297]
NAMES = ["in", "new", "/nonexistent/x", "", "/dev/null"]
STREAMS = "file closed temp filtered memory socket folder context append".split()


def make_item(draw: random.Random) -> Any:
    """One descriptor of the specification."""
    kind = draw.choice(["pipe"] * 4 + ["file"] * 3 + ["redirect"] * 3 + ["stream"] * 4 + ["other"] * 3)
    if kind == "pipe":
        return ["pipe", draw.choice(MODES)][: draw.choice([2, 2, 2, 2, 1])]
    if kind == "file":
        return ["file", draw.choice(NAMES), draw.choice(["r", "w", "a", "r+", "x", "q"])][
            : draw.choice([3, 3, 3, 3, 2])
        ]
    if kind == "redirect":
        return ["redirect", draw.choice(TARGETS)][: draw.choice([2, 2, 2, 2, 1])]
    if kind == "stream":
        return ["stream", draw.choice(STREAMS)]
    return draw.choice([["null"], ["null"], ["socket"], ["socket"], ["pty"], ["nothing"], [], "pipe", 5])


def make_program(draw: random.Random) -> Program:
    """A specification, an environment and a folder.

    The numbers are 0 to 2 or high: php gets low ones wrong that it has in use for another descriptor.
    """
    numbers = draw.sample([0, 1, 2, 60, 61, 62, 300], draw.randint(0, 5))
    if draw.random() < 0.05:
        numbers.append(draw.choice([-1, 2**31 - 1, 2**32 + 63]))
    keys: list[Any] = [*numbers, *(["name"] if draw.random() < 0.02 else [])]
    values = ["", "x", "a=b", 5, None, True, 2.5, "nul\0byte"]
    names = ["A", "B", "A=B", "", "7", 3, "NUL\0"]
    environment = {draw.choice(names): draw.choice(values) for _ in range(draw.randint(0, 4))}
    return [
        {key: make_item(draw) for key in keys},
        draw.choice([None, None, environment]),
        draw.choice([None, None, None, "/", "sub", "nosuch", ""]),
    ]


def normal(report: bytes | bool, numbers: set[int]) -> list[str]:
    """What find told of the numbers that were named, without what differs from run to run."""
    lines = report.decode("utf-8", "surrogateescape").splitlines() if isinstance(report, bytes) else []
    kept = [line for line in lines if line.split(" ")[0] in {"cwd", *map(str, numbers)}]
    return sorted(re.sub(r":\[\d+\]|(?<=pts/)\d+|(?<=/tmp/php)\S+| \(deleted\)", "", line) for line in kept)


def plain(answer: list[Any], program: Program) -> list[Any]:
    """An answer, as it is compared."""
    modes, result, told, report = answer
    texts = [re.sub(r"descriptor \d+ \(", "descriptor N (", text) for text in told]
    return [modes, result, texts, normal(report, compared(program[0]))]


def compared(spec: dict[Any, Any]) -> set[int]:
    """The numbers of the program that do not lead to one of this process's own first three."""
    numbers: set[int] = set()
    for key, item in spec.items():
        target = item[1] if isinstance(item, list) and len(item) > 1 and item[0] == "redirect" else None
        if isinstance(key, int) and (not isinstance(target, int) or c_int(target) in numbers):
            numbers.add(c_int(key))
    return numbers


def c_int(number: int) -> int:
    """As C's int holds it."""
    return (number + 2**31) % 2**32 - 2**31


def in_php(php: PhpCli, programs: list[Program], folder: Path) -> list[list[Any]]:
    """What came of each in php."""
    (folder / "programs").write_bytes(phpserialize.dumps(programs))
    result = php.run(PHP, env={**os.environ, "FUZZ_FOLDER": str(folder)}, timeout=50)
    assert result.status == 0 and result.stdout.startswith(b"a:"), result.stdout[-500:] + result.stderr[-500:]
    answers = []
    for modes, status, told, report in (answer.values() for answer in result.value.values()):
        texts = [text.decode() for text in told.values()]
        status = status.decode() if isinstance(status, bytes) else status
        answers.append([[mode.decode() for mode in modes.values()], status, texts, report])
    return answers


def streams() -> dict[str, Any]:
    """The same as in php."""
    file, closed = php_streams.fopen("in", "r"), php_streams.fopen("in", "r")
    php_streams.fgets(file)
    php_streams.fclose(closed)
    filtered = php_streams.fopen("in", "r")
    php_streams.stream_filter_append(filtered, "string.rot13", php_streams.STREAM_FILTER_READ)
    pair = php_streams.stream_socket_pair(1, 1, 0)
    assert pair
    return {
        "file": file,
        "closed": closed,
        "temp": php_streams.fopen("php://temp", "w+"),
        "filtered": filtered,
        "memory": php_streams.fopen("php://memory", "w+"),
        "socket": pair[0],
        "folder": php_streams.opendir("."),
        "context": php_streams.stream_context_create(),
        "append": php_streams.fopen("out", "a"),
    }


def in_python(program: Program, folder: Path) -> list[Any]:
    """What comes of it here."""
    for name in ("report", "new"):
        (folder / name).unlink(missing_ok=True)
    given = streams()
    spec = {
        key: given[item[1]] if isinstance(item, list) and item[:1] == ["stream"] else item
        for key, item in program[0].items()
    }
    command = "find /proc/self/fd/ /proc/self/cwd -maxdepth 1 -type l -fprintf".split()
    told: list[str] = []
    handler: Callable[..., Any] = lambda level, message: told.append(message)  # noqa: E731
    php_streams.set_error_handler(handler)
    try:
        process, pipes = php_streams.proc_open(
            [*command, str(folder / "report"), "%f %l %m\n"], spec, program[2], program[1]
        )
        modes = [f"{key} {php_streams.stream_get_meta_data(pipe)['mode']}" for key, pipe in pipes.items()]
        pipes.clear()
        status = php_streams.proc_close(process) if process else process
    except (TypeError, ValueError) as error:
        return [[], f"Error {error}", told, False]
    finally:
        php_streams.restore_error_handler()
    report = folder / "report"
    return [modes, status, told, report.read_bytes() if report.exists() else False]


def test_programs_have_phps_descriptors(
    php84: PhpCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same pipes, messages and errors, and the same descriptors in the program."""
    draw = random.Random(SEED)
    programs = [make_program(draw) for _ in range(COUNT)]
    (tmp_path / "in").write_text("one\ntwo\nthree\n")
    (tmp_path / "sub").mkdir()
    expected = in_php(php84, programs, tmp_path)
    monkeypatch.chdir(tmp_path)
    differ = []
    for program, there in zip(programs, expected, strict=True):
        here = plain(in_python(program, tmp_path), program)
        if here != plain(there, program):
            differ.append(f"{program}\n    php    {plain(there, program)}\n    python {here}")
    assert not differ, shortest(differ, COUNT, SEED)

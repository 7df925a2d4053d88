"""Streams under filters against php-cli: random programs over a file, memory or a pair of sockets.

Filters for reading, writing or both come, first or last, and go in the middle of reads, writes, seeks and
copies.  After each step the result, the position, the state and what php says are compared, and what is in
the file or has come to the other end.

The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one, PHP_STREAMS_FUZZ_PROGRAMS their number.
"""

from __future__ import annotations

import base64
import os
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import phpserialize
import pytest

import php_streams
from php_streams import (
    PSFS_ERR_FATAL,
    PSFS_FEED_ME,
    PSFS_PASS_ON,
    STREAM_FILTER_READ,
    STREAM_FILTER_WRITE,
    php_user_filter,
    stream_bucket_append,
    stream_bucket_new,
)
from php_streams.porting.php_cli import PhpCli
from tests.fuzz.report import first_difference, shortest

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ_PROGRAMS", "400"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20240717"))

Step = list[Any]
State = list[Any]
Program = tuple[str, str, bytes, int, list[Step]]  # kind, mode, content, chunk size, steps

PHP = r"""
chdir(getenv('FUZZ_FOLDER'));
ini_set('display_errors', '0');
$told = [];
set_error_handler(function ($level, $text) use (&$told) {
    $told[] = $text;
    return true;
});
class odd extends php_user_filter
{
    private $held = '';
    private $calls = 0;
    function filter($in, $out, &$consumed, bool $closing): int
    {
        $kind = substr($this->filtername, 4);
        $made = [];
        while ($bucket = stream_bucket_make_writeable($in)) {
            $consumed += $bucket->datalen;
            $data = $bucket->data;
            if ($kind === 'hold') {
                $data = $this->held . $data;
                $this->held = substr($data, -2);
                $data = substr($data, 0, -2);
            } elseif ($kind === 'twice') {
                $data = implode('', array_map(fn ($byte) => $byte . $byte, str_split($data)));
            } elseif ($kind === 'drop') {
                $data = str_replace(['a', 'x', "\n"], '', $data);
            } elseif ($kind === 'feed') {
                $this->held .= $data;
                if (strlen($this->held) < 12) {
                    continue;
                }
                [$data, $this->held] = [$this->held, ''];
            } elseif ($kind === 'fail' && $this->calls++ === 2) {
                return PSFS_ERR_FATAL;
            }
            if ($kind === 'split' && strlen($data) > 3) {
                $made[] = substr($data, 0, 3);
                $data = substr($data, 3);
            }
            $made[] = $data;
        }
        if ($closing && $this->held !== '') {
            $made[] = "<$this->held>";
            $this->held = '';
        }
        foreach ($made as $data) {
            stream_bucket_append($out, stream_bucket_new($this->stream, $data));
        }
        return $made || $kind !== 'feed' ? PSFS_PASS_ON : PSFS_FEED_ME;
    }
}
stream_filter_register('odd.*', 'odd');
$answers = [];
foreach (unserialize(file_get_contents('programs')) as [$kind, $mode, $content, $chunk, $steps]) {
    file_put_contents('file', $content);
    file_put_contents('other', $content);
    $far = null;
    if ($kind === 'pair') {
        [$fp, $far] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        stream_set_timeout($fp, 0, 1000);
        stream_set_blocking($far, false);
        fwrite($far, $content);
    } else {
        $fp = fopen($kind, $mode);
        if ($kind !== 'file') {
            fwrite($fp, $content);
            rewind($fp);
        }
    }
    stream_set_chunk_size($fp, $chunk);
    $filters = $states = [];
    foreach ($steps as $step) {
        $told = [];
        $name = array_shift($step);
        if ($name === 'append' || $name === 'prepend') {
            $result = ("stream_filter_$name")($fp, ...$step);
            $filters[] = $result;
            $result = $result !== false;
        } elseif ($name === 'remove') {
            $filter = $filters[$step[0]] ?? false;
            $result = is_resource($filter) ? stream_filter_remove($filter) : null;
        } elseif ($name === 'copy to') {
            $other = fopen('other', 'w+');
            $result = [stream_copy_to_stream($fp, $other, ...$step), ftell($other)];
            $result[] = file_get_contents('other');
        } elseif ($name === 'copy from') {
            $other = fopen('other', 'r');
            $result = [stream_copy_to_stream($other, $fp, ...$step), ftell($other)];
        } elseif ($name === 'send') {
            $result = fwrite($far, $step[0]);
        } elseif ($name === 'end') {
            $result = stream_socket_shutdown($far, STREAM_SHUT_WR);
        } else {
            $result = $name($fp, ...$step);
        }
        $meta = stream_get_meta_data($fp);
        $came = $far ? stream_get_contents($far) : ($kind === 'file' ? file_get_contents('file') : '');
        // How much a read asks for at once is php's own business where it can be seen.
        $unread = $kind === 'php://memory' || $chunk !== 8192 || strlen($came) > 8000;
        $unread = $unread ? 0 : $meta['unread_bytes'];
        $state = [$result, ftell($fp), $meta['eof'] ?? null, $meta['timed_out'] ?? null, $unread];
        $states[] = [...$state, $came, $told];
    }
    fclose($fp);
    $states[] = $far ? stream_get_contents($far) : ($kind === 'file' ? file_get_contents('file') : '');
    $answers[] = $states;
}
echo serialize($answers);
"""


class Odd(php_user_filter):
    """The same in Python."""

    def onCreate(self) -> bool:
        self.held, self.calls = b"", 0
        return True

    def filter(self, in_: Any, out: Any, consumed: int, closing: bool) -> Any:
        made: list[bytes] = []
        for bucket in in_:
            consumed += bucket.datalen
            pieces = self.changed(self.filtername[4:], bucket.data)
            if pieces is None:
                return PSFS_ERR_FATAL, consumed
            made += pieces
        if closing and self.held:
            made.append(b"<" + self.held + b">")
            self.held = b""
        for data in made:
            stream_bucket_append(out, stream_bucket_new(self.stream, data))
        return PSFS_PASS_ON if made or self.filtername != "odd.feed" else PSFS_FEED_ME, consumed

    def changed(self, kind: str, data: bytes) -> list[bytes] | None:
        """What a bucket's data become; None for an error."""
        if kind == "hold":
            data = self.held + data
            data, self.held = data[:-2], data[-2:]
        elif kind == "twice":
            data = b"".join(bytes([byte, byte]) for byte in data)
        elif kind == "drop":
            data = data.translate(None, b"ax\n")
        elif kind == "feed":
            self.held += data
            if len(self.held) < 12:
                return []
            data, self.held = self.held, b""
        elif kind == "fail":
            self.calls += 1
            return None if self.calls == 3 else [data]
        return [data[:3], data[3:]] if kind == "split" and len(data) > 3 else [data]


def make_text(draw: random.Random) -> bytes:
    """Lines, records, and what is neither."""
    parts = [b"a", b"bc", b"\n", b"\r\n", b"|", b"||", b"=41", b"aab", b"x" * draw.randint(0, 40)]
    return b"".join(draw.choices(parts, k=draw.randint(1, 20)))


FILTERS = ["string.toupper", "string.rot13", "convert.base64-encode", "convert.base64-decode", "dechunk"]
FILTERS += ["convert.quoted-printable-encode", "convert.quoted-printable-decode"]
FILTERS += ["odd.hold", "odd.twice", "odd.drop", "odd.feed", "odd.fail", "odd.split", "odd.same"]


def steps_of_all(draw: random.Random, attached: int) -> list[tuple[int, Step]]:
    """What can be done with every stream, and how often it is to be done; so many filters came by now."""
    length = draw.choice([1, 2, 3, 5, 10, 50, 200, 9000, 40000])
    record = draw.choice(["\n", "|", "||", "\r\n", "aab", ""])
    chains = draw.choice([0, STREAM_FILTER_READ, STREAM_FILTER_WRITE, STREAM_FILTER_WRITE, 3])
    return [
        (12, ["fgets"]),
        (6, ["fgets", length]),
        (4, ["fgetc"]),
        (12, ["fread", length]),
        (14, ["fwrite", make_text(draw)]),
        (3, ["feof"]),
        (4, ["fflush"]),
        (8, ["stream_get_line", draw.choice([0, length]), record]),
        (4, ["stream_get_contents", draw.choice([-1, length])]),
        (6, ["copy to", draw.choice([1, 5, 20, 300, 9000])]),
        (2, ["copy to"]),
        (3, ["copy from", draw.choice([1, 5, 300])]),
        (1, ["stream_set_read_buffer", draw.choice([0, 1])]),
        (14, [draw.choice(["append", "append", "prepend"]), draw.choice(FILTERS), chains]),
        (8, ["remove", draw.randrange(max(attached, 1))]),
    ]


def steps_of_kind(draw: random.Random, kind: str) -> list[tuple[int, Step]]:
    """What can be done with this kind only."""
    offset = draw.choice([0, 1, 2, 5, 20, 100, 9000])
    if kind == "pair":
        return [
            (20, ["send", make_text(draw)]),
            (1, ["end"]),
            (3, ["stream_set_blocking", draw.random() < 0.5]),
            (2, ["fseek", draw.choice([0, 1, 4]), 1]),
        ]
    return [
        (8, ["fseek", offset]),
        (6, ["fseek", draw.choice([0, 1, 3, 10, 100]), 1]),
        (3, ["fseek", draw.choice([0, -1, -2, -5]), 2]),
        (3, ["rewind"]),
        (2, ["ftruncate", draw.choice([0, 1, 5, 30, 200])]),
        (3, ["stream_get_contents", draw.choice([-1, 0, 1, 5, 50, 9000]), offset]),
    ]


def make_step(draw: random.Random, kind: str, attached: int) -> Step:
    """One call."""
    steps = steps_of_all(draw, attached) + steps_of_kind(draw, kind)
    return draw.choices([step for _, step in steps], [weight for weight, _ in steps])[0]


def make_program(draw: random.Random) -> Program:
    """Something to open, and steps."""
    kind = draw.choice(["file", "file", "file", "php://memory", "pair", "pair"])
    content = make_text(draw) * draw.choice([0, 1, 1, 2, 5, 60 if kind == "pair" else 500])
    if draw.random() < 0.1:
        content = base64.encodebytes(content)
    steps: list[Step] = []
    for _ in range(draw.randint(2, 25)):
        steps.append(make_step(draw, kind, sum(step[0] in ("append", "prepend") for step in steps)))
    end = steps.index(["end"]) if ["end"] in steps else len(steps)
    steps = steps[:end] + [step for step in steps[end:] if step[0] != "send"]
    if kind != "file":  # seeking before the beginning loses the position, and php dies at the next write
        steps = [step for step in steps if step[0] != "fseek" or step[1] >= 0]
    mode = draw.choice(["r", "r+", "r+", "w+", "a+", "c+"])
    chunk = draw.choice([8192, 8192, 100, 7]) if kind != "pair" else 8192
    if kind != "pair" and (chunk < 8192 or len(content) > 8000):
        # How far php reads ahead without a filter is its own business: there is one all the time.
        steps = [
            ["append", "odd.same", STREAM_FILTER_READ],
            *(step for step in steps if step != ["remove", 0]),
        ]
    return kind, mode, content, chunk, steps


def in_php(php: PhpCli, programs: list[Program], folder: Path) -> list[list[Any]]:
    """What each step gave in php."""
    (folder / "programs").write_bytes(phpserialize.dumps([list(program) for program in programs]))
    result = php.run(PHP, env={**os.environ, "FUZZ_FOLDER": str(folder)}, timeout=100)
    assert result.status == 0 and result.stdout.startswith(b"a:"), result.stdout[-500:] + result.stderr[-500:]
    return plain(result.value)  # type: ignore[no-any-return]


def plain(value: Any) -> Any:
    """PHP's arrays, all of them lists, as such."""
    return [plain(item) for item in value.values()] if isinstance(value, dict) else value


class Run:
    """A program that runs here."""

    def __init__(self, program: Program) -> None:
        self.kind, mode, content, self.chunk, self.steps = program
        Path("file").write_bytes(content)
        Path("other").write_bytes(content)
        self.told: list[bytes] = []
        self.filters: list[Any] = []
        self.far: Any = None
        if self.kind == "pair":
            pair: Any = php_streams.stream_socket_pair(
                php_streams.STREAM_PF_UNIX, php_streams.STREAM_SOCK_STREAM, 0
            )
            self.fp, self.far = pair
            php_streams.stream_set_timeout(self.fp, 0, 1000)
            php_streams.stream_set_blocking(self.far, False)
            php_streams.fwrite(self.far, content)
        else:
            self.fp = php_streams.fopen(self.kind, mode)
            if self.kind != "file":
                php_streams.fwrite(self.fp, content)
                php_streams.rewind(self.fp)
        php_streams.stream_set_chunk_size(self.fp, self.chunk)

    def came(self) -> bytes:
        """What is in the file, or has come to the other end."""
        if self.far:
            return php_streams.stream_get_contents(self.far) or b""
        return Path("file").read_bytes() if self.kind == "file" else b""

    def step(self, name: str, arguments: list[Any]) -> Any:
        """What one step gives."""
        if name in ("append", "prepend"):
            attach = getattr(php_streams, f"stream_filter_{name}")
            self.filters.append(attach(self.fp, *arguments))
            return self.filters[-1] is not False
        if name == "remove":
            one = self.filters[arguments[0]] if arguments[0] < len(self.filters) else False
            return php_streams.stream_filter_remove(one) if php_streams.is_resource(one) else None
        if name in ("copy to", "copy from"):
            other = php_streams.fopen("other", "w+" if name == "copy to" else "r")
            ends = (self.fp, other) if name == "copy to" else (other, self.fp)
            result = [php_streams.stream_copy_to_stream(*ends, *arguments), php_streams.ftell(other)]
            return [*result, Path("other").read_bytes()] if name == "copy to" else result
        if name == "send":
            return php_streams.fwrite(self.far, arguments[0])
        if name == "end":
            return php_streams.stream_socket_shutdown(self.far, php_streams.STREAM_SHUT_WR)
        return getattr(php_streams, name)(self.fp, *arguments)

    def states(self) -> Iterator[Any]:
        """The state after each step, and what is there at the end."""
        for name, *arguments in self.steps:
            self.told.clear()
            result = self.step(name, arguments)
            meta = php_streams.stream_get_meta_data(self.fp)
            came = self.came()
            unknown = self.kind == "php://memory" or self.chunk != 8192 or len(came) > 8000
            unread = 0 if unknown else meta["unread_bytes"]
            state = [result, php_streams.ftell(self.fp), meta.get("eof"), meta.get("timed_out"), unread]
            yield [*state, came, list(self.told)]
        php_streams.fclose(self.fp)
        yield self.came()


def in_python(program: Program) -> list[Any]:
    """What each step gives here."""
    run = Run(program)
    php_streams.set_error_handler(lambda level, text, file, line: run.told.append(text.encode()) or True)
    try:
        return list(run.states())
    finally:
        php_streams.restore_error_handler()


def test_filtered_streams_are_phps(php84: PhpCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same results, positions, states and contents for every random program."""
    draw = random.Random(SEED)
    programs = [make_program(draw) for _ in range(COUNT)]
    expected = in_php(php84, programs, tmp_path)
    monkeypatch.chdir(tmp_path)
    token = php_streams._filters.registered.set({"odd.*": Odd})
    differ = []
    try:
        for program, states in zip(programs, expected, strict=True):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = in_python(program)
            if difference := first_difference([*program[4], "at the end"], found, states):
                differ.append(f"{program[:4]}\n{difference}"[:6000])
    finally:
        php_streams._filters.registered.reset(token)
    assert not differ, shortest(differ, COUNT, SEED)

"""Users' wrappers against php-cli: random classes, whose methods may be missing, return odd things or throw.

Each program registers a class, does some things with it and notes, in order, which methods were called with
what, each diagnostic and each result.  An exception ends its program: what PHP says and calls while one is on
its way is the decision user-wrapper-exceptions.

The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one, PHP_STREAMS_FUZZ_PROGRAMS their number.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import phpserialize

import php_streams
from php_streams.porting.php_cli import PhpCli

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ_PROGRAMS", "1500"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20261129"))

Answer = list[Any]  # a kind ("value", "bytes", "object", "text", "throw") and what of it
Program = tuple[dict[str, list[Answer]], list[list[Any]]]  # what each method answers in turn, and the steps

PHP = Path(__file__).with_name("wrappers.php").read_text("utf-8").removeprefix("<?php")
METHODS = """
    stream_open stream_read stream_write stream_eof stream_close stream_flush stream_seek stream_tell
    stream_stat stream_lock stream_truncate stream_set_option stream_cast stream_metadata url_stat unlink
    rename mkdir rmdir dir_opendir dir_readdir dir_rewinddir dir_closedir
""".split()
STAT = {"dev": 1, "ino": 2, "mode": 0o100644, "nlink": 1, "uid": 7, "gid": 8, "size": 40, "atime": 5}
VALUES = [None, True, False, 0, 1, 3, -1, 20000, 2.7, "", "0", "7 of them", "text", [], ["size"]]
ODD: list[Answer] = [
    *(["value", value] for value in VALUES),
    ["value", {"size": "12 bytes", "mode": "33188", "uid": -1}],
    ["object", None],
    ["text", "of an object"],
    ["text", ""],
    ["throw", None],
]
USUAL: dict[str, list[Answer]] = {
    "stream_read": [["bytes", size] for size in (30, 8192, 8192, 9000, 0, 15)],
    "stream_write": [["value", size] for size in (3, 3, 8192, 10000, 1, 0)],
    "stream_eof": [["value", end] for end in (False, False, True)],
    "stream_tell": [["value", place] for place in (0, 5, 100)],
    "stream_stat": [["value", STAT]],
    "url_stat": [["value", STAT]],
    "dir_readdir": [["value", name] for name in ("one", "two", False)],
    "stream_cast": [["value", False]],
    "stream_truncate": [["value", True], ["value", False]],
    "stream_lock": [["value", True], ["value", False]],
}
LENGTHS = [1, 2, 5, 20, 100, 8192, 9000, 20000]
PLACES = [0, 1, 3, 10, 50, 10000]
DATA = ["", "a", "abc", "some text\n", "x" * 8192, "y" * 20000]
# What is called, and the values that each argument may have.
STEPS: list[list[Any]] = [
    *(["fread", LENGTHS], ["fread", LENGTHS], ["fgets"], ["fgets", LENGTHS], ["fgetc"], ["feof"], ["feof"]),
    *(["ftell"], ["fwrite", DATA], ["fwrite", DATA], ["rewind"], ["fflush"], ["fstat"]),
    *(["fseek", PLACES], ["fseek", [0, 1, -1, 5, 10000], [1]], ["fseek", [0, -1, 5], [2]]),
    *(["flock", [1, 2, 3, 6]], ["ftruncate", PLACES], ["stream_supports_lock"], ["stream_isatty"], ["meta"]),
    *(["stream_set_blocking", [True, False]], ["stream_set_timeout", [3], [70]]),
    *(["stream_set_write_buffer", [0, 100]], ["stream_set_chunk_size", [1, 5, 100, 8192]]),
    *(["stream_get_line", LENGTHS, ["\n"]], ["stream_get_contents", LENGTHS]),
    *(["stream_filter_append"], ["stream_filter_remove"], ["fed", LENGTHS], ["copied", LENGTHS]),
    *(["fclose"], ["drop"], ["opendir"], ["readdir"], ["readdir"], ["rewinddir"], ["closedir"]),
    *(["stat"], ["lstat"], ["rename"], ["url", ["touch"], [5], [6]], ["url", ["chmod"], [0o640]]),
    *(["url", ["mkdir"], [0o700], [True]], ["url", ["file_put_contents"], DATA]),
    *(["url", [name]] for name in "file_exists is_file is_dir filesize fileperms filemtime touch".split()),
    *(["url", [name]] for name in "is_readable is_writable unlink mkdir rmdir scandir file".split()),
    ["url", ["file_get_contents"]],
]


def make_answers(draw: random.Random) -> dict[str, list[Answer]]:
    """What each method answers; some are missing."""
    answers = {}
    for method in METHODS:
        if draw.random() < 0.04:
            continue
        usual = USUAL.get(method, [["value", True]])
        odd = draw.choice([0.0, 0.05, 0.3])
        # PHP's scandir does not end when dir_readdir gives no string; what closes in silence throws nothing.
        tame = method in ("dir_readdir", "stream_close", "stream_flush", "dir_closedir")
        wrong = [one for one in ODD if one[0] == "value" or not tame]
        kinds = [wrong if draw.random() < odd else usual for _ in range(draw.randint(1, 5))]
        answers[method] = [draw.choice(kind) for kind in kinds]
    return answers


def make_step(draw: random.Random) -> list[Any]:
    """One call on the stream, the folder or the name."""
    name, *arguments = draw.choice(STEPS)
    return [name, *map(draw.choice, arguments)]


def make_program(draw: random.Random) -> Program:
    """A class, and what is done with it."""
    steps = [["fopen", draw.choice(["r", "r+", "w", "w+", "a", "a+"])]]
    steps += [make_step(draw) for _ in range(draw.randint(1, 12))]
    return make_answers(draw), steps


class Text:
    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


class stdClass:
    pass


class DomainException(Exception):
    pass


def shown(value: Any) -> str:
    """A value, as a log shows it."""
    if isinstance(value, (str, bytes)):
        data = value if isinstance(value, bytes) else value.encode()
        if len(data) > 60:
            return f"{len(data)} bytes {hashlib.md5(data).hexdigest()}"
        return "'" + data.decode("latin-1") + "'"
    if isinstance(value, (list, tuple, dict)):
        return "[" + " ".join(map(shown, value.values() if isinstance(value, dict) else value)) + "]"
    return json.dumps(value) if value is None or isinstance(value, (bool, int, float)) else "resource"


class Run:
    """One program in Python."""

    def __init__(self, answers: dict[str, list[Answer]], url: str) -> None:
        self.answers, self.url = answers, url
        self.log: list[str] = []
        self.turns = dict.fromkeys(answers, 0)
        self.fp: Any = None
        self.dir: Any = None
        self.one: Any = None

    def method(self, name: str) -> Callable[..., Any]:
        """A method of the class."""

        def answer(_: object, *arguments: Any) -> Any:
            self.log.append(f"  {name} {' '.join(map(shown, arguments))}".rstrip())
            if self.turns[name] > 30:  # no program is endless
                return {"stream_read": "", "stream_eof": True}.get(name, False)
            kind, value = self.answers[name][self.turns[name] % len(self.answers[name])]
            self.turns[name] += 1
            if kind == "bytes":
                return (b"a line of text\nand more " * (value // 20 + 1))[:value]
            if kind == "throw":
                raise DomainException(name)
            return stdClass() if kind == "object" else Text(value) if kind == "text" else value

        return answer

    def act(self, name: str, arguments: list[Any]) -> Any:
        """One step."""
        own = getattr(self, f"act_{name}", None)
        if own is not None:
            return own(*arguments)
        result = getattr(php_streams, name)(
            self.one if name == "stream_filter_remove" else self.fp, *arguments
        )
        return result[0] if name == "flock" else result

    def act_fopen(self, mode: str) -> bool:
        self.fp = None
        self.fp = php_streams.fopen(self.url, mode)
        return bool(self.fp)

    def act_opendir(self) -> bool:
        self.dir = None
        self.dir = php_streams.opendir(self.url)
        return bool(self.dir)

    def act_readdir(self) -> Any:
        return (
            php_streams.readdir(self.dir) if self.dir else None
        )  # without one the last that was opened counts

    def act_rewinddir(self) -> None:
        return php_streams.rewinddir(self.dir) if self.dir else None

    def act_closedir(self) -> None:
        return php_streams.closedir(self.dir) if self.dir else None

    def act_stream_filter_append(self) -> bool:
        write = php_streams.STREAM_FILTER_WRITE
        self.one = php_streams.stream_filter_append(self.fp, "string.toupper", write)
        return bool(self.one)

    def act_fed(self, length: int) -> Any:
        return php_streams.stream_copy_to_stream(php_streams.fopen("data:," + "d" * length, "r"), self.fp)

    def act_copied(self, length: int) -> Any:
        target = php_streams.fopen("php://memory", "w+")
        return [php_streams.stream_copy_to_stream(self.fp, target, length), php_streams.ftell(target)]

    def act_meta(self) -> Any:
        meta = php_streams.stream_get_meta_data(self.fp)
        return [meta["eof"], meta["unread_bytes"], meta["seekable"]]

    def act_drop(self) -> None:
        self.fp = self.dir = self.one = None

    def act_fstat(self, function: Any = php_streams.fstat) -> Any:
        status = function(self.fp if function is php_streams.fstat else self.url)
        return list(status.values())[:13] if status else status

    def act_stat(self) -> Any:
        return self.act_fstat(php_streams.stat)

    def act_lstat(self) -> Any:
        return self.act_fstat(php_streams.lstat)

    def act_rename(self) -> bool:
        return php_streams.rename(self.url, self.url + "b")

    def act_url(self, name: str, *arguments: Any) -> Any:
        return getattr(php_streams, name)(self.url, *arguments)

    def run(self, steps: list[list[Any]]) -> list[str]:
        """The log of them all."""
        log = self.log
        try:
            for name, *arguments in steps:
                log.append(f"{name} {' '.join(map(shown, arguments))}".rstrip())
                log.append("= " + shown(self.act(name, list(arguments))))
        except Exception as error:
            return [*log, f"{type(error).__name__} {error}"]
        finally:
            self.log, self.answers = [], {name: [["value", False]] for name in self.answers}
        return log


def in_python(number: int, program: Program) -> list[str]:
    """The log of one program here."""
    answers, steps = program
    run = Run(answers, f"fuzz{number}://a")
    class_ = type(f"Fuzz{number}", (), {name: run.method(name) for name in answers})
    php_streams.stream_wrapper_register(f"fuzz{number}", class_)
    php_streams.set_error_handler(lambda level, message: run.log.append(f"! {message}"))
    try:
        return run.run(steps)
    finally:
        run.fp = run.dir = run.one = None
        php_streams.restore_error_handler()
        php_streams.stream_wrapper_unregister(f"fuzz{number}")


def in_php(php: PhpCli, programs: list[Program], folder: Path) -> list[list[str]]:
    """Their logs in php."""
    file = folder / "programs"
    file.write_bytes(phpserialize.dumps([list(program) for program in programs]))
    env = {**os.environ, "FUZZ_PROGRAMS": str(file)}
    result = php.run(PHP, ini={"memory_limit": "1G"}, env=env, timeout=50)
    assert result.status == 0 and result.stdout.startswith(b"a:"), result.stdout[-500:] + result.stderr[-500:]
    return [[line.decode("latin-1") for line in log.values()] for log in result.value.values()]


def plain(log: list[str]) -> list[str]:
    """A log without what differs by chance (the errno of scandir) or by rule (PHP's Error is a TypeError)."""
    log = [re.sub(r"\(errno \d+\).*", "", line) for line in log]
    return [re.sub("^TypeError Object of", "Error Object of", line) for line in log]


def difference(found: list[str], wanted: list[str]) -> list[str]:
    """The lines that differ.  Of the step that an exception ended only the exception counts.

    One from a read may come a step later here: what had come before it is handed out first.
    """
    thrown = re.match(r"DomainException (\w+)|Error Object of", wanted[-1])
    if thrown:
        last = max(number for number, line in enumerate(wanted) if line[0] not in " !=DE")
        cut = wanted[: last + 1]
        late = thrown[1] in ("stream_read", "stream_eof", None)
        found = found[: last + 1] if late else [*found[: last + 1], found[-1]]
        wanted = cut if late else [*cut, wanted[-1]]
    return list(difflib.unified_diff(wanted, found, "php", "python", lineterm="", n=4))


def test_every_call_is_phps(php84: PhpCli, tmp_path: Path) -> None:
    """The same calls with the same arguments, the same diagnostics, results and errors, for every program."""
    draw = random.Random(SEED)
    programs = [make_program(draw) for _ in range(COUNT)]
    differ = []
    for number, expected in enumerate(in_php(php84, programs, tmp_path)):
        lines = difference(plain(in_python(number, programs[number])), plain(expected))
        if lines:
            differ.append(f"{programs[number]}\n" + "\n".join(lines))
    assert not differ, f"{len(differ)} of {COUNT} programs differ (seed {SEED})\n" + "\n\n".join(differ[:3])

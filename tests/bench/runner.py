"""Runs the rows: peers, scripts, pinning, paired rounds, and the check that everybody did the same work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any

from .inputs import KINDS
from .rows import HERE, Row

HOST = "127.0.0.1"
PROCESSES = 3  # of which a "process" sample is the mean
PATIENCE = 120  # seconds for one sample


class Failure(Exception):
    """A column could not be measured in a row; the text says why."""


@dataclass(frozen=True)
class Column:
    """One of the three: how to start it, where its workloads are."""

    name: str
    folder: str
    suffix: str
    command: list[str]
    env: dict[str, str]

    def script(self, row: Row) -> Path:
        """The file of a row's workload."""
        return HERE / self.folder / (row.file + self.suffix)

    def child(self) -> list[str]:
        """The command that runs a workload."""
        return [*self.command, str(HERE / ("child" + self.suffix))]


@dataclass
class Result:
    """What was measured in one row: per column the value of each round (ns or KiB per operation)."""

    row: Row
    values: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    work: dict[str, Any] = field(default_factory=dict)

    def ratios(self, column: str, base: str) -> list[float]:
        """Paired: each round's value relative to the base's in the same round."""
        pairs = zip(self.values.get(column, []), self.values.get(base, []), strict=False)
        return [ours / theirs for ours, theirs in pairs if theirs > 0]

    def median(self, column: str) -> float | None:
        """The median of a column's values."""
        values = self.values.get(column)
        return median(values) if values else None


def php_column(php: str) -> Column:
    """The php column: the real binary behind a wrapper script, with the same settings."""
    show = "echo json_encode([PHP_BINARY, dirname((string) php_ini_loaded_file()), PHP_VERSION]);"
    binary, ini, version = json.loads(subprocess.check_output([php, "-r", show], text=True))
    command = [binary, "-d", "memory_limit=-1", "-d", "display_errors=stderr", "-d", "error_reporting=-1"]
    name = "php " + ".".join(version.split(".")[:2])
    return Column(name, "php", ".php", command, {"PHPRC": ini} if ini else {})


def python_columns(compiled: Path) -> list[Column]:
    """The two Python columns; they differ in what the workloads import.

    Bytecode is kept in `compiled`, as it is for an installed package, whatever the environment says.
    """
    columns = []
    for name, folder in ("stdlib", "stdlib"), ("php_streams", "workloads"):
        path = os.pathsep.join([str(HERE / folder), str(HERE.parent.parent)])
        env = {"PYTHONPATH": path, "PYTHONPYCACHEPREFIX": str(compiled), "PYTHONDONTWRITEBYTECODE": ""}
        columns.append(Column(name, folder, ".py", [sys.executable], env))
    return columns


def find_php() -> str | None:
    """The php-cli that decides: 8.4 of the project's cache, else one on the path."""
    cache = os.environ.get("PHP_STREAMS_PHP")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cached = (Path(cache) if cache else Path(base, "php-streams", "php")) / "bin" / "php8.4"
    return str(cached) if cached.exists() else shutil.which("php8.4") or shutil.which("php")


def cpus() -> list[int]:
    """The CPUs there are to pin to; empty where pinning is not offered."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@contextmanager
def pinned(row: Row, side: int) -> Iterator[None]:
    """Processes started inside run on the CPU of the script (side 0) or of the peer (side 1)."""
    every = cpus()
    if not every:
        yield
        return
    os.sched_setaffinity(0, {every[side if row.cpus == 2 and len(every) > 1 else 0]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, every)


class Peer:
    """The other end of one row, a process of its own."""

    def __init__(self, row: Row, certs: dict[str, str]) -> None:
        """Start it and learn its port."""
        command = [sys.executable, str(HERE / "peer.py"), row.peer]
        command += ["--tls", row.tls, "--cert", certs["server"]] if row.tls else []
        command += ["--quickack"] if row.quickack else []
        with pinned(row, 1):
            self.process = subprocess.Popen(
                command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1
            )
        assert self.process.stdin and self.process.stdout
        self.ask, self.answer = self.process.stdin, self.process.stdout
        self.port = int(self.answer.readline())

    def report(self) -> dict[str, Any]:
        """What it was sent since the last report."""
        self.ask.write("report\n")
        return dict(json.loads(self.answer.readline()))

    def close(self) -> None:
        """End it."""
        self.ask.close()
        self.answer.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run(row: Row, column: Column, command: list[str]) -> str:
    """Run a command of a column, pinned as the row says; its output."""
    with pinned(row, 0):
        process = subprocess.Popen(
            command,
            text=True,
            env=os.environ | column.env,
            cwd=HERE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failure(f"not done after {PATIENCE} s") from None
    if process.returncode or errors:
        raise Failure((errors or f"exit status {process.returncode}").strip().splitlines()[-1])
    return output


@contextmanager
def given_files(row: Row, n: int) -> Iterator[list[str]]:
    """The file that a row reads, with n lines, MiB or blocks in it, and the name of one that it may write."""
    if not row.input:
        yield []
        return
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "input")
        with source.open("wb") as file:
            file.writelines(KINDS[row.input](n))
        yield [str(source), str(Path(folder, "output"))]


def sample(  # long: what one measurement depends on
    row: Row, column: Column, peer: Peer | None, cafile: str, measure: str, n: int, files: list[str]
) -> tuple[float, Any]:
    """One measurement: the value per operation, and the evidence of script and peer."""
    if not peer and not files:
        command = [*column.command, str(column.script(row))]
    else:
        port = peer.port if peer else 0
        arguments = [measure, row.warm, n, HOST, port, cafile if row.tls else "", *row.args, *files]
        command = [*column.child(), str(column.script(row)), *map(str, arguments)]
    if measure == "process":
        times = []
        for _ in range(PROCESSES):
            start = time.perf_counter_ns()
            run(row, column, command)
            times.append(time.perf_counter_ns() - start)
        return mean(times), peer and peer.report()
    outcome = json.loads(run(row, column, command))
    return outcome["value"], [outcome["work"], peer and peer.report()]


def same_work(result: Result, column: str, kind: str, work: Any) -> None:
    """Fail when a column's evidence differs from what the first column did."""
    expected = result.work.setdefault(kind, work)
    if expected != work:
        raise Failure(f"did other work ({kind}): {json.dumps(work)} instead of {json.dumps(expected)}")


def measure_row(  # long: the rounds share what an attempt changes
    row: Row, columns: list[Column], certs: dict[str, str], rounds: int, scale: int
) -> Result:
    """All rounds of one row; within a round the columns follow each other, each time another one first."""
    result = Result(row)
    n = max(1, row.n // scale)
    peer = Peer(row, certs) if row.peer else None
    active = [column for column in columns if getattr(row, column.folder, True)]
    given = given_files(row, n)
    files = given.__enter__()

    def attempt(column: Column, kind: str, n: int) -> float | None:
        try:
            value, work = sample(row, column, peer, certs["ca"], kind, n, files)
            same_work(result, column.name, kind, work)
        except Failure as failure:
            result.failures[column.name] = str(failure)
            result.values.pop(column.name, None)
            active.remove(column)
            if peer:
                peer.report()
            return None
        return value

    try:
        if "proof(" in active[0].script(row).read_text():
            for column in list(active):
                attempt(column, "proof", max(1, n // 10))
        if not row.warm or row.measure == "process":
            for column in list(active):
                attempt(column, row.measure, n)  # the first one compiles and fills the disk's cache
        for round_ in range(min(rounds, row.rounds)):
            shift = round_ % max(1, len(active))
            for column in active[shift:] + active[:shift]:
                value = attempt(column, row.measure, n)
                if value is not None:
                    result.values.setdefault(column.name, []).append(value)
    finally:
        given.__exit__(None, None, None)
        if peer:
            peer.close()
    return result

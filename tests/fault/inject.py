"""An exception at any line of php_streams, and what is left of it: `python -m tests.fault.inject --help`.

A scenario (inject_scenarios.py) runs once under a tracer that counts the lines which the package runs.  Then
it runs again and again, and each time the tracer raises at another line, as a signal's handler or
KeyboardInterrupt may.  The exception has to arrive at the scenario, also one that the system raises, too:
nothing may take it for a call's failure, or go on without it.  When it was handled, and what its frames held
is gone, no descriptor, thread or child process may be left that was not there before, and nothing may hang.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import opcode
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import php_streams
from php_streams._core import signals
from php_streams._transports.connect import POOL
from php_streams.directory import _last
from tests.descriptors import open_descriptors
from tests.fault.inject_scenarios import SCENARIOS, Ports, Scenario
from tests.places import ROOT
from tests.tracing import traced

PACKAGE = str(Path(php_streams.__file__).parent) + os.sep
PORTING = PACKAGE + "porting"
# A line that begins with it (pass, or return of a constant, in an except clause) is counted, and spared: an
# exception before it leaves the one that is being handled, with its frames, in the thread's state.  CPython
# looks for signals at calls and at jumps back, never there, so that only a tracer can raise at it.
POP_EXCEPT = opcode.opmap["POP_EXCEPT"]
HANGS_AFTER = 5.0  # seconds
CHILD_ENDS_WITHIN = 1.0


class Injected(BaseException):
    """What is raised at a line."""


# What is raised: each line gets one of them, by the seed.
KINDS: dict[str, type[BaseException]] = {
    kind.__name__: kind
    for kind in (Injected, TimeoutError, ConnectionResetError, BlockingIOError, InterruptedError)
}


class Hangs(BaseException):
    """A scenario that does not end."""


class Tracer:
    """Counts the lines that the package runs, and raises at one of them."""

    def __init__(self, at: int = 0, kind: type[BaseException] = Injected) -> None:
        self.at = at
        self.kind = kind
        self.error: BaseException | None = None
        self.arrived = False
        self.count = 0
        self.place = ""
        self.process = os.getpid()

    def calls(self, frame: FrameType, event: str, argument: Any) -> Any:
        """The tracer of a new frame: ours, for the package's code."""
        file = frame.f_code.co_filename
        return self.lines if file.startswith(PACKAGE) and not file.startswith(PORTING) else None

    def lines(self, frame: FrameType, event: str, argument: Any) -> Any:
        """At each line."""
        if event == "line" and os.getpid() == self.process:  # not behind a fork
            self.count += 1
            if self.count == self.at and frame.f_code.co_code[frame.f_lasti] != POP_EXCEPT:
                code = frame.f_code
                self.place = f"{code.co_filename[len(PACKAGE) :]}:{frame.f_lineno} {code.co_qualname}"
                self.error = self.kind("injected")
                raise self.error
        return self.lines

    def hear(self, told: Any) -> None:
        """sys.unraisablehook: a destructor cannot raise, and Python tells of it."""
        self.arrived = self.arrived or told.exc_value is self.error


class Left(NamedTuple):
    """What there is of this process."""

    descriptors: dict[int, str]
    threads: int
    children: list[str]


def children() -> list[str]:
    """The child processes, those that ended and were not waited for, too."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()


def left() -> Left:
    """What there is now."""
    gc.collect()
    return Left(open_descriptors(), threading.active_count(), children())


def settled(before: Left) -> Left:
    """What there is as soon as it is no more than before, or when a child has had its time to end."""
    end = time.monotonic() + CHILD_ENDS_WITHIN
    now = left()
    while set(now.children) - set(before.children) and time.monotonic() < end:
        time.sleep(0.01)
        reap(before)
        now = left()
    return now


def reap(before: Left) -> None:
    """The next program that php_streams starts clears away what has ended; here that is now."""
    from php_streams._core import process

    getattr(process, "reap", lambda: None)()


def run(scenario: Scenario, ports: Ports, tracer: Tracer) -> int:
    """One run; how many lines were run."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signal.setitimer(signal.ITIMER_REAL, HANGS_AFTER)
        before, sys.unraisablehook = sys.unraisablehook, tracer.hear
        try:
            with traced(tracer.calls):
                scenario(ports, folder)
        except BaseException as error:
            if error is not tracer.error:
                raise
            tracer.arrived = True
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            sys.unraisablehook = before
    for stream in POOL.streams.values():
        stream.close()
    POOL.streams.clear()
    _last.set(None)  # the folder that readdir() without a handle reads
    return tracer.count


def hang(number: int, frame: FrameType | None) -> None:
    """SIGALRM: too long."""
    raise Hangs


def explore(
    name: str, ports: Ports, share: float, seed: str, only: int = 0, error: str | None = None
) -> dict[str, Any]:
    """All lines of one scenario, or a share of them; what was left of each.

    error: what is raised, by its name in KINDS; None for any of them.
    """
    scenario = SCENARIOS[name]
    signals.pipe()  # opened once for the process, at the first wait
    for _ in range(2):  # modules and caches
        lines = run(scenario, ports, Tracer())
    numbers = list(range(1, lines + 1))
    if only:
        numbers = [only]
    elif share < 1:
        numbers = random.Random(f"{seed} {name}").sample(numbers, max(1, int(lines * share)))
    faults = []
    for number in numbers:
        kind = error or random.Random(f"{seed} {name} {number}").choice(list(KINDS))
        faults += faults_of(scenario, ports, number, kind)
    return {"lines": lines, "runs": len(numbers), "faults": faults}


def faults_of(scenario: Scenario, ports: Ports, number: int, kind: str) -> list[dict[str, Any]]:
    """What is left of one run, if anything."""
    before = left()
    what: list[str] = []
    tracer = Tracer(number, KINDS[kind])
    try:
        run(scenario, ports, tracer)
    except Hangs:
        what.append("hangs")
    except Exception as error:  # the exception came out as another one
        what.append(f"became {error!r}")
    else:
        what += ["swallowed"] * (tracer.error is not None and not tracer.arrived)
    tracer.error = None
    after = settled(before)
    open_still = set(after.descriptors) - set(before.descriptors)
    what += [f"descriptor {fd} {after.descriptors[fd]}" for fd in sorted(open_still)]
    what += ["thread"] * (after.threads - before.threads)
    what += [f"child {pid}" for pid in sorted(set(after.children) - set(before.children))]
    for fd in open_still:
        with contextlib.suppress(OSError):
            os.close(fd)
    return [{"at": number, "error": kind, "place": tracer.place, "left": what}] if what else []


@contextlib.contextmanager
def peers() -> Iterator[Ports]:
    """The servers' ports."""
    command = [sys.executable, "-m", "tests.fault.inject_peer"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as server:
        assert server.stdout is not None and server.stdin is not None
        yield json.loads(server.stdout.readline())
        server.stdin.close()


def main() -> None:
    """Prints one JSON object a line: a scenario, its lines, runs and faults."""
    parser = argparse.ArgumentParser(description="Exceptions at every line of php_streams")
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS))
    parser.add_argument("--share", type=float, default=1.0, help="of the lines, 0 to 1 (default: all)")
    parser.add_argument("--seed", default="0", help="which lines a share takes")
    parser.add_argument("--error", choices=list(KINDS), help="what is raised (default: one of all)")
    parser.add_argument("--at", type=int, default=0, help="this line only")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, hang)
    with peers() as ports:
        gc.collect()
        gc.freeze()
        for name in options.scenarios:
            found = explore(name, ports, options.share, options.seed, options.at, options.error)
            print(json.dumps({"scenario": name, **found}), flush=True)


if __name__ == "__main__":
    main()

"""Programs: nothing is left of them, and nothing of ours gets into them."""

from __future__ import annotations

import contextlib
import gc
import os
import re
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import php_streams
from php_streams import (
    fgets,
    fwrite,
    pclose,
    popen,
    proc_close,
    proc_get_status,
    proc_open,
    proc_terminate,
    shell_exec,
    silence,
    stream_get_contents,
    stream_socket_pair,
    system,
)
from php_streams.constants import STREAM_PF_UNIX, STREAM_SOCK_STREAM


def descriptors() -> set[str]:
    """Those of this process."""
    return set(os.listdir("/proc/self/fd"))


def children() -> list[str]:
    """The pids of this process's children, the dead ones that nobody has waited for included."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No descriptor and no zombie."""
    gc.collect()
    before, family = descriptors(), children()
    yield
    gc.collect()
    assert descriptors() == before
    assert children() == family


def test_a_program_has_its_own_descriptors_only() -> None:
    near, far = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0) or (None, None)
    with open(os.devnull) as file:
        os.set_inheritable(file.fileno(), False)
        assert shell_exec("ls /proc/self/fd | wc -l") == b"4\n"  # 0, 1, 2 and the folder that ls reads
    # The other end sees the end while the program runs.
    process, _ = proc_open("sleep 5", [])
    assert near is not None and far is not None
    near.close()
    assert fgets(far) is False and far.raw.eof
    proc_terminate(process)
    proc_close(process)


@pytest.mark.parametrize(
    "spec",
    [
        [["pipe", "r"], ["pipe", "w"], ["nothing"]],
        [["pipe", "r"], ["file", "/no/such/file", "r"]],
        [["pty"], ["socket"], ["redirect", 9]],
        {0: ["pipe", "r"], -1: ["pipe", "w"]},
    ],
)
def test_what_was_opened_for_a_program_that_is_not_started_is_closed(spec: object) -> None:
    with silence():
        assert proc_open("true", spec) == (False, {})  # type: ignore[arg-type]


def test_a_program_that_cannot_be_started_leaves_nothing() -> None:
    with silence():
        assert popen("true " + "x" * 200_000, "r") is False
        assert proc_open(["/no/such/program"], [["pipe", "r"]]) == (False, {})


def test_programs_that_nobody_closes_are_cleared_away() -> None:
    popen("cat > /dev/null", "w")
    process, pipes = proc_open("cat", [["pipe", "r"]])
    proc_terminate(process, signal.SIGKILL)
    while proc_get_status(process)["running"]:
        pass
    del process, pipes


@pytest.mark.skipif(
    sys.platform != "linux", reason="waits for a status that SIG_IGN throws away, as Linux does"
)
def test_with_sigchld_ignored_nobody_knows_the_status() -> None:
    old = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        fp = popen("exit 3", "r")
        assert pclose(fp) == -1
        assert system("exit 3") == (b"", -1)
        process, _ = proc_open("exit 3", [])
        assert proc_close(process) == -1
    finally:
        signal.signal(signal.SIGCHLD, old)


def test_a_handler_of_sigchld_is_called_and_the_status_is_there() -> None:
    calls = []
    old = signal.signal(signal.SIGCHLD, lambda number, frame: calls.append(number))
    try:
        fp = popen("sleep 0.1; echo line; exit 4", "r")
        assert (fgets(fp), pclose(fp)) == (b"line\n", 4)
    finally:
        signal.signal(signal.SIGCHLD, old)
    assert calls == [signal.SIGCHLD]


def test_a_handler_that_raises_while_a_program_is_waited_for_loses_nothing() -> None:
    def handler(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    old = signal.signal(signal.SIGALRM, handler)
    process, _ = proc_open(["sleep", "5"], [])
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            proc_close(process)
        assert proc_get_status(process)["running"]
        assert proc_terminate(process)
        assert proc_close(process) == signal.SIGTERM
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_a_child_does_not_wait_for_the_programs_of_its_parent() -> None:
    process, pipes = proc_open("cat", [["pipe", "r"], ["pipe", "w"]])
    child = os.fork()
    if not child:
        os._exit(0 if proc_close(process) == -1 else 1)
    assert os.waitpid(child, 0)[1] == 0  # it has no such child of its own
    fwrite(pipes[0], "still there\n")
    assert fgets(pipes[1]) == b"still there\n"
    pipes[0].close()
    assert stream_get_contents(pipes[1]) == b""
    assert proc_close(process) == 0


REFUSALS = {  # as php 8.4 says it
    "pipe": "Unable to create pipe ",
    "socket": "Unable to create socket pair: ",
    "pty": "Could not open PTY (pseudoterminal): ",
    "null": "Failed to open /dev/null: ",
}


def test_no_descriptor_left() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, descriptors())) + 5, hard))
    taken = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        with silence():
            assert popen("true", "r") is False
            assert shell_exec("true") is False
            assert php_streams.exec("true") == (False, [], -1)
        for kind, words in REFUSALS.items():
            with pytest.warns(
                php_streams.PhpWarning, match=re.escape(f"proc_open(): {words}Too many open files")
            ):
                assert proc_open("true", [[kind, "r"]]) == (False, {})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)

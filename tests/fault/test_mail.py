"""mail() where its program cannot be started, or ends before it has read the letter."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import php_streams as php
from tests.descriptors import only_where_listed, open_descriptors

pytestmark = only_where_listed


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Nothing can be opened while the block runs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = [os.open(os.devnull, os.O_RDONLY)]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(held) + 8, hard))
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in held:
            os.close(descriptor)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[str]:
    """sendmail_path, a program that takes any letter."""
    path = f"cat > {tmp_path}/sent"
    php.ini_set("sendmail_path", path)
    yield path
    php.ini_restore("sendmail_path")


def test_without_descriptors_mail_says_that_it_could_not_start_the_program(program: str) -> None:
    assert php.mail("a@b.c", "s", "m") is True  # all that mail imports is imported now
    before = open_descriptors()
    with no_descriptor_left(), pytest.warns(php.PhpWarning) as warned:
        sent = php.mail("a@b.c", "s", "m")
    assert sent is False
    assert [str(warning.message) for warning in warned] == [
        f"mail(): Could not execute mail delivery program '{program}'"
    ]
    assert open_descriptors() == before


def children() -> set[str]:
    """The processes of this one: other tests may have left some that have not ended."""
    return set("".join(path.read_text() for path in Path("/proc/self/task").glob("*/children")).split())


def test_an_interrupt_while_the_program_reads_is_told_at_once(tmp_path: Path) -> None:
    """Nothing stays open; the program runs on, and is cleared away by the next start after its end."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    php.ini_set("sendmail_path", "sleep 0.6")
    before, old = (open_descriptors(), children()), signal.signal(signal.SIGALRM, interrupt)
    start = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            php.mail("a@b.c", "s", "x" * 1_000_000)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
        php.ini_restore("sendmail_path")
    assert time.monotonic() - start < 0.5
    assert open_descriptors() == before[0]
    for pid in children() - before[1]:
        os.waitid(os.P_PID, int(pid), os.WEXITED | os.WNOWAIT)
    php.exec("true")
    assert children() <= before[1]

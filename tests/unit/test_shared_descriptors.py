"""What programs and other streams see of a descriptor that they share with a stream of ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from php_streams import (
    fopen,
    fwrite,
    ini_set,
    proc_close,
    proc_open,
    shell_exec,
    stream_get_contents,
    stream_socket_pair,
)
from php_streams.constants import STREAM_PF_UNIX, STREAM_SOCK_STREAM

NUMBERS = "".join(f"{number}\n" for number in range(5000))


def run(code: str, folder: Path) -> str:
    """What a script with the numbers as its standard input prints."""
    (folder / "in").write_text(NUMBERS)
    script = "from php_streams import *\nimport sys\n" + code
    with (folder / "in").open() as file:
        done = subprocess.run(
            [sys.executable, "-c", script], stdin=file, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("opened", ["STDIN", "fopen('php://stdin', 'r')", "fopen('php://fd/0', 'r')"])
def test_standard_input_is_read_ahead_by_a_chunk(opened: str, tmp_path: Path) -> None:
    """A program that inherits it begins 8 KiB after the beginning, as one that PHP starts."""
    code = f"fp = {opened}\nfgets(fp)\npassthru('head -c 11')\nprint(ftell(fp))"
    assert run(code, tmp_path) == NUMBERS[8192:8203] + "2\n"


def test_a_program_that_is_given_standard_input_goes_on_where_the_user_is(tmp_path: Path) -> None:
    """The descriptor goes back to the end of the line that was read."""
    code = "fgets(STDIN)\np, _ = proc_open('head -c 6', [STDIN])\nproc_close(p)"
    assert run(code, tmp_path) == "1\n2\n3\n"


def test_standard_input_that_was_closed_cannot_be_opened(tmp_path: Path) -> None:
    """PHP does not say why."""
    code = """
set_error_handler(lambda level, message: print(message))
fclose(STDIN)
print(fopen('php://stdin', 'r'), fopen('php://fd/0', 'r'))
"""
    assert run(code, tmp_path).splitlines() == [
        "fopen(php://stdin): Failed to open stream: operation failed",
        "fopen(php://fd/0): Failed to open stream: Error duping file descriptor 0; possibly it doesn't exist:"
        " [9]: Bad file descriptor",
        "False False",
    ]


def test_programs_inherit_what_they_are_told_to(tmp_path: Path) -> None:
    """By the setting, programs have PHP's descriptors: not what is opened with e, nor the ends of pipes."""
    file = fopen(str(tmp_path / "kept"), "w")
    private = fopen(str(tmp_path / "private"), "we")
    sockets = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0)
    process, pipes = proc_open("cat", [["pipe", "r"], ["pipe", "w"]])
    fwrite(file, "from here ")
    seen = "for one in /proc/self/fd/*; do readlink $one; done"
    before = shell_exec(seen)
    ini_set("php_streams.inherit_descriptors", "1")
    try:
        after = shell_exec(seen)
        told, ends = proc_open(f"echo and there >>/proc/self/fd/{file.fileno()}", [["pipe", "r"]])
        proc_close(told)
    finally:
        ini_set("php_streams.inherit_descriptors", "0")
    assert before and b"/kept" not in before and b"socket:" not in before
    assert after and b"/kept" in after and after.count(b"socket:") == 2
    assert b"/private" not in after and after.count(b"pipe:") == before.count(b"pipe:")
    assert (tmp_path / "kept").read_text() == "from here and there\n"
    for stream in (*pipes.values(), *ends.values(), private, *(sockets or ())):
        stream.close()
    proc_close(process)
    assert stream_get_contents(fopen(str(tmp_path / "kept"), "r")) == b"from here and there\n"

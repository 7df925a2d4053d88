"""The descriptor that is kept for an import: taken once, given back in need, and missed without harm."""

from __future__ import annotations

import pytest

from tests.programs import run_code

START = """
import os, resource, sys
import php_streams
from php_streams._core.spare import SPARE
most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (40, most[1]))

def take_all():
    held = []
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return held

def is_its_own():
    return SPARE.fd > 2 and os.fstat(SPARE.fd).st_ino == SPARE.inode
"""
END = """
resource.setrlimit(resource.RLIMIT_NOFILE, most)  # what ends the interpreter may need one: coverage does
"""
PROGRAMS = {
    "taken twice": """
first = SPARE.fd
with SPARE:
    assert SPARE.fd == -1
    SPARE.take()
    first = SPARE.fd
assert SPARE.fd == first and is_its_own()
""",
    "not to be had": """
held = take_all()
with SPARE:
    held += take_all()
assert SPARE.fd == -1 and not SPARE.give_back()
os.close(held.pop())
SPARE.take()
assert is_its_own()
""",
    "closed by the program": """
os.close(SPARE.fd)
assert not SPARE.give_back()
SPARE.take()
assert is_its_own()
""",
    "another file in its place": """
path = os.open(os.devnull, os.O_RDONLY)
os.dup2(path, SPARE.fd)
number = SPARE.fd
assert not SPARE.give_back()
os.fstat(number)
""",
    "closed by the program, and none is left": """
os.close(SPARE.fd)
held = take_all()
assert SPARE.find_spec("php_streams.sendmail", php_streams.__path__) is None
for fd in held:
    os.close(fd)
import php_streams.sendmail
""",
    "a module that is not there": """
held = take_all()
assert SPARE.find_spec("php_streams.nosuch", php_streams.__path__) is None
assert is_its_own()
""",
    "a search that raises": """
def hook(folder):
    if folder == "/somewhere":
        raise KeyboardInterrupt
    raise ImportError
sys.path_hooks.insert(0, hook)
held = take_all()
try:
    SPARE.find_spec("php_streams.sendmail", ["/somewhere"])
except KeyboardInterrupt:
    assert is_its_own()
    print("raised")
""",
    "a module that raises": """
import pathlib, tempfile
with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "raising.py").write_text("raise ZeroDivisionError")
    php_streams.__path__.append(folder)
    held = take_all()
    try:
        import php_streams.raising
    except ZeroDivisionError:
        assert is_its_own()
        print("raised")
    for fd in held:
        os.close(fd)
""",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_the_spare_descriptor(program: str) -> None:
    code, out, error = run_code(START + program + END)
    assert (code, error) == (0, "")
    assert out.split() == (["raised"] if "raised" in program else [])

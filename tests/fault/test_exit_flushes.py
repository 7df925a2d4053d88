"""Whatever a program has registered, however it ends: its streams are flushed and closed, in PHP's order."""

from __future__ import annotations

import base64
import gzip
import subprocess
from pathlib import Path

import pytest

from php_streams.porting.php_cli import PhpCli
from tests.programs import run_python

START = """
import atexit, os, signal, sys, threading
from php_streams import *

class Kept:
    context = None
    def stream_open(self, path, mode, options, opened=None):
        self.path = path.partition('://')[2]
        return True
    def stream_write(self, data):
        return len(data)
    def stream_close(self):
        with open('closed', 'a') as file:
            file.write(self.path + ' ')

class Upper(php_user_filter):
    def filter(self, in_, out, consumed, closing):
        return PSFS_PASS_ON

def handler(*arguments):
    return True
"""
REGISTERED = {
    "nothing": "",
    "an error handler": "set_error_handler(handler)",
    "a wrapper": "stream_wrapper_register('kept', Kept)",
    "a filter": "stream_filter_register('upper', Upper)",
    "a notification": "stream_context_set_params(stream_context_get_default(), {'notification': handler})",
    "a signal's handler": "signal.signal(signal.SIGTERM, handler)",
    "a trace of the last error": "sys.kept = handler",
}
OPENED = """
packed = gzopen('packed.gz', 'w')
gzwrite(packed, 'unflushed')
encoded = fopen('encoded', 'w')
stream_filter_append(encoded, 'convert.base64-encode', STREAM_FILTER_WRITE)
fwrite(encoded, 'ten bytes.')
passing = tmpfile()
file_put_contents('name', stream_get_meta_data(passing)['uri'])
"""
WRAPPED = """
first = fopen('kept://first', 'w')
kept = [fopen('kept://second', 'w')]
class Holder: pass
holder = Holder()
holder.fp = fopen('kept://third', 'w')
"""
ENDS = {
    "sys.exit": ("sys.exit(3)", 3),
    "an exception": ("raise ValueError('the end')", 1),
    "an exit in a handler": ("set_error_handler(lambda *_: sys.exit(4)); fopen('missing', 'r')", 4),
    "an exit in a thread": ("threading.Thread(target=sys.exit).start()", 0),
    "a thread that goes on": ("threading.Thread(target=signal.pause, daemon=True).start()", 0),
    "a cycle": ("kept.append(kept); del kept", 0),
    "a child that ends": ("pid = os.fork() or os._exit(0); os.waitpid(pid, 0)", 0),
}


def run(tmp_path: Path, program: str) -> int:
    """How it ended."""
    code, _, _ = run_python("-c", f"import os; os.chdir({str(tmp_path)!r}){START}{program}")
    return code


def check(folder: Path) -> None:
    """What `OPENED` opened is whole."""
    assert gzip.decompress((folder / "packed.gz").read_bytes()) == b"unflushed"
    assert base64.b64decode((folder / "encoded").read_bytes()) == b"ten bytes."
    assert not Path((folder / "name").read_text()).exists()


@pytest.mark.parametrize("registered", REGISTERED.values(), ids=REGISTERED)
def test_whatever_is_registered(registered: str, tmp_path: Path) -> None:
    assert run(tmp_path, f"{registered}\n{OPENED}") == 0
    check(tmp_path)


@pytest.mark.parametrize(("end", "code"), ENDS.values(), ids=ENDS)
def test_however_it_ends(end: str, code: int, tmp_path: Path) -> None:
    everything = "\n".join(REGISTERED.values())
    assert run(tmp_path, f"{everything}\n{OPENED}{WRAPPED}{end}") == code
    check(tmp_path)
    assert (tmp_path / "closed").read_text().split() == ["third", "second", "first"]


def test_a_close_that_raises_is_not_the_last(tmp_path: Path) -> None:
    program = """
stream_wrapper_register('kept', Kept)
class Raises(Kept):
    def stream_close(self):
        super().stream_close()
        raise SystemExit(5)
stream_wrapper_register('raises', Raises)
"""
    run(tmp_path, f"{program}{OPENED}{WRAPPED}last = fopen('raises://last', 'w')")
    check(tmp_path)
    assert (tmp_path / "closed").read_text().split() == ["last", "third", "second", "first"]


def test_a_function_for_the_end_still_writes(tmp_path: Path) -> None:
    assert run(tmp_path, f"{OPENED}atexit.register(lambda: gzwrite(packed, ' and late'))") == 0
    assert gzip.decompress((tmp_path / "packed.gz").read_bytes()) == b"unflushed and late"


def test_a_destructor_still_writes(tmp_path: Path) -> None:
    program = """
set_error_handler(handler)
class Mailer:
    def __init__(self):
        self.fp = gzopen('dialogue.gz', 'w')
    def __del__(self):
        fwrite(self.fp, 'QUIT')
        fclose(self.fp)
mailer = Mailer()
"""
    assert run(tmp_path, program) == 0
    assert gzip.decompress((tmp_path / "dialogue.gz").read_bytes()) == b"QUIT"


def test_filtered_standard_output(tmp_path: Path) -> None:
    program = """
stream_filter_append(STDOUT, 'convert.base64-encode', STREAM_FILTER_WRITE)
fwrite(STDOUT, 'ten bytes.')
"""
    code, out, error = run_python("-c", f"{START}{program}\nset_error_handler(handler)")
    assert (code, base64.b64decode(out), error) == (0, b"ten bytes.", "")


ORDER = """
class Kept {
    public $context; public $path;
    function stream_open($path, $mode, $options, &$opened) { $this->path = $path; return true; }
    function stream_write($data) { echo "write $this->path $data\\n"; return strlen($data); }
    function stream_flush() { echo "flush $this->path\\n"; return true; }
    function stream_close() { echo "close $this->path\\n"; }
}
stream_wrapper_register('kept', 'Kept');
set_error_handler(fn() => true);
register_shutdown_function(function () { global $a; fwrite($a, 'late'); });
$a = fopen('kept://a', 'w'); $b = [fopen('kept://b', 'w')]; $c = fopen('kept://c', 'w');
fwrite($a, 'x');
$d = fopen('kept://d', 'w');
fwrite($c, 'y');
"""
ORDER_HERE = """
class Kept:
    context = None
    def stream_open(self, path, mode, options, opened=None): self.path = path; return True
    def stream_write(self, data): print(f"write {self.path} {data.decode()}"); return len(data)
    def stream_flush(self): print(f"flush {self.path}"); return True
    def stream_close(self): print(f"close {self.path}")
stream_wrapper_register('kept', Kept)
set_error_handler(lambda *_: True)
atexit.register(lambda: fwrite(a, 'late'))
a = fopen('kept://a', 'w'); b = [fopen('kept://b', 'w')]; c = fopen('kept://c', 'w')
fwrite(a, 'x')
d = fopen('kept://d', 'w')
fwrite(c, 'y')
"""


def test_the_order_is_that_of_php(php: PhpCli) -> None:
    done = subprocess.run([php.path, "-r", ORDER], capture_output=True, text=True, check=True, timeout=30)
    assert run_python("-c", START + ORDER_HERE) == (0, done.stdout, "")
    assert done.stdout.count("close") == 4


FORK = """
$z = gzopen('packed.gz', 'w'); gzwrite($z, "once\\n");
$e = fopen('encoded', 'w'); stream_filter_append($e, 'convert.base64-encode', STREAM_FILTER_WRITE);
fwrite($e, 'hello');
if (!($pid = pcntl_fork())) { exit(0); }
pcntl_waitpid($pid, $status);
"""
FORK_HERE = """
set_error_handler(handler)
z = gzopen('packed.gz', 'w'); gzwrite(z, "once\\n")
e = fopen('encoded', 'w'); stream_filter_append(e, 'convert.base64-encode', STREAM_FILTER_WRITE)
fwrite(e, 'hello')
if not (pid := os.fork()): sys.exit(0)
os.waitpid(pid, 0)
"""


def test_a_forked_child_ends_as_in_php(php: PhpCli, tmp_path: Path) -> None:
    """It closes its copies, which flushes what they hold; os._exit, as multiprocessing ends, does not."""
    theirs, ours = tmp_path / "php", tmp_path / "python"
    theirs.mkdir()
    ours.mkdir()
    subprocess.run([php.path, "-r", FORK], cwd=theirs, check=True, timeout=30)
    assert run(ours, FORK_HERE) == 0
    assert (ours / "encoded").read_bytes() == (theirs / "encoded").read_bytes()
    unpacked = [gzip.decompress((folder / "packed.gz").read_bytes()) for folder in (theirs, ours)]
    assert unpacked[0] == unpacked[1]

"""openlog, syslog, closelog and error_log at a real /dev/log, beside php-cli: the same datagrams.

In namespaces of their own, where /dev/log is a socket of the test's.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from php_streams.porting.php_cli import PhpCli
from tests import namespaces

# Binds /dev/log, runs the command that it is given and prints the datagrams that came.  They are taken while
# it runs: the kernel lets a sender wait when ten are queued.
LOG = """
import json, socket, threading
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
came = []
def take():
    while data := log.recv(1 << 16): came.append(data.decode("latin-1"))
taker = threading.Thread(target=take)
taker.start()
try:
    subprocess.run(sys.argv[1:], check=True)
finally:
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"", "/dev/log")
    taker.join()
print(json.dumps(came))
"""
# "<15>Jul  1 12:00:00 program[4711]: message": what differs between two runs of one program, too.
CHANGING = re.compile(r"(?<=>)\w{3} [ \d]\d \d\d:\d\d:\d\d(?= )|(?<=\[)\d+(?=\]: )")

# The PHP, and the Python where that is not the same text.
SCRIPTS = {
    "prefix, pid and facility": (
        'openlog("mailer", LOG_PID | LOG_NDELAY, LOG_LOCAL3); syslog(LOG_INFO, "m"); syslog(LOG_ALERT, "m");',
    ),
    "all facilities": (
        'foreach (range(0, 23) as $n) { openlog("p$n", 0, $n << 3); syslog(LOG_DEBUG, "m"); closelog(); }',
        'for n in range(24): openlog(f"p{n}", 0, n << 3); syslog(LOG_DEBUG, "m"); closelog()',
    ),
    "lines and bytes": (
        'openlog("p\\xff %s", 0, LOG_USER); syslog(LOG_DEBUG, "one\\ntw\\to\\n\\nfour\\0 \\xff %d %n");',
        'openlog(b"p\\xff %s", 0, LOG_USER); syslog(LOG_DEBUG, b"one\\ntw\\to\\n\\nfour\\0 \\xff %d %n")',
    ),
    "unfiltered": (
        'openlog("p", 0, 8); ini_set("syslog.filter", "raw"); syslog(LOG_DEBUG, "a\\nb\\t%s\\x7f\\0cut");',
    ),
    "long": (
        'openlog("p", LOG_CONS, LOG_USER); syslog(LOG_DEBUG, str_repeat("x", 20000));',
        'openlog("p", LOG_CONS, LOG_USER); syslog(LOG_DEBUG, "x" * 20000)',
    ),
    "odd numbers": (
        'openlog("p", 0, 99999); syslog(99999, "m"); syslog(-1, "m"); syslog(1 << 40 | LOG_DEBUG, "m");',
    ),
    "error_log": ('ini_set("error_log", "syslog"); error_log("one\\ntwo"); error_log("three", 0, "x");',),
}


def datagrams(folder: Path, *command: str) -> list[str]:
    """What came to /dev/log while the command ran."""
    folder.mkdir()
    return json.loads(namespaces.run_with_own_dev(LOG, folder, *command))  # type: ignore[no-any-return]


def python(code: str) -> list[str]:
    """The command that runs a line with PHP's names."""
    return [sys.executable, "-c", f"from php_streams import *\n{code}"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_same_datagrams(php: PhpCli, tmp_path: Path, name: str) -> None:
    """All of them, but for time and pid."""
    namespaces.need("mount")
    of_php = datagrams(tmp_path / "php", str(php.path), "-n", "-r", SCRIPTS[name][0])
    ours = datagrams(tmp_path / "python", *python(SCRIPTS[name][-1]))
    assert [CHANGING.sub("", text) for text in ours] == [CHANGING.sub("", text) for text in of_php]
    assert ours
    assert all(CHANGING.search(text) for text in ours)


def test_settings_of_error_log(php: PhpCli, tmp_path: Path) -> None:
    """syslog.ident and syslog.facility, which php takes from php.ini alone."""
    namespaces.need("mount")
    for facility in ("LOG_MAIL", "local5", "security", "ftp"):
        settings = ["-d", "syslog.ident=mailer", "-d", f'syslog.facility="{facility}"']
        said = 'ini_set("error_log", "syslog"); error_log("one"); syslog(LOG_NOTICE, "two")'
        of_php = datagrams(tmp_path / f"php-{facility}", str(php.path), "-n", *settings, "-r", f"{said};")
        chosen = f'ini_set("syslog.ident", "mailer"); ini_set("syslog.facility", "{facility}"); '
        ours = datagrams(tmp_path / facility, *python(chosen + said))
        assert [CHANGING.sub("", text) for text in ours] == [CHANGING.sub("", text) for text in of_php]
        assert ours


THREADS = """
import threading
def work(number):
    for turn in range(100):
        if turn % 10 == 0: openlog(f"{number}-{turn}", LOG_PID, LOG_USER)
        syslog(LOG_DEBUG, "message")
threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_threads_share_the_log(tmp_path: Path) -> None:
    """Prefixes that change meanwhile are always whole."""
    namespaces.need("mount")
    came = datagrams(tmp_path / "python", *python(THREADS))
    assert came
    assert [text for text in came if not re.fullmatch(r"<15>.{15} \d-\d+\[\d+\]: message", text)] == []


ONE_TWO = 'syslog(LOG_MAIL | LOG_ERR, "one"); openlog("p", 0, 8); closelog(); syslog(LOG_DEBUG, "two");'


def test_without_openlog_the_program_is_the_prefix(php: PhpCli, tmp_path: Path) -> None:
    """As syslog(3) has it, also after closelog; the settings count for error_log alone."""
    namespaces.need("mount")
    of_php = datagrams(tmp_path / "php", str(php.path), "-n", "-r", ONE_TWO)
    ours = datagrams(tmp_path / "python", *python(ONE_TWO))
    program = re.compile(r"(?<=:\d\d )[^ ]+(?=: )")
    assert {program.search(text)[0] for text in ours} == {Path(sys.executable).name}  # type: ignore[index]
    assert [CHANGING.sub("", program.sub("", text)) for text in ours] == ["<19> : one", "<15> : two"]
    assert [CHANGING.sub("", program.sub("", text)) for text in of_php] == ["<19> : one", "<15> : two"]

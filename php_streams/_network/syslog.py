"""The system's log: openlog(3), syslog(3) and closelog(3) of the C library (= main/php_syslog.c).

Prefix, flags and facility are the process's, as in C: all threads share them, and so does Python's own
syslog module.  That module would not do here: it takes text without NULs only, where PHP hands on bytes.
"""

from __future__ import annotations

import ctypes
import re

from php_streams._core import ini
from php_streams._network.libc import waiting

# What each syslog.filter shows as \xNN; "raw" shows all as it is, and does not split lines.
_SHOWN = {
    "all": re.compile(rb"\x7f"),
    "no-ctrl": re.compile(rb"[\x00-\x1f\x7f]"),
    "ascii": re.compile(rb"[^\x20-\x7e]"),
}

# C keeps the pointer to a prefix, and another thread may be reading it: none is ever freed.
_prefixes: dict[bytes, ctypes.Array[ctypes.c_char]] = {}


def open_log(prefix: bytes, flags: int, facility: int) -> None:
    """openlog(3)."""
    kept = _prefixes.setdefault(prefix, ctypes.create_string_buffer(prefix))
    ask = waiting.openlog
    ask.argtypes, ask.restype = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int], None
    ask(kept, flags, facility)


def close_log() -> None:
    """closelog(3); what comes afterwards has the program's name as its prefix."""
    waiting.closelog()


def log(priority: int, message: bytes) -> None:
    """Sends a message, line by line, filtered as the setting syslog.filter has it.

    Before any open_log the program's name is the prefix.
    """
    shown = _SHOWN.get(ini.get("syslog.filter"))
    if shown is None:
        _send(priority, message)
        return
    for line in message.split(b"\n"):
        _send(priority, shown.sub(lambda found: b"\\x%02x" % ord(found[0]), line))


def log_for_php(priority: int, message: bytes) -> None:
    """What error_log sends: under syslog.ident and syslog.facility, unless open_log was called."""
    if not _prefixes:
        prefix = ini.get("syslog.ident").encode("utf-8", "surrogateescape")
        open_log(prefix, 0, ini.FACILITIES[ini.get("syslog.facility")])
    log(priority, message)


def _send(priority: int, message: bytes) -> None:
    """syslog(3).  The message is the format itself: not every machine passes variable arguments as others."""
    ask = waiting.syslog
    ask.argtypes, ask.restype = [ctypes.c_int, ctypes.c_char_p], None
    ask(priority, message.replace(b"%", b"%%"))

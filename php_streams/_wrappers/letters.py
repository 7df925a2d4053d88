"""Letters: what mail and error_log hand to sendmail (= php_mail of ext/standard/mail.c)."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from php_streams._core import ini, quantity
from php_streams._core.clock import log_time
from php_streams._core.diagnostics import call_site, warn
from php_streams._core.signals import from_system
from php_streams._core.values import to_text
from php_streams._wrappers.pipes import attended, exit_status, pipe_to
from php_streams.constants import LOG_NOTICE

# An empty line, or what a mail program may take for one, would end the headers.
_MALFORMED = re.compile(r"\A[^!-9;-~]|\r(?:\Z|\r|\n(?:\Z|[\r\n]))|\n(?:\Z|[\r\n])")
_BREAKS = str.maketrans("\r\n", "  ")


def send(receiver: str, subject: str, message: str, headers: str, options: str | None = None) -> bool:
    """Whether the program of sendmail_path took the letter; options: for its command line, escaped.

    Obeys mail.log, mail.add_x_header and mail.mixed_lf_and_crlf.
    """
    if place := ini.get("mail.log").partition("\0")[0]:
        _log(place, receiver, subject, headers)
    line_end = "\n" if quantity.is_true(ini.get("mail.mixed_lf_and_crlf")) else "\r\n"
    if quantity.is_true(ini.get("mail.add_x_header")):
        headers = line_end.join([f"X-PHP-Originating-Script: {_origin()}", *([headers] if headers else [])])
    if _MALFORMED.search(headers):
        return warn("Multiple or malformed newlines found in additional_header")
    lines = [f"To: {receiver}", f"Subject: {subject}", *([headers] if headers else []), "", message, ""]
    return _deliver(line_end.join(lines).encode("utf-8", "surrogateescape"), options)


def _deliver(letter: bytes, options: str | None) -> bool:
    """Starts the program, gives it the letter as far as it reads it, and waits for its end."""
    program = ini.get("sendmail_path")
    try:
        fp = pipe_to(program if options is None else f"{program} {options}", "w")
    except from_system(OSError):
        return warn(f"Could not execute mail delivery program '{program}'")
    with attended(fp):
        descriptor, left = fp.raw.fileno(), memoryview(letter)
        try:
            while left:
                left = left[os.write(descriptor, left) :]
        except from_system(OSError):
            pass  # whether it has read all is for its exit status to say
        return exit_status(fp) == 0  # sendmail's 75, try again later, is a failure too: PHP does this


def _log(place: str, receiver: str, subject: str, headers: str) -> None:
    """A line for the letter, where the setting mail.log says."""
    _, caller = call_site()
    file, line = (caller.f_code.co_filename, caller.f_lineno) if caller else ("Unknown", 0)
    text = f"mail() on [{file}:{line}]: To: {receiver} -- Headers: {headers} -- Subject: {subject}"
    if headers:
        text = text.translate(_BREAKS)
    if place == "syslog":
        from php_streams._network import syslog

        syslog.log_for_php(LOG_NOTICE, text.encode("utf-8", "surrogateescape"))
        return
    from php_streams._wrappers.open import open_url

    stream = open_url(place, "a")
    if stream is not None:
        with stream:
            stream.write(f"[{log_time()}] {text}\n".encode("utf-8", "surrogateescape"))


def _origin() -> str:
    """Who sends the letter: the owner of the program's file, and the name of the file that called mail."""
    _, caller = call_site()
    name = os.path.basename(caller.f_code.co_filename) if caller else "Unknown"
    program: Any = getattr(sys.modules.get("__main__"), "__file__", None)
    try:
        owner = os.getuid() if program is None else os.stat(program).st_uid
    except from_system(OSError):
        owner = os.getuid()
    return f"{owner}:{name}"


def report(receiver: bytes | None, message: bytes, headers: bytes) -> bool:
    """error_log's letter: nothing in it is looked at, and each part is a C string."""
    to, text, more = (to_text(part.partition(b"\0")[0]) for part in (receiver or b"(null)", message, headers))
    return send(to, "PHP error_log message", text, more)

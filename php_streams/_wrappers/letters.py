"""Letters: what mail and error_log hand to sendmail (= php_mail of ext/standard/mail.c)."""

from __future__ import annotations

import re

from php_streams._core import ini
from php_streams._core.diagnostics import warn
from php_streams._core.values import to_text
from php_streams._wrappers.pipes import exit_status, pipe_to

# An empty line, or what a mail program may take for one, would end the headers.
_MALFORMED = re.compile(r"\A[^!-9;-~]|\r(?:\Z|\r|\n(?:\Z|[\r\n]))|\n(?:\Z|[\r\n])")


def send(receiver: str, subject: str, message: str, headers: str, options: str = "") -> bool:
    """Whether the program of sendmail_path took the letter; options: for its command line, escaped."""
    if headers and _MALFORMED.search(headers):
        return warn("Multiple or malformed newlines found in additional_header")
    command = f"{ini.get('sendmail_path')} {options}" if options else ini.get("sendmail_path")
    lines = [f"To: {receiver}", f"Subject: {subject}", *([headers] if headers else []), "", message, ""]
    try:
        fp = pipe_to(command, "w")
    except OSError:
        return warn("Could not execute mail delivery program")
    fp.write("\r\n".join(lines).encode("utf-8", "surrogateescape"))
    return exit_status(fp) == 0  # sendmail's 75, try again later, is a failure too: PHP does this


def report(receiver: bytes | None, message: bytes, headers: bytes) -> bool:
    """error_log's letter: nothing in it is looked at, and each part is a C string."""
    to, text, more = (to_text(part.partition(b"\0")[0]) for part in (receiver or b"(null)", message, headers))
    return send(to, "PHP error_log message", text, more)

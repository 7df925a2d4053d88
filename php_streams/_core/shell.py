"""Escaping for /bin/sh (= php_escape_shell_arg and php_escape_shell_cmd of ext/standard/exec.c)."""

from __future__ import annotations

import os
import re

_SPECIAL = re.compile(r"[#&;`|*?~<>^()\[\]{}$\\\n\xff]")


def escape_argument(data: bytes) -> str:
    """In single quotes; bytes that are no UTF-8 are left out.  ValueError when none can be that long."""
    text = _decoded(data, "Argument")
    return _checked("'" + text.replace("'", "'\\''") + "'", "argument")


def escape_command(data: bytes) -> str:
    """What is special to the shell gets a backslash; quotes that come in pairs stay as they are."""
    text = _decoded(data, "Command")
    made, closing = [], -1
    for place, letter in enumerate(text):
        if letter in "'\"" and place != closing:
            other = text.find(letter, place + 1)
            if closing < place and other > 0:
                closing = other
            elif closing < place or text[closing] != letter:
                letter = "\\" + letter
        elif _SPECIAL.match(letter):
            letter = "\\" + letter
        made.append(letter)
    return _checked("".join(made), "command")


def _decoded(data: bytes, what: str) -> str:
    longest = os.sysconf("SC_ARG_MAX")
    if len(data) > longest - 3:
        raise ValueError(f"{what} exceeds the allowed length of {longest} bytes")
    return data.decode("utf-8", "ignore")


def _checked(text: str, what: str) -> str:
    longest = os.sysconf("SC_ARG_MAX")
    if len(text) > longest or len(text.encode()) > longest:
        raise ValueError(f"Escaped {what} exceeds the allowed length of {longest} bytes")
    return text

"""The ini settings that stream functions obey (rule R6).

Values are strings, as PHP keeps them.  A change belongs to the current context (contextvars), like a
PHP request's: other threads and tasks keep theirs.
"""

from __future__ import annotations

import re
from contextvars import ContextVar

from php_streams._core import diagnostics, quantity, values
from php_streams._core.ini_table import CHANGEABLE, FIXED
from php_streams.constants import E_ALL

# The package's own: how far it leaves PHP's ways where they are not safe.
_OWN = {
    "php_streams.failed_tls": "refuse",
    "php_streams.ftps_data": "refuse",
    "php_streams.http_header_limit": "8M",
    "php_streams.inherit_descriptors": "0",
    "php_streams.select_lists": "renumber",
    "php_streams.starttls_buffer": "refuse",
    "php_streams.stat_cache": "fresh",
}
DEFAULTS: dict[str, str] = {**CHANGEABLE, **FIXED, **_OWN, "error_reporting": ""}

_NAMES = "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp".split()
_NUMBERS = {
    **{name: number << 3 for number, name in enumerate(_NAMES)},
    **{f"local{number}": number + 16 << 3 for number in range(8)},
}
# The values of syslog.facility and what they are to syslog(3).
FACILITIES = {
    "security": _NUMBERS["auth"],
    **_NUMBERS,
    **{f"LOG_{name.upper()}": number for name, number in _NUMBERS.items()},
}
_FILTERS = ("all", "no-ctrl", "ascii", "raw")
_NOT_RESTORED = ("SMTP", "sendmail_from", "smtp_port")
_BREAKS = re.compile("[\r\n]")
_SWITCH_ON = frozenset(("on", "yes", "true", "stderr", "stdout"))

_changed: ContextVar[dict[str, str]] = ContextVar("ini", default={})  # noqa: B039  (never mutated)


def get(name: str) -> str:
    """The setting's value now."""
    return _changed.get().get(name, DEFAULTS[name])


def given(name: str) -> str | None:
    """The value that the program has set, be it ""; None when it has set none."""
    return _changed.get().get(name)


def accepts(name: str, value: str) -> bool:
    """Whether the setting can be changed to this value."""
    match name:
        case "syslog.facility":
            return value in FACILITIES
        case "syslog.filter":
            return value in _FILTERS
        case "arg_separator.output" | "include_path":
            return value != ""
        case "default_charset" | "default_mimetype":
            return not _BREAKS.search(value)
        case "precision" | "serialize_precision":
            return quantity.leading_int(value) >= -1
        case "open_basedir":  # nothing here would keep to it
            return False
    return name in DEFAULTS and name not in FIXED


def put(name: str, value: str) -> None:
    """Changes a setting for the current context."""
    _changed.set({**_changed.get(), name: value})
    _obey(name)


def restore(name: str) -> None:
    """Puts a setting back to its default; PHP forgets to do so for those of mail() on Windows."""
    if name in _NOT_RESTORED:
        return
    _changed.set({key: value for key, value in _changed.get().items() if key != name})
    _obey(name)


def _obey(name: str) -> None:
    """What a setting changes beside itself."""
    if name == "error_reporting":
        level = get(name) if DEFAULTS[name] or given(name) is not None else str(E_ALL)
        diagnostics.reporting.set(quantity.leading_int(level))
    elif name == "display_errors":
        value = get(name).lower()
        diagnostics.displayed.set(value in _SWITCH_ON or quantity.leading_int(value) != 0)
    elif name == "precision":
        values.precision.set(quantity.leading_int(get(name)))


def number(name: str) -> int:
    """The setting as an integer, read as PHP reads one ("1k" is 1024, "60 seconds" is 60)."""
    return quantity.parse(get(name))[0]


def socket_timeout() -> float | None:
    """default_socket_timeout in seconds; None (for ever) when it is negative."""
    seconds = number("default_socket_timeout")
    return float(seconds) if seconds >= 0 else None

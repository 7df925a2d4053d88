"""The ini settings that stream functions obey (rule R6).

Values are strings, as PHP keeps them.  A change belongs to the current context (contextvars), like a
PHP request's: other threads and tasks keep theirs.
"""

from __future__ import annotations

from contextvars import ContextVar

from php_streams._core import diagnostics, quantity
from php_streams.constants import E_ALL

DEFAULTS: dict[str, str] = {
    "SMTP": "localhost",
    "allow_url_fopen": "1",
    "auto_detect_line_endings": "0",
    "default_socket_timeout": "60",
    "error_log": "",
    "error_log_mode": "0644",
    "error_reporting": str(E_ALL),
    "from": "",
    "include_path": ".",
    "openssl.cafile": "",
    "openssl.capath": "",
    "php_streams.failed_tls": "refuse",
    "php_streams.ftps_data": "refuse",
    "php_streams.http_header_limit": "8M",
    "php_streams.inherit_descriptors": "0",
    "php_streams.starttls_buffer": "refuse",
    "sendmail_from": "",
    "sendmail_path": "/usr/sbin/sendmail -t -i",
    "smtp_port": "25",
    "syslog.facility": "LOG_USER",
    "syslog.filter": "no-ctrl",
    "syslog.ident": "php",
    "user_agent": "",
}

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
# Settings that refuse what is not among these.
ACCEPTED = {"syslog.facility": tuple(FACILITIES), "syslog.filter": ("all", "no-ctrl", "ascii", "raw")}

_changed: ContextVar[dict[str, str]] = ContextVar("ini", default={})  # noqa: B039  (never mutated)


def get(name: str) -> str:
    """The setting's value now."""
    return _changed.get().get(name, DEFAULTS[name])


def given(name: str) -> str | None:
    """The value that the program has set, be it ""; None when it has set none."""
    return _changed.get().get(name)


def put(name: str, value: str) -> None:
    """Changes a setting for the current context."""
    _changed.set({**_changed.get(), name: value})
    _obey(name)


def restore(name: str) -> None:
    """Puts a setting back to its default."""
    _changed.set({key: value for key, value in _changed.get().items() if key != name})
    _obey(name)


def _obey(name: str) -> None:
    """What a setting changes beside itself."""
    if name == "error_reporting":
        diagnostics.reporting.set(quantity.leading_int(get(name)))


def number(name: str) -> int:
    """The setting as an integer, read as PHP reads one ("1k" is 1024, "60 seconds" is 60)."""
    return quantity.parse(get(name))[0]


def socket_timeout() -> float | None:
    """default_socket_timeout in seconds; None (for ever) when it is negative."""
    seconds = number("default_socket_timeout")
    return float(seconds) if seconds >= 0 else None

"""Settings (the manual's book.info): ini_get and ini_set for what stream functions obey."""

from __future__ import annotations

from typing import Literal

from php_streams._core import ini, quantity
from php_streams._core.alias import alias
from php_streams._core.diagnostics import argument_type_error, deprecated, warn
from php_streams._core.ini_table import QUANTITIES
from php_streams._core.values import scalar_text, to_string, to_text

__all__ = [
    "ini_alter",
    "ini_get",
    "ini_restore",
    "ini_set",
]


def ini_get(option: str) -> str | Literal[False]:
    """Gets the value of a configuration option.  https://www.php.net/function.ini-get

    A string, as PHP keeps it; False for a setting that is not known here.
    """
    name = to_string(option, 1, "option")
    return ini.get(name) if name in ini.DEFAULTS else False


def ini_set(option: str, value: str | int | float | bool | None) -> str | Literal[False]:
    """Sets the value of a configuration option.  https://www.php.net/function.ini-set

    Returns the value before; False for a setting that is not known here, that PHP takes from php.ini alone
    (disable_functions, file_uploads ...), or for a value that it does not take (syslog.filter has a list of
    them, include_path cannot be empty).  The change holds in the current context (thread, async task).
    There is no php.ini here, so allow_url_fopen, mail.*, openssl.*, sendmail_path, syslog.ident and
    syslog.facility can be set, too.  What rules PHP's engine (memory_limit, max_execution_time ...) is kept
    and changes nothing.
    """
    name = to_string(option, 1, "option")
    text = _text(value)
    if not ini.accepts(name, text):
        return False
    before = ini.get(name)
    if name in QUANTITIES and not (name == "zlib.output_compression" and text.lower() in ("on", "off")):
        _check_quantity(name, text)
    if name == "auto_detect_line_endings" and quantity.is_true(text):
        deprecated("auto_detect_line_endings is deprecated", prefix=False)
    ini.put(name, text)
    return before


ini_alter = alias(ini_set, "ini_alter", __name__)


def ini_restore(option: str) -> None:
    """Restores the value of a configuration option.  https://www.php.net/function.ini-restore"""
    ini.restore(to_string(option, 1, "option"))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (str, bytes)):
        return to_text(value)
    if isinstance(value, (bool, int, float)):
        return scalar_text(value)
    raise argument_type_error(2, "value", "must be of type string|int|float|bool|null")


def _check_quantity(name: str, text: str) -> None:
    """PHP's warning for what is no whole number."""
    complaint = quantity.parse(text)[1]
    if complaint is not None:
        warn(f'Invalid "{name}" setting. {complaint}', prefix=False)

"""Mail (the manual's book.mail): what PHP hands to sendmail."""

from __future__ import annotations

import re
from typing import Any

from php_streams._core import ini
from php_streams._core.diagnostics import argument_type_error, argument_value_error
from php_streams._core.shell import escape_command
from php_streams._core.values import array_items, to_string, to_text, type_name
from php_streams._wrappers.letters import send

__all__ = ["mail"]

# Of these a message has one, so that an array of them is refused.
SINGLE = frozenset("orig-date from sender reply-to bcc cc message-id references in-reply-to".split())

_CONTROL = re.compile(r"\r\n[ \t]+|[\x00-\x1f\x7f]")
_BREAK = re.compile(r"\r?\n[ \t]|\r\n|[\r\n\0]")
_NAME = re.compile(r"[!-9;-~]*")


def mail(
    to: str | bytes,
    subject: str | bytes,
    message: str | bytes,
    additional_headers: str | bytes | dict[str, Any] | list[Any] = [],  # noqa: B006 (as in PHP; nothing changes it)
    additional_params: str | bytes = "",
) -> bool:
    """Sends mail.  https://www.php.net/function.mail

    Through the command of the ini setting sendmail_path.  additional_headers: lines with CRLF between them,
    or {name: value}, where a value may be a list.  additional_params: for the command line; escaped.
    Line ends that would make more headers than were meant are refused, or become spaces.
    """
    receiver = _line(_text(to, 1, "to"))
    about = _line(_text(subject, 2, "subject"))
    body = _text(message, 3, "message")
    given = _given(additional_headers)
    more = _text(additional_params, 5, "additional_params")
    headers = _headers(given)
    forced = ini.get("mail.force_extra_parameters") or ini.given("mail.force_extra_parameters")
    options = (more if forced is None else forced).encode("utf-8", "surrogateescape")
    return send(receiver, about, body, headers, escape_command(options) or None)


def _text(value: Any, number: int, name: str) -> str:
    text = to_string(value, number, name)
    if "\0" in text:
        raise argument_value_error(number, name, "must not contain any null bytes")
    return text


def _line(text: str) -> str:
    """One line of a header: what would end it is a space, unless the line is folded there."""
    return _CONTROL.sub(lambda found: found[0] if len(found[0]) > 1 else " ", text.rstrip(" \t\n\r\v\f"))


def _given(headers: Any) -> Any:
    """The additional headers as an array or a string; what is inside is looked at later."""
    kind = type_name(headers)
    if kind == "array":
        return headers
    if kind not in ("string", "int", "float", "true", "false", "null"):
        raise argument_type_error(4, "additional_headers", f"must be of type array|string, {kind} given")
    return to_string(headers, 4, "additional_headers", "array|string")


def _headers(given: Any) -> str:
    """The additional headers as lines."""
    if not isinstance(given, str):
        return "\r\n".join(line for name, value in array_items(given) for line in _header(name, value))
    if "\0" in given:
        raise argument_value_error(4, "additional_headers", "must not contain any null bytes")
    return given.rstrip(" \t\n\r\0\v")


def _header(name: int | str, value: Any) -> list[str]:
    """The lines of one header, or of one that comes several times."""
    if isinstance(name, int):
        raise TypeError(f"Header name cannot be numeric, {name} given")
    lower = name.lower()
    if lower in ("to", "subject"):
        raise ValueError(f'The additional headers cannot contain the "{lower.capitalize()}" header')
    kind = type_name(value)
    if kind == "string":
        return [_checked(name, to_text(value))]
    if kind != "array":
        raise TypeError(f'Header "{name}" must be of type array|string, {kind} given')
    if lower in SINGLE:
        raise TypeError(f'Header "{lower}" must be of type string, {kind} given')
    return _several(name, value)


def _several(name: str, values: Any) -> list[str]:
    """A header that comes several times; of the values that are wrong the last one is told of, as in PHP."""
    lines, wrong = [], None
    for key, item in array_items(values):
        try:
            if not isinstance(key, int):
                raise TypeError(f'Header "{name}" must only contain numeric keys, "{key}" found')
            if type_name(item) != "string":
                found = type_name(item)
                raise TypeError(f'Header "{name}" must only contain values of type string, {found} found')
            lines.append(_checked(name, to_text(item)))
        except (TypeError, ValueError) as error:
            error.__cause__, wrong = wrong, error
            if isinstance(error, TypeError):
                break
    if wrong is not None:
        raise wrong
    return lines


def _checked(name: str, value: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f'Header name "{name}" contains invalid characters')
    for found in _BREAK.findall(value):
        if found in WHAT:
            raise ValueError(f'Header "{name}" contains {WHAT[found]} not allowed in the header')
    return f"{name}: {value}"


WHAT = {
    "\n": "LF character that is",
    "\r": "CR character that is",
    "\r\n": "CRLF characters that are used as a line separator and are",
    "\0": "NULL character that is",
}

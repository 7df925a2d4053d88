"""Headers of HTTP responses (the manual's books network and url)."""

from __future__ import annotations

import os
import re
from typing import Any, Literal

from php_streams._core import meta_tags
from php_streams._core.arguments import to_context, to_filename
from php_streams._core.context import Context
from php_streams._core.values import to_bool
from php_streams._wrappers.open import open_url

__all__ = [
    "get_headers",
    "get_meta_tags",
    "http_clear_last_response_headers",
    "http_get_last_response_headers",
]

_KEY = re.compile(r"-?[1-9][0-9]{0,17}|0")


def http_get_last_response_headers() -> list[str] | None:
    """Retrieves the headers of the last HTTP response.
    https://www.php.net/function.http-get-last-response-headers

    Status lines and headers of the last opening of an http:// URL, those of redirects included; None when
    there was none, or no server answered.  It stands for PHP's variable $http_response_header, too.
    """
    from php_streams._wrappers.http import last_headers

    headers = last_headers.get()
    return None if headers is None else list(headers)


def http_clear_last_response_headers() -> None:
    """Forgets the headers of the last HTTP response.
    https://www.php.net/function.http-clear-last-response-headers
    """
    from php_streams._wrappers.http import last_headers

    last_headers.set(None)


def get_headers(url: str, associative: bool = False, context: Context | None = None) -> Any:
    """Fetches all the headers sent by the server.  https://www.php.net/function.get-headers

    A list of lines, or with `associative` a dict of names and values: a name that comes more than once has a
    list of them, status lines have numbers.  Redirects are followed, and their headers are there, too.
    False, with a warning, when there was no response.
    """
    from php_streams._wrappers.http import ONLY_HEADERS

    address = to_filename(url, 1, "url")
    by_name = to_bool(associative, 2, "associative")
    fp = open_url(address, "r", to_context(context, 3), ONLY_HEADERS, remote=True)
    if fp is None:
        return False
    with fp:
        lines = fp.wrapper_data
    if not isinstance(lines, list):
        return False
    return _by_name(lines) if by_name else list(lines)


def get_meta_tags(
    filename: str | bytes | os.PathLike[str], use_include_path: bool = False
) -> dict[int | str, bytes] | Literal[False]:
    """Extracts all meta tag content attributes from a file.  https://www.php.net/function.get-meta-tags

    filename: a path or URL; the page is read up to </head>.  Contents by name: names in lower case, with _
    for special characters; of several with one name the last.  False, with a warning, when it does not open.
    """
    path = to_filename(filename)
    search = to_bool(use_include_path, 2, "use_include_path")
    fp = open_url(path, "rb", None, search=search)
    if fp is None:
        return False
    with fp:
        return meta_tags.read(fp)


def _by_name(lines: list[str]) -> dict[int | str, Any]:
    headers: dict[int | str, Any] = {}
    number = 0
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            headers[number] = line
            number += 1
            continue
        key: int | str = int(name) if _KEY.fullmatch(name) else name
        value = value.lstrip(" \t\n\r\v\f")
        if key not in headers:
            headers[key] = value
        elif isinstance(headers[key], list):
            headers[key].append(value)
        else:
            headers[key] = [headers[key], value]
    return headers

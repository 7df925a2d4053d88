"""Contexts: stream_context_* (the manual's book.stream)."""

from __future__ import annotations

from typing import Any

from php_streams._core.context import Context, default_context
from php_streams._core.diagnostics import argument_type_error, argument_value_error, deprecated
from php_streams._core.stream import Stream, wrong_type
from php_streams._core.values import array_copy, array_items, to_string, type_name

__all__ = [
    "stream_context_create",
    "stream_context_get_default",
    "stream_context_get_options",
    "stream_context_get_params",
    "stream_context_set_default",
    "stream_context_set_option",
    "stream_context_set_options",
    "stream_context_set_params",
]

Pairs = list[tuple[int | str, Any]]

_MISSING: Any = object()
_IS_ARRAY = "when argument #2 ($wrapper_or_options) is an array"
_TWO_ARGUMENTS = (
    "Calling stream_context_set_option() with 2 arguments is deprecated,"
    " use stream_context_set_options() instead"
)
_IS_STRING = "when argument #2 ($wrapper_or_options) is a string"


def stream_context_create(
    options: dict[str, Any] | None = None, params: dict[str, Any] | None = None
) -> Context:
    """Creates a stream context.  https://www.php.net/function.stream-context-create

    options: {wrapper: {option: value}}, for example {"ssl": {"cafile": path}}; params: see
    stream_context_set_params.
    """
    pairs = [] if options is None else _array(options, 1, "options", "?array")
    more = [] if params is None else _array(params, 2, "params", "?array")
    context = Context()
    _merge(context, pairs)
    _set_params(context, more)
    return context


def stream_context_get_options(stream_or_context: Stream | Context) -> dict[str, dict[str, Any]]:
    """Retrieves options for a stream/wrapper/context.  https://www.php.net/function.stream-context-get-options

    {wrapper: {option: value}}, a copy; what TLS captured (ssl.peer_certificate) is among them.
    """
    options: dict[str, dict[str, Any]] = array_copy(
        _context(stream_or_context, 1, "stream_or_context").options
    )
    return options


def stream_context_set_option(
    context: Stream | Context,
    wrapper_or_options: str | dict[str, Any],
    option_name: str | None = None,
    value: Any = _MISSING,
) -> bool:
    """Sets an option for a stream/wrapper/context.  https://www.php.net/function.stream-context-set-option

    Either (context, wrapper, option, value) or (context, {wrapper: {option: value}}).
    """
    if option_name is None and value is _MISSING:
        deprecated(_TWO_ARGUMENTS, prefix=False)
    target = _context(context, 1, "context")
    is_array = isinstance(wrapper_or_options, (dict, list))
    wrapper = "" if is_array else to_string(wrapper_or_options, 2, "wrapper_or_options", "array|string")
    name = None if option_name is None else to_string(option_name, 3, "option_name", "?string")
    if is_array:
        if name is not None:
            raise argument_value_error(3, "option_name", f"must be null {_IS_ARRAY}")
        if value is not _MISSING:
            raise argument_value_error(4, "value", f"cannot be provided {_IS_ARRAY}")
        _merge(target, _array(wrapper_or_options, 2, "wrapper_or_options"))
        return True
    if name is None:
        raise argument_value_error(3, "option_name", f"cannot be null {_IS_STRING}")
    if value is _MISSING:
        raise argument_value_error(4, "value", f"must be provided {_IS_STRING}")
    target.merge({wrapper: {name: value}})
    return True


def stream_context_set_options(context: Stream | Context, options: dict[str, Any]) -> bool:
    """Sets options on the given context.  https://www.php.net/function.stream-context-set-options

    options: {wrapper: {option: value}}.  PHP 8.3 and later.
    """
    pairs = _array(options, 2, "options")
    _merge(_context(context, 1, "context"), pairs)
    return True


def stream_context_get_params(context: Stream | Context) -> dict[str, Any]:
    """Retrieves parameters from a context.  https://www.php.net/function.stream-context-get-params

    {"notification": callback (when set), "options": {wrapper: {option: value}}}.
    """
    target = _context(context, 1, "context")
    return {**target.params, "options": stream_context_get_options(target)}


def stream_context_set_params(context: Stream | Context, params: dict[str, Any]) -> bool:
    """Set parameters for a stream/wrapper/context.  https://www.php.net/function.stream-context-set-params

    params: {"notification": callback, "options": {...}}; PHP ignores any other key.
    """
    pairs = _array(params, 2, "params")
    _set_params(_context(context, 1, "context"), pairs)
    return True


def stream_context_get_default(options: dict[str, Any] | None = None) -> Context:
    """Retrieve the default stream context.  https://www.php.net/function.stream-context-get-default

    The context that wrapper functions use when they are given none; options are added to it.
    """
    pairs = [] if options is None else _array(options, 1, "options", "?array")
    context = default_context()
    _merge(context, pairs)
    return context


def stream_context_set_default(options: dict[str, Any]) -> Context:
    """Set the default stream context.  https://www.php.net/function.stream-context-set-default

    Adds the options to the default context and returns it.
    """
    pairs = _array(options, 1, "options")
    context = default_context()
    _merge(context, pairs)
    return context


def _context(value: Any, number: int, name: str) -> Context:
    """A context, or the stream's own (made when it has none)."""
    if isinstance(value, Context):
        return value
    if isinstance(value, Stream):
        if not value.is_open:
            raise argument_type_error(number, name, "must be a valid stream/context")
        if value.context is None:
            value.context = Context()
        return value.context
    raise wrong_type(value, number, name)


def _array(value: Any, number: int, name: str, wanted: str = "array") -> Pairs:
    """An array argument as pairs of key and value."""
    if isinstance(value, (dict, list)):
        return array_items(value)
    raise argument_type_error(number, name, f"must be of type {wanted}, {type_name(value)} given")


def _merge(context: Context, pairs: Pairs) -> None:
    """Adds options wrapper by wrapper; those before a malformed one are set, as in PHP."""
    for wrapper, values in pairs:
        if not isinstance(wrapper, str) or not isinstance(values, (dict, list)):
            raise ValueError('Options should have the form ["wrappername"]["optionname"] = $value')
        # PHP takes named options only, and passes over the rest without a word.
        named = {key: item for key, item in array_items(values) if isinstance(key, str)}
        if named:
            context.merge({wrapper: named})


def _set_params(context: Context, params: Pairs) -> None:
    given = dict(params)
    if "notification" in given:
        context.params["notification"] = given["notification"]
        context.progress = None
    if "options" not in given:
        return
    options = given["options"]
    if not isinstance(options, (dict, list)):
        raise TypeError("Invalid stream/context parameter")
    _merge(context, array_items(options))

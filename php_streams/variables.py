"""Variable handling (the manual's book.var), as far as resources go."""

from __future__ import annotations

from typing import Any

from php_streams._core.resource import Resource
from php_streams._core.stream import Stream, wrong_type

__all__ = [
    "get_resource_id",
    "get_resource_type",
    "is_resource",
]


def is_resource(value: Any) -> bool:
    """Finds whether a variable is a resource.  https://www.php.net/function.is-resource

    An open one: after fclose it is none, though its truth and number stay.
    """
    return isinstance(value, Resource) and value.is_open


def get_resource_type(resource: Any) -> str:
    """Returns the resource type.  https://www.php.net/function.get-resource-type

    "stream", "persistent stream", "stream-context"; "Unknown" after closing.
    """
    if not isinstance(resource, Resource):
        raise wrong_type(resource, 1, "resource")
    if not resource.is_open:
        return "Unknown"
    if isinstance(resource, Stream) and resource.persistent:
        return "persistent stream"
    return resource.type_name


def get_resource_id(resource: Any) -> int:
    """Returns an integer identifier for the given resource.  https://www.php.net/function.get-resource-id"""
    if not isinstance(resource, Resource):
        raise wrong_type(resource, 1, "resource")
    return resource.number

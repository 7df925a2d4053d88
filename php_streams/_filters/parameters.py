"""What stream_filter_append was given as the parameters of a built-in filter."""

from __future__ import annotations

from typing import Any

from php_streams._core.values import to_text, type_name


def entries(params: Any) -> dict[str, Any] | None:
    """An array's entries by name, or an object's properties; None for anything else."""
    if isinstance(params, dict):
        return {to_text(key) if isinstance(key, bytes) else str(key): value for key, value in params.items()}
    if type_name(params) == "array":
        return {}
    return dict(vars(params)) if hasattr(params, "__dict__") else None

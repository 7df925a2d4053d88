"""Times as PHP writes them into logs."""

from __future__ import annotations

import time

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def log_time() -> str:
    """Now, as 29-Nov-2026 22:36:01 UTC: PHP's time zone when nothing sets another."""
    now = time.gmtime()
    day = f"{now.tm_mday:02}-{_MONTHS[now.tm_mon - 1]}-{now.tm_year}"
    return f"{day} {time.strftime('%H:%M:%S', now)} UTC"

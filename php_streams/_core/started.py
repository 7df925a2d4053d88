"""Processes that `subprocess` starts and nobody but us waits for (see process.py)."""

from __future__ import annotations

import subprocess
from typing import Any


class Started(subprocess.Popen[bytes]):
    """A process that was started; that it runs on when this object goes is no warning."""

    def __del__(self, *arguments: Any) -> None:
        pass

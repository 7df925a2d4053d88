"""proc_nice without the privilege, and out of range."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os
os.setgroups([]); os.setgid(65534); os.setuid(65534)
import php_streams
php_streams.set_error_handler(lambda level, message: print(message))
print(php_streams.proc_nice(-1), php_streams.proc_nice(2**32 + 1), os.nice(0))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give its privileges up")
def test_only_a_super_user_gets_more_of_the_processor() -> None:
    """PHP's warning and False; what is added is what C's int holds."""
    code = "import inspect, php_streams.execution\n" + SCRIPT
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said, results = done.stdout.splitlines()
    assert said == "proc_nice(): Only a super user may attempt to increase the priority of a process"
    assert results == f"False True {os.nice(0) + 1}"

"""The C library itself, for what PHP asks of it and Python's standard library does not bind.

It is imported at the first such call only: ctypes is no small module.
"""

from __future__ import annotations

import ctypes

#: Calls that may wait; other threads go on meanwhile.
waiting = ctypes.CDLL(None, use_errno=True)
#: Calls whose answer lies in static memory: no other thread may ask before it was copied.
static = ctypes.PyDLL(None)

"""STDIN, STDOUT, STDERR: streams on descriptors 0, 1 and 2 (the manual's features.commandline.io-streams).

They belong to the program, as sys.stdin does: a variable that goes, or Python's end, does not close them,
only fclose does.  Where a program was started without one of the descriptors, the stream is a closed one.
"""

from __future__ import annotations

from php_streams._wrappers.php import open_standard

__all__ = ["STDERR", "STDIN", "STDOUT"]

STDIN = open_standard("stdin", "rb")
STDOUT = open_standard("stdout", "wb")
STDERR = open_standard("stderr", "wb")

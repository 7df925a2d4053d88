"""What PHP's manual promises, what of it is checked, in which PHP versions, and where we differ on purpose.

    python -m compat_matrix status         coverage, by chapter and function
    python -m compat_matrix new CLAIM      the skeleton of a case for one claim of the manual
    python -m compat_matrix run --php PATH the whole suite against any php binary
    python -m compat_matrix build          the matrix page of the documentation

A tool of this checkout: it reads the case files, the recorded facts, the manual's claims and the decisions.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "compat_matrix"
CASES = ROOT / "tests/conformance"


class MatrixError(Exception):
    """Input that cannot be used; the text says what and why, for whoever typed the command."""

"""Where things lie in this checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CERTS = ROOT / "tests" / "conformance" / "certs"  # tests/conformance/make_certs.py makes them

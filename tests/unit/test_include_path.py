"""The include_path where PHP has nothing to compare: there a script always calls."""

from __future__ import annotations

from pathlib import Path

from tests.programs import run_code


def test_without_a_script_that_calls(tmp_path: Path) -> None:
    """What Python itself calls, at exit, has no caller in whose folder the file could be."""
    (tmp_path / "page").write_text("the page")
    code = f"""
        import atexit, os
        import php_streams as php

        os.chdir({str(tmp_path)!r})
        php.ini_set("include_path", "nowhere")
        atexit.register(php.readfile, "page", True)
    """
    assert run_code(code) == (0, "the page", "")

"""What every handle says of itself, and where output goes when standard output takes only text."""

from __future__ import annotations

import copy
import io
import sys
from pathlib import Path

import pytest

from php_streams import fclose, fopen, proc_close, proc_open, readfile, stream_context_create


def test_a_handle_shows_its_number_and_type() -> None:
    context = stream_context_create()
    assert repr(context) == f"<Resource id #{int(context)} of type (stream-context)>"
    fp = fopen("php://memory", "r")
    assert fp
    assert repr(fp) == f"<Resource id #{int(fp)} of type (stream)>"
    fclose(fp)
    assert repr(fp) == f"<Resource id #{int(fp)} of type (Unknown)>"
    process, _ = proc_open(["true"], {})
    assert repr(process) == f"<Resource id #{int(process)} of type (process)>"
    proc_close(process)
    assert repr(process) == f"<Resource id #{int(process)} of type (Unknown)>"


def test_a_handle_is_not_copied() -> None:
    handles = [stream_context_create(), fopen("php://memory", "r")]
    assert all(copy.copy(handle) is handle for handle in handles)
    again = copy.deepcopy(handles)
    assert again is not handles and all(one is other for one, other in zip(again, handles, strict=True))


def test_output_goes_as_text_where_there_is_nothing_for_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f").write_bytes("gr\u00fc\u00dfe\n".encode() + b"\xff\n")
    text = io.StringIO()
    monkeypatch.setattr(sys, "stdout", text)
    assert readfile(str(tmp_path / "f")) == 10
    assert text.getvalue() == "gr\u00fc\u00dfe\n\ufffd\n"

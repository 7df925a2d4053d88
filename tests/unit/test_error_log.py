"""error_log where Python is another world than php: sys.stderr, path objects, threads, what is not there."""

from __future__ import annotations

import io
import re
import sys
import threading
import warnings
from pathlib import Path

import pytest

from php_streams import error_log, ini_get, ini_set, silence


def test_standard_error_is_the_one_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in its place gets the message: bytes where it takes them, else text."""
    for stream in (io.TextIOWrapper(io.BytesIO(), encoding="ascii"), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", stream)
        assert error_log("grüße")
    assert stream.getvalue() == "grüße\n"  # type: ignore[attr-defined]


def test_no_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program without one loses the message, and nothing else happens."""
    monkeypatch.setattr(sys, "stderr", None)
    assert error_log("one")
    assert error_log("two", 4)


def test_a_path_object_names_the_file(tmp_path: Path) -> None:
    """As wherever a file is named (rule R4)."""
    assert error_log("one", 3, tmp_path / "log")
    assert error_log(b"two", 3, tmp_path / "log")
    assert (tmp_path / "log").read_bytes() == b"onetwo"


def test_a_warning_that_raises_leaves_no_descriptor(tmp_path: Path) -> None:
    """With -W error, on a full disk and without a folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for destination in (Path("/dev/full"), tmp_path / "missing" / "log"):
            with pytest.raises(UserWarning, match=r"error_log\("):
                error_log("message", 3, destination)
    with silence():
        assert not error_log("message", 3, tmp_path)


def test_the_setting_is_the_threads(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Another thread has not set it, and finds standard error."""
    ini_set("error_log", str(tmp_path / "log"))
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.extend([ini_get("error_log"), error_log("of the thread")]))
    thread.start()
    thread.join()
    error_log("of the first")
    assert seen == ["", True]
    assert capfd.readouterr().err == "of the thread\n"
    assert re.fullmatch(r"\[\d\d-\w{3}-\d{4} [\d:]{8} UTC\] of the first\n", (tmp_path / "log").read_text())


def test_lines_of_many_threads_stay_whole(tmp_path: Path) -> None:
    """Each is one write at the end of the file."""
    log = tmp_path / "log"

    def work(number: int) -> None:
        ini_set("error_log", str(log))
        for _ in range(200):
            error_log(str(number) * 300)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = log.read_text().splitlines()
    assert len(lines) == 800
    assert all(re.fullmatch(r"\[[^]]+\] (\d)\1{299}", line) for line in lines)

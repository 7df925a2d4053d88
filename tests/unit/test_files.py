"""Files: the bridge to Python's, limits of the system, and the streams that a program is born with."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import php_streams as php


def test_to_file_shares_everything_with_the_stream(tmp_path: Path) -> None:
    path = tmp_path / "f"
    fp = php.fopen(path, "w+")
    file = php.to_file(fp)
    assert file.write(b"one\ntwo\nthree\n") == 14
    assert file.seek(0) == 0
    assert php.fgets(fp) == b"one\n"
    assert file.readline() == b"two\n"
    assert php.ftell(fp) == file.tell() == 8
    assert file.read(2) == b"th"
    assert file.read() == b"ree\n" and file.read() == b""
    assert file.truncate(3) == 3 and path.read_bytes() == b"one"
    assert (file.readable(), file.writable(), file.seekable(), file.isatty()) == (True, True, True, False)
    assert os.fstat(file.fileno()).st_size == 3
    file.close()
    assert file.closed and not php.is_resource(fp)
    file.close()


def test_pythons_libraries_take_any_stream() -> None:
    fp = php.fopen("php://memory", "w+")
    text = io.TextIOWrapper(php.to_file(fp), "utf-8", newline="")
    csv.writer(text).writerows([["a", "ä"], ["1", "2"]])
    text.seek(0)
    assert list(csv.reader(text)) == [["a", "ä"], ["1", "2"]]
    text.seek(0)
    copied = io.BytesIO()
    shutil.copyfileobj(php.to_file(fp), copied)
    assert copied.getvalue() == "a,ä\r\n1,2\r\n".encode()


def test_a_file_that_cannot() -> None:
    fp = php.fopen("php://memory", "r")
    file = php.to_file(fp)
    assert not file.writable()
    with pytest.raises(OSError, match="0 of 3 bytes"):
        file.write(b"abc")
    with pytest.raises(OSError, match=r"cannot seek to -1 \(0\)"):
        file.seek(-1)
    near, _ = php.stream_socket_pair(php.STREAM_PF_UNIX, php.STREAM_SOCK_STREAM, 0) or ()
    socket = php.to_file(near)
    with pytest.raises(io.UnsupportedOperation, match="seek"):
        socket.seek(0)
    with pytest.raises(io.UnsupportedOperation, match="truncate"):
        socket.truncate(0)
    php.fclose(fp)
    with pytest.raises(ValueError, match="closed"):
        file.read()
    with pytest.raises(TypeError, match=r"to_file\(\)"):
        php.to_file("fp")


def test_from_file_goes_on_where_the_file_stands(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with path.open("w+b") as file:
        file.write(b"one\ntwo\nthree\n")
        file.seek(0)
        assert file.readline() == b"one\n"
        fp = php.from_file(file)
    assert php.fgets(fp) == b"two\n"
    assert php.fwrite(fp, b"THREE") == 5
    php.fclose(fp)
    assert path.read_bytes() == b"one\ntwo\nTHREE\n"
    with path.open() as text:
        assert text.readline() == "one\n"
        fp = php.from_file(text)
        assert php.stream_get_contents(fp) == b"two\nTHREE\n"
        assert php.stream_get_meta_data(fp)["mode"] == "rb"


def test_from_file_takes_files_with_a_descriptor(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="must be a file, string given"):
        php.from_file("path")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="fileno"):
        php.from_file(io.BytesIO(b"abc"))
    closed = (tmp_path / "f").open("w")
    closed.close()
    with pytest.raises(ValueError, match="closed"):
        php.from_file(closed)
    reader, writer = os.pipe()
    with open(reader, "rb") as pipe, open(writer, "wb") as end:
        fp = php.from_file(pipe)
        end.write(b"through\n")
        end.flush()
        assert php.fgets(fp) == b"through\n"
        assert php.stream_get_meta_data(fp)["seekable"] is False


def run(code: str, *, folder: Path, **more: object) -> subprocess.CompletedProcess[bytes]:
    """A program of its own."""
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-c", "from php_streams import *\n" + code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(php.__file__).parents[1])},
        capture_output=True,
        timeout=30,
        check=False,
        **more,
    )


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    code = """
import resource, warnings
warnings.simplefilter("ignore")
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
fp = fopen("f", "w")
print(fwrite(fp, b"0123456"), fwrite(fp, b"789abc"), error_get_last()["message"])
print(fwrite(fp, b"x"), ftell(fp), fclose(fp), filesize("f"))
print(file_put_contents("g", b"x" * 20), error_get_last()["message"])
print(copy("h", "k"), filesize("k"))
"""
    (tmp_path / "h").write_bytes(b"y" * 30)
    done = run(code, folder=tmp_path)
    assert done.stdout.decode().splitlines() == [
        "7 3 fwrite(): Write of 3 bytes failed with errno=27 File too large",
        "False 10 True 10",
        "False file_put_contents(): Only 10 of 20 bytes written, possibly out of free disk space",
        "False 10",
    ], done.stderr


def test_the_programs_descriptors_outlive_its_streams(tmp_path: Path) -> None:
    code = """
import gc, sys, php_streams
fwrite(STDOUT, b"one\\n")
del STDIN, STDOUT, STDERR
for name in ("STDIN", "STDOUT", "STDERR"):
    delattr(php_streams, name)
    delattr(php_streams.standard, name)
gc.collect()
print("two", flush=True)
print("three", file=sys.stderr)
print(sys.stdin.readline())
"""
    done = run(code, folder=tmp_path, input=b"four")
    assert (done.stdout, done.stderr, done.returncode) == (b"one\ntwo\nfour\n", b"three\n", 0)


def test_fclose_closes_the_programs_descriptors(tmp_path: Path) -> None:
    code = """
print(fgets(STDIN), flush=True)
print(fclose(STDIN), fclose(STDERR), flush=True)
again = fopen("f", "w+")
print(again.fileno(), is_resource(STDIN), flush=True)
fclose(STDOUT)
"""
    done = run(code, folder=tmp_path, input=b"line\n")
    assert (done.stdout, done.returncode) == (b"b'line\\n'\nTrue True\n0 False\n", 0)


def test_a_program_without_descriptors(tmp_path: Path) -> None:
    code = "fp = fopen('f', 'w'); fwrite(fp, repr([is_resource(STDIN), is_resource(STDERR), int(STDIN)]))"
    start = "os.execv(sys.executable, [sys.executable, '-c', sys.argv[1]])"
    program = f"import os, sys; os.close(0); os.close(2); {start}"
    done = subprocess.run(
        [sys.executable, "-c", program, "from php_streams import *\n" + code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(php.__file__).parents[1])},
        timeout=30,
        check=False,
    )
    assert done.returncode == 0
    assert (tmp_path / "f").read_text() == "[False, False, 1]"


def test_every_question_about_a_name_is_answered_anew(tmp_path: Path) -> None:  # stat-cache
    path = tmp_path / "f"
    assert not php.file_exists(path)
    path.write_bytes(b"abc")
    assert php.filesize(path) == 3
    path.write_bytes(b"abcdef")
    assert php.filesize(path) == 6
    assert php.clearstatcache(True, path) is None


def test_a_folder_begins_with_itself_and_the_one_above(tmp_path: Path) -> None:  # readdir-order
    (tmp_path / "a").touch()
    handle = php.opendir(tmp_path)
    assert [php.readdir(handle) for _ in range(4)] == [".", "..", "a", False]
    php.closedir(handle)


def test_slashes_behind_a_pattern(tmp_path: Path) -> None:  # glob-slashes
    (tmp_path / "folder").mkdir()
    for end in ("/", "//", "///"):
        assert php.glob(f"{tmp_path}/f*{end}", php.GLOB_MARK) == [f"{tmp_path}/folder/"]
    assert php.fnmatch("*\\/", "a/", php.FNM_PATHNAME)


def test_what_was_read_when_a_write_fails(tmp_path: Path) -> None:  # copy-failed
    (tmp_path / "f").write_bytes(b"line\n" + b"x" * 100_000)
    with php.fopen(tmp_path / "f", "r") as source, php.fopen("/dev/full", "w") as full:
        with pytest.warns(php.PhpNotice, match="No space left on device"):
            assert php.stream_copy_to_stream(source, full) is False
        assert php.ftell(source) > 8192


def test_the_file_of_php_temp_has_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # temp-unnamed
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with php.fopen("php://temp/maxmemory:4", "w+") as fp:
        php.fwrite(fp, "more than four")
        assert php.fstat(fp)["nlink"] == 0
        assert list(tmp_path.iterdir()) == []


def test_read1_brings_what_one_read_brings(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(range(256)) * 100)
    file = php.to_file(php.fopen(str(tmp_path / "f"), "r"))
    assert file.read1(0) == b""
    assert file.read1(1) == b"\0"
    assert len(file.read1()) > 1 < len(file.read1(-1))

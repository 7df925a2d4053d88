"""What inject.py breaks off at every line, on this machine: files, folders, filters, wrappers and programs.

Each scenario gets the ports of inject_peer.py and a folder of its own, and leaves nothing open when it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import php_streams as php

Ports = dict[str, int]
Scenario = Callable[[Ports, str], None]
SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    """A row of the table."""
    SCENARIOS[function.__name__] = function
    return function


@scenario
def file(ports: Ports, folder: str) -> None:
    path = f"{folder}/file"
    fp = php.fopen(path, "w+")
    php.fwrite(fp, "one\ntwo\nthree\n" * 100)
    php.rewind(fp)
    php.fgets(fp)
    php.fread(fp, 10)
    php.fwrite(fp, "X")
    php.ftruncate(fp, 50)
    php.fclose(fp)
    php.file_put_contents(path, "four\n", php.FILE_APPEND | php.LOCK_EX)
    php.file(path)
    php.file_get_contents(path, False, None, 3, 5)


@scenario
def temporary(ports: Ports, folder: str) -> None:
    fp = php.tmpfile()
    php.fwrite(fp, "one\n")
    php.fclose(fp)
    fp = php.tmpfile()
    php.fwrite(fp, "one\n")
    spilt = php.fopen("php://temp/maxmemory:10", "w+")
    php.fwrite(spilt, "more than ten bytes\n")
    php.rewind(spilt)
    php.fgets(spilt)
    name = php.tempnam(folder, "x")
    php.unlink(name)


@scenario
def folders(ports: Ports, folder: str) -> None:
    handle = php.opendir(folder)
    php.readdir(handle)
    php.readdir(handle)
    php.rewinddir(handle)
    while php.readdir(handle) is not False:
        pass
    php.closedir(handle)
    php.dir(folder).read()
    php.scandir(folder)
    php.glob(f"{folder}/*")
    other = php.fopen(folder, "r")
    php.fclose(other)


@scenario
def copying(ports: Ports, folder: str) -> None:
    one, two = f"{folder}/one", f"{folder}/two"
    php.file_put_contents(one, "one\ntwo\n" * 1000)
    php.copy(one, two)
    source, target = php.fopen(one, "r"), php.fopen("php://temp", "w+")
    php.fgets(source)
    php.stream_copy_to_stream(source, target)
    php.touch(f"{folder}/three")
    php.rename(two, f"{folder}/three")
    php.unlink(f"{folder}/three")


@scenario
def gz(ports: Ports, folder: str) -> None:
    path = f"{folder}/file.gz"
    fp = php.gzopen(path, "w")
    php.gzwrite(fp, "one\ntwo\n" * 100)
    php.gzclose(fp)
    fp = php.gzopen(path, "r")
    php.gzgets(fp)
    php.gzread(fp, 10)
    php.gzclose(fp)
    php.file_put_contents(f"compress.bzip2://{folder}/file.bz2", "one\ntwo\n")
    php.file_get_contents(f"compress.bzip2://{folder}/file.bz2")


@scenario
def filters(ports: Ports, folder: str) -> None:
    fp = php.fopen(f"{folder}/filtered", "w+")
    one = php.stream_filter_append(fp, "convert.base64-encode", php.STREAM_FILTER_WRITE)
    php.stream_filter_append(fp, "zlib.deflate", php.STREAM_FILTER_WRITE)
    php.stream_filter_prepend(fp, "string.rot13", php.STREAM_FILTER_WRITE)
    php.fwrite(fp, "something\n" * 10)
    php.fflush(fp)
    php.stream_filter_remove(one)
    php.fclose(fp)
    fp = php.fopen(f"php://filter/read=string.toupper/resource={folder}/filtered", "r")
    php.fgets(fp)
    php.stream_filter_append(fp, "string.tolower", php.STREAM_FILTER_READ)
    php.fread(fp, 10)


class Kept:
    """A wrapper over a file."""

    context = None

    def stream_open(self, path: str, mode: str, options: int, opened: Any = None) -> bool:
        self.fp = php.fopen(path.replace("kept://", ""), mode)
        return bool(self.fp)

    def stream_read(self, count: int) -> Any:
        return php.fread(self.fp, count)

    def stream_write(self, data: bytes) -> Any:
        return php.fwrite(self.fp, data)

    def stream_eof(self) -> bool:
        return php.feof(self.fp)

    def stream_flush(self) -> bool:
        return True

    def stream_close(self) -> None:
        php.fclose(self.fp)

    def stream_stat(self) -> Any:
        return php.fstat(self.fp)


@scenario
def wrapper(ports: Ports, folder: str) -> None:
    if "kept" not in php.stream_get_wrappers():
        php.stream_wrapper_register("kept", Kept)
    url = f"kept://{folder}/kept"
    fp = php.fopen(url, "w")
    php.fwrite(fp, "one\ntwo\n")
    php.fclose(fp)
    fp = php.fopen(url, "r")
    php.fgets(fp)
    php.file_get_contents(url)


@scenario
def popen(ports: Ports, folder: str) -> None:
    fp = php.popen("echo one; echo two", "r")
    php.fgets(fp)
    php.pclose(fp)
    fp = php.popen("cat >/dev/null", "w")
    php.fwrite(fp, "one\n")


@scenario
def programs(ports: Ports, folder: str) -> None:
    php.exec("echo one")
    php.shell_exec("echo two")


@scenario
def mail(ports: Ports, folder: str) -> None:
    php.ini_set("sendmail_path", f"cat >{folder}/letter")
    php.ini_set("mail.log", f"{folder}/log")
    php.mail("ada@a.test", "subject", "one\ntwo\n", {"From": "bob@b.test"}, "-f x")
    php.error_log("three", 1, "ada@a.test")


@scenario
def proc_open(ports: Ports, folder: str) -> None:
    spec = {0: ["pipe", "r"], 1: ["pipe", "w"], 2: ["file", f"{folder}/err", "a"], 3: ["socket"]}
    process, pipes = php.proc_open(["cat"], spec)
    php.fwrite(pipes[0], "one\n")
    php.fclose(pipes[0])
    php.fgets(pipes[1])
    php.proc_close(process)


class Upper(php.php_user_filter):
    """A filter that opens a file."""

    def onCreate(self) -> bool:
        self.spill = php.fopen("php://temp/maxmemory:0", "w+")
        return True

    def filter(self, in_: Any, out: Any, consumed: int, closing: bool) -> Any:
        while bucket := php.stream_bucket_make_writeable(in_):
            php.fwrite(self.spill, bucket.data)
            consumed += bucket.datalen
            php.stream_bucket_append(out, bucket)
        return php.PSFS_PASS_ON, consumed

    def onClose(self) -> None:
        php.fclose(self.spill)


@scenario
def user_filter(ports: Ports, folder: str) -> None:
    if "upper" not in php.stream_get_filters():
        php.stream_filter_register("upper", Upper)
    fp = php.fopen(f"{folder}/filtered", "w+")
    php.stream_filter_append(fp, "upper", php.STREAM_FILTER_WRITE)
    php.fwrite(fp, "one\ntwo\n")
    php.fclose(fp)
    fp = php.fopen(f"{folder}/filtered", "r")
    php.fgets(fp)
    taken = php.stream_filter_append(fp, "upper")
    php.fgets(fp)
    php.stream_filter_remove(taken)

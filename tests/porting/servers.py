"""The servers among the examples as processes, and clients for them."""

from __future__ import annotations

import os
import queue
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from types import TracebackType

from php_streams.porting.demo import PHP_SETTINGS, examples_folder
from php_streams.porting.demo_sessions import environment
from php_streams.porting.php_cli import PhpCli
from tests.places import CERTS

EXAMPLES = examples_folder()
CA = CERTS / "ca.pem"
PATIENCE = 20.0


def program(name: str, php: PhpCli | None) -> list[str]:
    """How the PHP twin of an example is started, or the Python twin where php is None."""
    if php is None:
        return [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")]
    return [str(php.path), *PHP_SETTINGS, str(EXAMPLES / f"{name}.php")]


class Served:
    """A server that runs while the block does; `log` gives the lines that it prints, one by one."""

    def __init__(self, command: list[str]) -> None:
        env = {**environment(), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
        self.lines: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.decode().rstrip("\n"))

    def __enter__(self) -> Served:
        try:
            self.port = int(self.log("listening on ").rpartition(":")[2])
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def log(self, begins: str = "") -> str:
        """The next line of the server's log; it has to begin with `begins`."""
        line = self.lines.get(timeout=PATIENCE)
        assert line.startswith(begins), (line, list(self.lines.queue))
        return re.sub(r"127\.0\.0\.1:\d+ ", "PEER ", line)

    def descriptors(self) -> int:
        """How many descriptors the server has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def settles_at(self, descriptors: int) -> bool:
        """Whether the server comes back to at most that many descriptors."""
        end = time.monotonic() + PATIENCE
        while self.descriptors() > descriptors and time.monotonic() < end:
            time.sleep(0.01)
        return self.descriptors() <= descriptors


class LineClient:
    """A client that speaks lines, in plaintext or over TLS of one version."""

    def __init__(self, port: int, version: ssl.TLSVersion | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        if version is not None:
            context = ssl.create_default_context(cafile=CA)
            context.minimum_version = context.maximum_version = version
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rwb", 0)

    def says(self, line: str) -> None:
        """Sends a line."""
        self.file.write(line.encode() + b"\n")

    def hears(self) -> str:
        """The next line; "" at the end."""
        return self.file.readline().decode().rstrip("\n")

    def close(self) -> None:
        """Hangs up."""
        self.file.close()
        self.socket.close()

    def __enter__(self) -> LineClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

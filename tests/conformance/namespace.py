"""A network of their own for the twins of a case with a ZONE: loopback, and a name server on port 53.

PHP asks the servers that /etc/resolv.conf names, at port 53; neither can be said to it otherwise.  So such a
case is run by a process in namespaces of its own (network, mounts, host name, and users where that is needed
to be allowed the others): there its resolv.conf, hosts, services, protocols and nsswitch.conf lie over the
system's.  The process is started once, and runs one case after the other.

Where the system forbids namespaces php cannot be asked.  Python can: its engine is pointed to the test's name
server directly, except for what the C library looks up itself.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

from php_streams.porting.php_cli import PhpCli
from tests.conformance.case import Case, CaseError
from tests.conformance.transcript import Transcript
from tests.conformance.zone import Zone
from tests.places import ROOT

SECONDS = 55.0  # for one run
LEAVING = 5.0  # for the end of the process
START = f"import sys; from {__name__} import serve; serve(int(sys.argv[1]), sys.argv[2])"

# linux/sched.h, sys/mount.h, linux/sockios.h
NEW_NS, NEW_UTS, NEW_USER, NEW_NET = 0x00020000, 0x04000000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

# None: as the system has it.
FILES = {
    "resolv.conf": "",
    "nsswitch.conf": "hosts: files dns\nservices: files\nprotocols: files\n",
    "hosts": "",
    "services": None,
    "protocols": None,
}
HOSTS = ["127.0.0.1 localhost", "::1 localhost"]
HOST_NAME = "client"

# What the C library looks up, where only /etc/resolv.conf can tell it whom to ask.
OF_THE_SYSTEM = re.compile(
    r"\b(gethostby\w+|getservby\w+|getprotoby\w+|p?fsockopen|stream_socket_\w+)\(|^!(hosts|hostname) ",
    re.MULTILINE,
)

_inside: Path | None = None
_systems: dict[str, str] = {}  # the files that the system has, as it has them


class NotNeeded(Exception):
    """There are no namespaces, but this twin can do without."""


class Unavailable(RuntimeError):
    """This system gives no namespaces; the text says why."""


def inside() -> bool:
    """Is this the process in the namespaces?"""
    return _inside is not None


def furnish(zone: Zone) -> None:
    """Makes the system's resolver ask the zone's servers; only inside."""
    assert _inside is not None
    (_inside / "resolv.conf").write_text(zone.resolv_conf)
    (_inside / "hosts").write_text("".join(f"{line}\n" for line in [*HOSTS, *zone.hosts]))
    for name, lines in (("services", zone.services), ("protocols", zone.protocols)):
        (_inside / name).write_text("".join(f"{line}\n" for line in lines) or _systems[name])
    socket.sethostname(zone.hostname or HOST_NAME)


class Worker:
    """The process, as seen from outside."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="case-dns-")
        ours, its = socket.socketpair()
        with its:
            self.process = subprocess.Popen(
                [sys.executable, "-c", START, str(its.fileno()), self.folder.name],
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                pass_fds=[its.fileno()],
            )
        self.connection = Connection(ours.detach())
        self.refusal = self._receive()

    def run(self, case: Case, php: PhpCli | None) -> Transcript:
        """One run of a twin."""
        try:
            self.connection.send((case, php))
            answer = self._receive()
        except BaseException:  # a timeout of pytest's, perhaps: what comes later would be another case's
            self.close()
            raise
        if isinstance(answer, Transcript):
            return answer
        if isinstance(answer, tuple):
            raise CaseError(*answer)
        raise RuntimeError(answer)

    def _receive(self) -> object:
        if not self.connection.poll(SECONDS):
            self.close()
            raise RuntimeError(f"{__name__}: no answer within {SECONDS:g} s")
        try:
            return self.connection.recv()
        except EOFError:
            self.close()
            raise RuntimeError(f"{__name__}: the process in the namespaces ended") from None

    def leave(self) -> None:
        """Lets the process end by itself, so that coverage's data of it are written."""
        self.connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(LEAVING)
        self.close()

    def close(self) -> None:
        """Ends the process."""
        with contextlib.suppress(OSError):
            self.connection.close()
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


_worker: Worker | None = None
_lock = threading.Lock()


def run(case: Case, php: PhpCli | None) -> Transcript:
    """The transcript of this case in this php, or in Python; raises `Unavailable`."""
    global _worker
    with _lock:
        if _worker is None or _worker.process.poll() is not None:
            _worker = Worker()
            atexit.register(_worker.close)
        if isinstance(_worker.refusal, str):
            assert case.zone is not None
            if php is None and not OF_THE_SYSTEM.search(case.python.text + case.zone.text):
                raise NotNeeded
            raise Unavailable(f"no network namespace with a name server of its own: {_worker.refusal}")
        return _worker.run(case, php)


def end() -> None:
    """Ends the process, if there is one; the next case would start another."""
    global _worker
    with _lock:
        worker, _worker = _worker, None
        if worker is not None:
            atexit.unregister(worker.close)
            worker.leave()


# The process itself


def serve(descriptor: int, name: str) -> None:
    """Runs what it is asked to until nobody asks any more."""
    global _inside
    connection, folder = Connection(descriptor), Path(name)
    try:
        enter(folder)
    except OSError as error:
        connection.send(error.strerror or str(error))
    else:
        _inside = folder
        connection.send(None)
    with contextlib.suppress(EOFError):
        while True:
            case, php = connection.recv()
            connection.send(perform(case, php))


def perform(case: Case, php: PhpCli | None) -> Transcript | tuple[Path, int, str] | str:
    """The transcript; where and why the case cannot be used; or what else went wrong, as text."""
    from tests.conformance.php_side import run_php
    from tests.conformance.python_side import run_python

    try:
        return run_php(case, php) if php else run_python(case)
    except CaseError as error:
        return error.path, error.line, error.reason
    except Exception:
        return traceback.format_exc()


def enter(folder: Path) -> None:
    """Leaves the system's namespaces for new ones; raises `OSError`."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call(name: str, *arguments: object) -> None:
        if getattr(libc, name)(*arguments) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{name}: {os.strerror(number)}")

    user, group = os.getuid(), os.getgid()
    try:
        call("unshare", NEW_NS | NEW_UTS | NEW_NET)
    except PermissionError:
        call("unshare", NEW_NS | NEW_UTS | NEW_NET | NEW_USER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    if own := own_etc(folder):
        call("mount", os.fsencode(own), b"/etc", None, MS_BIND, None)
    for name, text in FILES.items():
        _systems[name] = Path("/etc", name).read_text() if text is None else text
        (folder / name).write_text(_systems[name])
        target = os.path.realpath(f"/etc/{name}")
        call("mount", os.fsencode(folder / name), os.fsencode(target), None, MS_BIND, None)
    if os.path.isdir("/run/nscd"):
        call("mount", b"none", b"/run/nscd", b"tmpfs", 0, None)  # its cache knows the system's names
    with socket.socket() as sock:
        request = fcntl.ioctl(sock, SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16xh14x", request)[0] | IFF_UP
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags))


def own_etc(folder: Path) -> Path | None:
    """A copy of /etc with a file for each name where a bare system has none to lay ours over."""
    missing = [name for name in FILES if not os.path.exists(f"/etc/{name}")]
    if not missing:
        return None
    etc = folder / "etc"
    with contextlib.suppress(shutil.Error):  # what only root may read is not needed
        shutil.copytree("/etc", etc, symlinks=True)
    for name in missing:
        (etc / name).unlink(missing_ok=True)  # a link that leads nowhere
        (etc / name).touch()
    return etc

"""Two thousand STARTTLS sessions in one process: no descriptor, no thread and no memory may stay behind.

Usage: python soak.py [--sessions 2000]

The mailer of mailer.py sends one small message in each session, to the demo's server in a process of its own.
Three sessions in ten go wrong on purpose: a certificate that does not verify, tls:// at the STARTTLS port, a
mailer that is forgotten in the middle.  Needs php-streams[tools].
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from mailer import Mailer, send_messages

WARM_UP = 200  # sessions: caches fill, the allocator finds its size
ALLOWED_GROWTH = 512  # bytes of memory for each session after the warm-up; a leaked TLS session is far more
STEPS = 10  # lines of the table
SPECIAL = {0: "untrusted", 2: "by fsockopen", 4: "tls at once", 6: "forgotten"}  # of each ten sessions


def serve():
    """The demo's servers, until standard input ends."""
    from php_streams.porting.demo_servers import MailServers

    with tempfile.TemporaryDirectory() as folder, MailServers(Path(folder)) as servers:
        keeper = threading.Thread(target=drain, args=(servers.starttls,), daemon=True)
        keeper.start()
        print(json.dumps({"port": servers.starttls.port, "cafile": str(servers.cafile)}), flush=True)
        sys.stdin.read()


def drain(server):
    """Drops the records of connections: they would be memory that grows."""
    while True:
        server.finished.get()


def make_jobs(folder, server):
    """The good job, and those that must fail: {name: (job, what send_messages gives)}."""
    from php_streams.porting.demo_servers import HOST, PASSWORD, USER

    message = folder / "message.eml"
    message.write_text("Subject: soak\n\nA line.\n.A line with a dot.\n")
    good = {
        "host": HOST,
        "port": server["port"],
        "security": "starttls",
        "ssl": {"cafile": server["cafile"]},
        "connector": "stream_socket_client",
        "helo": "client.example.test",
        "auth": "CRAM-MD5",
        "user": USER,
        "password": PASSWORD,
        "messages": [{"from": USER, "to": ["grace@example.test"], "file": str(message)}],
    }
    return {
        "good": (good, True),
        "untrusted": (good | {"ssl": {}}, False),
        "tls at once": (good | {"security": "tls"}, False),
        "by fsockopen": (good | {"connector": "fsockopen"}, True),
    }


def one_session(number, jobs):
    """One session. Raises SystemExit when it does not end as it should."""
    kind = SPECIAL.get(number % 10, "good")
    mailer = Mailer(lambda line: None, timeout=10)
    if kind == "forgotten":
        job, _ = jobs["good"]
        mailer.connect(job["host"], job["port"], job["security"], job["ssl"], job["connector"])
        right = mailer.hello(job["helo"]) and mailer.start_tls()
        # Nobody closes it: as in PHP, a stream that nobody refers to any more closes itself.
    else:
        job, expected = jobs[kind]
        right = send_messages(mailer, job) is expected
        mailer.close()
    if not right:
        raise SystemExit(f"session {number} ({kind}): {mailer.errors}")


def resident():
    """The memory of this process, in bytes."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure():
    """Open descriptors, threads, memory in bytes."""
    gc.collect()
    return len(os.listdir("/dev/fd")), threading.active_count(), resident()


def soak(sessions, jobs):
    """Runs the sessions; true when nothing stayed behind."""
    for number in range(WARM_UP):
        one_session(number, jobs)
    first = measure()
    began = time.monotonic()
    print(f"{'sessions':>9} {'seconds':>8} {'descriptors':>12} {'threads':>8} {'memory, KiB':>12}")
    for number in range(sessions + 1):
        if number % max(1, sessions // STEPS) == 0:
            last = measure()
            print(f"{number:9,} {time.monotonic() - began:8.1f} {last[0]:12} {last[1]:8} {last[2] >> 10:12,}")
        if number < sessions:
            one_session(number, jobs)
    growth = (last[2] - first[2]) / sessions
    print(f"descriptors {last[0] - first[0]:+}, threads {last[1] - first[1]:+}, bytes each {growth:+.0f}")
    return last[:2] == first[:2] and growth <= ALLOWED_GROWTH


def main():
    """Starts the server, soaks, tells. The exit status is 0 when nothing stayed behind."""
    parser = argparse.ArgumentParser(description="STARTTLS sessions without a leak.")
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve()
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        with tempfile.TemporaryDirectory() as folder:
            clean = soak(options.sessions, make_jobs(Path(folder), json.loads(server.stdout.readline())))
        server.stdin.close()
    print("Nothing stayed behind." if clean else "Something stayed behind.")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())

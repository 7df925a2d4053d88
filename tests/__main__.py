"""The README's two commands: `python3 -m tests` passes the tests, `python3 -m tests demo` shows the demo.

Makes .venv, installs tox there and runs one of its environments; what is missing is said in one line.  This
file runs on a Python that has nothing installed, and on one that is too old to run the rest.
"""

import importlib.util
import os
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST = (3, 11)
USAGE = "usage: python3 -m tests [ENVIRONMENT of tox.ini, by default: tests] [-- ARGUMENTS for it]"
MINUTES = {
    "tests": "up to 8 minutes on 2 cores, twice that where php-cli is found; a dot is a test that has passed",
    "demo": "a minute, most of it to fetch packages",
}


def main(arguments):
    """Runs the tox environment; its exit status, or 2 when that cannot be tried."""
    name = arguments.pop(0) if arguments and not arguments[0].startswith("-") else "tests"
    if arguments[:1] not in ([], ["--"]):
        return fail(USAGE)
    if sys.version_info < OLDEST:
        return fail(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}")
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        return fail("Python's venv is not installed here; on Debian and Ubuntu: apt install python3-venv")
    if not has_localhost():
        return fail("this machine does not know localhost: its /etc/hosts wants a line '127.0.0.1 localhost'")
    if name in MINUTES:
        print(f"This takes {MINUTES[name]}.", flush=True)
    try:
        return run_tox(name, arguments)
    except subprocess.CalledProcessError as error:
        return fail(f"{' '.join(error.cmd)} ended with status {error.returncode}")
    except KeyboardInterrupt:
        return fail("interrupted")


def has_localhost():
    """Whether the name leads to this machine, as it does wherever there is an /etc/hosts."""
    try:
        return bool(socket.getaddrinfo("localhost", 25))
    except OSError:
        return False


def run_tox(name, arguments):
    """Makes .venv where there is none of this Python, and calls tox."""
    folder = os.path.join(ROOT, ".venv")
    python = os.path.join(folder, "bin", "python")
    tell = "import sys; print(sys.version)"
    started = time.monotonic()
    if not os.path.exists(python) or said_by(python, tell) != sys.version:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    if subprocess.run([python, "-c", "import tox"], stderr=subprocess.DEVNULL, check=False).returncode:
        subprocess.run([python, "-m", "pip", "install", "-q", "tox"], check=True)
    status = subprocess.run(
        [python, "-m", "tox", "run", "-e", name, *arguments], cwd=ROOT, check=False
    ).returncode
    print(f"tox run -e {name}: status {status} after {time.monotonic() - started:.0f} s", flush=True)
    return status


def said_by(python, code):
    """What this Python prints; nothing when it does not run (a .venv whose Python has gone)."""
    try:
        return (
            subprocess.run([python, "-c", code], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        )
    except (OSError, subprocess.CalledProcessError):
        return ""


def fail(reason):
    """Says why in one line."""
    print(f"tests: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

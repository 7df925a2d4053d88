"""TLS with no descriptor left: PHP's warnings and False, and nothing stays open.

The programs are processes of their own, so that their peer has descriptors.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.descriptors import only_where_listed
from tests.places import CERTS
from tests.unit.tls_peers import peer

pytestmark = only_where_listed

PROGRAM = """
import os, resource, sys, time, warnings
from php_streams import *
import php_streams._transports.tls  # what the first use of TLS imports

warnings.simplefilter("ignore")
port, certs = sys.argv[1:]
client = STREAM_CRYPTO_METHOD_TLS_CLIENT

def connect(**options):
    context = stream_context_create({"ssl": {"peer_name": "localhost", **options}})
    return stream_socket_client(f"tcp://127.0.0.1:{port}", 5, STREAM_CLIENT_CONNECT, context)[0]

def numbers():
    return set(os.listdir("/proc/self/fd"))

def exhausted(function):
    before, taken = numbers(), []
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, limits[1]))
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
    try:
        result = function()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for number in taken:
            os.close(number)
    print(result, len(numbers()) - len(before), (error_get_last() or {}).get("message"))

"""


def lines_of(program: str, port: int) -> list[str]:
    command = [sys.executable, "-c", PROGRAM + program, str(port), str(CERTS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("blocking", [True, False])
def test_a_refused_name(blocking: bool) -> None:
    """The goodbye goes out, although no descriptor is free to catch it."""
    program = f"""
fp = connect(verify_peer=False, peer_name="other.test")
stream_set_blocking(fp, {blocking})
def handshake():
    while (on := stream_socket_enable_crypto(fp, True, client)) is not False and on == 0:
        time.sleep(0.001)
    return on, "crypto" in stream_get_meta_data(fp)
exhausted(handshake)
"""
    with peer("tls good\nexpect eof") as player:
        (line,) = lines_of(program, player.port)
    assert line.startswith("(False, False) 0 ")
    assert line.endswith("Peer certificate subjectAltName did not match expected name `other.test'")


def test_switching_off() -> None:
    """The goodbye arrives, and plaintext after it."""
    program = """
fp = connect(cafile=f"{certs}/ca.pem")
print(stream_socket_enable_crypto(fp, True, client), fwrite(fp, "before"))
exhausted(lambda: (stream_socket_enable_crypto(fp, False), fwrite(fp, "after")))
print(fread(fp, 10))
"""
    script = 'tls good tls1.2\nexpect "before"\nuntls\nexpect "after"\nsend "thanks"\nexpect eof'
    with peer(script) as player:
        lines = lines_of(program, player.port)
    assert lines == ["True 6", "(False, 5) 0 None", "b'thanks'"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("cafile=f'{certs}/ca.pem'", "failed loading cafile stream: `"),
        ("verify_peer=False, local_cert=f'{certs}/client.pem'", "Unable to set local cert chain file `"),
    ],
)
def test_files_that_cannot_be_opened(options: str, message: str) -> None:
    program = f"""
fp = connect({options})
exhausted(lambda: stream_socket_enable_crypto(fp, True, client))
"""
    with peer("expect eof") as player:
        (line,) = lines_of(program, player.port)
    assert line.startswith("False 0 ") and message in line

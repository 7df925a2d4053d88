"""net_get_interfaces, beside php-cli: on this machine, among interfaces made for it, and when it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import php_streams
from php_streams.porting.php_cli import PhpCli
from tests import namespaces
from tests.places import ROOT

PHP = "echo json_encode(net_get_interfaces()), PHP_EOL;"
PYTHON = "import json, php_streams; print(json.dumps(php_streams.net_get_interfaces()))"

# Both ends of a wire: one with addresses of every kind, a second name and a peer, one that is down.
INTERFACES = """
ip link set lo up
ip link add wire type veth peer name end
ip link set wire addrgenmode none
ip addr add 192.0.2.1/24 broadcast 192.0.2.255 dev wire
ip addr add 192.0.2.9/28 dev wire label wire:second
ip addr add 198.51.100.1 peer 198.51.100.2/32 dev wire
ip addr add 2001:db8::1/64 dev wire nodad
ip link set wire up
ip link add bridge type bridge 2>/dev/null || true
ip tuntap add tunnel mode tun 2>/dev/null && ip addr add 203.0.113.1 peer 203.0.113.2/32 dev tunnel || true
"""


def both(output: bytes) -> tuple[Any, Any]:
    """What php and Python printed, a line each."""
    of_php, of_python = (json.loads(line, object_pairs_hook=list) for line in output.splitlines())
    return of_php, of_python


def test_this_machine(php: PhpCli) -> None:
    """The same names, order, keys and values as in php."""
    # Where containers come and go the list may change between the two.
    for _ in range(5):
        before = php.run(PHP).stdout
        ours = json.loads(json.dumps(php_streams.net_get_interfaces()), object_pairs_hook=list)
        if before == php.run(PHP).stdout:
            break
    assert ours == json.loads(before, object_pairs_hook=list)


def test_every_kind_of_address(php: PhpCli) -> None:
    """A broadcast address, a peer, a second name, no address at all, up and down."""
    namespaces.need("ip")
    script = f'set -e\n{INTERFACES}\n"$1" -r "$2"\n"$3" -c "$4"'
    output = namespaces.run("sh", "-c", script, "sh", str(php.path), PHP, sys.executable, PYTHON)
    of_php, of_python = both(output)
    assert of_python == of_php
    found = json.loads(output.splitlines()[1])
    assert {"lo", "wire", "wire:second", "end"} <= found.keys()
    assert (found["wire"]["up"], found["end"]["up"]) == (True, False)
    assert [entry.get("address") for entry in found["wire"]["unicast"]] == [
        None,
        "192.0.2.1",
        "198.51.100.1",
        "2001:db8::1",
    ]
    assert found["wire"]["unicast"][1]["broadcast"] == "192.0.2.255"
    assert found["wire"]["unicast"][3]["netmask"] == "ffff:ffff:ffff:ffff::"
    if "tunnel" in found:
        assert found["tunnel"]["unicast"][1]["ptp"] == "203.0.113.2"


EXHAUSTED_PHP = """
$files = [];
while ($file = @fopen('/dev/null', 'r')) { $files[] = $file; }
error_clear_last();
$found = @net_get_interfaces();
echo json_encode([$found, error_get_last()['message']]), PHP_EOL;
"""
EXHAUSTED_PYTHON = """
import json, os, warnings
from php_streams import *
net_get_interfaces()
try:
    while True: os.open("/dev/null", os.O_RDONLY)
except OSError:
    pass
with silence(): found = net_get_interfaces()
print(json.dumps([found, error_get_last()["message"]]))
"""


def test_no_descriptor_is_left(php: PhpCli) -> None:
    """False, and the system's reason in PHP's warning, which does not name the function."""
    script = 'ulimit -n 40; "$1" -r "$2"; "$3" -c "$4"'
    command = ["sh", "-c", script, "sh", str(php.path), EXHAUSTED_PHP, sys.executable, EXHAUSTED_PYTHON]
    output = subprocess.run(command, capture_output=True, check=True, timeout=30, cwd=ROOT).stdout
    of_php, of_python = both(output)
    assert of_python == of_php == [False, "getifaddrs() failed 24: Too many open files"]

"""What the functions about this machine say when the system refuses: nothing but a warning and false."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys

import pytest

import php_streams
from php_streams import PhpWarning, gethostname, net_get_interfaces
from php_streams._network import interfaces
from tests.places import ROOT

WITHOUT_DESCRIPTORS = """
import resource, warnings, php_streams
php_streams.net_get_interfaces()  # everything is imported
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
with warnings.catch_warnings(record=True) as said:
    result = php_streams.net_get_interfaces()
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(result, said[0].category.__name__, said[0].message)
"""


def test_interfaces_without_a_descriptor_left() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    shown = subprocess.run(
        [sys.executable, "-c", WITHOUT_DESCRIPTORS],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "False PhpWarning getifaddrs() failed 24: Too many open files\n"


def test_interfaces_that_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(interfaces, "by_name", refused)
    with pytest.warns(PhpWarning, match=r"^getifaddrs\(\) failed 12: Cannot allocate memory$"):
        assert net_get_interfaces() is False


def test_a_host_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(socket, "gethostname", refused)
    with pytest.warns(
        PhpWarning, match=r"^gethostname\(\): unable to fetch host \[1\]: Operation not permitted$"
    ):
        assert gethostname() is False


def test_a_module_of_ones_own_that_is_missing_is_named_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    package = sys.modules["php_streams._network"]
    for name in [name for name in sys.modules if name.startswith("php_streams._network.")]:
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(package, name.rpartition(".")[2], raising=False)
    monkeypatch.setitem(sys.modules, "php_streams._network.send", None)
    with pytest.raises(ModuleNotFoundError, match=r"php_streams\._network\.send"):
        php_streams.checkdnsrr("example.test")

"""stream_isatty on a terminal: no case has one, so a pseudo-terminal is made, for php-cli too."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

import php_streams as php
from php_streams._core.raw import Raw
from php_streams._core.stream import Stream
from php_streams.porting.php_cli import PhpCli
from tests import terminals
from tests.conformance.php_found import find


class Descriptor(Raw):
    """A stream over any descriptor, as far as stream_isatty looks."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.descriptor = descriptor

    def select_descriptor(self) -> int | None:
        return self.descriptor


@pytest.fixture(params=["terminal", "its other side", "pipe"])
def descriptor(request: pytest.FixtureRequest) -> Iterator[int]:
    made = os.pipe() if request.param == "pipe" else terminals.make()
    yield made[0 if request.param == "its other side" else 1]
    for each in made:
        os.close(each)


def test_a_terminal_and_none(descriptor: int, pytestconfig: pytest.Config) -> None:
    """What php-cli says of the same descriptor as its standard error, and as one that it opens itself."""
    found = find(pytestconfig)
    stream = Stream(Descriptor(descriptor), "r+")
    assert php.stream_isatty(stream) is os.isatty(descriptor)
    if not found.php:
        pytest.skip(found.offline)
    said = {in_php(php_cli, descriptor) for php_cli in found.php}
    assert said == {str([php.stream_isatty(stream)] * 2).lower()}
    stream.close()


def in_php(php_cli: PhpCli, descriptor: int) -> str:
    """stream_isatty's two answers."""
    code = f'echo json_encode([stream_isatty(STDERR), stream_isatty(fopen("php://fd/{descriptor}", "r"))]);'
    command = [php_cli.path, "-r", code]
    return (
        subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=descriptor, pass_fds=[descriptor], timeout=30
        )
        .stdout.decode()
        .replace(",", ", ")
    )


def test_a_descriptor_that_is_gone() -> None:
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    stream = Stream(Descriptor(write), "r+")
    assert php.stream_isatty(stream) is False
    stream.close()

"""Where ftp:// and ftps:// keep to the safe side of PHP, and servers that do not deserve an answer."""

from __future__ import annotations

import os
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import php_streams as php
from php_streams.porting.peer import Peers
from tests.descriptors import open_descriptors

CERTS = Path(__file__).parents[1] / "conformance" / "certs"
TRUST = {"ssl": {"cafile": str(CERTS / "ca.pem")}}
MIB = 1 << 20

pytestmark = pytest.mark.skipif(
    not os.path.isdir("/proc/self/fd"), reason="descriptors are listed by Linux only"
)

LOGIN = "S 220 ready; C USER ada; S 230 in"
FILE = "C TYPE I; S 200 ok; C SIZE /a.txt"
PASSIVE = "C EPSV; S 229 (|||{port2}|)"
NAMES = f"{LOGIN}; C TYPE A; S 200 ok; {PASSIVE}; C NLST /; S 150 here; expect eof"


def dialogue(lines: str) -> str:
    """Lines of the server (S) and the client (C), and statements of the peer language, in one text."""
    statements = []
    for line in lines.split("; "):
        who, _, text = line.partition(" ")
        said = {"S": "send", "C": "expect"}.get(who)
        statements.append(f'{said} "{text}\\r\\n"' if said else line)
    return "\n".join(statements)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Fails when a descriptor is open at the end that was not at the start."""
    before = open_descriptors()
    yield
    assert open_descriptors() == before


@contextmanager
def peers(script: str) -> Iterator[int]:
    """The port of the first of these peers; what went otherwise than their scripts say is a failure."""
    with Peers(dialogue(script), certs=CERTS) as those:
        yield those[0].port
    assert those.failures == []


@contextmanager
def setting(name: str, value: str) -> Iterator[None]:
    """A setting while the block runs."""
    php.ini_set(name, value)
    try:
        yield
    finally:
        php.ini_restore(name)


@contextmanager
def hearing() -> Iterator[list[warnings.WarningMessage]]:
    """The warnings of the block, which none of them ends."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield told


Act = Callable[[str, Any], object]

ACTS: dict[str, Act] = {
    "read": lambda url, context: php.file_get_contents(url, False, context),
    "write": lambda url, context: php.file_put_contents(url, "payload", 0, context),
    "append": lambda url, context: php.file_put_contents(url, "payload", php.FILE_APPEND, context),
    "names": lambda url, context: php.scandir(url, 0, context),
    "unlink": php.unlink,
    "rename": lambda url, context: php.rename(url, url, context),
    "mkdir": lambda url, context: php.mkdir(url, 0o777, True, context),
    "rmdir": php.rmdir,
    "exists": lambda url, context: php.file_exists(url),
}


@pytest.mark.parametrize("scheme", ["ftps", "FTPS", "fTpS"])
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_no_name_and_no_password_without_tls(act: Act, scheme: str) -> None:
    refuses = (
        'never "ada"; never "secret"; S 220 ready; C AUTH TLS; S 500 no; C AUTH SSL; S 500 no; expect eof'
    )
    with peers(refuses) as port, hearing():
        context = php.stream_context_create(TRUST)
        assert act(f"{scheme}://ada:secret@localhost:{port}/a.txt", context) is False


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_replies_before_the_handshake_are_not_believed(act: Act) -> None:
    injects = 'never "ada"; S 220 ready; C AUTH TLS; S 234 go\\r\\n200 ok\\r\\n200 ok\\r\\n230 in; expect eof'
    with peers(injects) as port, hearing() as told:
        context = php.stream_context_create(TRUST)
        assert act(f"ftps://ada@localhost:{port}/a.txt", context) is False
    if act in (ACTS["read"], ACTS["names"]):
        assert "php_streams.starttls_buffer" in str(told[-1 if act is ACTS["read"] else -2].message)


def test_replies_before_the_handshake_are_believed_on_demand() -> None:
    injects = (
        "S 220 ready; C AUTH TLS; S 234 go\\r\\n200 ok; starttls good; C PBSZ 0; C PROT P; S 200 ok; "
        "C USER ada; S 530 no; expect eof"
    )
    with peers(injects) as port, setting("php_streams.starttls_buffer", "keep"):
        context = php.stream_context_create(TRUST)
        with pytest.warns(php.PhpWarning, match="operation failed"):
            assert php.file_get_contents(f"ftps://ada@localhost:{port}/a.txt", False, context) is False


def unprotected(lines: str) -> str:
    """A server that protects the dialogue and not the data."""
    return (
        "S 220 ready; C AUTH TLS; S 234 go; starttls good; C PBSZ 0; S 200 ok; C PROT P; S 536 no; "
        f"C USER ada; S 230 in; {lines}"
    )


@pytest.mark.parametrize("name", ["read", "write", "append", "names"])
def test_data_is_not_sent_in_the_clear(name: str) -> None:
    size = "213 2" if name == "read" else "550 no"
    lines = "C TYPE A; S 200 ok" if name == "names" else f"{FILE}; S {size}"
    with (
        peers(unprotected(f"{lines}; expect eof")) as port,
        hearing() as told,
    ):
        url = f"ftps://ada@localhost:{port}/a.txt"
        assert ACTS[name](url, php.stream_context_create(TRUST)) is False
    assert "does not protect data (php_streams.ftps_data)" in str(told[0].message)


def test_data_is_sent_in_the_clear_on_demand() -> None:
    stores = unprotected(
        f"{FILE}; S 550 no; {PASSIVE}; C STOR /a.txt; S 150 send; S 226 done; C QUIT; expect eof; "
        '=== 2; expect "payload"; expect eof'
    )
    with peers(stores) as port, setting("php_streams.ftps_data", "plain"):
        assert ACTS["write"](f"ftps://ada@localhost:{port}/a.txt", php.stream_context_create(TRUST)) == 7


def test_what_needs_no_data_connection_needs_no_protection_of_it() -> None:
    deletes = unprotected("C DELE /a.txt; S 250 gone; expect eof")
    with peers(deletes) as port:
        assert ACTS["unlink"](f"ftps://ada@localhost:{port}/a.txt", php.stream_context_create(TRUST)) is True


def test_a_name_without_end_is_cut() -> None:
    sends = f'{NAMES}; === 2; send repeat {4 * MIB} "x"'
    with peers(sends) as port:
        tracemalloc.start()
        try:
            names = php.scandir(f"ftp://ada@127.0.0.1:{port}/")
            assert isinstance(names, list)
            assert {len(name) for name in names} == {4095, 4 * MIB % 4095}
            assert tracemalloc.get_traced_memory()[1] < 32 * MIB
        finally:
            tracemalloc.stop()


def test_a_reply_without_end_fills_no_memory() -> None:
    sends = f'send repeat {16 * MIB} "x"; half-close; ignore'
    with peers(sends) as port, pytest.warns(php.PhpWarning, match="operation failed"):
        tracemalloc.start()
        try:
            assert php.file_get_contents(f"ftp://ada@127.0.0.1:{port}/a.txt") is False
            assert tracemalloc.get_traced_memory()[1] < 2 * MIB
        finally:
            tracemalloc.stop()


def test_reasons_do_not_outlive_their_call() -> None:
    script = (
        "S 220 ready; C AUTH TLS; S 500 no; C AUTH SSL; S 500 no; expect eof; ---; "
        f"{LOGIN}; C TYPE I; S 500 no; expect eof"
    )
    with peers(script) as port, hearing() as told:
        assert php.file_exists(f"ftps://ada@localhost:{port}/a.txt") is False
        assert told == []
        assert php.file_get_contents(f"ftp://ada@localhost:{port}/a.txt") is False
    assert "FTPS" not in str(told[0].message)


@pytest.mark.parametrize("proxy", ["", 5, None, ["tcp://127.0.0.1:1"]])
def test_a_proxy_that_is_no_address(proxy: object) -> None:
    context = php.stream_context_create({"ftp": {"proxy": proxy}})
    with pytest.warns(php.PhpWarning, match="FTP proxy must be an address"):
        assert php.fopen("ftp://127.0.0.1:1/a.txt", "r", False, context) is False


class Stop(Exception):
    """What a handler of the program raises."""


READS = (
    f"{LOGIN}; {FILE}; S 213 2; {PASSIVE}; C RETR /a.txt; S 150 here; S 426 off; silent; "
    '=== 2; send "hi"; silent'
)


@pytest.mark.parametrize(
    "code", [php.STREAM_NOTIFY_CONNECT, php.STREAM_NOTIFY_FILE_SIZE_IS, php.STREAM_NOTIFY_PROGRESS]
)
def test_a_callback_that_raises_leaves_nothing_open(code: int) -> None:
    def told(was: int, *rest: object) -> None:
        if was == code:
            raise Stop

    context = php.stream_context_create({}, {"notification": told})
    with Peers(dialogue(READS)) as those, pytest.raises(Stop):
        php.file_get_contents(f"ftp://ada@127.0.0.1:{those[0].port}/a.txt", False, context)


def test_a_warning_that_raises_leaves_nothing_open() -> None:
    with Peers(dialogue(READS)) as those:
        fp = php.fopen(f"ftp://ada@127.0.0.1:{those[0].port}/a.txt", "r")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(php.PhpWarning, match="FTP server error 426:426 off"):
                php.fclose(fp)
        assert not php.is_resource(fp)


def test_a_transfer_that_is_let_go_ends_by_itself() -> None:
    reads = READS.replace("426 off; silent", "226 done; C QUIT; expect eof").removesuffix("; silent")
    with peers(reads) as port:
        fp = php.fopen(f"ftp://ada@127.0.0.1:{port}/a.txt", "r")
        assert php.fgets(fp) == b"hi"
        del fp


def test_a_folder_is_closed_while_the_exception_of_its_callback_lives() -> None:
    def note(*of: Any) -> None:
        raise RuntimeError("from the callback")

    context = php.stream_context_create({}, {"notification": note})
    with peers(f"{NAMES}; === 2; expect eof") as port, pytest.raises(RuntimeError) as caught:
        php.opendir(f"ftp://ada@127.0.0.1:{port}/", context)
    assert str(caught.value) == "from the callback"


def test_a_dialogue_ends_while_the_exception_of_a_handler_lives() -> None:
    begins = "S 220 ready; C AUTH TLS; S 234 go; starttls good; C PBSZ 0; S 200 ok; C PROT P; S 200 ok"
    opens = f"C USER ada; S 230 in; {FILE}; S 213 4; {PASSIVE}; C RETR /a.txt; S 150 here; expect eof"

    def thrower(level: int, message: str, file: str, line: int) -> None:
        raise RuntimeError(message)

    context = php.stream_context_create(TRUST)
    php.set_error_handler(thrower)
    try:
        with peers(f"{begins}; {opens}; === 2; tls other") as port, pytest.raises(RuntimeError) as caught:
            php.fopen(f"ftps://ada@localhost:{port}/a.txt", "r", False, context)
    finally:
        php.restore_error_handler()
    assert "certificate verify failed" in str(caught.value)

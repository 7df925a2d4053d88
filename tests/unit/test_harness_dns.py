"""The name server of a case, and what becomes of the case where there can be no namespaces."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

import dns.message
import dns.query
import pytest

from php_streams.porting.php_cli import PhpCli
from tests.conformance import namespace
from tests.conformance.case import CaseError, read_case
from tests.conformance.dns_server import DnsServer
from tests.conformance.php_side import run_php
from tests.conformance.python_side import run_python
from tests.conformance.zone import ZoneError, read_zone

CASE = """\
--TEST--
A case
--SEE--
function.checkdnsrr
--ZONE--
$ORIGIN example.test.
{line}
--PHP--
see('there', {php});
--PYTHON--
see('there', {python})
--EXPECT 8.4.28--
there b:1;
"""


def write(folder: Path, line: str = "@ 60 A 192.0.2.1", php: str = "1", python: str = "True") -> Path:
    path = folder / "x.case"
    path.write_text(CASE.format(line=line, php=php, python=python))
    return path


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without namespaces."""

    class Refused(namespace.Worker):
        def __init__(self) -> None:
            self.refusal = "unshare: Operation not permitted"
            self.process = None  # type: ignore[assignment]

        def close(self) -> None:
            pass

    monkeypatch.setattr(namespace, "_worker", None)
    monkeypatch.setattr(namespace, "Worker", Refused)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a.test. 60 A nothing", 1, "192|Text|text|syntax|IPv4"),
        ("\n!silence a.test", 2, "no such line"),
        ("$TTL 60\nwww\n", 2, "no record"),
        ("a.test. 60 A \\# 3 7f00", 1, "3 bytes are announced, 2 follow"),
        ("a.test. 60 NOTYPE x", 1, "unknown"),
        ("!hostname", 1, "values to unpack"),
    ],
)
def test_a_line_that_means_nothing(text: str, line: int, reason: str) -> None:
    with pytest.raises(ZoneError, match=reason) as caught:
        read_zone(text)
    assert caught.value.line == line


def test_the_case_file_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "!nonsense")
    with pytest.raises(CaseError, match=r"x\.case:7: .*no such line"):
        run_python(read_case(path))


def test_the_server_has_one_port_for_all() -> None:
    zone = read_zone("!server 127.0.0.2 NOTIMP\na.test. 60 A 192.0.2.1")
    query = dns.message.make_query("a.test", "A")
    with DnsServer(zone) as server:
        for protocol in (dns.query.udp, dns.query.tcp):
            answer = protocol(query, "127.0.0.1", 5, server.port)
            assert [str(data) for data in answer.answer[0]] == ["192.0.2.1"]
            assert protocol(query, "127.0.0.2", 5, server.port).rcode().name == "NOTIMP"
        with socket.create_connection(("127.0.0.1", server.port)):
            pass  # nobody asked anything
    assert server.queries == [f"{p} {a} a.test A" for p in ("udp", "tcp") for a in ("127.0.0.1", "127.0.0.2")]


def test_a_failure_of_the_server_is_one_of_the_case(
    tmp_path: Path, forbidden: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DnsServer, "_fill", lambda *arguments: 1 / 0)
    path = write(tmp_path, "!resolv options timeout:1 attempts:1", python="checkdnsrr('example.test')")
    (problem,) = run_python(read_case(path)).problems
    assert "ZeroDivisionError" in problem


def test_without_namespaces_php_is_not_asked(tmp_path: Path, forbidden: None) -> None:
    reason = "no network namespace with a name server of its own: unshare: Operation not permitted"
    with pytest.raises(namespace.Unavailable, match=reason):
        run_php(read_case(write(tmp_path)), PhpCli("8.4.0", Path("php")))


@pytest.mark.parametrize(
    "python", ["gethostbyname('example.test') != ''", "fsockopen('example.test', 1) != ''"]
)
def test_without_namespaces_nor_is_the_c_library(tmp_path: Path, forbidden: None, python: str) -> None:
    with pytest.raises(namespace.Unavailable):
        run_python(read_case(write(tmp_path, python=python)))


def test_without_namespaces_the_engine_is(tmp_path: Path, forbidden: None) -> None:
    transcript = run_python(read_case(write(tmp_path, python="checkdnsrr('example.test', 'A')")))
    assert (transcript.lines, transcript.problems) == (["there b:1;"], [])


def test_what_goes_wrong_within_comes_out(tmp_path: Path) -> None:
    """A broken case, and a failure of the harness; the next case has a process again."""
    case = read_case(write(tmp_path))
    try:
        assert namespace.run(case, None).lines == ["there b:1;"]
    except (namespace.Unavailable, namespace.NotNeeded):
        pytest.skip("there can be no namespaces here")
    assert case.zone is not None
    broken = dataclasses.replace(case, zone=dataclasses.replace(case.zone, lines=("!nonsense",)))
    with pytest.raises(CaseError, match="no such line"):
        run_python(broken)
    with pytest.raises(RuntimeError, match="AttributeError"):
        run_python(dataclasses.replace(case, env=None))  # type: ignore[arg-type]
    with pytest.raises((TypeError, AttributeError)):
        namespace.run(lambda: None, None)  # type: ignore[arg-type]
    assert run_python(case).lines == ["there b:1;"]


def test_the_process_ends_by_itself(tmp_path: Path) -> None:
    """At the end of the run; killed, it would write no coverage data.  Another one takes its place."""
    case = read_case(write(tmp_path))
    try:
        namespace.run(case, None)
    except (namespace.Unavailable, namespace.NotNeeded):
        pytest.skip("there can be no namespaces here")
    worker = namespace._worker
    assert worker is not None
    namespace.end()
    assert worker.process.returncode == 0
    assert namespace.run(case, None).lines == ["there b:1;"]

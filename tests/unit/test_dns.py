"""dns_get_record, getmxrr and checkdnsrr in this process, with a name server of the tests' own."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import php_streams as php
from php_streams._network import resolv_conf
from php_streams._network.records import Answer, Broken, unpack
from tests.conformance import namespace
from tests.conformance.case import read_case
from tests.conformance.dns_server import DnsServer
from tests.conformance.python_side import run_python
from tests.conformance.zone import read_zone

CASES = Path(__file__).parents[1] / "conformance" / "functions"


def alone(path: Path) -> bool:
    """Does the case's Python ask name servers itself, and nobody else?"""
    text = path.read_text("utf-8")
    return "\n--ZONE--\n" in text and not namespace.OF_THE_SYSTEM.search(text)


ALONE = [path for path in sorted(CASES.rglob("*.case")) if alone(path)]


@pytest.fixture
def serve(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[contextlib.AbstractContextManager[DnsServer]]:
    """Starts a server, and points the engine to it."""
    with contextlib.ExitStack() as stack:

        def start(text: str) -> DnsServer:
            zone = read_zone(text)
            server = stack.enter_context(DnsServer(zone))
            (tmp_path / "resolv.conf").write_text(zone.resolv_conf)
            monkeypatch.setattr(resolv_conf, "PATH", str(tmp_path / "resolv.conf"))
            monkeypatch.setattr(resolv_conf, "PORT", server.port)
            return server

        yield start  # type: ignore[misc]


@pytest.mark.parametrize("path", ALONE, ids=lambda path: "/".join(path.parts[-2:]))
def test_cases_without_namespaces(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where namespaces are forbidden these still are compared with what php-cli printed."""

    def forbidden(*arguments: object) -> None:
        raise namespace.NotNeeded

    monkeypatch.setattr(namespace, "run", forbidden)
    case = read_case(path)
    transcript = run_python(case)
    assert case.newest is not None
    assert (transcript.problems, tuple(transcript.lines)) == ([], case.newest.lines)


def test_there_are_such_cases() -> None:
    assert len(ALONE) > 60


# What PHP cannot show


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: php.dns_get_record("a.test"), "dns_get_record"),
        (lambda: php.checkdnsrr("a.test"), "checkdnsrr"),
        (lambda: php.dns_check_record("a.test"), "dns_check_record"),
        (lambda: php.getmxrr("a.test"), "getmxrr"),
        (lambda: php.dns_get_mx("a.test"), "dns_get_mx"),
    ],
)
def test_without_dnspython(call: object, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(call)
    for module in [module for module in sys.modules if module.split(".")[0] == "dns"]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "dns", None)
    for module in ("lookup", "records", "search", "send"):
        monkeypatch.delitem(sys.modules, f"php_streams._network.{module}", raising=False)
        monkeypatch.delattr(f"php_streams._network.{module}", raising=False)
    with pytest.raises(ModuleNotFoundError) as caught:
        call()
    expected = f"{name}() needs dnspython to ask name servers: pip install php-streams[dns]"
    assert str(caught.value) == expected
    assert php.gethostbyname("127.0.0.1") == "127.0.0.1"


def test_outputs_in_their_old_places() -> None:
    with pytest.raises(TypeError, match=r"ok, hosts, weights = getmxrr\(hostname\)"):
        php.getmxrr("a.test", [], [])
    with pytest.raises(TypeError, match=r"ok, hosts, weights = dns_get_mx\(hostname\)"):
        php.dns_get_mx("a.test", [])


def test_results_are_as_true_as_their_first_member(serve: object) -> None:
    assert callable(serve)
    serve("$ORIGIN a.test.\n@ 60 MX 10 mail\nmail 60 A 192.0.2.1")
    assert php.getmxrr("a.test")
    assert not php.getmxrr("mail.a.test")
    assert php.dns_get_record("a.test", php.DNS_MX)
    assert not php.dns_get_record("a.test", php.DNS_A)
    assert php.dns_get_record("a.test", php.DNS_MX).authoritative_name_servers is None
    assert php.dns_get_record("a.test", php.DNS_MX, False, 0)[1:] == (
        [],
        [{"host": "mail.a.test", "class": "IN", "ttl": 60, "type": "A", "ip": "192.0.2.1"}] * 2,
    )


def test_texts_are_str_and_raw_data_is_bytes(serve: object) -> None:
    assert callable(serve)
    serve('a.test. 60 TXT "\\195\\188" "\\255"')
    ((record,), _, _) = php.dns_get_record("a.test", php.DNS_TXT)
    assert (record["txt"], record["entries"]) == ("ü\udcff", ["ü", "\udcff"])
    ((record,), _, _) = php.dns_get_record("a.test", 16, raw=True)
    assert record["data"] == b"\x02\xc3\xbc\x01\xff"


def test_rotate_begins_with_another_server_each_time(serve: object) -> None:
    assert callable(serve)
    servers = "".join(f"!server 127.0.0.{n}\n!resolv nameserver 127.0.0.{n}\n" for n in (1, 2, 3))
    server = serve(f"{servers}!resolv options rotate\na.test. 60 A 192.0.2.1")
    for _ in range(6):
        assert php.checkdnsrr("a.test", "A")
    asked = [query.split()[1] for query in server.queries]
    assert len(set(asked[:3])) == 3
    assert asked[3:] == asked[:3]


@pytest.mark.parametrize(("resets", "found"), [(1, True), (2, False)])
def test_a_connection_that_is_reset_is_tried_once_more(
    resets: int, found: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = bytes.fromhex("8580 0001 0001 0000 0000 0161 00 0001 0001 c00c 0001 0001 0000003c 0004 7f000001")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions use-vc\n")
        monkeypatch.setattr(resolv_conf, "PATH", str(tmp_path / "resolv.conf"))
        monkeypatch.setattr(resolv_conf, "PORT", listener.getsockname()[1])

        def server() -> None:
            for number in range(2):
                connection, _ = listener.accept()
                with connection:
                    query = connection.recv(100)
                    if number < resets:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    else:
                        other = b"\0\x0c" + bytes(12)  # an answer to nobody's question comes first
                        connection.sendall(other + len(answer + b"id").to_bytes(2) + query[2:4] + answer)

        thread = threading.Thread(target=server)
        thread.start()
        assert php.checkdnsrr("a.", "A") is found
        thread.join()


def test_what_comes_over_tcp_and_ends_too_early_is_no_answer(serve: object) -> None:
    assert callable(serve)
    serve("!resolv options use-vc\n!cut a.test 40\na.test. 60 A 192.0.2.1")
    assert not php.checkdnsrr("a.test", "A")


# resolv.conf


def settings(monkeypatch: pytest.MonkeyPatch, path: Path, text: str, **env: str) -> resolv_conf.Settings:
    """What a file and an environment come to."""
    path.write_text(text)
    monkeypatch.setattr(resolv_conf, "PATH", str(path))
    for name in ("LOCALDOMAIN", "RES_OPTIONS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return resolv_conf.load()


def test_name_servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = "nameserver\t192.0.2.1 # comment\n nameserver 192.0.2.9\nnameserver name\nnameserver\n"
    text += "#nameserver 192.0.2.8\nnameserver 10.1\nnameserver fe80::1%lo x\nnameserver 192.0.2.4\n"
    found = settings(monkeypatch, tmp_path / "conf", text).nameservers
    assert found == [
        (socket.AF_INET, ("192.0.2.1", 53)),
        (socket.AF_INET, ("10.0.0.1", 53)),
        (socket.AF_INET6, ("fe80::1", 53, 0, socket.if_nametoindex("lo"))),
    ]
    unknown = "nameserver fe80::1%nothing\nnameserver fe80::1%7\nnameserver \xff\n"
    assert [address[1][3:] for address in settings(monkeypatch, tmp_path / "conf", unknown).nameservers] == [
        (0,),
        (7,),
    ]


def test_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "client.example.test")
    for name in ("LOCALDOMAIN", "RES_OPTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(resolv_conf, "PATH", str(tmp_path / "none"))
    found = resolv_conf.load()
    assert (found.nameservers, found.search) == ([(socket.AF_INET, ("127.0.0.1", 53))], [b"example.test"])
    assert (found.ndots, found.timeout, found.attempts, found.flags) == (1, 5, 2, set())
    (tmp_path / "none").symlink_to("none")  # a circle
    assert resolv_conf.load() == found


def test_options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = "options ndots:99 timeout:99\tattempts:99 rotated edns0 no_tld_query single-request-reopen\n"
    found = settings(monkeypatch, tmp_path / "conf", text)
    assert (found.ndots, found.timeout, found.attempts) == (15, 30, 5)
    assert found.flags == {b"rotate", b"edns0", b"no-tld-query"}
    found = settings(monkeypatch, tmp_path / "conf", text, RES_OPTIONS="ndots:0 timeout:x attempts: 3")
    assert (found.ndots, found.timeout, found.attempts) == (0, 0, 0)


def test_domains(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    assert settings(monkeypatch, conf, "search a.test  .b.test .\t").search == [b"a.test", b"b.test", b""]
    assert settings(monkeypatch, conf, "search a b\ndomain c d").search == [b"c"]
    assert settings(monkeypatch, conf, "search a", LOCALDOMAIN="x y\nz").search == [b"x", b"y"]
    assert settings(monkeypatch, conf, "search a", LOCALDOMAIN="").search == [b""]


# Names in answers


def test_names_that_run_in_circles_end() -> None:
    header = bytes(12)
    for tail in (
        b"\xc0\x0c",
        b"\x01a\xc0\x0c",
        b"\xc0\x0e\xc0\x0c",
        b"\xc0\xff",
        b"\x05ab",
        b"\x80",
        b"\xc0",
    ):
        with pytest.raises(Broken):
            unpack(header + tail, 12)
    with pytest.raises(Broken):
        unpack(header + b"\x3f" + b"a" * 63 + b"\xc0\x0c", 12)
    assert unpack(header + b"\x01a\0\x01b\xc0\x0c", 15) == ([b"b", b"a"], 19)


def test_names_that_are_too_long_or_break_off() -> None:
    header = bytes(12)
    label = b"\x3f" + b"a" * 63
    assert len(unpack(header + label * 3 + b"\x3d" + b"b" * 61 + b"\0", 12)[0]) == 4
    with pytest.raises(Broken):
        unpack(header + label * 3 + b"\x3e" + b"b" * 62 + b"\0", 12)
    for tail in (b"\xc0", b"\x01a\xc0", b"\x05ab", b"\x80"):
        with pytest.raises(Broken):
            Answer(b"\0\0\x81\x80\0\x01" + bytes(6) + tail).skip_name()


def test_an_answer_may_lie_about_its_counts() -> None:
    answer = Answer(bytes.fromhex("0000 8180 0000 ffff ffff ffff 00 0001 0001 00000001 0004 7f000001"))
    answer.skip_questions()
    records = list(answer.records(answer.answers, 255, True, False))
    assert [record["ip"] for record in records] == ["127.0.0.1"]
    assert list(answer.records(answer.authority, 255, True, False)) == []


def test_without_a_socket_there_is_no_answer(serve: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(serve)
    serve("a.test. 60 A 192.0.2.1")

    def exhausted(*arguments: object) -> socket.socket:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("php_streams._network.send.socket.socket", exhausted)
        assert not php.checkdnsrr("a.test", "A")
    assert php.checkdnsrr("a.test", "A")


def test_host_aliases_that_are_none(serve: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert callable(serve)
    serve("!resolv search a.test\nwww.a.test. 60 A 192.0.2.1")
    monkeypatch.setenv("HOSTALIASES", str(tmp_path / "none"))
    assert php.checkdnsrr("www", "A")
    (tmp_path / "none").write_text("www\nwww \nWWW www.a.test\n")
    assert php.checkdnsrr("www", "A")
    (tmp_path / "none").write_text("wwww nowhere.test\n")
    assert php.checkdnsrr("www", "A")

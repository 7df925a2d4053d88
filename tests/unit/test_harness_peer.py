"""The scripted peer: each statement played to a plain socket, and what it reports when the client strays."""

from __future__ import annotations

import os
import select
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from php_streams.porting.peer import Peer, Peers
from php_streams.porting.peer_script import STATEMENTS, PeerScriptError, parse
from tests.places import CERTS
from tests.unit.tls_peers import read_all

pytestmark = pytest.mark.usefixtures("no_peer_left")


def connect(peer: Peer) -> socket.socket:
    return socket.create_connection((peer.host, peer.port), 5)


def talk(script: str, client: Callable[[socket.socket], object], **options: object) -> tuple[object, Peer]:
    """Plays the script to one client."""
    with Peer(script, certs=CERTS, **options) as peer, connect(peer) as sock:  # type: ignore[arg-type]
        result = client(sock)
    return result, peer


def secure(sock: socket.socket, **kwargs: object) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=CERTS / "ca.pem")
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # some distributions' Python begins lower
    if "alpn" in kwargs:
        context.set_alpn_protocols(["http/1.1"])
    if "cert" in kwargs:
        context.load_cert_chain(CERTS / str(kwargs["cert"]))
    return context.wrap_socket(sock, server_hostname="mail.example.test")


def test_send_expect_and_the_closing_end() -> None:
    script = 'send "220 \\x41\\r\\n"\nexpect "QUIT\\r\\n"  # comment\nsend repeat 3 "ab" \nexpect eof'

    def client(sock: socket.socket) -> bytes:
        sock.sendall(b"QUIT\r\n")
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)

    data, peer = talk(script, client)
    assert data == b"220 A\r\nababab"
    assert peer.failures == []


@pytest.mark.parametrize(
    ("script", "sent", "failure"),
    [
        (
            'expect "QUIT"',
            b"QUIX and more",
            "line 1 of its script (expect \"QUIT\"): expected b'QUIT', got b'QUIX and more'",
        ),
        ('expect "QUIT"', b"QU", "expected b'QUIT', got b'QU' and then the end of the connection"),
        ("expect bytes 3", b"ab", "expected 3 bytes, got b'ab' and then the end of the connection"),
        ("expect line", b"ab", "expected a line, got b'ab' and then the end"),
        ("expect eof", b"ab", "expected the end of the connection, got b'ab'"),
        (
            'expect "a"\nwait 0.2\nclose',
            b"abc",
            "line 3 of its script (close): got b'bc', which no statement takes",
        ),
        ('expect "a"\nwait 0.2', b"abc", "(the end of the script): got b'bc', which no statement takes"),
        ('never "SECRET"\nignore', b"a SECRET", "which must never come: b'a SECRET'"),
        ('never "SECRET"\nexpect bytes 8', b"a SECRET", "which must never come"),
    ],
)
def test_what_the_script_does_not_foresee_is_reported(script: str, sent: bytes, failure: str) -> None:
    def client(sock: socket.socket) -> None:
        sock.sendall(sent)
        sock.shutdown(socket.SHUT_WR)
        read_all(sock)

    _, peer = talk(script, client)
    assert len(peer.failures) == 1
    assert failure in peer.failures[0]


def test_exact_reads_leave_the_rest() -> None:
    script = 'expect bytes 2\nexpect line\nexpect "cd"\nrecord'
    _, peer = talk(script, lambda sock: sock.sendall(b"ab12\ncdef"))
    assert (peer.failures, peer.received, peer.report) == ([], [b"ef"], [("peer got", b"ef")])


def test_silence_echo_and_garbage() -> None:
    def quiet(sock: socket.socket) -> None:
        sock.settimeout(0.1)
        sock.sendall(b"hello?")
        with pytest.raises(TimeoutError):
            sock.recv(1)

    for script in ("", "silent", "ignore"):
        assert talk(script, quiet)[1].failures == []

    def call(sock: socket.socket) -> bytes:
        sock.sendall(b"hello")
        return sock.recv(100)

    assert talk("echo", call)[0] == b"hello"
    first, second = (talk("garbage 32", read_all)[0] for _ in range(2))
    assert isinstance(first, bytes)
    assert (len(first), first, first[:1]) == (32, second, b"\xff")


def test_a_byte_out_of_band() -> None:
    def client(sock: socket.socket) -> tuple[bytes, bytes]:
        assert select.select([], [], [sock], 5)[2] == [sock]
        return sock.recv(1, socket.MSG_OOB), read_all(sock)

    assert talk('urgent "!"\nsend "rest"', client)[0] == (b"!", b"rest")


def test_the_ways_to_end() -> None:
    def reset(sock: socket.socket) -> None:
        sock.sendall(b"a")
        with pytest.raises(ConnectionResetError):
            sock.recv(1)

    def half(sock: socket.socket) -> bytes:
        data = read_all(sock)
        sock.sendall(b"still")
        return data

    assert talk('expect "a"\nreset', reset)[1].failures == []
    data, peer = talk('send "bye"\nhalf-close\nexpect "still"', half)
    assert (data, peer.failures) == (b"bye", [])


def test_a_wait_is_cut_short_when_the_client_is_gone() -> None:
    begin = time.monotonic()
    talk("wait 15", lambda sock: None)
    assert time.monotonic() - begin < 5


def test_nothing_hangs() -> None:
    _, peer = talk('expect "a"', read_all, deadline=0.2)
    assert peer.failures == ['peer, line 1 of its script (expect "a"): the deadline is over']
    with Peer("silent") as peer:
        sock = connect(peer)
        sock.sendall(b"a")
        time.sleep(0.1)
        assert "the client left the connection open" in peer.finish(grace=0.1)[0]
        sock.close()


def test_connections_are_counted() -> None:
    with Peer('send "1"\n---\nsend "2"\n---\nexpect "x"') as peer:
        for answer in (b"1", b"2"):
            with connect(peer) as sock:
                assert read_all(sock) == answer
    assert peer.failures == ["peer 1: connection 3 never came"]
    assert len(peer.clients) == 2

    with Peer('send "1"') as peer:
        for _ in range(2):
            with connect(peer) as sock:
                read_all(sock)
    assert peer.failures == ["peer 1: connection 2 came, the script has 1"]

    with Peer('every\nsend "1"\nrecord') as peer:
        for _ in range(3):
            with connect(peer) as sock:
                assert sock.recv(1) == b"1"
    assert (peer.failures, peer.received) == ([], [b"", b"", b""])
    assert [name for name, _ in peer.report] == [f"peer connection {n} got" for n in (1, 2, 3)]


def test_a_client_that_came_and_went_is_still_heard() -> None:
    with Peer('expect "late"') as peer, connect(peer) as sock:
        sock.sendall(b"late")
    assert peer.failures == []


def test_refuse_and_full() -> None:
    with Peer("refuse") as peer, pytest.raises(ConnectionRefusedError):
        connect(peer)
    with Peer("full") as peer, socket.socket() as sock:
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.connect((peer.host, peer.port))


def test_udp() -> None:
    script = 'udp\nexpect "hello"\nsend "one"\nsend "two"\nexpect bytes 2\nrecord'
    with Peer(script) as peer, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.connect((peer.host, peer.port))
        sock.send(b"hello")
        assert [sock.recv(100), sock.recv(100)] == [b"one", b"two"]
        for data in (b"ab", b"", b"last"):
            sock.send(data)
        name = sock.getsockname()
    assert (peer.failures, peer.received, peer.clients) == ([], [b"", b"last"], [name])

    with (
        Peer('udp\nexpect "a"\nexpect "b"') as peer,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
    ):
        sock.sendto(b"a", (peer.host, peer.port))
    assert ["no datagram came" in failure for failure in peer.failures] == [True]
    with Peer('udp\nexpect "a"') as peer, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"a", (peer.host, peer.port))
        sock.sendto(b"b", (peer.host, peer.port))
    assert ["got b'b', which no statement takes" in failure for failure in peer.failures] == [True]


def test_unix_sockets_and_ipv6(tmp_path: Path) -> None:
    with Peer('unix\nsend "u"', folder=tmp_path) as peer, socket.socket(socket.AF_UNIX) as sock:
        assert peer.path == str(tmp_path / "peer1")
        sock.connect(peer.path)
        assert read_all(sock) == b"u"
    with Peer("udg\nrecord") as peer, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        assert peer.path
        sock.sendto(b"d", peer.path)
    assert peer.received == [b"d"]
    assert not os.path.exists(peer.path)
    with Peer('ipv6\nsend "6"') as peer, connect(peer) as sock:
        assert (peer.host, read_all(sock)) == ("::1", b"6")


def test_several_peers_know_each_others_ports() -> None:
    with Peers(
        'send "see {port2} = {pasv2} in {dir}"\n=== 2\nexpect "{port}"\nrecord', variables={"dir": "/x"}
    ) as peers:
        with connect(peers[0]) as sock:
            number = peers[1].port
            passive = b"127,0,0,1,%d,%d" % divmod(number, 256)
            assert read_all(sock) == b"see %d = %s in /x" % (number, passive)
        with connect(peers[1]) as sock:
            sock.sendall(b"%dyes" % peers[0].port)
    assert (len(peers), peers.failures, peers.report) == (2, [], [("peer 2 got", b"yes")])


def test_tls_from_the_start() -> None:
    script = 'tls good tls1.2 alpn h2,http/1.1\nshow protocol sni alpn client ticket compression\nsend "hi"'

    def client(sock: socket.socket) -> bytes:
        with secure(sock, alpn=True) as tls:
            assert tls.selected_alpn_protocol() == "http/1.1"
            return read_all(tls)

    data, peer = talk(script, client)
    assert (data, peer.failures) == (b"hi", [])
    facts = {"protocol": b"TLSv1.2", "sni": b"mail.example.test", "alpn": b"http/1.1"}
    facts |= {"client": b"-", "ticket": b"yes", "compression": b"no"}
    assert dict(peer.report) == {f"peer {name}": value for name, value in facts.items()}


def test_starttls_and_back() -> None:
    script = 'send "go"\nshow sni versions\nstarttls chain\nexpect "in"\nuntls{}\nexpect "out"\nsend "plain"'

    def client(sock: socket.socket) -> bytes:
        assert sock.recv(2) == b"go"
        tls = secure(sock)
        tls.sendall(b"in")
        plain = tls.unwrap()
        with plain:
            plain.sendall(b"out")
            return read_all(plain)

    data, peer = talk(script.format(" notify"), client)
    assert (data, peer.failures) == (b"plain", [])
    assert dict(peer.report) == {"peer sni": b"mail.example.test", "peer versions": b"TLSv1.3,TLSv1.2"}


def test_untls_sends_no_close_notify() -> None:
    def client(sock: socket.socket) -> bytes:
        tls = secure(sock)
        tls.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()  # sent; the answer is not there
        with socket.socket(fileno=tls.detach()) as plain:
            plain.settimeout(5)
            plain.sendall(b"out")
            return read_all(plain)

    data, peer = talk('tls good tls1.2\nuntls\nexpect "out"\nsend "plain"', client)
    assert (data, peer.failures) == (b"plain", [])


def test_a_tls_end_with_and_without_close_notify() -> None:
    def client(sock: socket.socket) -> bytes:
        context = ssl.create_default_context(cafile=CERTS / "ca.pem")
        context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)  # Python set it until 3.11.3
        with context.wrap_socket(sock, server_hostname="localhost", suppress_ragged_eofs=False) as tls:
            return read_all(tls)

    assert talk('tls ec\nsend "a"', client)[0] == b"a"
    with pytest.raises(ssl.SSLError, match=r"(?i)eof"):
        talk('tls ec\nsend "a"\ncut', client)


def test_client_certificates() -> None:
    def with_certificate(sock: socket.socket) -> bytes:
        with secure(sock, cert="client.pem") as tls:
            return read_all(tls)

    def without(sock: socket.socket) -> bytes:
        with secure(sock) as tls:
            return read_all(tls)

    data, peer = talk('tls good client-cert required\nshow client\nsend "hi"', with_certificate)
    assert (data, peer.report) == (b"hi", [("peer client", b"client")])
    assert talk('tls good client-cert optional\nsend "hi"', without)[0] == b"hi"
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate required|handshake failure"):
        talk('tls good client-cert required tls1.3\nsend "hi"', without)


def test_a_client_that_refuses_the_certificate_is_no_failure() -> None:
    def client(sock: socket.socket) -> None:
        with pytest.raises(ssl.SSLCertVerificationError):
            secure(sock)

    for certificate in ("expired", "notyet", "selfsigned", "wrongname", "other", "chain_incomplete"):
        assert talk(f'tls {certificate}\nsend "hi"', client)[1].failures == [], certificate


@pytest.mark.parametrize(
    ("script", "line", "reason"),
    [
        ("sned", 1, "unknown statement 'sned'"),
        ('send "a"\nsend', 2, "is not of the form send"),
        ('send "a', 1, "a quote that is not closed"),
        ('send "\\q"', 1, "unknown escape \\q"),
        ("wait soon", 1, "is not of the form wait SECONDS"),
        ("tls", 1, "is not of the form tls CERT"),
        ("tls good tls9", 1, "is not of the form tls CERT"),
        ("show colour", 1, "is not of the form show NAME"),
        ('send "a"\nudp', 2, "options come before"),
        ("udp fast", 1, "unknown option 'fast'"),
        ("udp unix", 1, "options that exclude each other: udp unix"),
        ('refuse\nsend "a"', 2, "nobody connects"),
        ("udp\ntls good", 2, "tls needs a connection"),
        ("echo\n=== 3", 2, "the next peer is opened by `=== 2`"),
    ],
)
def test_a_script_that_is_not_understood(script: str, line: int, reason: str) -> None:
    with pytest.raises(PeerScriptError) as caught:
        parse(script)
    assert (caught.value.line, reason in caught.value.reason) == (line, True), caught.value


#: What a statement looks like, as the message about a wrong one says; each is written wrong here.
FORMS = {
    "send": 'send "text" ... | send repeat N "text": sends these bytes',
    "expect": 'expect "text" ... | bytes N | line | eof: the client has to send this next',
    "wait": "wait SECONDS",
    "tls": "tls CERT [tls1.0 ... tls1.3] [client-cert required|optional] [alpn A,B] "
    "[ciphers LIST]: handshake",
    "starttls": "starttls CERT ...: the same; a word for the reader where plaintext went before",
    "tls-client": "tls-client [tls1.0 ... tls1.3] [sni NAME] [cert FILE] [alpn A,B] [ciphers LIST] "
    "[curve NAME] [verify] [resume]: handshake as the client",
    "untls": "untls: waits for the client's close_notify, then plaintext | untls notify: and sends its own",
    "never": 'never "text": the client must not send this in anything that comes from here on',
    "urgent": 'urgent "x": sends one byte out of band, over tcp in plaintext',
    "garbage": "garbage [N]: sends N bytes (64) that belong to no protocol, always the same",
    "half-close": "half-close: ends the sending direction, goes on reading",
    "close": "close: ends the connection (TLS: with close_notify); what came and was not expected "
    "is a failure",
    "cut": "cut: ends the connection without TLS's close_notify",
    "reset": "reset: ends the connection by RST",
    "silent": "silent: says nothing more and takes what comes until the client goes away",
    "ignore": "ignore: the same as silent",
    "record": 'record [until "text"]: takes what comes until the client goes away, '
    "or up to this, and reports it",
    "echo": "echo: sends back what comes until the client goes away",
}


def test_a_statement_written_wrong_is_told_its_form() -> None:
    for name in STATEMENTS:
        with pytest.raises(PeerScriptError) as caught:
            parse(f"{name} wrong wrong wrong")
        expected = FORMS.get(name, "show NAME ...: adds facts about TLS to the report: ")
        assert caught.value.reason.startswith(f"'{name} wrong wrong wrong' is not of the form {expected}")
        assert name not in FORMS or caught.value.reason.endswith(expected)
    assert FORMS.keys() | {"show"} == STATEMENTS.keys()


def test_every_escape() -> None:
    (plan,) = parse(r'send "\r\n\t\0\\\"\x41\xff"')
    assert plan.statements[0].data == b'\r\n\t\0\\"A\xff'

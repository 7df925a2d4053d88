"""The scripted peer that connects: played to plain sockets that listen."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from php_streams.porting.peer import Peer, Peers
from php_streams.porting.peer_client import Client
from php_streams.porting.peer_script import PeerScriptError, parse
from tests.places import CERTS
from tests.unit.tls_peers import read_all

pytestmark = pytest.mark.usefixtures("no_peer_left")


def listening(port: int, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    sock = socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", port), family=family)
    sock.settimeout(5)
    return sock


def serve(script: str, *servers: Callable[[socket.socket], object], **options: object) -> Client:
    """Plays the script to a server that does one thing for each connection."""
    with Client(script, certs=CERTS, **options) as client, listening(client.port) as listener:  # type: ignore[arg-type]
        for server in servers:
            sock, address = listener.accept()
            assert address[0] == "127.0.0.1"
            with sock:
                sock.settimeout(5)
                server(sock)
    return client


def secure(sock: socket.socket, certificate: str = "good", **wanted: object) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTS / f"{certificate}.pem")
    if "alpn" in wanted:
        context.set_alpn_protocols(["http/1.1"])
    if "verify" in wanted:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(CERTS / "ca.pem")
    return context.wrap_socket(sock, server_side=True)


def hello(sock: socket.socket) -> None:
    with secure(sock) as tls:
        tls.sendall(b"hi")


def test_it_speaks_when_somebody_listens() -> None:
    with Client('connect\nsend "hello"\nexpect "there"\nrecord') as client:
        time.sleep(0.1)  # nobody listens yet
        with listening(client.port) as listener:
            sock, address = listener.accept()
            with sock:
                assert sock.recv(5) == b"hello"
                sock.sendall(b"there you are")
    assert (client.failures, client.received, client.clients) == ([], [b" you are"], [address])
    assert client.report == [("peer got", b" you are")]


def test_the_port_is_reserved() -> None:
    with Client("connect") as client:
        with socket.socket() as sock, pytest.raises(OSError, match="in use"):
            sock.bind(("127.0.0.1", client.port))
        with listening(client.port), pytest.raises(OSError, match="in use"):
            listening(client.port)
    assert client.failures == []


def test_the_ways_to_end() -> None:
    def reset(sock: socket.socket) -> None:
        with pytest.raises(ConnectionResetError):
            read_all(sock)

    def half(sock: socket.socket) -> None:
        assert read_all(sock) == b"a"
        sock.sendall(b"still")

    assert serve("connect\nreset", reset).failures == []
    assert serve('connect\nsend "a"\nhalf-close\nexpect "still"\nexpect eof', half).failures == []
    assert serve("connect\nsilent", lambda sock: sock.sendall(b"a")).failures == []


def test_what_the_script_does_not_foresee_is_reported() -> None:
    client = serve('connect\nexpect "a"', lambda sock: sock.sendall(b"b"))
    assert client.failures == ["peer, line 2 of its script (expect \"a\"): expected b'a', got b'b'"]


def test_nobody_listens() -> None:
    with Client('connect\nsend "a"', patience=0.2) as client:
        time.sleep(0.3)
    assert client.failures == [f"peer 1: connection 1: nobody listened on port {client.port}"]
    begin = time.monotonic()
    with Client('connect\nsend "a"') as client:
        pass
    assert len(client.failures) == 1
    assert time.monotonic() - begin < 5
    with Client("connect") as client:
        pass
    assert client.failures == []


def test_connections_come_one_after_the_other() -> None:
    seen = []

    def take(sock: socket.socket) -> None:
        seen.append(read_all(sock))

    client = serve('connect\nsend "1"\n---\nsend "2"\n---\nsend "3"', take, take, take)
    assert (seen, client.failures) == ([b"1", b"2", b"3"], [])


def test_a_connection_that_nobody_takes_is_told() -> None:
    with Client('connect\nexpect "go"\n---\nsend "2"') as client:
        with listening(client.port) as listener:
            sock, _ = listener.accept()
        with sock:
            sock.sendall(b"go")  # the peer goes on when nobody listens any more
            assert read_all(sock) == b""
    assert ["connection 2: nobody listened" in failure for failure in client.failures] == [True]


def test_clients_of_one_server_at_the_same_time() -> None:
    script = 'connect\nexpect "1"\n=== 2\nconnect to 1\nexpect "2"\n=== 3\nconnect\n=== 4\nsilent'
    with Peers(script) as peers, listening(peers[0].port) as listener:
        assert set(peers.ports) == {"port", "port3", "port4"}
        socks = [listener.accept()[0] for _ in range(2)]
        for number, sock in enumerate(socks, 1):
            sock.sendall(b"%d" % number)
        for sock in socks:
            sock.close()
    assert peers.failures == []


@pytest.mark.parametrize("kind", ["udp", "udg"])
def test_datagrams(kind: str, tmp_path: Path) -> None:
    script = f'connect {kind}\nsend "one"\nsend "two"\nexpect "one"\nrecord'
    family = socket.AF_UNIX if kind == "udg" else socket.AF_INET
    with Client(script, folder=tmp_path) as client:
        time.sleep(0.1)  # nobody is there yet
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.bind(client.path or ("127.0.0.1", client.port))
            for _ in range(2):
                data, address = sock.recvfrom(100)
                sock.sendto(data, address)
            assert address == (client.own_path or client.clients[0])
            client.finish()
    assert (client.failures, client.received) == ([], [b"two"])
    with Client(f'connect {kind}\nsend "one"', folder=tmp_path, patience=0.1) as client:
        time.sleep(0.2)
    assert kind == "udp" or len(client.failures) == 1  # nobody heard it


def test_unix_and_ipv6(tmp_path: Path) -> None:
    with (
        Client('connect unix\nsend "u"', folder=tmp_path) as client,
        socket.socket(socket.AF_UNIX) as listener,
    ):
        assert client.path == str(tmp_path / "server1")
        listener.bind(client.path)
        listener.listen()
        with listener.accept()[0] as sock:
            assert read_all(sock) == b"u"
    with (
        Client('connect ipv6\nsend "6"') as client,
        listening(client.port, socket.AF_INET6) as listener,
        listener.accept()[0] as sock,
    ):
        assert read_all(sock) == b"6"
    assert client.failures == []


def test_tls_from_the_start() -> None:
    def server(sock: socket.socket) -> None:
        with secure(sock, "chain", alpn=True) as tls:
            assert (tls.version(), tls.selected_alpn_protocol()) == ("TLSv1.2", "http/1.1")
            tls.sendall(b"hi")

    script = "connect\ntls-client tls1.2 sni localhost alpn h2,http/1.1 ciphers ECDHE+AES128\n"
    script += "show protocol cipher alpn peer-subject chain ticket compression resumed error\n"
    script += 'expect "hi"\nexpect eof'
    client = serve(script, server)
    facts = {
        "protocol": b"TLSv1.2",
        "cipher": b"ECDHE-RSA-AES128-GCM-SHA256",
        "alpn": b"http/1.1",
        "chain": b"2",
    }
    facts |= {"peer-subject": b"localhost", "ticket": b"yes", "compression": b"no", "resumed": b"no"}
    assert client.failures == []
    assert dict(client.report) == {f"peer {name}": value for name, value in (facts | {"error": b"-"}).items()}


def test_starttls() -> None:
    def server(sock: socket.socket) -> None:
        sock.sendall(b"go\n")
        hello(sock)

    assert serve('connect\nexpect "go\\n"\ntls-client\nexpect "hi"\nexpect eof', server).failures == []


def test_a_certificate_is_shown_and_asked_for() -> None:
    subjects = []

    def server(sock: socket.socket) -> None:
        with secure(sock, verify=True) as tls:
            subjects.append(dict(part[0] for part in (tls.getpeercert() or {})["subject"]))
            tls.sendall(b"hi")

    def refusing(sock: socket.socket) -> None:
        with pytest.raises(ssl.SSLError, match=r"(?i)did not return a certificate"):
            secure(sock, verify=True)

    client = serve(
        'connect\ntls-client cert client.pem verify sni localhost\nexpect "hi"\nexpect eof', server
    )
    assert (client.failures, subjects[0]["commonName"]) == ([], "client")
    client = serve("connect\ntls-client tls1.2\nexpect eof\nshow error", refusing)
    assert (client.failures, client.report) == ([], [("peer error", b"alert handshake failure")])
    client = serve("connect\ntls-client tls1.3\nexpect eof\nshow error", refusing)
    assert client.report == [("peer error", b"alert certificate required")]


def test_a_handshake_that_fails_is_no_failure() -> None:
    def refused(sock: socket.socket) -> None:
        with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
            secure(sock)

    script = 'connect\ntls-client verify sni wrong.example.test\nexpect "hi"\nshow error protocol'
    client = serve(script, refused)
    assert client.failures == []
    assert client.report == [("peer error", b"certificate verify failed"), ("peer protocol", b"-")]
    client = serve("connect\ntls-client\nshow error", lambda sock: None)
    assert client.report == [("peer error", b"closed")]


def test_an_end_with_and_without_close_notify() -> None:
    def goodbye(sock: socket.socket) -> None:
        tls = secure(sock)
        tls.settimeout(0)
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.unwrap()  # sends close_notify
        tls.close()

    script = "connect\ntls-client tls1.2\nexpect eof\nshow error"
    assert serve(script, goodbye).report == [("peer error", b"-")]
    assert serve(script, lambda sock: secure(sock).close()).report == [("peer error", b"closed")]


@pytest.mark.parametrize("version", ["tls1.2", "tls1.3"])
def test_a_session_is_resumed(version: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTS / "good.pem")

    def server(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as tls:
            tls.sendall(b"hi")
            tls.settimeout(0)
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.unwrap()  # sends close_notify

    first = f'tls-client {version}\nshow resumed\nexpect "hi"\nexpect eof\n'
    again = first.replace(version, f"{version} resume")
    client = serve(f"connect\n{first}---\n{again}", server, server)
    assert client.failures == []
    assert [value for _, value in client.report] == [b"no", b"yes"]
    client = serve("connect\ntls-client resume", lambda sock: None)
    assert ["no session to resume" in failure for failure in client.failures] == [True]


def test_each_class_has_its_scripts() -> None:
    with pytest.raises(ValueError, match="Client plays"):
        Peer("connect")
    with pytest.raises(ValueError, match="Client plays"):
        Client("silent")


@pytest.mark.parametrize(
    ("script", "line", "reason"),
    [
        ("connect full", 1, "options that exclude each other: connect full"),
        ("connect to 1", 1, "names a client peer before this one"),
        ("silent\n=== 2\nconnect to 1", 3, "names a client peer before this one"),
        ("connect\ntls good", 2, "tls is for peers that listen"),
        ("tls-client", 1, "tls-client needs the option `connect`"),
        ("connect\ntls-client tls9", 2, "is not of the form tls-client"),
        ("connect\nshow sni", 2, "here can be shown: alpn chain"),
        ("show error", 1, "here can be shown: alpn cipher client"),
        ("connect udp\ntls-client", 2, "tls-client needs a connection"),
    ],
)
def test_a_script_that_is_not_understood(script: str, line: int, reason: str) -> None:
    with pytest.raises(PeerScriptError) as caught:
        parse(script)
    assert (caught.value.line, reason in caught.value.reason) == (line, True), caught.value

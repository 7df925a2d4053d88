"""TLS servers where php-cli's cases cannot look: what is kept, sessions, and the clients that people have."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import php_streams as php
from php_streams._transports import tls_context
from php_streams._transports.tls_server import contexts_of
from tests.places import CERTS
from tests.unit.tls_peers import said

SERVER = php.STREAM_CRYPTO_METHOD_TLS_SERVER
GOOD = {"local_cert": str(CERTS / "good.pem")}
CA = str(CERTS / "ca.pem")
CLIENT_CERT = str(CERTS / "client.pem")
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl program is not here")
versions = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    tls_context._kept.clear()
    yield
    tls_context._kept.clear()


@contextmanager
def listening(scheme: str = "ssl", **options: Any) -> Iterator[tuple[Any, int]]:
    """A server stream and its port."""
    context = php.stream_context_create({"ssl": {**GOOD, **options}})
    flags = php.STREAM_SERVER_BIND | php.STREAM_SERVER_LISTEN
    server = php.stream_socket_server(f"{scheme}://127.0.0.1:0", flags, context)[0]
    with server:
        php.stream_set_timeout(server, 10)
        yield server, int(php.stream_socket_get_name(server, False).rpartition(":")[2])


@contextmanager
def client(work: Callable[[], Any]) -> Iterator[list[Any]]:
    """Runs a client beside the block; what it returned or raised is in the list afterwards."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield results
    finally:
        thread.join(20)
        assert not thread.is_alive()


def trusting(version: str = "1.3", certificate: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=CA)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    if certificate is not None:
        context.load_cert_chain(certificate)
    return context


def greeted(port: int, context: ssl.SSLContext, session: Any = None) -> tuple[bytes, bool, Any]:
    """Connects, reads a line, and leaves as one should: the line, if the session was resumed, the session."""
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        tls = context.wrap_socket(sock, server_hostname="localhost", session=session)
        with tls:
            line = tls.makefile("rb").readline()
            return line, bool(tls.session_reused), tls.session


def greet(server: Any) -> Any:
    """Serves one client, and returns its stream, closed."""
    fp = php.stream_socket_accept(server, 10)[0]
    assert fp
    php.fwrite(fp, "hello\n")
    meta = php.stream_get_meta_data(fp)
    php.fclose(fp)
    return meta


# --- what is kept --------------------------------------------------------------------------------------


def server_context(**options: Any) -> ssl.SSLContext:
    values = tls_context.read(php.stream_context_create({"ssl": {**GOOD, **options}}), SERVER)
    return tls_context.ssl_context(values)


def test_equal_options_share_a_context() -> None:
    first = server_context()
    assert server_context() is first
    assert server_context(peer_fingerprint="0" * 40) is first, "looked at after the handshake"
    hosts = {"a.example.test": str(CERTS / "wildcard.pem")}
    named = server_context(SNI_server_certs=hosts)
    assert named is not first
    assert server_context(SNI_server_certs=dict(hosts)) is named
    for options in (
        {"honor_cipher_order": False},
        {"verify_peer": True},
        {"verify_depth": 1},
        {"dh_param": str(CERTS / "dh2048.pem")},
    ):
        other = server_context(**options)
        assert other is not first
        assert server_context(**options) is other


def test_a_client_and_a_server_share_nothing() -> None:
    values = tls_context.read(php.stream_context_create({"ssl": GOOD}), SERVER | 1)
    assert tls_context.ssl_context(values) is not server_context()


@pytest.mark.parametrize("option", ["local_cert", "dh_param", "SNI_server_certs"])
def test_a_changed_file_makes_a_new_context(option: str, tmp_path: Path) -> None:
    file = tmp_path / "file.pem"
    shutil.copy(CERTS / ("dh2048.pem" if option == "dh_param" else "wildcard.pem"), file)
    options = {option: {"a.example.test": file} if option == "SNI_server_certs" else file}
    first = server_context(**options)
    assert server_context(**options) is first
    os.utime(file, ns=(1, 1))
    assert server_context(**options) is not first


def test_a_server_verifies_nobody_by_the_systems_authorities() -> None:
    context = server_context()
    assert context.verify_mode is ssl.CERT_OPTIONAL
    assert context.get_ca_certs() == []


def test_host_names_trust_what_the_server_trusts() -> None:
    hosts = {"a.example.test": str(CERTS / "wildcard.pem")}
    for context in contexts_of(server_context(cafile=CA, SNI_server_certs=hosts)):
        assert len(context.get_ca_certs()) == 1


def test_a_warning_comes_each_time() -> None:
    for _ in range(2):
        with pytest.warns(php.PhpWarning, match="rsa_key_size context option has been removed"):
            server_context(rsa_key_size=1)


# --- sessions ------------------------------------------------------------------------------------------


@versions
@pytest.mark.parametrize("certificate", [None, CLIENT_CERT], ids=["anybody", "who is known"])
def test_a_client_that_comes_back_resumes(version: str, certificate: str | None) -> None:
    """Decision tls-server-sessions."""
    context = trusting(version, certificate)
    options = {"cafile": CA, "verify_peer": True} if certificate else {}
    with listening(**options) as (server, port):
        with client(lambda: greeted(port, context)) as first:
            greet(server)
        with client(lambda: greeted(port, context, first[0][2])) as second:
            greet(server)
    assert first[0][:2] == (b"hello\n", False)
    assert second[0][:2] == (b"hello\n", True)


@versions
@pytest.mark.parametrize("option", ["capture_peer_cert_chain", "no_ticket", "allow_self_signed"])
def test_who_shares_nothing_resumes_nothing(version: str, option: str) -> None:
    context = trusting(version, CLIENT_CERT)
    with listening(cafile=CA, **{option: True}) as (server, port):
        with client(lambda: greeted(port, context)) as first:
            greet(server)
        with client(lambda: greeted(port, context, first[0][2])) as second:
            greet(server)
    assert second[0][:2] == (b"hello\n", False)


@versions
@pytest.mark.parametrize(
    ("option", "value", "refusal"),
    [
        ("peer_fingerprint", "0" * 40, "peer_fingerprint match failure"),
        ("peer_name", "somebody", "Peer certificate CN=`client' did not match expected CN=`somebody'"),
    ],
)
def test_a_resumed_session_is_judged_again(version: str, option: str, value: str, refusal: str) -> None:
    """The certificate came with the first handshake; the options are those of the second."""
    context = trusting(version, CLIENT_CERT)
    checks = {"verify_peer": True, "verify_peer_name": True, "peer_name": "client", "capture_peer_cert": True}
    with listening(cafile=CA, **checks) as (server, port):
        with client(lambda: greeted(port, context)) as first:
            greet(server)
        options = php.stream_context_get_options(server)["ssl"]
        php.stream_context_set_option(server, "ssl", "peer_certificate", None)
        with client(lambda: greeted(port, context, first[0][2])) as second:
            greet(server)
        again = php.stream_context_get_options(server)["ssl"]["peer_certificate"]
        assert again.der == options["peer_certificate"].der
        php.stream_context_set_option(server, "ssl", option, value)
        with client(lambda: greeted(port, context, first[0][2])) as third, said() as messages:
            assert php.stream_socket_accept(server, 10)[0] is False
    assert messages[0] == f"stream_socket_accept(): {refusal}"
    assert [one[0][:2] for one in (second, third)] == [(b"hello\n", True), (b"", True)]


# --- what people have ----------------------------------------------------------------------------------


def s_client(port: int, *words: str, says: str = "hello\n") -> subprocess.CompletedProcess[str]:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", CA, *words]
    return subprocess.run(command, check=False, input=says, capture_output=True, text=True, timeout=15)


@needs_openssl
@versions
def test_openssl_is_served(version: str) -> None:
    words = (f"-tls{version.replace('.', '_')}", "-servername", "localhost", "-verify_return_error", "-quiet")
    with listening() as (server, port), client(lambda: s_client(port, *words)) as results:
        fp = php.stream_socket_accept(server, 10)[0]
        assert php.fgets(fp) == b"hello\n"
        assert php.stream_get_meta_data(fp)["crypto"]["protocol"] == f"TLSv{version}"
        php.fwrite(fp, "HELLO\n")
        php.fclose(fp)
    assert results[0].stdout == "HELLO\n"


@needs_openssl
@versions
@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("mail.example.test", "localhost"),
        ("www.example.test", "*.example.test"),
        ("elsewhere.test", "san-ip"),
    ],
)
def test_openssl_gets_the_certificate_that_it_asks_for(version: str, name: str, subject: str) -> None:
    hosts = {
        "mail.example.test": {"local_cert": str(CERTS / "chain.pem"), "local_pk": str(CERTS / "chain.pem")},
        "*.example.test": str(CERTS / "wildcard.pem"),
    }
    words = (f"-tls{version.replace('.', '_')}", "-servername", name)
    options = {"local_cert": str(CERTS / "san_ip.pem"), "SNI_server_certs": hosts}
    with listening(**options) as (server, port), client(lambda: s_client(port, *words)) as results:
        greet(server)
    assert f"CN = {subject}\n" in results[0].stdout or f"CN={subject}\n" in results[0].stdout
    assert results[0].stdout.count("-----BEGIN CERTIFICATE-----") == 1
    depth = re.findall(r"^ *(\d) s:", results[0].stdout, re.MULTILINE)
    assert depth == (["0", "1"] if subject == "localhost" else ["0"]), "the chain that was sent"


@needs_openssl
@versions
def test_openssl_is_asked_for_a_certificate(version: str) -> None:
    """... without the names of authorities: decision tls-server-authority-names."""
    words = (f"-tls{version.replace('.', '_')}", "-cert", CLIENT_CERT)
    with (
        listening(cafile=CA, verify_peer=True, capture_peer_cert=True) as (server, port),
        client(lambda: s_client(port, *words)) as results,
    ):
        greet(server)
        assert php.stream_context_get_options(server)["ssl"]["peer_certificate"].common_name == b"client"
    assert "No client certificate CA names sent" in results[0].stdout


@needs_openssl
def test_openssl_cannot_renegotiate() -> None:
    """Decision tls-server-renegotiation."""
    with (
        listening() as (server, port),
        client(lambda: s_client(port, "-tls1_2", says="R\n")) as results,
    ):
        fp = php.stream_socket_accept(server, 10)[0]
        with pytest.warns(php.PhpWarning, match="alert handshake failure"):  # openssl gives up
            assert php.fgets(fp) is False
        php.fclose(fp)
    assert "no renegotiation" in results[0].stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"reneg_limit": 2}, "reneg_limit: "),
        ({"reneg_window": 10, "reneg_limit_callback": print}, "reneg_window, reneg_limit_callback: "),
    ],
)
def test_options_of_renegotiation_say_that_nothing_is_counted(options: Any, said: str) -> None:
    for _ in range(2):
        with pytest.warns(php.PhpWarning, match=f"^{said}.* refused, but not counted"):
            server_context(**options)


def test_no_limit_of_renegotiation_needs_no_word() -> None:
    assert server_context(reneg_limit=-1, reneg_window=10) is server_context(reneg_limit=-1, reneg_window=10)


# --- what differs from php-cli on purpose --------------------------------------------------------------


@pytest.mark.parametrize("blocking", [True, False])
def test_plaintext_before_a_servers_handshake_is_refused(blocking: bool) -> None:
    """Rule R8, for servers."""
    with (
        listening("tcp") as (server, port),
        socket.create_connection(("127.0.0.1", port)) as far,
    ):
        far.sendall(b"STARTTLS\r\nMAIL FROM:<injected>\r\n")
        fp = php.stream_socket_accept(server, 10)[0]
        assert php.fgets(fp) == b"STARTTLS\r\n"
        php.stream_set_blocking(fp, blocking)
        for _ in range(2):
            with pytest.warns(
                php.PhpWarning, match="22 bytes were received in plaintext before the handshake"
            ):
                assert php.stream_socket_enable_crypto(fp, True, SERVER) is False
        with pytest.warns(php.PhpWarning, match="bytes are not sent"):
            assert php.fwrite(fp, "SECRET") is False
        assert php.fgets(fp) == b"MAIL FROM:<injected>\r\n"
        php.fclose(fp)
        assert far.recv(100) == b""


def test_a_listening_stream_fails_at_once() -> None:
    """Decision tls-listening-stream."""
    with listening("tcp") as (server, _), pytest.warns(php.PhpWarning, match="endpoint is not connected"):
        assert php.stream_socket_enable_crypto(server, True, SERVER) is False


def test_dh_param_of_another_kind(tmp_path: Path) -> None:
    """Decision tls-dh-param."""
    file = tmp_path / "curve.pem"
    file.write_text("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n")
    with (
        listening(dh_param=str(file)) as (server, port),
        socket.create_connection(("127.0.0.1", port)),
        said() as messages,
    ):
        assert php.stream_socket_accept(server, 10)[0] is False
    assert messages[0] == "stream_socket_accept(): Failed reading DH params"


def test_a_session_stream_of_a_client() -> None:
    """Decision tls-server-session-stream: it is on the other side."""
    context = trusting()
    with listening() as (server, port):
        ours = php.stream_context_create({"ssl": {"cafile": CA, "peer_name": "localhost"}})
        address = f"ssl://127.0.0.1:{port}"
        with client(lambda: php.stream_socket_client(address, 5, 4, ours)[0]) as results:
            accepted = php.stream_socket_accept(server, 10)[0]
        donor = results[0]
        with listening("tcp") as (plain, other), client(lambda: greeted(other, context)) as greetings:
            fp = php.stream_socket_accept(plain, 10)[0]
            with pytest.warns(php.PhpWarning, match="on the other side of TLS"):
                assert php.stream_socket_enable_crypto(fp, True, SERVER, donor) is True
            php.fwrite(fp, "hello\n")
            php.fclose(fp)
        assert greetings[0][0] == b"hello\n"
        php.fclose(donor)
        php.fclose(accepted)


def test_a_server_without_a_context_leaves_the_order_of_ciphers_to_the_client() -> None:
    values = tls_context.read(None, SERVER)
    assert values["honor_cipher_order"] is False
    assert tls_context.read(php.stream_context_create(), SERVER)["honor_cipher_order"] is True

"""From ssl options to an SSLContext: values, versions, trust, and what is kept for the next connection."""

from __future__ import annotations

import os
import shutil
import ssl
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest

from php_streams import (
    STREAM_CRYPTO_METHOD_TLS_CLIENT,
    PhpWarning,
    STREAM_CRYPTO_METHOD_SSLv3_CLIENT,
    STREAM_CRYPTO_METHOD_TLSv1_1_CLIENT,
    STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT,
    ini_restore,
    ini_set,
    stream_context_create,
)
from php_streams._transports import tls_context, tls_errors, tls_reasons, tls_values
from php_streams._transports.tls_context import SetupFailed, protocol_range, read, ssl_context
from tests.places import CERTS

CA = str(CERTS / "ca.pem")


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    tls_context._kept.clear()
    yield
    tls_context._kept.clear()


def values(method: int = STREAM_CRYPTO_METHOD_TLS_CLIENT, **options: Any) -> dict[str, Any]:
    return read(stream_context_create({"ssl": options}), method)


# Values


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        ("5", 5),
        (b" 5 apples", 5),
        ("-3.9", -3),
        ("1e3", 1000),
        ("apples", 0),
        ("", 0),
        (2.9, 2),
        (float("inf"), 0),
        (True, 1),
        (None, 0),
        ([], 0),
        ([0], 1),
        ({}, 0),
        (2**64 + 1, 1),
    ],
)
def test_integers(value: object, number: int) -> None:
    assert tls_values.integer(value) == number


def test_an_object_is_one_with_a_warning() -> None:
    with pytest.warns(PhpWarning, match="Object of class object could not be converted to int"):
        assert tls_values.integer(object()) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (b"a", "a"), (None, ""), (False, ""), (True, "1"), (5, "5"), (1.5, "1.5"), (Path("a"), "a")],
)
def test_texts(value: object, text: str) -> None:
    assert tls_values.path(value) == text


def test_an_object_is_the_text_that_it_gives() -> None:
    assert tls_values.text(Path("a")) == "a"


def test_an_array_is_a_text_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="^Array to string conversion$"):
        assert tls_values.text(["a"]) == "Array"


def test_null_is_a_value() -> None:
    assert values(verify_peer=None)["verify_peer"] is False
    assert values(peer_fingerprint=None)["peer_fingerprint"] is None
    assert values()["peer_fingerprint"] is tls_values.NOT_GIVEN


@pytest.mark.parametrize(
    ("peer_name", "host", "sent"),
    [
        (None, "mail.example.test", b"mail.example.test"),
        ("other.example.test", "mail.example.test", b"other.example.test"),
        ("", "mail.example.test", None),
        (".example.test", None, None),
        ("a" * 255, None, b"a" * 255),
        ("a" * 256, None, None),
        ("nul\0here", None, b"nul"),
        ("not a name", None, b"not a name"),
        ("bücher.example.test", None, "xn--bcher-kva.example.test"),
        ("ü" * 70, None, None),
        (None, None, None),
    ],
)
def test_server_name(peer_name: str | None, host: str | None, sent: object) -> None:
    given = {} if peer_name is None else {"peer_name": peer_name}
    assert tls_values.server_name(values(**given), host) == sent


# Versions


@pytest.mark.parametrize(
    ("method", "low", "high", "expected"),
    [
        (STREAM_CRYPTO_METHOD_TLS_CLIENT, 0, 0, (8, 64)),
        (STREAM_CRYPTO_METHOD_TLSv1_1_CLIENT, 0, 0, (16, 16)),
        (STREAM_CRYPTO_METHOD_TLSv1_1_CLIENT | STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT, 0, 0, (16, 64)),
        (STREAM_CRYPTO_METHOD_SSLv3_CLIENT, 0, 0, (64, 64)),
        (1, 0, 0, (64, 64)),
        (STREAM_CRYPTO_METHOD_TLS_CLIENT, 32, 0, (32, 64)),
        (STREAM_CRYPTO_METHOD_TLS_CLIENT, 0, 16, (8, 16)),
        (STREAM_CRYPTO_METHOD_TLS_CLIENT, 64, 8, (64, 64)),
        (STREAM_CRYPTO_METHOD_TLS_CLIENT, 33, 0, (64, 64)),
        (STREAM_CRYPTO_METHOD_TLS_CLIENT, -1, 0, (8, 64)),
    ],
)
def test_versions(method: int, low: int, high: int, expected: tuple[int, int]) -> None:
    assert protocol_range(values(method, min_proto_version=low, max_proto_version=high)) == expected


@pytest.mark.parametrize("method", [8 | 1, 16 | 1, 32 | 1, 64 | 1, STREAM_CRYPTO_METHOD_TLS_CLIENT])
def test_old_versions_raise_no_deprecation(method: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ssl_context(values(method, cafile=CA))


# Keeping


def test_equal_options_share_a_context() -> None:
    first = ssl_context(values(cafile=CA, peer_name="a"))
    assert ssl_context(values(cafile=CA, peer_name="b", capture_peer_cert=True)) is first
    assert ssl_context(values(cafile=CA, ciphers="HIGH")) is not first
    assert ssl_context(values(STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT, cafile=CA)) is not first
    assert ssl_context(values(cafile=CA, verify_peer=False)) is not first


def test_a_changed_file_makes_a_new_context(tmp_path: Path) -> None:
    cafile = tmp_path / "ca.pem"
    shutil.copy(CA, cafile)
    first = ssl_context(values(cafile=cafile))
    assert ssl_context(values(cafile=cafile)) is first
    os.utime(cafile, ns=(1, 1))
    assert ssl_context(values(cafile=cafile)) is not first


def test_the_passphrase_counts() -> None:
    options = {"local_cert": CERTS / "client-cert.pem", "local_pk": CERTS / "client-key-encrypted.pem"}
    ssl_context(values(cafile=CA, passphrase="secret", **options))
    with pytest.warns(UserWarning, match="Unable to set private key file"), pytest.raises(SetupFailed):
        ssl_context(values(cafile=CA, passphrase="guess", **options))
    assert not any("secret" in repr(key) for key in tls_context._kept)


def test_an_own_context_is_not_shared() -> None:
    shared = ssl_context(values(cafile=CA))
    own = ssl_context(values(cafile=CA), own=True)
    assert own is not shared
    assert ssl_context(values(cafile=CA)) is shared


def test_a_context_with_a_warning_warns_each_time() -> None:
    options = {"local_cert": CERTS / "client-cert.pem", "local_pk": CERTS / "ec.pem"}
    for _ in range(2):
        with pytest.warns(UserWarning, match="Private key does not match certificate!"):
            ssl_context(values(cafile=CA, **options))
        with pytest.warns(UserWarning, match="Security level must be between 0 and 5"):
            ssl_context(values(cafile=CA, security_level=7))


def test_the_oldest_go() -> None:
    first = ssl_context(values(cafile=CA))
    for number in range(tls_context.KEPT):
        ssl_context(values(verify_peer=False, alpn_protocols=f"p{number}"))
    assert len(tls_context._kept) == tls_context.KEPT
    assert ssl_context(values(cafile=CA)) is not first


# Trust (rule R7)


def subjects(context: ssl.SSLContext) -> list[Any]:
    return [certificate["subject"][-1][-1][-1] for certificate in context.get_ca_certs()]


@pytest.fixture
def no_locations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """OpenSSL's default locations, empty; the test may fill them."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "certs"))
    return tmp_path


def test_openssls_locations_are_the_default(no_locations: Path) -> None:
    shutil.copy(CA, no_locations / "cert.pem")
    assert subjects(ssl_context(values())) == ["php_streams test CA"]


def test_certifi_when_there_are_no_locations(no_locations: Path) -> None:
    wanted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    wanted.load_verify_locations(certifi.where())
    assert subjects(ssl_context(values())) == subjects(wanted)


def test_certifi_when_the_locations_are_empty(no_locations: Path) -> None:
    (no_locations / "certs").mkdir()
    assert len(subjects(ssl_context(values()))) > 100


def test_locations_that_fill_up_are_seen(no_locations: Path) -> None:
    with_certifi = ssl_context(values())
    shutil.copy(CA, no_locations / "cert.pem")
    assert ssl_context(values()) is not with_certifi


def test_ini_goes_before_the_locations_and_after_the_context(no_locations: Path) -> None:
    ini_set("openssl.cafile", str(CERTS / "other-ca.pem"))
    try:
        assert subjects(ssl_context(values())) == ["php_streams other CA"]
        assert subjects(ssl_context(values(cafile=CA))) == ["php_streams test CA"]
    finally:
        ini_restore("openssl.cafile")


def test_a_cafile_is_read_block_by_block_when_openssl_refuses_it(tmp_path: Path) -> None:
    """PHP takes the certificates that it can read."""
    cafile = tmp_path / "ca.pem"
    bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    cafile.write_text(bad + "text\n" + Path(CA).read_text("ascii"), "ascii")
    assert subjects(ssl_context(values(cafile=cafile))) == ["php_streams test CA"]


@pytest.mark.parametrize("url", ["http://localhost/ca.pem", "ftp://localhost/ca.pem", "data:text/plain,"])
def test_a_remote_cafile_is_never_fetched(url: str) -> None:
    with (
        pytest.warns(UserWarning, match="remote cafile streams are disabled for security purposes"),
        pytest.raises(SetupFailed),
    ):
        ssl_context(values(cafile=url))


@pytest.mark.parametrize("empty", ["", None, False])
def test_an_empty_cafile_is_a_value_error(empty: object) -> None:
    with pytest.raises(ValueError, match=r"^Path must not be empty$"):
        ssl_context(values(cafile=empty))


def test_names_are_left_to_php(monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl_context(values(cafile=CA))
    assert context.check_hostname is False
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert ssl_context(values(verify_peer=False)).verify_mode is ssl.CERT_NONE


def test_an_encrypted_key_without_passphrase_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL would ask at the terminal."""
    options = {"local_cert": CERTS / "client-cert.pem", "local_pk": CERTS / "client-key-encrypted.pem"}
    asked: list[object] = []
    load: Callable[..., None] = ssl.SSLContext.load_cert_chain

    def watched(self: ssl.SSLContext, *arguments: Any, password: object = None) -> None:
        asked.append(password)
        load(self, *arguments, password=password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    with pytest.warns(UserWarning, match="Unable to set private key file"), pytest.raises(SetupFailed):
        ssl_context(values(cafile=CA, **options))
    assert asked == [""]


# OpenSSL's errors


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python 3.12 keeps the numbers to itself")
def test_the_reasons_numbers_are_openssls() -> None:
    import _ssl

    ours = {text.upper().replace(" ", "_"): number for text, number in tls_reasons.NUMBERS.items()}
    theirs = {name: code for name, (library, code) in _ssl.err_names_to_codes.items() if library == 20}
    shared = set(ours) & set(theirs)
    assert len(shared) > 250
    assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("certificate verify failed", "error:0A000086:SSL routines::certificate verify failed"),
        ("wrong version number", "error:0A00010B:SSL routines::wrong version number"),
        ("sslv3 alert handshake failure", "error:0A000410:SSL routines::sslv3 alert handshake failure"),
        ("ssl/tls alert handshake failure", "error:0A000410:SSL routines::ssl/tls alert handshake failure"),
    ],
)
def test_lines(text: str, line: str) -> None:
    assert tls_errors.openssl_line("SSL", text) == line


def ssl_error(kind: type[ssl.SSLError], number: int, text: str, **attributes: object) -> ssl.SSLError:
    error = kind(number, text)
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


def test_messages() -> None:
    verify = ssl_error(
        ssl.SSLError,
        1,
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)",
        library="SSL",
        reason="CERTIFICATE_VERIFY_FAILED",
    )
    assert tls_errors.read_message(verify) == tls_errors.verify_failed()
    assert tls_errors.read_message(ssl_error(ssl.SSLZeroReturnError, 6, "closed")) is None
    assert tls_errors.read_message(ConnectionResetError(104, "")) == "SSL: Connection reset by peer"
    assert tls_errors.write_message(BrokenPipeError(32, "")) == (
        "SSL operation failed with code 5. OpenSSL Error messages:\n"
        "error:80000020:system library::Broken pipe"
    )
    cipher = ssl_error(ssl.SSLError, 1, "", library="SSL", reason="NO_SHARED_CIPHER")
    assert (tls_errors.read_message(cipher) or "").startswith("SSL_R_NO_SHARED_CIPHER: ")

"""openssl_x509_verify and openssl_x509_check_private_key: keys of all kinds, each with each."""

from __future__ import annotations

import datetime
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from php_streams import _transports, openssl_x509_check_private_key, openssl_x509_verify
from php_streams.porting.php_cli import PhpCli
from tests.places import CERTS

x509 = pytest.importorskip("cryptography.x509", reason="needs the extra [openssl]")
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa  # noqa: E402

PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
PHP = """
$answers = [];
foreach (json_decode(file_get_contents('%s')) as [$certificate, $key, $public]) {
    $verified = openssl_x509_verify($certificate, $public);
    $answers[] = [$verified, openssl_x509_check_private_key($certificate, $key)];
}
echo json_encode($answers);
"""


@cache
def keys() -> dict[str, Any]:
    """A key of each kind, two of some."""
    return {
        "rsa": rsa.generate_private_key(65537, 2048),
        "rsa again": rsa.generate_private_key(65537, 2048),
        "ec": ec.generate_private_key(ec.SECP256R1()),
        "ec again": ec.generate_private_key(ec.SECP256R1()),
        "ec 384": ec.generate_private_key(ec.SECP384R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
        "ed448": ed448.Ed448PrivateKey.generate(),
    }


def certificate(key: Any, pss: bool = False) -> str:
    """A certificate that a key signed for itself."""
    name = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.not_valid_before(datetime.datetime(2024, 1, 1)).serial_number(1)
    builder = builder.not_valid_after(datetime.datetime(2034, 1, 1))
    digest = None if isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)) else hashes.SHA256()
    signed = builder.sign(key, digest, rsa_padding=PSS) if pss else builder.sign(key, digest)
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def private_pem(key: Any) -> str:
    """PKCS 8."""
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, none).decode()  # type: ignore[no-any-return]


def public_pem(key: Any) -> str:
    """As `openssl pkey -pubout` has it."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()  # type: ignore[no-any-return]


def test_every_kind_of_key(php: PhpCli, tmp_path: Path) -> None:
    """Certificates of seven keys and one signed with PSS, with all keys."""
    signed = [certificate(key) for key in keys().values()] + [certificate(keys()["rsa"], pss=True)]
    cases = [[one, private_pem(key), public_pem(key)] for one in signed for key in keys().values()]
    file = tmp_path / "cases"
    file.write_text(json.dumps(cases))
    expected = json.loads(php.run(PHP % file).stdout)
    found = [
        [openssl_x509_verify(one, public), openssl_x509_check_private_key(one, key)]
        for one, key, public in cases
    ]
    assert found == expected
    assert sum(verified == 1 for verified, _ in found) == len(signed)


def test_old_forms_of_keys() -> None:
    """What OpenSSL wrote before PKCS 8, locked and not, with lines around it."""
    key, locked = keys()["rsa"], serialization.BestAvailableEncryption(b"secret")
    old = serialization.PrivateFormat.TraditionalOpenSSL
    plain = key.private_bytes(serialization.Encoding.PEM, old, serialization.NoEncryption())
    shut = key.private_bytes(serialization.Encoding.PEM, old, locked)
    one = certificate(key)
    assert openssl_x509_check_private_key(one, b"lines\n" + plain + b"more\n")
    assert openssl_x509_check_private_key(one, [shut, "secret"])
    assert not openssl_x509_check_private_key(one, shut)


@pytest.mark.parametrize("function", [openssl_x509_verify, openssl_x509_check_private_key])
def test_without_cryptography(function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra."""
    monkeypatch.delitem(sys.modules, f"{_transports.__name__}.tls_x509_keys", raising=False)
    monkeypatch.delattr(_transports, "tls_x509_keys", raising=False)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(ModuleNotFoundError, match=rf"{function.__name__}\(\) needs .*php-streams\[openssl\]"):
        function(f"file://{CERTS}/good.pem", f"file://{CERTS}/good.pem")


def test_what_else_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken installation is not put down to the extra."""
    monkeypatch.delitem(sys.modules, f"{_transports.__name__}.tls_x509_keys", raising=False)
    monkeypatch.delattr(_transports, "tls_x509_keys", raising=False)
    monkeypatch.setitem(sys.modules, "php_streams._core.certificate", None)
    with pytest.raises(ModuleNotFoundError, match=r"php_streams\._core\.certificate") as caught:
        openssl_x509_verify(f"file://{CERTS}/good.pem", f"file://{CERTS}/good.pem")
    assert "openssl" not in str(caught.value)

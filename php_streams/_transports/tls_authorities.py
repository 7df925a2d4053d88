"""Whom to trust: ssl.verify_peer, ssl.cafile, ssl.capath (= php_openssl_enable_peer_verification).

Rule R7: the context's cafile and capath, then the ini settings, then, for a client, OpenSSL's default
locations when they hold anything, else certifi's bundle.  A server trusts nobody by default; it asks clients
for a certificate, and whether they need one is decided after the handshake (tls_verify.py).
"""

from __future__ import annotations

import os
import ssl

from php_streams._core import ini
from php_streams._core.signals import from_system
from php_streams._transports.tls_build import Build, SetupFailed, Values, is_client
from php_streams._transports.tls_identity import begins_with_certificate
from php_streams._transports.tls_values import bare_warning


def verify_peer(build: Build) -> None:
    """Verification and the certificates to trust."""
    context = build.ssl_context
    context.check_hostname = False  # PHP compares names itself, by its own rules: tls_verify
    if build.values["verify_peer"] is False:
        context.verify_mode = ssl.CERT_NONE
        return
    context.verify_mode = ssl.CERT_REQUIRED if build.is_client else ssl.CERT_OPTIONAL
    cafile, capath = trusted(build.values)
    if cafile is None and capath is None:
        if build.is_client:
            _default_locations(context)
        return
    try:
        context.load_verify_locations(cafile, capath)
    except from_system(OSError, ValueError):
        _check_names(build)
        if cafile is not None:
            _load_certificates(context, cafile)


def trusted(values: Values) -> tuple[str | None, str | None]:
    """cafile and capath: the context's, else the ini settings."""
    cafile, capath = values["cafile"], values["capath"]
    return (
        cafile if cafile is not None else ini.get("openssl.cafile") or None,
        capath if capath is not None else ini.get("openssl.capath") or None,
    )


def files_read(values: Values) -> list[str]:
    """The files and folders that the trust comes from."""
    if values["verify_peer"] is False:
        return []
    names = [name for name in trusted(values) if name is not None]
    if names or not is_client(values):
        return names
    return own_locations() or [_certifi()]


def own_locations() -> list[str]:
    """OpenSSL's default locations, as far as they hold anything."""
    paths = ssl.get_default_verify_paths()  # None for one that does not exist
    found = [] if paths.cafile is None else [paths.cafile]
    if paths.capath is not None:
        try:
            with os.scandir(paths.capath) as entries:
                found += [paths.capath] if any(entries) else []
        except from_system(OSError):
            pass
    return found


def _default_locations(context: ssl.SSLContext) -> None:
    if own_locations():
        context.set_default_verify_paths()
    else:
        context.load_verify_locations(_certifi())


def _certifi() -> str:
    import certifi

    return certifi.where()


def _check_names(build: Build) -> None:
    """A server names the authorities of its cafile to clients: that file has to hold certificates."""
    cafile = build.values["cafile"]
    if not build.is_client and cafile is not None and not begins_with_certificate(cafile):
        bare_warning("SSL: failed loading CA names from cafile")
        raise SetupFailed


def _load_certificates(context: ssl.SSLContext, cafile: str) -> None:
    """A cafile that OpenSSL does not take: PHP opens it as a stream and picks the certificates out."""
    if not cafile:
        raise ValueError("Path must not be empty")
    scheme, separator, rest = cafile.partition("://")
    if cafile.startswith("data:") or (separator and scheme in ("http", "https", "ftp", "ftps")):
        bare_warning("remote cafile streams are disabled for security purposes")
        raise SetupFailed
    try:
        with open(
            rest if separator and scheme == "file" else cafile, encoding="latin-1", newline="\n"
        ) as file:
            loaded = sum(_added(context, block) for block in _pem_blocks(file.read()))
    except from_system(OSError, ValueError):
        bare_warning(f"failed loading cafile stream: `{cafile}'")
        raise SetupFailed from None
    if not loaded:
        bare_warning(f"no valid certs found cafile stream: `{cafile}'")
        raise SetupFailed


def _pem_blocks(pem: str) -> list[str]:
    blocks: list[str] = []
    inside = False
    for line in pem.splitlines(keepends=True):
        if not inside and line in ("-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\r\n"):
            inside = True
            blocks.append("")
        if inside:
            blocks[-1] += line
            inside = line.rstrip("\r\n") != "-----END CERTIFICATE-----"
    return blocks


def _added(context: ssl.SSLContext, pem: str) -> bool:
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        return False
    return True

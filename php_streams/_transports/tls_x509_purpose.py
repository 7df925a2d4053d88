"""What a certificate may be used for (= OpenSSL's X509_check_purpose, crypto/x509/v3_purp.c)."""

from __future__ import annotations

from collections.abc import Callable

from php_streams._core import der
from php_streams._core.certificate import OpenSSLCertificate

KEY_USAGE, EXTENDED_KEY_USAGE, BASIC_CONSTRAINTS = "2.5.29.15", "2.5.29.37", "2.5.29.19"
NETSCAPE_TYPE = "2.16.840.1.113730.1.1"

# Further extensions that may not be broken: identifiers of keys, constraints of names, revocation lists.
_WELL_FORMED = {
    "2.5.29.14": der.OCTET_STRING,
    "2.5.29.30": der.SEQUENCE,
    "2.5.29.31": der.SEQUENCE,
    "2.5.29.35": der.SEQUENCE,
}

# keyUsage's bits, the first byte's upwards from the lowest.
SIGN, REPUDIATE, ENCIPHER, AGREE, CERT_SIGN, CRL_SIGN = 0x80, 0x40, 0x20, 0x08, 0x04, 0x02
# nsCertType's
NS_CLIENT, NS_SERVER, NS_SMIME, NS_SSL_CA, NS_SMIME_CA, NS_CA = 0x80, 0x40, 0x20, 0x04, 0x02, 0x07

SERVER, CLIENT, CODE, MAIL, TIME = (f"1.3.6.1.5.5.7.3.{number}" for number in (1, 2, 3, 4, 8))
GATED = ("2.16.840.1.113730.4.1", "1.3.6.1.4.1.311.10.3.3")  # Netscape's and Microsoft's step-up
ANY = "2.5.29.37.0"
KNOWN = {SERVER, CLIENT, CODE, MAIL, TIME, *GATED, ANY, "1.3.6.1.5.5.7.3.9", "1.3.6.1.5.5.7.3.10"}


class Uses:
    """A certificate's extensions that limit its use."""

    def __init__(self, certificate: OpenSSLCertificate) -> None:
        found = {oid: (critical, value) for oid, critical, value in certificate.extensions}
        for oid, tag in _WELL_FORMED.items():
            if oid in found:
                der.expect(der.read(found[oid][1]), tag)
        self.critical = {oid for oid, (critical, _) in found.items() if critical}
        self.key = _bits(found[KEY_USAGE][1]) if KEY_USAGE in found else None
        self.netscape = _bits(found[NETSCAPE_TYPE][1]) if NETSCAPE_TYPE in found else None
        self.extended = _objects(found[EXTENDED_KEY_USAGE][1]) if EXTENDED_KEY_USAGE in found else None
        self.authority = _authority(found[BASIC_CONSTRAINTS][1]) if BASIC_CONSTRAINTS in found else None
        self.old_root = certificate.version == 0 and certificate.may_be_self_signed

    def key_refuses(self, *bits: int) -> bool:
        """There is a keyUsage, and none of these."""
        return self.key is not None and not any(self.key & bit for bit in bits)

    def extended_refuses(self, *uses: str) -> bool:
        """There is an extendedKeyUsage, and none of these."""
        return self.extended is not None and self.extended.isdisjoint(uses)

    def netscape_refuses(self, bit: int) -> bool:
        """There is an nsCertType, and not this."""
        return self.netscape is not None and not self.netscape & bit

    def signs_certificates(self, netscape: int | None = None) -> bool:
        """An authority's certificate; `netscape`: what nsCertType has to say where nothing else does."""
        if self.key_refuses(CERT_SIGN):
            return False
        if self.authority is not None:
            return self.authority
        if self.old_root or self.key is not None:
            return True
        return self.netscape is not None and bool(self.netscape & (NS_CA if netscape is None else netscape))


def _bits(encoded: bytes) -> int:
    """The first byte of a BIT STRING; keyUsage's ninth bit, decipherOnly, decides nothing."""
    content = der.expect(der.read(encoded), der.BIT_STRING)
    if content[0] > 7 or not any(content[1:]):
        raise ValueError  # no use is left
    return content[1]


def _objects(encoded: bytes) -> set[str]:
    members = der.children(der.expect(der.read(encoded), der.SEQUENCE))
    return {der.object_identifier(der.expect(member, der.OBJECT_IDENTIFIER)) for member in members}


def _authority(encoded: bytes) -> bool:
    members = list(der.children(der.expect(der.read(encoded), der.SEQUENCE)))
    if any(member.tag == der.INTEGER and der.integer(member.content) < 0 for member in members):
        raise ValueError  # a negative pathlen
    return any(member.tag == der.BOOLEAN and member.content != b"\0" for member in members)


def _ssl_client(uses: Uses) -> bool:
    refused = uses.key_refuses(SIGN, AGREE) or uses.netscape_refuses(NS_CLIENT)
    return not (uses.extended_refuses(CLIENT) or refused)


def _ssl_server(uses: Uses) -> bool:
    refused = uses.key_refuses(SIGN, ENCIPHER, AGREE) or uses.netscape_refuses(NS_SERVER)
    return not (uses.extended_refuses(SERVER, *GATED) or refused)


def _netscape_server(uses: Uses) -> bool:
    return _ssl_server(uses) and not uses.key_refuses(ENCIPHER)


def _mail(*bits: int) -> Callable[[Uses], bool]:
    return lambda uses: (
        not (
            uses.extended_refuses(MAIL)
            or uses.netscape_refuses(NS_SMIME | NS_CLIENT)
            or uses.key_refuses(*bits)
        )
    )


def _time_stamps(uses: Uses) -> bool:
    if uses.key is not None and (uses.key & ~(SIGN | REPUDIATE) or not uses.key & (SIGN | REPUDIATE)):
        return False
    known = (uses.extended or set()) & KNOWN
    return known == {TIME} and EXTENDED_KEY_USAGE in uses.critical


def _code(uses: Uses) -> bool:
    if uses.key is None or not uses.key & SIGN or uses.key & (CERT_SIGN | CRL_SIGN):
        return False
    extended = uses.extended or set()
    return KEY_USAGE in uses.critical and CODE in extended and extended.isdisjoint((ANY, SERVER))


def _ssl_authority(*extended: str) -> Callable[[Uses], bool]:
    return lambda uses: not uses.extended_refuses(*extended) and uses.signs_certificates(NS_SSL_CA)


def _mail_authority(uses: Uses) -> bool:
    return not uses.extended_refuses(MAIL) and uses.signs_certificates(NS_SMIME_CA)


Rule = Callable[[Uses], bool]
# Short and long name, and whether it may be used so, as itself and as an authority's.
PURPOSES: list[tuple[str, str, Rule, Rule]] = [
    ("sslclient", "SSL client", _ssl_client, _ssl_authority(CLIENT)),
    ("sslserver", "SSL server", _ssl_server, _ssl_authority(SERVER, *GATED)),
    ("nssslserver", "Netscape SSL server", _netscape_server, _ssl_authority(SERVER, *GATED)),
    ("smimesign", "S/MIME signing", _mail(SIGN, REPUDIATE), _mail_authority),
    ("smimeencrypt", "S/MIME encryption", _mail(ENCIPHER), _mail_authority),
    ("crlsign", "CRL signing", lambda uses: not uses.key_refuses(CRL_SIGN), Uses.signs_certificates),
    ("any", "Any Purpose", lambda uses: True, lambda uses: True),
    ("ocsphelper", "OCSP helper", lambda uses: True, Uses.signs_certificates),
    ("timestampsign", "Time Stamp signing", _time_stamps, Uses.signs_certificates),
    ("codesign", "Code signing", _code, Uses.signs_certificates),
]


def purposes(certificate: OpenSSLCertificate, short_names: bool) -> dict[int, list[bool | str]]:
    """Number -> [may be used so, may sign such, name], as openssl_x509_parse has it.

    With an extension that is broken OpenSSL's answer is -1, an error, which is true to PHP.
    """
    try:
        uses = Uses(certificate)
    except (ValueError, IndexError):
        return {
            number: [True, True, names[not short_names]] for number, (*names, _, _) in enumerate(PURPOSES, 1)
        }
    return {
        number: [itself(uses), authority(uses), short if short_names else long]
        for number, (short, long, itself, authority) in enumerate(PURPOSES, 1)
    }

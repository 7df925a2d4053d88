"""Public keys as OpenSSL prints them (= EVP_PKEY_print_public)."""

from __future__ import annotations

from collections.abc import Callable

from php_streams._core import der
from php_streams._transports.tls_x509_names import object_of

# Curves by identifier: OpenSSL's name, the bits of the order, NIST's name where there is one.
_CURVES = """
1.3.132.0.6 secp112r1 112|1.3.132.0.7 secp112r2 110|1.3.132.0.28 secp128r1 128|
1.3.132.0.29 secp128r2 126|1.3.132.0.9 secp160k1 161|1.3.132.0.8 secp160r1 161|
1.3.132.0.30 secp160r2 161|1.3.132.0.31 secp192k1 192|1.3.132.0.32 secp224k1 225|
1.3.132.0.33 secp224r1 224 P-224|1.3.132.0.10 secp256k1 256|1.3.132.0.34 secp384r1 384 P-384|
1.3.132.0.35 secp521r1 521 P-521|1.2.840.10045.3.1.1 prime192v1 192 P-192|
1.2.840.10045.3.1.2 prime192v2 192|1.2.840.10045.3.1.3 prime192v3 192|
1.2.840.10045.3.1.4 prime239v1 239|1.2.840.10045.3.1.5 prime239v2 239|
1.2.840.10045.3.1.6 prime239v3 239|1.2.840.10045.3.1.7 prime256v1 256 P-256|1.3.132.0.4 sect113r1 113|
1.3.132.0.5 sect113r2 113|1.3.132.0.22 sect131r1 131|1.3.132.0.23 sect131r2 131|
1.3.132.0.1 sect163k1 163 K-163|1.3.132.0.2 sect163r1 162|1.3.132.0.15 sect163r2 163 B-163|
1.3.132.0.24 sect193r1 193|1.3.132.0.25 sect193r2 193|1.3.132.0.26 sect233k1 232 K-233|
1.3.132.0.27 sect233r1 233 B-233|1.3.132.0.3 sect239k1 238|1.3.132.0.16 sect283k1 281 K-283|
1.3.132.0.17 sect283r1 282 B-283|1.3.132.0.36 sect409k1 407 K-409|1.3.132.0.37 sect409r1 409 B-409|
1.3.132.0.38 sect571k1 570 K-571|1.3.132.0.39 sect571r1 570 B-571|1.2.840.10045.3.0.1 c2pnb163v1 163|
1.2.840.10045.3.0.2 c2pnb163v2 162|1.2.840.10045.3.0.3 c2pnb163v3 162|
1.2.840.10045.3.0.4 c2pnb176v1 161|1.2.840.10045.3.0.5 c2tnb191v1 191|
1.2.840.10045.3.0.6 c2tnb191v2 190|1.2.840.10045.3.0.7 c2tnb191v3 189|
1.2.840.10045.3.0.10 c2pnb208w1 193|1.2.840.10045.3.0.11 c2tnb239v1 238|
1.2.840.10045.3.0.12 c2tnb239v2 237|1.2.840.10045.3.0.13 c2tnb239v3 236|
1.2.840.10045.3.0.16 c2pnb272w1 257|1.2.840.10045.3.0.17 c2pnb304w1 289|
1.2.840.10045.3.0.18 c2tnb359v1 353|1.2.840.10045.3.0.19 c2pnb368w1 353|
1.2.840.10045.3.0.20 c2tnb431r1 418|2.23.43.1.4.1 wap-wsg-idm-ecid-wtls1 112|
2.23.43.1.4.3 wap-wsg-idm-ecid-wtls3 163|2.23.43.1.4.4 wap-wsg-idm-ecid-wtls4 113|
2.23.43.1.4.5 wap-wsg-idm-ecid-wtls5 163|2.23.43.1.4.6 wap-wsg-idm-ecid-wtls6 112|
2.23.43.1.4.7 wap-wsg-idm-ecid-wtls7 161|2.23.43.1.4.8 wap-wsg-idm-ecid-wtls8 113|
2.23.43.1.4.9 wap-wsg-idm-ecid-wtls9 161|2.23.43.1.4.10 wap-wsg-idm-ecid-wtls10 232|
2.23.43.1.4.11 wap-wsg-idm-ecid-wtls11 233|2.23.43.1.4.12 wap-wsg-idm-ecid-wtls12 224|
1.3.36.3.3.2.8.1.1.1 brainpoolP160r1 160|1.3.36.3.3.2.8.1.1.2 brainpoolP160t1 160|
1.3.36.3.3.2.8.1.1.3 brainpoolP192r1 192|1.3.36.3.3.2.8.1.1.4 brainpoolP192t1 192|
1.3.36.3.3.2.8.1.1.5 brainpoolP224r1 224|1.3.36.3.3.2.8.1.1.6 brainpoolP224t1 224|
1.3.36.3.3.2.8.1.1.7 brainpoolP256r1 256|1.3.36.3.3.2.8.1.1.8 brainpoolP256t1 256|
1.3.36.3.3.2.8.1.1.9 brainpoolP320r1 320|1.3.36.3.3.2.8.1.1.10 brainpoolP320t1 320|
1.3.36.3.3.2.8.1.1.11 brainpoolP384r1 384|1.3.36.3.3.2.8.1.1.12 brainpoolP384t1 384|
1.3.36.3.3.2.8.1.1.13 brainpoolP512r1 512|1.3.36.3.3.2.8.1.1.14 brainpoolP512t1 512|
1.2.156.10197.1.301 SM2 256
"""
# Keys that are nothing but bytes.
_PLAIN = {
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "1.3.101.112": "ED25519",
    "1.3.101.113": "ED448",
}


def public_key(key: der.Value) -> str:
    """A SubjectPublicKeyInfo with its algorithm."""
    algorithm, bits = der.children(der.expect(key, der.SEQUENCE))
    kind, *parameters = der.children(der.expect(algorithm, der.SEQUENCE))
    found = object_of(kind)
    shown = f"            Public Key Algorithm: {found.title}\n"
    try:
        content = der.expect(bits, der.BIT_STRING)[1:]
        if found.oid in _PLAIN:
            return shown + f"{_MARGIN}{_PLAIN[found.oid]} Public-Key:\n{_MARGIN}pub:\n{_block(content)}"
        return shown + _SHOWN[found.oid](content, parameters)
    except (KeyError, ValueError, IndexError):
        # OpenSSL's queue of errors follows, with a thread's number.
        return shown + "            Unable to load Public Key\n"


_MARGIN = " " * 16


def hexadecimal_lines(content: bytes, indent: int, per_line: int) -> str:
    """Bytes in lines that end in colons but for the last."""
    shown = content.hex(":")
    size = per_line * 3
    lines = [shown[at : at + size] for at in range(0, len(shown), size)]
    return "".join(f"{' ' * indent}{line}\n" for line in lines)


def _block(content: bytes) -> str:
    return hexadecimal_lines(content, 20, 15)


def labelled_number(label: str, number: int, indent: int = 16) -> str:
    """A number of up to 64 bits behind its label, a larger one below it (= ASN1_bn_print)."""
    margin, size = " " * indent, abs(number)
    if not number:
        return f"{margin}{label} 0\n"
    if size < 1 << 64:
        sign = "-" if number < 0 else ""
        return f"{margin}{label} {sign}{size} ({sign}0x{size:x})\n"
    encoded = size.to_bytes(size.bit_length() // 8 + 1)  # with a zero before a first bit that is set
    negative = " (Negative)" * (number < 0)
    return f"{margin}{label}{negative}\n" + hexadecimal_lines(encoded, indent + 4, 15)


def _rsa(content: bytes, parameters: list[der.Value]) -> str:
    modulus, exponent = der.children(der.expect(der.read(content), der.SEQUENCE))
    number = _unsigned(modulus)
    return (
        f"{_MARGIN}Public-Key: ({number.bit_length()} bit)\n"
        + labelled_number("Modulus:", number)
        + labelled_number("Exponent:", _unsigned(exponent))
    )


def _unsigned(value: der.Value) -> int:
    """An INTEGER of a key, whose first bit is not its sign."""
    return int.from_bytes(der.expect(value, der.INTEGER))


def _pss(content: bytes, parameters: list[der.Value]) -> str:
    """An RSA key for PSS signatures alone, and how they may be made."""
    if not parameters:
        return _rsa(content, parameters) + f"{_MARGIN}No PSS parameter restrictions\n"
    found = {part.tag: der.read(part.content) for part in der.children(parameters[0].content)}
    digest = _digest(found[0xA0]) if 0xA0 in found else "SHA1"
    mask = _digest(list(der.children(found[0xA1].content))[1]) if 0xA1 in found else "SHA1"
    salt = der.integer(found[0xA2].content) if 0xA2 in found else 20
    lines = [
        "PSS parameter restrictions:",
        f"  Hash Algorithm: {digest}{_default(digest == 'SHA1')}",
        f"  Mask Algorithm: MGF1 with {mask}{_default(mask == 'SHA1')}",
        f"  Minimum Salt Length: {salt}{_default(salt == 20)}",
        "  Trailer Field: 0x1 (default)",
    ]
    return _rsa(content, parameters) + "".join(f"{_MARGIN}{line}\n" for line in lines)


def _digest(algorithm: der.Value) -> str:
    return _DIGESTS[object_of(next(der.children(algorithm.content))).oid]


def _default(is_default: bool) -> str:
    return " (default)" * is_default


_DIGESTS = {
    "1.3.14.3.2.26": "SHA1",
    **{
        f"2.16.840.1.101.3.4.2.{number}": f"SHA2-{size}"
        for number, size in enumerate(("256", "384", "512", "224", "512/224", "512/256"), 1)
    },
}


def _dsa(content: bytes, parameters: list[der.Value]) -> str:
    public = der.integer(der.expect(der.read(content), der.INTEGER))
    numbers = [public, *map(_unsigned, der.children(der.expect(parameters[0], der.SEQUENCE)))]
    shown = zip(("pub: ", "P:   ", "Q:   ", "G:   "), numbers, strict=True)
    bits = numbers[1].bit_length()
    return f"{_MARGIN}Public-Key: ({bits} bit)\n" + "".join(labelled_number(*one) for one in shown)


def _curve(content: bytes, parameters: list[der.Value]) -> str:
    oid = der.object_identifier(der.expect(parameters[0], der.OBJECT_IDENTIFIER))
    name, bits, *nist = curves()[oid]
    lines = f"{_MARGIN}Public-Key: ({bits} bit)\n{_MARGIN}pub:\n{_block(content)}{_MARGIN}ASN1 OID: {name}\n"
    return lines + "".join(f"{_MARGIN}NIST CURVE: {other}\n" for other in nist)


def curves() -> dict[str, list[str]]:
    """The curves by identifier."""
    rows = (row.split(" ") for row in _CURVES.replace("\n", "").split("|"))
    return {oid: more for oid, *more in rows}


_SHOWN: dict[str, Callable[[bytes, list[der.Value]], str]] = {
    "1.2.840.113549.1.1.1": _rsa,
    "1.2.840.113549.1.1.10": _pss,
    "1.2.840.10040.4.1": _dsa,
    "1.2.840.10045.2.1": _curve,
}

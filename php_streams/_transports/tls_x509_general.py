"""GeneralNames and what holds them, as OpenSSL prints them (crypto/x509/v3_san.c, v3_crld.c, v3_ncons.c)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from php_streams._core import der
from php_streams._transports.tls_x509_names import object_of, one_line, parts

OTHER, MAIL, DNS, X400, FOLDER, EDI, URI, ADDRESS, OBJECT = (
    0xA0,
    0x81,
    0x82,
    0xA3,
    0xA4,
    0xA5,
    0x86,
    0x87,
    0x88,
)
TEXTS = {MAIL: "email", DNS: "DNS", URI: "URI"}

REASONS = [
    "Unused",
    "Key Compromise",
    "CA Compromise",
    "Affiliation Changed",
    "Superseded",
    "Cessation Of Operation",
    "Certificate Hold",
    "Privilege Withdrawn",
    "AA Compromise",
]


_UNPRINTABLE = re.compile(rb"[^ -~\r\n]")


def text(content: bytes) -> str:
    """Bytes that are printed as they are."""
    return content.decode("utf-8", "surrogateescape")


def address(content: bytes) -> str:
    """An IP address, the newer kind in capitals and in full."""
    if len(content) == 4:
        return ".".join(map(str, content))
    if len(content) != 16:
        return f"<invalid length={len(content)}>"
    return ":".join(f"{int.from_bytes(content[at : at + 2]):X}" for at in range(0, 16, 2))


def name_and_value(name: der.Value, in_list: bool) -> tuple[str, str]:
    """The kind of a GeneralName and its text; a directory's name in a list is "/CN=a", else "CN = a"."""
    if name.tag in TEXTS:
        return TEXTS[name.tag], text(name.content if in_list else _UNPRINTABLE.sub(b".", name.content))
    if name.tag == ADDRESS:
        return "IP Address", address(name.content)
    if name.tag == OBJECT:
        identifier = der.Value(der.OBJECT_IDENTIFIER, name.content, b"")
        return "Registered ID", object_of(identifier).title
    if name.tag == FOLDER:
        folder = der.read(name.content)
        return "DirName", one_line(folder, 255) if in_list else readable(folder)
    if name.tag in (X400, EDI):
        return "X400Name" if name.tag == X400 else "EdiPartyName", "<unsupported>"
    if name.tag != OTHER:
        raise ValueError  # no GeneralName
    return _other(name, in_list)


# otherNames that OpenSSL has a word for, and what they hold.
_WORDS = {
    "1.3.6.1.5.5.7.8.5": ("XmppAddr", der.UTF8_STRING),
    "1.3.6.1.5.5.7.8.7": ("SRVName", der.IA5_STRING),
    "1.3.6.1.5.5.7.8.8": ("NAIRealm", der.UTF8_STRING),
    "1.3.6.1.5.5.7.8.9": ("SmtpUTF8Mailbox", der.UTF8_STRING),
    "1.3.6.1.4.1.311.20.2.3": ("UPN", der.UTF8_STRING),
}


def _other(name: der.Value, in_list: bool) -> tuple[str, str]:
    """An otherName, as i2v_GENERAL_NAME and GENERAL_NAME_print have it, each in its own way."""
    kind, wrapped = der.children(name.content)
    value, found = der.read(wrapped.content), object_of(kind)
    word, holds = _WORDS.get(found.oid, ("", 0))
    if word and value.tag == holds:
        return f"othername:{' ' * in_list}{word}", text(value.content)
    if not in_list:
        return "othername", "<unsupported>"
    if word:
        raise ValueError  # no such otherName
    shown = text(value.content) if value.tag in (der.UTF8_STRING, der.IA5_STRING) else "<unsupported>"
    return f"othername: {found.title}", shown


def printed(name: der.Value) -> str:
    """= GENERAL_NAME_print."""
    return ":".join(name_and_value(name, False))


def listed(name: der.Value) -> str:
    """= i2v_GENERAL_NAME."""
    if name.tag in TEXTS and b"\0" in name.content:
        raise ValueError  # NUL in a name
    return ":".join(name_and_value(name, True))


_QUOTED = re.compile(r"[,+<>;]|^[# ]| $")


def readable(name: der.Value) -> str:
    """ "C = DE, O = \\"a, b\\"" (= X509_NAME_print_ex with XN_FLAG_ONELINE)."""
    shown = ""
    for number, part in enumerate(parts(name)):
        key = part.kind.short if part.kind.nid else part.kind.oid
        between = "" if not number else " + " if part.joined else ", "
        shown += f"{between}{key} = {_quoted(part.value)}"
    return shown


def _quoted(value: der.Value) -> str:
    characters = der.text(value).decode("utf-8", "surrogateescape")
    escaped = "".join(
        character if " " <= character <= "~" else "".join(f"\\{byte:02X}" for byte in _bytes(character))
        for character in re.sub(r'(["\\])', r"\\\1", characters)
    )
    return f'"{escaped}"' if _QUOTED.search(characters) else escaped


def _bytes(character: str) -> bytes:
    return character.encode("utf-8", "surrogateescape")


def distribution_points(points: der.Value) -> str:
    """Where revoked certificates are listed."""
    return "\n".join("".join(_point(point)) for point in der.children(der.expect(points, der.SEQUENCE)))


def _point(point: der.Value) -> Iterator[str]:
    for part in der.children(der.expect(point, der.SEQUENCE)):
        if part.tag == 0xA0:
            name = der.read(part.content)
            if name.tag == 0xA0:
                yield f"Full Name:\n{_indented(name.content)}\n"
            else:
                relative = der.write(der.SEQUENCE, der.write(der.SET, name.content))
                yield f"Relative Name:\n  {readable(der.read(relative))}\n"
        elif part.tag == 0x81:
            yield "Reasons:\n  " + ", ".join(bit_names(part.content, REASONS)) + "\n"
        else:
            yield "CRL Issuer:\n" + _indented(part.content)


def _indented(names: bytes) -> str:
    return "\n".join("  " + printed(name) for name in der.children(names))


def bit_names(content: bytes, names: list[str]) -> list[str]:
    """The names of a BIT STRING's bits."""
    if content[0] > 7:
        raise ValueError  # more than a byte of unused bits
    bits = [byte >> shift & 1 for byte in content[1:] for shift in range(7, -1, -1)]
    return [name for name, bit in zip(names, bits, strict=False) if bit]


def name_constraints(value: der.Value) -> str:
    """Which names an authority may, and may not, sign for."""
    shown = []
    for trees in der.children(der.expect(value, der.SEQUENCE)):
        bases = [next(der.children(tree.content)) for tree in der.children(trees.content)]
        title = "Permitted" if trees.tag == 0xA0 else "Excluded"
        shown.append(f"{title}:\n" + "\n".join("  " + _base(base) for base in bases))
    return "\n".join(shown)


def _base(base: der.Value) -> str:
    if base.tag != ADDRESS:
        return printed(base)
    size = len(base.content)
    half = 16 if size >= 16 else min(size, 4)
    return f"IP:{address(base.content[:half])}/{address(base.content[half:])}"

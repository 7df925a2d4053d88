"""DER, whose lengths are short, or long in as few bytes as they need."""

from __future__ import annotations

import pytest

from php_streams._core import der

LENGTHS = {
    0: "00",
    1: "01",
    127: "7f",
    128: "8180",
    255: "81ff",
    256: "820100",
    65535: "82ffff",
    65536: "83010000",
    1 << 24: "8401000000",
}


@pytest.mark.parametrize("size", LENGTHS)
def test_a_length_is_written_and_read(size: int) -> None:
    content = bytes(size)
    encoded = der.write(der.SEQUENCE, content)
    assert encoded[: -size or None] == bytes((der.SEQUENCE,)) + bytes.fromhex(LENGTHS[size])
    assert der.read(encoded + b"more") == (der.SEQUENCE, content, encoded)
    assert der.read(b"before" + encoded, 6) == (der.SEQUENCE, content, encoded)
    if size:
        with pytest.raises(ValueError, match=r"^DER value cut short$"):
            der.read(encoded[:-1])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "DER value cut short"),
        ("30", "DER value cut short"),
        ("1f0100", "DER tag of more than one byte"),
        ("bf0100", "DER tag of more than one byte"),
        ("3080", "DER length out of range"),
        ("30850000000000", "DER length out of range"),
        ("308201", "DER length out of range"),
        ("3082ffff", "DER value cut short"),
    ],
)
def test_what_cannot_be_read(data: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        der.read(bytes.fromhex(data))


def test_members_and_numbers() -> None:
    content = bytes.fromhex("0201ff020200800500")
    assert [(each.tag, each.content.hex()) for each in der.children(content)] == [
        (2, "ff"),
        (2, "0080"),
        (5, ""),
    ]
    assert [der.integer(each.content) for each in der.children(content)] == [-1, 128, 0]
    assert der.expect(der.read(content), 2) == b"\xff"
    with pytest.raises(ValueError, match=r"^DER tag 0x2 where 0x30 belongs$"):
        der.expect(der.read(content), 0x30)


@pytest.mark.parametrize(
    ("content", "dotted"),
    [
        ("00", "0.0"),
        ("27", "0.39"),
        ("28", "1.0"),
        ("4f", "1.39"),
        ("50", "2.0"),
        ("550403", "2.5.4.3"),
        ("8837", "2.999"),
        ("2a864886f70d", "1.2.840.113549"),
    ],
)
def test_an_object_identifier_in_dots(content: str, dotted: str) -> None:
    assert der.object_identifier(bytes.fromhex(content)) == dotted


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "DER object identifier cut short"),
        ("2a86", "DER object identifier cut short"),
        ("86", "DER object identifier cut short"),
        ("2a8001", "DER object identifier padded"),
        ("8001", "DER object identifier padded"),
    ],
)
def test_what_is_no_object_identifier(content: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        der.object_identifier(bytes.fromhex(content))


def test_text_of_each_kind() -> None:
    kinds = {
        der.UTF8_STRING: "ü".encode(),
        der.BMP_STRING: b"\0\xfc",
        der.UNIVERSAL_STRING: b"\0\0\0\xfc",
        0x14: b"\xfc",
    }
    assert [der.text(der.read(der.write(*kind))) for kind in kinds.items()] == ["ü".encode()] * 4
    assert der.text(der.Value(der.UTF8_STRING, b"\xff", b"")) == b"\xff"
    assert der.text(der.Value(der.BMP_STRING, b"\xd8", b"")) == "\ufffd".encode()

"""Names in answers, byte by byte: labels, pointers, and what is neither."""

from __future__ import annotations

import pytest

from php_streams._network.records import Broken, unpack

LONG = b"\x3f" + b"x" * 63


@pytest.mark.parametrize(
    ("wire", "at", "name"),
    [
        (b"\0", 0, ([], 1)),
        (b"\1a\0", 0, ([b"a"], 3)),
        (b"\1a\2bc\0rest", 0, ([b"a", b"bc"], 6)),
        (b"zz\1a\0", 2, ([b"a"], 5)),
        (b"", 0, None),
        (b"\1a", 0, None),
        (b"\1", 0, None),
        (b"\2a\0", 0, None),
        (LONG + b"\0", 0, ([LONG[1:]], 65)),
        (b"\x40" + b"x" * 64 + b"\0", 0, None),
        (b"\x41" + b"x" * 65 + b"\0", 0, None),
        (b"\x80\0\0", 0, None),
        (b"\xbf\0\0", 0, None),
        (b"\xa0" + b"x" * 160 + b"\0", 0, None),
        (b"\1a\0\1b\xc0\0", 3, ([b"b", b"a"], 7)),
        (b"\1a\0\xc0\0tail", 3, ([b"a"], 5)),
        (b"\xc0", 0, None),
        (b"\0\xc0\0", 1, ([], 3)),
        (b"\0\xc0", 1, None),
        (b"\0\1b\xc0", 1, None),
        (b"\xc0\0", 0, None),
        (b"\xc0\2\xc0\0", 0, None),
        (b"\1a\xc0\0", 0, None),
        (b"\xc0\2\0", 0, ([], 2)),
        (b"\xc0\3z\0", 0, ([], 2)),
        (b"\xc0\1\0", 0, None),
        (b"\xc0\2\xc0\4\xc0\6\0", 0, ([], 2)),
        (b"\xc0\2\xc0\4\xc0\6\1a\0", 0, ([b"a"], 2)),
        (b"\xc0\2\1a\xc0\6\0", 0, ([b"a"], 2)),
        (bytes(300) + b"\1q\0" + b"\xc1\x2c", 303, ([b"q"], 305)),
        (bytes(0x3FF0) + b"\1q\0\xff\xf0", 0x3FF3, ([b"q"], 16373)),
        (b"\xc0\x09\0", 0, None),
        (b"z\xc0\3", 1, None),
        (b"\3\1a\0\xc0\1", 0, None),
        (b"\3\1a\0\xc0\1z", 0, ([b"\1a\0", b"a"], 6)),
        (b"\x80\2\0", 0, None),
        (b"\xbf\2\0", 0, None),
        (LONG * 3 + b"\x3d" + b"y" * 61 + b"\0", 0, ([LONG[1:], LONG[1:], LONG[1:], b"y" * 61], 255)),
        (LONG * 3 + b"\x3e" + b"y" * 62 + b"\0", 0, None),
        (LONG * 3 + b"\x3f" + b"y" * 63 + b"\0", 0, None),
        (LONG * 4 + b"\1a\0", 0, None),
    ],
)
def test_a_name_and_where_it_ends(wire: bytes, at: int, name: tuple[list[bytes], int] | None) -> None:
    if name is not None:
        assert unpack(wire, at) == name
        return
    with pytest.raises(Broken):
        unpack(wire, at)

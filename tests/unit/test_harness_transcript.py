"""Transcripts: frames, placeholders, what is shown of bytes, and PHP's serialize() in Python."""

from __future__ import annotations

import pytest

from tests.conformance.prelude import EXCEPTIONS, double, serialize
from tests.conformance.side_by_side import side_by_side
from tests.conformance.transcript import Placeholders, escape, frame, render

TOKEN = "0123456789abcdef"
NOTHING = Placeholders([], {})


def shown(*parts: bytes, known: Placeholders = NOTHING) -> list[str]:
    return render(b"".join(parts), TOKEN, known).lines


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\\b\r\n\t", "a\\\\b\\r\\n\\t"),
        (b"\x00\x1b\x7f", "\\x00\\x1b\\x7f"),
        ("é€".encode(), "é€"),
        (b"\xff\xc3", "\\xff\\xc3"),
        ("\u2028\x85".encode(), "\\xe2\\x80\\xa8\\xc2\\x85"),
        (b"end ", "end\\x20"),
    ],
)
def test_bytes_become_one_readable_line(data: bytes, text: str) -> None:
    assert escape(data) == text


def test_frames_and_output_keep_their_order() -> None:
    assert shown(
        b"one\ntwo",
        frame(TOKEN, "S", b"label", b's:2:"a\n";'),
        frame(TOKEN, "W", b"\nWarning: fgets(): in x in /a b/case.php on line 3\n"),
        b"\r\n",
        frame(TOKEN, "D", b"E_NOTICE", b"text"),
        frame(TOKEN, "X", b"ValueError", b""),
    ) == [
        "| one\\n",
        "| two",
        'label s:2:"a\\n";',
        "! E_WARNING fgets(): in x",
        "| \\r\\n",
        "! E_NOTICE text",
        "! ValueError",
    ]


def test_an_exception_that_php_displays_reads_like_one_that_is_caught() -> None:
    text = b"\nFatal error: Uncaught ValueError: bad\nthing in /x.php:3\nStack trace:\n#0 {main}\n"
    text += b"  thrown in /x.php on line 3\n"
    assert shown(frame(TOKEN, "W", text)) == ["! ValueError bad\\nthing"]


def test_the_output_cannot_forge_a_frame() -> None:
    assert shown(frame("another token", "S", b"label", b"i:1;"))[0].startswith("| \\x1eanother")


def test_a_parse_error_and_a_refusal_are_problems() -> None:
    parse = render(frame(TOKEN, "W", b"\nParse error: syntax error in /x.php on line 1\n"), TOKEN, NOTHING)
    refusal = render(frame(TOKEN, "H", b"see('a'): a resource"), TOKEN, NOTHING)
    assert parse.lines == ["! E_PARSE syntax error"]
    assert parse.problems
    assert refusal.problems == ["see('a'): a resource"]


def test_what_changes_from_run_to_run_gets_a_name() -> None:
    known = Placeholders(
        [("dir", "/tmp/x/dir"), ("file", "/tmp/x/dir/case.php")], {"port": 40001, "client": 40002}
    )
    value = serialize(
        ["127.0.0.1:40001", 40002, 400010, {"/tmp/x/dir/case.php": "40001/tmp/x/dir/é"}, 40001.5]
    )
    assert shown(frame(TOKEN, "S", b"a", value), known=known) == [
        'a a:5:{i:0;s:16:"127.0.0.1:{port}";i:1;i:{client};i:2;i:400010;'
        'i:3;a:1:{s:6:"{file}";s:14:"{port}{dir}/é";}i:4;d:40001.5;}'
    ]
    assert shown(b"max_fd=7 fd=7", known=known) == ["| max_fd={fd} fd=7"]
    assert shown(b"at 40001, not 140001", known=known) == ["| at {port}, not 140001"]
    assert shown(frame(TOKEN, "D", b"E_WARNING", b"/tmp/x/dir:40002"), known=known) == [
        "! E_WARNING {dir}:{client}"
    ]


def test_text_in_a_value_that_looks_serialized_is_left_alone() -> None:
    known = Placeholders([], {"port": 40001})
    assert known.replace_serialized(serialize('"; i:40001;')) == b's:12:""; i:{port};";'
    assert known.replace_serialized(serialize('s:3:"')) == b's:5:"s:3:"";'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, b"N;"),
        (True, b"b:1;"),
        (-3, b"i:-3;"),
        ("é", b's:2:"\xc3\xa9";'),
        (b"\xff", b's:1:"\xff";'),
        ([], b"a:0:{}"),
        ({"a": [1.0], 3: None}, b'a:2:{s:1:"a";a:1:{i:0;d:1;}i:3;N;}'),
    ],
)
def test_values_are_serialized_as_php_does(value: object, text: bytes) -> None:
    assert serialize(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e16, "10000000000000000"),
        (1e17, "1.0E+17"),
        (-1.25e300, "-1.25E+300"),
        (0.0001, "0.0001"),
        (0.00001, "1.0E-5"),
        (5e-324, "5.0E-324"),
        (float("inf"), "INF"),
        (float("-inf"), "-INF"),
        (float("nan"), "NAN"),
    ],
)
def test_floats_are_written_as_php_writes_them(value: float, text: str) -> None:
    assert double(value) == text


@pytest.mark.parametrize(
    ("value", "reason"), [((1, 2), "unpack it"), ([object()], "a object cannot be compared")]
)
def test_what_php_does_not_have_is_refused(value: object, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        serialize(value)


def test_exceptions_have_phps_names() -> None:
    assert EXCEPTIONS["RuntimeError"] == "RuntimeException"


def test_two_transcripts_side_by_side() -> None:
    table = side_by_side("left", ["same", "x" * 30, "gone"], "right", ["same", "y"], width=45)
    assert table == [
        "  left                 | right",
        f"  {'-' * 20} | {'-' * 20}",
        "  same                 | same",
        f"* {'x' * 20} | y",
        f"*   {'x' * 10}         |",
        "* gone                 |",
    ]

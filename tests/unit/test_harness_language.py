"""The language of peer scripts: every statement, what its arguments are read as, and what a refusal says."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from php_streams.porting.peer_script import STATEMENTS, PeerScriptError, Statement, parse

FACTS = "alpn chain cipher client compression error peer-subject protocol resumed sni ticket versions"
USAGES = {
    "send": 'send "text" ... | send repeat N "text": sends these bytes',
    "expect": 'expect "text" ... | bytes N | line | eof: the client has to send this next',
    "wait": "wait SECONDS",
    "tls": "tls CERT [tls1.0 ... tls1.3] [client-cert required|optional] [alpn A,B] [ciphers LIST]: "
    "handshake",
    "starttls": "starttls CERT ...: the same; a word for the reader where plaintext went before",
    "tls-client": "tls-client [tls1.0 ... tls1.3] [sni NAME] [cert FILE] [alpn A,B] [ciphers LIST] "
    "[curve NAME] [verify] [resume]: handshake as the client",
    "untls": "untls: waits for the client's close_notify, then plaintext | untls notify: and sends its own",
    "show": f"show NAME ...: adds facts about TLS to the report: {FACTS}",
    "never": 'never "text": the client must not send this in anything that comes from here on',
    "urgent": 'urgent "x": sends one byte out of band, over tcp in plaintext',
    "garbage": "garbage [N]: sends N bytes (64) that belong to no protocol, always the same",
    "half-close": "half-close: ends the sending direction, goes on reading",
    "close": "close: ends the connection (TLS: with close_notify); what came and was not expected is "
    "a failure",
    "cut": "cut: ends the connection without TLS's close_notify",
    "reset": "reset: ends the connection by RST",
    "silent": "silent: says nothing more and takes what comes until the client goes away",
    "ignore": "ignore: the same as silent",
    "record": 'record [until "text"]: takes what comes until the client goes away, or up to this, '
    "and reports it",
    "echo": "echo: sends back what comes until the client goes away",
}


def refusal(script: str) -> tuple[int, str]:
    """The line and the reason of what a script is refused for."""
    with pytest.raises(PeerScriptError) as caught:
        parse(script)
    assert str(caught.value) == f"peer script, line {caught.value.line}: {caught.value.reason}"
    return caught.value.line, caught.value.reason


@pytest.mark.parametrize("name", STATEMENTS)
def test_arguments_of_no_form_are_answered_with_the_usage(name: str) -> None:
    line = f'{name} "a" zzz'
    assert refusal(f"# a comment\n  {line}  ") == (2, f"{line!r} is not of the form {USAGES[name]}")


def test_every_statement_has_its_usage() -> None:
    assert list(STATEMENTS) == list(USAGES)
    known = ", ".join(sorted(USAGES))
    assert refusal("sned 1") == (1, f"unknown statement 'sned 1'; known: {known}")
    assert refusal('"send"') == (1, f"unknown statement '\"send\"'; known: {known}")


@pytest.mark.parametrize(
    ("line", "data", "number", "words"),
    [
        ('send "a" "b"', b"ab", 0, ()),
        ('send repeat 3 "ab"', b"ababab", 0, ()),
        (r'send "\r\n\t\0\\\"\x41\xfF\x0a" # "no"', b'\r\n\t\0\\"A\xff\n', 0, ()),
        ('send "ü#"', "ü#".encode(), 0, ()),
        ('send ""', b"", 0, ()),
        ('expect "a" "b"', b"ab", 0, ()),
        ('expect repeat 2 "a"', b"aa", 0, ()),
        ("expect bytes 12", b"", 12, ("bytes",)),
        ("expect line", b"", 0, ("line",)),
        ("expect eof", b"", 0, ("eof",)),
        ("wait 2", b"", 2, ()),
        ("wait 0.25", b"", 0.25, ()),
        ("tls good", b"", 0, ("good",)),
        ("tls good tls1.0 tls1.3", b"", 0, ("good", "tls1.0", "tls1.3")),
        ("tls good client-cert required", b"", 0, ("good", "client-cert", "required")),
        ("tls good client-cert optional tls1.2", b"", 0, ("good", "client-cert", "optional", "tls1.2")),
        ("tls good alpn a,b ciphers X", b"", 0, ("good", "alpn", "a,b", "ciphers", "X")),
        ("starttls good alpn a", b"", 0, ("good", "alpn", "a")),
        ("untls", b"", 0, ()),
        ("untls notify", b"", 0, ("notify",)),
        ("show protocol cipher client sni alpn", b"", 0, ("protocol", "cipher", "client", "sni", "alpn")),
        (
            "show versions ticket compression resumed",
            b"",
            0,
            ("versions", "ticket", "compression", "resumed"),
        ),
        ('never "ab"', b"ab", 0, ()),
        ('urgent "x"', b"x", 0, ()),
        ("garbage", b"", 64, ()),
        ("garbage 5", b"", 5, ()),
        ("half-close", b"", 0, ()),
        ("close", b"", 0, ()),
        ("cut", b"", 0, ()),
        ("reset", b"", 0, ()),
        ("silent", b"", 0, ()),
        ("ignore", b"", 0, ()),
        ("record", b"", 0, ()),
        ('record until "x"', b"x", 0, ("until",)),
        ("echo", b"", 0, ()),
    ],
)
def test_what_a_statement_is_read_as(line: str, data: bytes, number: float, words: tuple[str, ...]) -> None:
    (plan,) = parse(f"\n{line}\n")
    assert plan.statements == [Statement(2, line.split()[0], line, data, number, words)]


@pytest.mark.parametrize(
    ("line", "data", "number", "words"),
    [
        ("tls-client", b"", 0, ()),
        ("tls-client verify resume tls1.2", b"", 1, ("verify", "tls1.2")),
        ("tls-client sni a.test cert c", b"", 0, ("sni", "a.test", "cert", "c")),
        ("tls-client alpn a ciphers B curve C", b"", 0, ("alpn", "a", "ciphers", "B", "curve", "C")),
        ("show error peer-subject chain protocol", b"", 0, ("error", "peer-subject", "chain", "protocol")),
        ("show cipher alpn ticket compression", b"", 0, ("cipher", "alpn", "ticket", "compression")),
        ("show resumed", b"", 0, ("resumed",)),
    ],
)
def test_what_a_client_s_statement_is_read_as(
    line: str, data: bytes, number: float, words: tuple[str, ...]
) -> None:
    (plan,) = parse(f"connect\n{line}")
    assert plan.statements == [Statement(2, line.split()[0], line, data, number, words)]


@pytest.mark.parametrize(
    "line",
    [
        *(
            "send",
            "send repeat",
            'send repeat 2 "a" "b"',
            'send repeat x "a"',
            "send repeat 2 a",
            'send "a" b',
        ),
        *(
            "send repeat 2",
            'send "repeat" 2 "a"',
            "expect",
            "expect bytes",
            "expect bytes x",
            "expect bytes 1 2",
        ),
        *(
            "expect line 2",
            "expect eof line",
            'expect "bytes" 2',
            "expect 2",
            'wait "1"',
            "wait 1 2",
            "wait 1.",
        ),
        *("wait .5", "wait", "tls", 'tls "good"', "tls good tls1.4", "tls good alpn", "tls good ciphers"),
        *("tls good client-cert", "tls good client-cert maybe", "tls good verify", "starttls", "untls more"),
        *("untls notify notify", "show", "show protocol colour", 'show "protocol"', "never", 'never ""'),
        *("never a", 'never "a" "b"', 'urgent ""', 'urgent "ab"', "urgent", "garbage x", "garbage 1 2"),
        *("record until", 'record until ""', "record until a", 'record "until" "a"', 'record up "a"'),
        *('record until "a" "b"', "echo 1", "close now", "cut 1", "reset 1", "silent 1", "ignore 1"),
    ],
)
def test_arguments_that_are_none(line: str) -> None:
    assert refusal(line) == (1, f"{line!r} is not of the form {USAGES[line.split()[0]]}")


@pytest.mark.parametrize(
    "line",
    [
        *("tls-client tls1.4", "tls-client sni", "tls-client cert", "tls-client alpn", "tls-client ciphers"),
        *("tls-client curve", "tls-client good"),
    ],
)
def test_arguments_of_a_client_that_are_none(line: str) -> None:
    assert refusal(f"connect\n{line}") == (2, f"{line!r} is not of the form {USAGES['tls-client']}")


OPTIONS = "connect, every, full, ipv6, refuse, udg, udp, unix"


@pytest.mark.parametrize(
    ("script", "line", "reason"),
    [
        ("udp fast", 1, f"unknown option 'fast'; known: {OPTIONS}"),
        ('udp "x"', 1, f"unknown option b'x'; known: {OPTIONS}"),
        ("echo\nudp", 2, "options come before the first statement"),
        ("---\nudp", 2, "options come before the first statement"),
        ("unix udp", 1, "options that exclude each other: udp unix"),
        ("udg udp", 1, "options that exclude each other: udg udp"),
        ("unix ipv6", 1, "options that exclude each other: ipv6 unix"),
        ("udg ipv6", 1, "options that exclude each other: ipv6 udg"),
        ("connect refuse", 1, "options that exclude each other: connect refuse"),
        ("connect full", 1, "options that exclude each other: connect full"),
        ("connect every", 1, "options that exclude each other: connect every"),
        ("refuse\n\necho", 3, "nobody connects to a peer that refuses or is full"),
        ("full\necho", 2, "nobody connects to a peer that refuses or is full"),
        ("udp\n---", 1, "datagrams have no connections: `---` has no meaning here"),
        ("udg\n---", 1, "datagrams have no connections: `---` has no meaning here"),
        ("every\n---", 1, "`every` plays one script to each connection: `---` has no meaning here"),
        ("connect\ntls good", 2, "tls is for peers that listen"),
        ("connect\nstarttls good", 2, "starttls is for peers that listen"),
        ("tls-client", 1, "tls-client needs the option `connect`"),
        ("show error", 1, "'show error': here can be shown: alpn cipher client compression protocol resumed"
         " sni ticket versions"),
        ("connect\nshow sni", 2, "'show sni': here can be shown: alpn chain cipher compression error"
         " peer-subject protocol resumed ticket"),
        ("=== 3", 1, "the next peer is opened by `=== 2`"),
        ("===", 1, "the next peer is opened by `=== 2`"),
        ("=== 2\n=== 2", 2, "the next peer is opened by `=== 3`"),
        ('send "a', 1, 'a quote that is not closed: send "a'),
        ('echo\n  send "\\', 2, 'a quote that is not closed: send "\\'),
        (r'send "\q"', 1, r"unknown escape \q"),
        (r'send "\x4"', 1, r"unknown escape \x"),
        ("connect to 1", 1, "`connect to N` names a client peer before this one"),
        ("connect\n=== 2\nconnect to 2", 3, "`connect to N` names a client peer before this one"),
        ("connect\n=== 2\nconnect to 0", 3, "`connect to N` names a client peer before this one"),
        ("connect\n=== 2\nconnect to x", 3, "`connect to N` names a client peer before this one"),
        ("connect\n=== 2\nconnect to", 3, "`connect to N` names a client peer before this one"),
        ("connect\n=== 2\nudp to 1", 3, "`connect to N` names a client peer before this one"),
        ("echo\n=== 2\nconnect to 1", 3, "`connect to N` names a client peer before this one"),
    ],
)  # fmt: skip
def test_what_a_script_is_refused_for(script: str, line: int, reason: str) -> None:
    assert refusal(script) == (line, reason)


NEED_A_CONNECTION = "tls good, starttls good, untls, show alpn, urgent 'x', half-close, cut, reset"


@pytest.mark.parametrize("kind", ["udp", "udg"])
def test_which_statements_datagrams_have(kind: str) -> None:
    for line in NEED_A_CONNECTION.replace("'", '"').split(", "):
        assert refusal(f"{kind}\n{line}") == (2, f"{line.split()[0]} needs a connection")
    assert refusal(f"connect {kind}\ntls-client") == (2, "tls-client needs a connection")
    others = 'send "a", expect "a", wait 0, garbage, record, ignore, silent, echo, never "a", close'
    (plan,) = parse("\n".join([kind, *others.split(", ")]))
    assert len(plan.statements) == 10
    assert {each.name for each in plan.statements} | {
        line.split()[0] for line in (NEED_A_CONNECTION + ", tls-client").split(", ")
    } == set(STATEMENTS)


def test_plans() -> None:
    one, two, three, four = parse(
        "connect ipv6\nsilent\n---\necho\n=== 2\nudp\nsilent\n=== 3\nconnect to 1\n=== 4\nunix every"
    )
    assert [[each.name for each in some] for some in one.connections] == [["silent"], ["echo"]]
    assert [each.name for each in one.statements] == ["silent", "echo"]
    assert [plan.number for plan in (one, two, three, four)] == [1, 2, 3, 4]
    assert [plan.options for plan in (one, two, three, four)] == [
        {"connect", "ipv6"},
        {"udp"},
        {"connect", "ipv6"},
        {"unix", "every"},
    ]
    assert [plan.server for plan in (one, two, three, four)] == [0, 0, 1, 0]
    assert [plan.connects for plan in (one, two, three, four)] == [True, False, True, False]
    assert [plan.datagrams for plan in (one, two, three, four)] == [False, True, False, False]


def test_a_statement_stays_as_it_was_read() -> None:
    (read,) = parse("echo")[0].statements
    with pytest.raises(FrozenInstanceError):
        read.line = 2  # type: ignore[misc]

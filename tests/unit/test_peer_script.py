"""The peers' language: what every statement and option is read as, and what is said of what is none."""

from __future__ import annotations

import pytest

from php_streams.porting.peer_script import STATEMENTS, PeerScriptError, Plan, Statement, parse

KNOWN = (
    "close, cut, echo, expect, garbage, half-close, ignore, never, record, reset, send, show, silent, "
    "starttls, tls, tls-client, untls, urgent, wait"
)
NO_CLIENT = "`connect to N` names a client peer before this one"
SHOWN = "alpn cipher client compression protocol resumed sni ticket versions"
SHOWN_TO_CLIENTS = "alpn chain cipher compression error peer-subject protocol resumed ticket"
USAGE = {
    "send": 'send "text" ... | send repeat N "text": sends these bytes',
    "expect": 'expect "text" ... | bytes N | line | eof: the client has to send this next',
    "wait": "wait SECONDS",
    "tls": (
        "tls CERT [tls1.0 ... tls1.3] [client-cert required|optional] [alpn A,B] [ciphers LIST]: handshake"
    ),
    "starttls": "starttls CERT ...: the same; a word for the reader where plaintext went before",
    "tls-client": (
        "tls-client [tls1.0 ... tls1.3] [sni NAME] [cert FILE] [alpn A,B] [ciphers LIST] [curve NAME]"
        " [verify] [resume]: handshake as the client"
    ),
    "untls": "untls: waits for the client's close_notify, then plaintext | untls notify: and sends its own",
    "show": (
        "show NAME ...: adds facts about TLS to the report: alpn chain cipher client compression "
        "error peer-subject protocol resumed sni ticket versions"
    ),
    "never": 'never "text": the client must not send this in anything that comes from here on',
    "urgent": 'urgent "x": sends one byte out of band, over tcp in plaintext',
    "garbage": "garbage [N]: sends N bytes (64) that belong to no protocol, always the same",
    "half-close": "half-close: ends the sending direction, goes on reading",
    "close": (
        "close: ends the connection (TLS: with close_notify); what came and was not expected is a failure"
    ),
    "cut": "cut: ends the connection without TLS's close_notify",
    "reset": "reset: ends the connection by RST",
    "silent": "silent: says nothing more and takes what comes until the client goes away",
    "ignore": "ignore: the same as silent",
    "record": (
        'record [until "text"]: takes what comes until the client goes away, or up to this, and reports it'
    ),
    "echo": "echo: sends back what comes until the client goes away",
}


def told(plan: Plan) -> str:
    """A plan in short: number<server options [statements of a connection]."""
    number = f"{plan.number}<{plan.server}" if plan.server else str(plan.number)
    connections = [f"[{', '.join(map(said, each))}]" for each in plan.connections]
    return " ".join([number, *sorted(plan.options), *connections])


def said(one: Statement) -> str:
    """A statement in short: line name data number words."""
    data = [repr(one.data)] if one.data else []
    number = [f"{one.number:g}"] if one.number else []
    return " ".join([str(one.line), one.name, *data, *number, *one.words])


@pytest.mark.parametrize(
    ("script", "plans"),
    [
        ("", "1 []"),
        ("# only a comment", "1 []"),
        ('send "a"', "1 [1 send b'a']"),
        ('send "a" "b"  # comment', "1 [1 send b'ab']"),
        ('send repeat 3 "ab"', "1 [1 send b'ababab']"),
        ('send repeat 0 "ab"', "1 [1 send]"),
        ('send "\\r\\n\\t\\0\\\\\\"\\x41é"', "1 [1 send b'\\r\\n\\t\\x00\\\\\"A\\xc3\\xa9']"),
        ('send "#"', "1 [1 send b'#']"),
        ('expect "a" "b"', "1 [1 expect b'ab']"),
        ('expect repeat 2 "a"', "1 [1 expect b'aa']"),
        ("expect bytes 12", "1 [1 expect 12 bytes]"),
        ("expect line", "1 [1 expect line]"),
        ("expect eof", "1 [1 expect eof]"),
        ("record", "1 [1 record]"),
        ('record until "x"', "1 [1 record b'x' until]"),
        ("wait 2", "1 [1 wait 2]"),
        ("wait 0.25", "1 [1 wait 0.25]"),
        ("garbage", "1 [1 garbage 64]"),
        ("garbage 12", "1 [1 garbage 12]"),
        ("tls good", "1 [1 tls good]"),
        ("tls good tls1.0", "1 [1 tls good tls1.0]"),
        (
            "tls good tls1.3 client-cert required alpn a,b ciphers X",
            "1 [1 tls good tls1.3 client-cert required alpn a,b ciphers X]",
        ),
        ("tls good client-cert optional", "1 [1 tls good client-cert optional]"),
        ("tls good alpn a", "1 [1 tls good alpn a]"),
        ("tls good ciphers Y tls1.1", "1 [1 tls good ciphers Y tls1.1]"),
        ('send "a"\nstarttls good tls1.2', "1 [1 send b'a', 2 starttls good tls1.2]"),
        ("connect\ntls-client", "1 connect [2 tls-client]"),
        (
            "connect\ntls-client tls1.2 sni n cert f alpn a,b ciphers X curve c verify resume",
            "1 connect [2 tls-client 1 tls1.2 sni n cert f alpn a,b ciphers X curve c verify]",
        ),
        ("connect\ntls-client resume", "1 connect [2 tls-client 1]"),
        ("connect\ntls-client verify", "1 connect [2 tls-client verify]"),
        ("connect\ntls-client curve c", "1 connect [2 tls-client curve c]"),
        ("untls", "1 [1 untls]"),
        ("untls notify", "1 [1 untls notify]"),
        ('never "x"', "1 [1 never b'x']"),
        ('urgent "x"', "1 [1 urgent b'x']"),
        ("half-close", "1 [1 half-close]"),
        ("close", "1 [1 close]"),
        ("cut", "1 [1 cut]"),
        ("reset", "1 [1 reset]"),
        ("silent", "1 [1 silent]"),
        ("ignore", "1 [1 ignore]"),
        ("echo", "1 [1 echo]"),
        (
            "show protocol cipher client sni alpn versions ticket compression resumed",
            "1 [1 show protocol cipher client sni alpn versions ticket compression resumed]",
        ),
        (
            "connect\nshow protocol cipher alpn ticket compression resumed error peer-subject chain",
            "1 connect [2 show protocol cipher alpn ticket compression resumed error peer-subject chain]",
        ),
        (
            'send "a"\n\n  ---\nsend "b"\n=== 2\nudp\necho\n=== 3\nrefuse',
            "1 [1 send b'a'] [4 send b'b']; 2 udp [7 echo]; 3 refuse []",
        ),
        ("unix", "1 unix []"),
        ("udg", "1 udg []"),
        ("ipv6", "1 ipv6 []"),
        ("udp ipv6", "1 ipv6 udp []"),
        ("full", "1 full []"),
        ('every\nsend "a"', "1 every [2 send b'a']"),
        ("every ipv6", "1 every ipv6 []"),
        ("connect ipv6\nclose", "1 connect ipv6 [2 close]"),
        ("connect unix", "1 connect unix []"),
        ("connect udg", "1 connect udg []"),
        ("connect udp\nrecord", "1 connect udp [2 record]"),
        ("connect\n=== 2\nconnect to 1", "1 connect []; 2<1 connect []"),
        (
            "connect ipv6\n=== 2\nconnect to 1\necho\n=== 3\nconnect to 1\n=== 4\nconnect to 2",
            "1 connect ipv6 []; 2<1 connect ipv6 [4 echo]; 3<1 connect ipv6 []; 4<2 connect ipv6 []",
        ),
        (
            "echo\n=== 2\nconnect unix\n=== 3\nconnect to 2",
            "1 [1 echo]; 2 connect unix []; 3<2 connect unix []",
        ),
        (
            'udp\nsend "a"\nexpect "a"\nwait 1\ngarbage 1\nrecord\nignore',
            "1 udp [2 send b'a', 3 expect b'a', 4 wait 1, 5 garbage 1, 6 record, 7 ignore]",
        ),
        ("udg\nsilent", "1 udg [2 silent]"),
        ("udp\necho", "1 udp [2 echo]"),
        ('udp\nnever "x"\nclose', "1 udp [2 never b'x', 3 close]"),
        ("connect\n=== 2\nconnect to 1 ipv6", "1 connect []; 2<1 connect ipv6 []"),
        ("connect\n=== 2\nunix connect to 1", "1 connect []; 2<1 connect unix []"),
    ],
)
def test_what_is_read(script: str, plans: str) -> None:
    assert "; ".join(map(told, parse(script))) == plans


@pytest.mark.parametrize(
    ("script", "line", "reason"),
    [
        ("sned", 1, f"unknown statement 'sned'; known: {KNOWN}"),
        ('"send"', 1, f"unknown statement '\"send\"'; known: {KNOWN}"),
        ('send "a', 1, 'a quote that is not closed: send "a'),
        ('send "\\q"', 1, "unknown escape \\q"),
        ('send "\\xzz"', 1, "unknown escape \\x"),
        ("udp fast", 1, "unknown option 'fast'; known: connect, every, full, ipv6, refuse, udg, udp, unix"),
        (
            'udp "fast"',
            1,
            "unknown option b'fast'; known: connect, every, full, ipv6, refuse, udg, udp, unix",
        ),
        ('send "a"\nudp', 2, "options come before the first statement"),
        ("---\nudp", 2, "options come before the first statement"),
        ("udp unix", 1, "options that exclude each other: udp unix"),
        ("udp udg", 1, "options that exclude each other: udg udp"),
        ("unix udg", 1, "options that exclude each other: udg unix"),
        ("ipv6 unix", 1, "options that exclude each other: ipv6 unix"),
        ("ipv6 udg", 1, "options that exclude each other: ipv6 udg"),
        ('refuse\nsend "a"', 2, "nobody connects to a peer that refuses or is full"),
        ('full\n\nsend "a"', 3, "nobody connects to a peer that refuses or is full"),
        ("udp\n---", 1, "datagrams have no connections: `---` has no meaning here"),
        ("udg\n---\nclose", 1, "datagrams have no connections: `---` has no meaning here"),
        ("connect refuse", 1, "options that exclude each other: connect refuse"),
        ("connect full", 1, "options that exclude each other: connect full"),
        ("connect every", 1, "options that exclude each other: connect every"),
        ("every\n---", 1, "`every` plays one script to each connection: `---` has no meaning here"),
        ("connect\ntls good", 2, "tls is for peers that listen"),
        ("connect\nstarttls good", 2, "starttls is for peers that listen"),
        ("tls-client", 1, "tls-client needs the option `connect`"),
        ("show chain", 1, f"'show chain': here can be shown: {SHOWN}"),
        ("show error", 1, f"'show error': here can be shown: {SHOWN}"),
        ("connect\nshow client", 2, f"'show client': here can be shown: {SHOWN_TO_CLIENTS}"),
        ("connect\nshow sni", 2, f"'show sni': here can be shown: {SHOWN_TO_CLIENTS}"),
        ("connect\nshow versions", 2, f"'show versions': here can be shown: {SHOWN_TO_CLIENTS}"),
        ("=== 3", 1, "the next peer is opened by `=== 2`"),
        ("===", 1, "the next peer is opened by `=== 2`"),
        ("=== 1", 1, "the next peer is opened by `=== 2`"),
        ("echo\n=== 2\n=== 2", 3, "the next peer is opened by `=== 3`"),
        ('=== "2"', 1, "the next peer is opened by `=== 2`"),
        ("connect to 1", 1, NO_CLIENT),
        ("connect to 0", 1, NO_CLIENT),
        ("echo\n=== 2\nconnect to 1", 3, NO_CLIENT),
        ("connect\n=== 2\nconnect to 2", 3, NO_CLIENT),
        ("connect\n=== 2\nconnect to", 3, NO_CLIENT),
        ("connect\n=== 2\nconnect to x", 3, NO_CLIENT),
        ("connect\n=== 2\nconnect to 0", 3, NO_CLIENT),
        ("connect\n=== 2\nudp to 1", 3, NO_CLIENT),
        ("connect\n=== 2\nipv6 connect to 9", 3, NO_CLIENT),
        ("connect ipv6\n=== 2\nconnect to 1\ntls good", 4, "tls is for peers that listen"),
    ],
)
def test_what_is_refused(script: str, line: int, reason: str) -> None:
    with pytest.raises(PeerScriptError) as caught:
        parse(script)
    assert (caught.value.line, caught.value.reason) == (line, reason)
    assert str(caught.value) == f"peer script, line {line}: {reason}"


@pytest.mark.parametrize(
    "script",
    [
        "send",
        "send a",
        'send "a" b',
        'send repeat "a"',
        'send repeat x "a"',
        "send repeat 2 a",
        'send repeat 2 "a" "b"',
        'send again 2 "a"',
        "expect",
        "expect lines",
        "expect line line",
        "expect bytes",
        "expect bytes x",
        "expect bytes 1 2",
        'expect "bytes" 3',
        'expect "line"x',
        "record all",
        "record until",
        'record until ""',
        "record until x",
        'record "until" "x"',
        'record until "x" "y"',
        'record all "x"',
        "wait",
        "wait soon",
        "wait 1.",
        "wait .5",
        "wait 1 2",
        'wait "1"',
        "wait -1",
        "garbage x",
        "garbage 1 2",
        'garbage "1"',
        "garbage -1",
        "tls",
        'tls "good"',
        'tls good "x"',
        "tls good tls9",
        "tls good tls1.4",
        "tls good tls1.33",
        "tls good client-cert",
        "tls good client-cert maybe",
        "tls good alpn",
        "tls good ciphers",
        "tls good curve x",
        "tls good other x",
        "starttls",
        "starttls good x y",
        "tls-client tls1.4",
        "tls-client verify x",
        "tls-client sni",
        "tls-client cert",
        "tls-client alpn",
        "tls-client ciphers",
        "tls-client curve",
        "tls-client resume resume1",
        'tls-client "verify"',
        "tls-client other x",
        "untls now",
        "untls notify notify",
        'untls "notify"',
        "never",
        "never x",
        'never ""',
        'never "a" "b"',
        "urgent",
        'urgent ""',
        'urgent "ab"',
        "urgent x",
        'urgent "a" "b"',
        "show",
        "show colour",
        'show "sni"',
        "show sni colour",
        "half-close x",
        "close x",
        "cut x",
        "reset x",
        "silent x",
        "ignore x",
        "echo x",
        "show protocol colour",
    ],
)
def test_what_has_another_form(script: str) -> None:
    with pytest.raises(PeerScriptError) as caught:
        parse(script)
    usage = USAGE[script.split()[0]]
    assert str(caught.value) == f"peer script, line 1: {script!r} is not of the form {usage}"


def test_every_statement_has_its_usage() -> None:
    assert {name: usage for name, (_, usage) in STATEMENTS.items()} == USAGE


@pytest.mark.parametrize("kind", ["udp", "udg"])
@pytest.mark.parametrize(
    "script",
    [
        "tls good",
        "starttls good",
        "untls",
        'urgent "x"',
        "half-close",
        "cut",
        "reset",
        "show protocol",
    ],
)
def test_what_needs_a_connection(script: str, kind: str) -> None:
    with pytest.raises(PeerScriptError) as caught:
        parse(f"{kind}\n{script}")
    assert str(caught.value) == f"peer script, line 2: {script.split()[0]} needs a connection"

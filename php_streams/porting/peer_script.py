r"""The language in which a scripted peer is told what to do.

One statement a line; ``#`` opens a comment.  Text stands in double quotes, with ``\r \n \t \0 \\ \" \xNN``,
and is UTF-8::

    ipv6                        # options come first
    send "220 ready\r\n"
    expect "EHLO me\r\n"
    wait 0.4
    close
    ---                         # the next connection
    send "421 busy\r\n"
    === 2                       # the next peer, on a port of its own
    udp
    echo

Options: ``udp``, ``unix``, ``udg`` (the address family and kind; tcp over IPv4 without one), ``ipv6``,
``refuse`` (bound, does not listen), ``full`` (listens, its queue is full, so that connecting hangs),
``every`` (the script is played to each connection that comes), ``connect`` (the peer is a client of a server
that the program under test opens), ``connect to N`` (of the same server as peer N, after it).

Statements: see `STATEMENTS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from php_streams.porting.peer_arguments import (
    SHOWN,
    SHOWN_TO_BOTH,
    SHOWN_TO_CLIENT,
    Reader,
    Word,
    bare,
    nothing,
    read_count,
    read_expect,
    read_never,
    read_record,
    read_seconds,
    read_send,
    read_show,
    read_tls,
    read_tls_client,
    read_untls,
    read_urgent,
)

OPTIONS = frozenset({"udp", "unix", "udg", "ipv6", "refuse", "full", "every", "connect"})
TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"#]+)|(#.*)|$)')
ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
ESCAPES = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\", b'"': b'"'}


class PeerScriptError(ValueError):
    """A line of a peer script that is not understood; `line` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"peer script, line {line}: {reason}")
        self.line, self.reason = line, reason


@dataclass(frozen=True)
class Statement:
    """One thing to do: its line, its name, its arguments as the statement's reader made them."""

    line: int
    name: str
    source: str
    data: bytes = b""
    number: float = 0
    words: tuple[str, ...] = ()


@dataclass
class Plan:
    """What one peer does: its options and, for each connection, its statements."""

    number: int
    options: frozenset[str] = frozenset()
    connections: list[list[Statement]] = field(default_factory=lambda: [[]])
    #: The number of the client peer whose server this client peer connects to; 0: to one of its own.
    server: int = 0

    @property
    def connects(self) -> bool:
        """Whether it connects instead of listening."""
        return "connect" in self.options

    @property
    def datagrams(self) -> bool:
        """Whether it speaks datagrams (udp, udg) instead of connections."""
        return bool(self.options & {"udp", "udg"})

    @property
    def statements(self) -> list[Statement]:
        """All statements of all connections."""
        return [statement for connection in self.connections for statement in connection]


def parse(script: str) -> list[Plan]:
    """Reads a script: one plan for each peer in it. Raises `PeerScriptError`."""
    plans = [Plan(1)]
    for number, line in enumerate(script.split("\n"), 1):
        words = split(number, line)
        if not words:
            continue
        plan, name = plans[-1], bare(words)[0]
        if name == "---":
            plan.connections.append([])
        elif name == "===":
            if bare(words) != ["===", str(len(plans) + 1)]:
                raise PeerScriptError(number, f"the next peer is opened by `=== {len(plans) + 1}`")
            plans.append(Plan(len(plans) + 1))
        elif name in OPTIONS:
            add_options(plans, number, words)
        else:
            plan.connections[-1].append(statement(number, line.strip(), words))
    for plan in plans:
        check(plan)
    return plans


def split(number: int, line: str) -> list[Word]:
    """The words of a line: str for names and numbers, bytes for quoted text."""
    words: list[Word] = []
    at = 0
    while at < len(line):
        match = TOKEN.match(line, at)
        if match is None:
            raise PeerScriptError(number, f"a quote that is not closed: {line.strip()}")
        at = match.end()
        if match[1] is not None:
            words.append(unescape(number, match[1]))
        elif match[2] is not None:
            words.append(match[2])
    return words


def unescape(number: int, text: str) -> bytes:
    """The bytes of a quoted text."""

    def one(match: re.Match[bytes]) -> bytes:
        sign = match[1]
        if sign[:1] == b"x" and len(sign) == 3:
            return bytes.fromhex(sign[1:].decode())
        if sign not in ESCAPES:
            raise PeerScriptError(number, f"unknown escape \\{sign.decode()}")
        return ESCAPES[sign]

    return ESCAPE.sub(one, text.encode())


def add_options(plans: list[Plan], number: int, words: list[Word]) -> None:
    """Adds the options of one line to the last plan."""
    plan, names = plans[-1], bare(words)
    if plan.statements or len(plan.connections) > 1:
        raise PeerScriptError(number, "options come before the first statement")
    words = list(words)
    if "to" in names:
        at = names.index("to")
        plan.server = first_client(plans, number, names[at - 1 : at + 2])
        # The same kind of socket, whatever its options.
        plan.options |= plans[plan.server - 1].options
        del words[at : at + 2], names[at : at + 2]
    for name, word in zip(names, words, strict=True):
        if name not in OPTIONS:
            raise PeerScriptError(number, f"unknown option {word!r}; known: {', '.join(sorted(OPTIONS))}")
    plan.options |= frozenset(names)


def first_client(plans: list[Plan], number: int, words: list[str]) -> int:
    """The number in ``connect to N``."""
    named = words[2] if len(words) == 3 and words[0] == "connect" else ""
    if not named.isdigit() or not 0 < int(named) < len(plans) or not plans[int(named) - 1].connects:
        raise PeerScriptError(number, "`connect to N` names a client peer before this one")
    return int(named)


def check(plan: Plan) -> None:
    """Refuses what cannot go together."""
    kinds = plan.options & {"udp", "unix", "udg"}
    if len(kinds) > 1 or ("ipv6" in plan.options and kinds & {"unix", "udg"}):
        raise PeerScriptError(1, f"options that exclude each other: {' '.join(sorted(plan.options))}")
    if plan.options & {"refuse", "full"} and plan.statements:
        raise PeerScriptError(plan.statements[0].line, "nobody connects to a peer that refuses or is full")
    if plan.datagrams and len(plan.connections) > 1:
        raise PeerScriptError(1, "datagrams have no connections: `---` has no meaning here")
    if plan.connects and plan.options & {"refuse", "full", "every"}:
        raise PeerScriptError(1, f"options that exclude each other: {' '.join(sorted(plan.options))}")
    for item in plan.statements:
        check_side(plan, item)
    if "every" in plan.options and len(plan.connections) > 1:
        raise PeerScriptError(1, "`every` plays one script to each connection: `---` has no meaning here")
    for item in plan.statements if plan.datagrams else ():
        if item.name not in {
            "send",
            "expect",
            "wait",
            "garbage",
            "record",
            "ignore",
            "silent",
            "echo",
            "never",
            "close",
        }:
            raise PeerScriptError(item.line, f"{item.name} needs a connection")


def check_side(plan: Plan, item: Statement) -> None:
    """Refuses what only the other end of a connection can do."""
    if item.name in (("tls", "starttls") if plan.connects else ("tls-client",)):
        needed = "is for peers that listen" if plan.connects else "needs the option `connect`"
        raise PeerScriptError(item.line, f"{item.name} {needed}")
    seen = SHOWN_TO_BOTH | SHOWN_TO_CLIENT if plan.connects else SHOWN
    if item.name == "show" and not seen.issuperset(item.words):
        raise PeerScriptError(item.line, f"{item.source!r}: here can be shown: {' '.join(sorted(seen))}")


#: Every statement: how its arguments are read, and what it does.
STATEMENTS: dict[str, tuple[Reader, str]] = {
    "send": (read_send, 'send "text" ... | send repeat N "text": sends these bytes'),
    "expect": (read_expect, 'expect "text" ... | bytes N | line | eof: the client has to send this next'),
    "wait": (read_seconds, "wait SECONDS"),
    "tls": (
        read_tls,
        "tls CERT [tls1.0 ... tls1.3] [client-cert required|optional] [alpn A,B] [ciphers LIST]: handshake",
    ),
    "starttls": (read_tls, "starttls CERT ...: the same; a word for the reader where plaintext went before"),
    "tls-client": (
        read_tls_client,
        "tls-client [tls1.0 ... tls1.3] [sni NAME] [cert FILE] [alpn A,B] [ciphers LIST] [curve NAME] "
        "[verify] [resume]: handshake as the client",
    ),
    "untls": (
        read_untls,
        "untls: waits for the client's close_notify, then plaintext | untls notify: and sends its own",
    ),
    "show": (
        read_show,
        f"show NAME ...: adds facts about TLS to the report: {' '.join(sorted(SHOWN | SHOWN_TO_CLIENT))}",
    ),
    "never": (read_never, 'never "text": the client must not send this in anything that comes from here on'),
    "urgent": (read_urgent, 'urgent "x": sends one byte out of band, over tcp in plaintext'),
    "garbage": (read_count, "garbage [N]: sends N bytes (64) that belong to no protocol, always the same"),
    "half-close": (nothing, "half-close: ends the sending direction, goes on reading"),
    "close": (
        nothing,
        "close: ends the connection (TLS: with close_notify); what came and was not expected is a failure",
    ),
    "cut": (nothing, "cut: ends the connection without TLS's close_notify"),
    "reset": (nothing, "reset: ends the connection by RST"),
    "silent": (nothing, "silent: says nothing more and takes what comes until the client goes away"),
    "ignore": (nothing, "ignore: the same as silent"),
    "record": (
        read_record,
        'record [until "text"]: takes what comes until the client goes away, or up to this, and reports it',
    ),
    "echo": (nothing, "echo: sends back what comes until the client goes away"),
}


def statement(number: int, source: str, words: list[Word]) -> Statement:
    """One statement of the script."""
    name = words[0]
    if not isinstance(name, str) or name not in STATEMENTS:
        raise PeerScriptError(number, f"unknown statement {source!r}; known: {', '.join(sorted(STATEMENTS))}")
    reader, usage = STATEMENTS[name]
    fields = reader(words[1:])
    if fields is None:
        raise PeerScriptError(number, f"{source!r} is not of the form {usage}")
    return Statement(number, name, source, **fields)  # type: ignore[arg-type]

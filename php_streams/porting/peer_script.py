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
from collections.abc import Callable
from dataclasses import dataclass, field

OPTIONS = frozenset({"udp", "unix", "udg", "ipv6", "refuse", "full", "every", "connect"})
TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"#]+)|(#.*)|$)')
ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
ESCAPES = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\", b'"': b'"'}
SHOWN = frozenset(
    {"protocol", "cipher", "client", "sni", "alpn", "versions", "ticket", "compression", "resumed"}
)
#: What only the client sees, and what both ends see.
SHOWN_TO_CLIENT = frozenset({"error", "peer-subject", "chain"})
SHOWN_TO_BOTH = frozenset({"protocol", "cipher", "alpn", "ticket", "compression", "resumed"})

CLIENT_CERT = (("client-cert", "required"), ("client-cert", "optional"))

Word = str | bytes


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
        plan, name = plans[-1], words[0]
        if name == "---":
            plan.connections.append([])
        elif name == "===":
            if words != ["===", str(len(plans) + 1)]:
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
    plan, words = plans[-1], list(words)
    if plan.statements or len(plan.connections) > 1:
        raise PeerScriptError(number, "options come before the first statement")
    if "to" in words:
        at = words.index("to")
        plan.server = first_client(plans, number, words[at - 1 : at + 2])
        # The same kind of socket, whatever its options.
        plan.options |= plans[plan.server - 1].options
        del words[at : at + 2]
    for word in words:
        if word not in OPTIONS:
            raise PeerScriptError(number, f"unknown option {word!r}; known: {', '.join(sorted(OPTIONS))}")
    plan.options |= frozenset(str(word) for word in words)


def first_client(plans: list[Plan], number: int, words: list[Word]) -> int:
    """The number in ``connect to N``."""
    named = str(words[2]) if len(words) == 3 and words[0] == "connect" else ""
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


# Each reader turns the words after a statement's name into a Statement's fields; None: not understood.
Reader = Callable[[list[Word]], "dict[str, object] | None"]


def nothing(words: list[Word]) -> dict[str, object] | None:
    """No arguments."""
    return {} if not words else None


def read_send(words: list[Word]) -> dict[str, object] | None:
    """Texts, or ``repeat N`` and one text."""
    if len(words) == 3 and words[0] == "repeat" and str(words[1]).isdigit() and isinstance(words[2], bytes):
        return {"data": words[2] * int(words[1])}
    texts = [word for word in words if isinstance(word, bytes)]
    return {"data": b"".join(texts)} if texts and len(texts) == len(words) else None


def read_expect(words: list[Word]) -> dict[str, object] | None:
    """Texts, ``bytes N``, ``line`` or ``eof``."""
    if words in (["line"], ["eof"]):
        return {"words": (str(words[0]),)}
    if len(words) == 2 and words[0] == "bytes" and str(words[1]).isdigit():
        return {"words": ("bytes",), "number": int(words[1])}
    return read_send(words)


def read_record(words: list[Word]) -> dict[str, object] | None:
    """Nothing, or ``until`` and a text."""
    if not words:
        return {"words": ()}
    return {"words": ("until",), "data": words[1]} if _is_until(words) else None


def _is_until(words: list[Word]) -> bool:
    return len(words) == 2 and words[0] == "until" and isinstance(words[1], bytes) and words[1] != b""


def read_seconds(words: list[Word]) -> dict[str, object] | None:
    """Seconds."""
    if len(words) == 1 and isinstance(words[0], str) and re.fullmatch(r"\d+(\.\d+)?", words[0]):
        return {"number": float(words[0])}
    return None


def read_count(words: list[Word]) -> dict[str, object] | None:
    """A count of bytes, 64 without one."""
    if not words:
        return {"number": 64}
    return {"number": int(words[0])} if len(words) == 1 and str(words[0]).isdigit() else None


def read_tls(words: list[Word]) -> dict[str, object] | None:
    """A certificate, then a protocol, ``client-cert required|optional``, ``alpn A,B``, ``ciphers LIST``."""
    if not words or not all(isinstance(word, str) for word in words):
        return None
    rest = [str(word) for word in words[1:]]
    while rest:
        if re.fullmatch(r"tls1\.[0-3]", rest[0]):
            del rest[0]
        elif tuple(rest[:2]) in CLIENT_CERT or (rest[0] in ("alpn", "ciphers") and len(rest) > 1):
            del rest[:2]
        else:
            return None
    return {"words": tuple(str(word) for word in words)}


def read_tls_client(words: list[Word]) -> dict[str, object] | None:
    """A protocol, ``sni NAME``, ``cert FILE``, ``alpn A,B``, ``ciphers LIST``, ``curve NAME``, ``verify``,
    ``resume``."""
    rest = [str(word) for word in words]
    while rest:
        if re.fullmatch(r"tls1\.[0-3]|verify|resume", rest[0]):
            del rest[0]
        elif rest[0] in ("sni", "cert", "alpn", "ciphers", "curve") and len(rest) > 1:
            del rest[:2]
        else:
            return None
    # The words are what makes a context, and sessions belong to contexts: `resume` is not one of them.
    names = tuple(str(word) for word in words if word != "resume")
    return {"words": names, "number": float("resume" in words)}


def read_untls(words: list[Word]) -> dict[str, object] | None:
    """Nothing, or ``notify``."""
    return {"words": tuple(str(word) for word in words)} if words in ([], ["notify"]) else None


def read_never(words: list[Word]) -> dict[str, object] | None:
    """One text."""
    return {"data": words[0]} if len(words) == 1 and isinstance(words[0], bytes) and words[0] else None


def read_urgent(words: list[Word]) -> dict[str, object] | None:
    """One byte."""
    return read_never(words) if len(words) == 1 and len(words[0]) == 1 else None


def read_show(words: list[Word]) -> dict[str, object] | None:
    """Names of facts."""
    names = tuple(word for word in words if isinstance(word, str) and word in SHOWN | SHOWN_TO_CLIENT)
    return {"words": names} if names and len(names) == len(words) else None


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

"""The arguments of a peer script's statements, read from the words behind their names."""

from __future__ import annotations

import re
from collections.abc import Callable

SHOWN = frozenset(
    {"protocol", "cipher", "client", "sni", "alpn", "versions", "ticket", "compression", "resumed"}
)
#: What only the client sees, and what both ends see.
SHOWN_TO_CLIENT = frozenset({"error", "peer-subject", "chain"})
SHOWN_TO_BOTH = frozenset({"protocol", "cipher", "alpn", "ticket", "compression", "resumed"})

CLIENT_CERT = (("client-cert", "required"), ("client-cert", "optional"))

Word = str | bytes


def bare(words: list[Word]) -> list[str]:
    """The words with "" for each quoted text, which is none of the script's own words."""
    return [word if isinstance(word, str) else "" for word in words]


# Each reader turns the words after a statement's name into a Statement's fields; None: not understood.
Reader = Callable[[list[Word]], "dict[str, object] | None"]


def nothing(words: list[Word]) -> dict[str, object] | None:
    """No arguments."""
    return {} if not words else None


def read_send(words: list[Word]) -> dict[str, object] | None:
    """Texts, or ``repeat N`` and one text."""
    names = bare(words)
    if len(words) == 3 and names[0] == "repeat" and names[1].isdigit() and isinstance(words[2], bytes):
        return {"data": words[2] * int(names[1])}
    texts = [word for word in words if isinstance(word, bytes)]
    return {"data": b"".join(texts)} if texts and len(texts) == len(words) else None


def read_expect(words: list[Word]) -> dict[str, object] | None:
    """Texts, ``bytes N``, ``line`` or ``eof``."""
    names = bare(words)
    if names in (["line"], ["eof"]):
        return {"words": tuple(names)}
    if len(words) == 2 and names[0] == "bytes" and names[1].isdigit():
        return {"words": ("bytes",), "number": int(names[1])}
    return read_send(words)


def read_record(words: list[Word]) -> dict[str, object] | None:
    """Nothing, or ``until`` and a text."""
    if not words:
        return {"words": ()}
    return {"words": ("until",), "data": words[1]} if _is_until(words) else None


def _is_until(words: list[Word]) -> bool:
    return len(words) == 2 and bare(words)[0] == "until" and isinstance(words[1], bytes) and words[1] != b""


def read_seconds(words: list[Word]) -> dict[str, object] | None:
    """Seconds."""
    if len(words) == 1 and isinstance(words[0], str) and re.fullmatch(r"\d+(\.\d+)?", words[0]):
        return {"number": float(words[0])}
    return None


def read_count(words: list[Word]) -> dict[str, object] | None:
    """A count of bytes, 64 without one."""
    if not words:
        return {"number": 64}
    names = bare(words)
    return {"number": int(names[0])} if len(names) == 1 and names[0].isdigit() else None


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
    rest = bare(words)
    while rest:
        if re.fullmatch(r"tls1\.[0-3]|verify|resume", rest[0]):
            del rest[0]
        elif rest[0] in ("sni", "cert", "alpn", "ciphers", "curve") and len(rest) > 1:
            del rest[:2]
        else:
            return None
    # The words are what makes a context, and sessions belong to contexts: `resume` is not one of them.
    names = bare(words)
    return {
        "words": tuple(name for name in names if name != "resume"),
        "number": float("resume" in names),
    }


def read_untls(words: list[Word]) -> dict[str, object] | None:
    """Nothing, or ``notify``."""
    names = bare(words)
    return {"words": tuple(names)} if names in ([], ["notify"]) else None


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

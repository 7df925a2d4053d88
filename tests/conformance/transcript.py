"""From what a twin printed to a transcript: readable lines that can be compared and kept in a case file.

Both twins print frames (start mark, one letter, payload, end mark) amid their own output:

    S label, serialized value     see()                  `part s:3:"hel";`
    W PHP's displayed diagnostic  from php-cli           `! E_WARNING fgets(): ...`
    D level, text                 the same, from Python
    X class, text                 an exception that nobody caught: `! ValueError fgets(): ...`
    H reason                      the harness refuses: no transcript
    bytes outside of frames       the script's own output: `| hello\\n`

Values that differ from run to run (ports, the temporary folder) become `{port}`, `{dir}` and so on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

DISPLAYED = re.compile(rb"\A\n([A-Z][A-Za-z ]*): (.*) in [^\n]* on line \d+\n\Z", re.DOTALL)
UNCAUGHT = re.compile(rb"\A(?:PHP )?Uncaught ([\w\\]+): (.*) in [^\n]*:\d+\nStack trace:\n#.*\Z", re.DOTALL)
LEVELS = {
    b"Warning": "E_WARNING",
    b"Notice": "E_NOTICE",
    b"Deprecated": "E_DEPRECATED",
    b"Fatal error": "E_ERROR",
    b"Recoverable fatal error": "E_RECOVERABLE_ERROR",
    b"Parse error": "E_PARSE",
}
SERIALIZED = re.compile(rb'N;|i:(-?\d+);|[bd]:[^;]*;|a:\d+:\{|\}|s:(\d+):"')
NAMED = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass
class Transcript:
    """What one run of a twin showed, and what stands in the way of trusting it."""

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    detail: str = ""

    @property
    def text(self) -> str:
        """All lines, each ended."""
        return "".join(f"{line}\n" for line in self.lines)


class Placeholders:
    """Replaces values that change from run to run by their names in braces."""

    def __init__(self, texts: Iterable[tuple[str, str]], numbers: Mapping[str, int]) -> None:
        """`texts` (name, path) are replaced wherever they stand, `numbers` (ports) only as whole numbers."""
        self.numbers = {str(number).encode(): b"{%s}" % name.encode() for name, number in numbers.items()}
        self.table = {text.encode(): b"{%s}" % name.encode() for name, text in texts}
        # The longest first: the case's folder is part of the path of a file in it.
        alternatives = [re.escape(text) for text in sorted(self.table, key=len, reverse=True)]
        alternatives += [rb"(?<!\d)%s(?!\d)" % number for number in self.numbers]
        # PHP names the highest descriptor in one warning; the two processes count differently.
        alternatives.append(rb"(?<=max_fd=)\d+")
        self.pattern = re.compile(b"|".join(alternatives))
        self.table |= self.numbers

    def replace(self, data: bytes) -> bytes:
        """In plain text."""
        return self.pattern.sub(lambda match: self.table.get(match[0], b"{fd}"), data)

    def replace_serialized(self, data: bytes) -> bytes:
        """In a serialized value: strings get the length of their new text, ports become `i:{port};`."""
        parts: list[bytes] = []
        at = 0
        while at < len(data):
            match = SERIALIZED.match(data, at)
            if match is None:
                return b"".join(parts) + data[at:]
            at = match.end()
            if match[2] is not None:
                text = self.replace(data[at : at + int(match[2])])
                at += int(match[2]) + 2
                parts.append(b's:%d:"%s";' % (len(text), text))
            elif match[1] is not None:
                parts.append(b"i:%s;" % self.numbers.get(match[1], match[1]))
            else:
                parts.append(match[0])
        return b"".join(parts)


def escape(data: bytes) -> str:
    """Bytes as one line of text: UTF-8 stays, control characters and other bytes become \\r \\n \\t \\xNN."""
    shown = []
    for char in data.decode("utf-8", "surrogateescape"):
        if char in NAMED:
            shown.append(NAMED[char])
        elif char.isprintable():
            shown.append(char)
        else:
            shown.extend(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
    text = "".join(shown)
    # A blank at the end would not survive an editor.
    return text[:-1] + "\\x20" if text.endswith(" ") else text


def frame(token: str, kind: str, *parts: bytes) -> bytes:
    """One frame, as `prelude.php` writes it."""
    mark = b"\x1e" + token.encode()
    return mark + kind.encode() + b"\x1f".join(parts) + mark + b"E"


def render(printed: bytes, token: str, known: Placeholders) -> Transcript:
    """The transcript of what a twin printed."""
    transcript = Transcript()
    for kind, payload in frames(printed, token):
        render_frame = RENDERERS[kind]
        transcript.lines.extend(render_frame(payload, known))
        if kind == b"H":
            transcript.problems.append(escape(payload))
        if kind == b"W" and payload.startswith((b"\nParse error", b"\nCompile error")):
            transcript.problems.append(escape(payload.strip()))
    return transcript


def frames(printed: bytes, token: str) -> Iterator[tuple[bytes, bytes]]:
    """(kind, payload) in order; what stands between frames has the kind `|`."""
    mark = re.escape(b"\x1e" + token.encode())
    at = 0
    for match in re.finditer(mark + rb"([SWDXH])(.*?)" + mark + rb"E", printed, re.DOTALL):
        if match.start() > at:
            yield b"|", printed[at : match.start()]
        yield match[1], match[2]
        at = match.end()
    if at < len(printed):
        yield b"|", printed[at:]


def render_see(payload: bytes, known: Placeholders) -> Iterable[str]:
    """label and value."""
    label, value = payload.split(b"\x1f", 1)
    yield f"{escape(label)} {escape(known.replace_serialized(value))}"


def render_displayed(payload: bytes, known: Placeholders) -> Iterable[str]:
    """PHP's displayed message, without its file and line."""
    match = DISPLAYED.match(payload)
    if match is None:
        yield f"! {escape(known.replace(payload))}"
    elif uncaught := UNCAUGHT.match(match[2]):
        yield f"! {escape(uncaught[1])} {escape(known.replace(uncaught[2]))}".rstrip()
    else:
        yield f"! {LEVELS.get(match[1], escape(match[1]))} {escape(known.replace(match[2]))}".rstrip()


def render_pair(payload: bytes, known: Placeholders) -> Iterable[str]:
    """Level or class, and text."""
    name, text = payload.split(b"\x1f", 1)
    yield f"! {escape(name)} {escape(known.replace(text))}".rstrip()


def render_output(payload: bytes, known: Placeholders) -> Iterable[str]:
    """The script's own output, cut after each line feed."""
    for line in re.split(rb"(?<=\n)", known.replace(payload)):
        if line:
            yield f"| {escape(line)}"


def render_refusal(payload: bytes, known: Placeholders) -> Iterable[str]:
    """Why the harness gave up."""
    yield f"harness: {escape(known.replace(payload))}"


RENDERERS: dict[bytes, Callable[[bytes, Placeholders], Iterable[str]]] = {
    b"S": render_see,
    b"W": render_displayed,
    b"D": render_pair,
    b"X": render_pair,
    b"H": render_refusal,
    b"|": render_output,
}

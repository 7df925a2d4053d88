"""What has to hold after a session of the demo.

`check_run` holds one run to what the session asked for, `check_twins` holds two runs to each other.  Both
return `Check`s, which the demo shows; it fails when one of them does.
"""

from __future__ import annotations

from dataclasses import dataclass

from .demo_messages import Message
from .demo_servers import Connection, Delivery
from .demo_sessions import HELO, Run, Session

# RFC 8446, section 5.1: the content types of TLS records, and the version's first byte in each.
TLS_TYPES = range(20, 24)
TLS_APPLICATION_DATA = 23
TLS_MAJOR = 3


@dataclass(frozen=True)
class Check:
    """Something that has to hold, in words for the reader; `detail` tells what was seen instead."""

    text: str
    holds: bool
    detail: str = ""


def split_tls(sent: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    """What was sent in the clear, and the (type, length) of each TLS record after it.

    Raises ValueError when something that is no TLS record follows the first one.
    """
    marker = b"STARTTLS\r\n"
    if not sent.startswith(b"\x16"):
        clear, found, sent = sent.partition(marker)
        if not (found and sent):
            return clear + found, []
        clear += found
    else:
        clear = b""
    records: list[tuple[int, int]] = []
    position = 0
    while position < len(sent):
        kind, major = sent[position], sent[position + 1 : position + 2]
        length = int.from_bytes(sent[position + 3 : position + 5])
        position += 5 + length
        if kind not in TLS_TYPES or major != bytes([TLS_MAJOR]) or position > len(sent):
            raise ValueError(f"no TLS record after {len(records)} of them")
        records.append((kind, length))
    return clear, records


def in_the_clear(session: Session, run: Run) -> Check:
    """Holds a session that wants TLS to saying nothing outside it but, at port 587, the request for it."""
    allowed = f"EHLO {HELO}\r\nSTARTTLS\r\n".encode() if session.security == "starttls" else b""
    request = " but EHLO and STARTTLS" if allowed else ""
    text = f"{run.twin.name} sent nothing in the clear{request}"
    try:
        clear, _ = split_tls(bytes(run.connection.sent))
    except ValueError as error:
        return Check(text, False, str(error))
    return Check(text, clear == allowed, f"in the clear: {clear[:200]!r}")


def check_run(session: Session, run: Run, messages: dict[str, Message]) -> list[Check]:
    """Holds a run to what the session asked for."""
    expected = session.deliveries(messages)
    arrived = run.connection.deliveries
    if session.mistake:
        failed = run.status == 1 and any(line.startswith("E: ") for line in run.output)
        checks = [
            Check(
                f"{run.twin.name} noticed, and gave up", failed and not arrived, f"exit status {run.status}"
            )
        ]
    else:
        count = f"{len(expected)} message{'s' * (len(expected) > 1)}"
        detail = difference(expected, arrived) or f"exit status {run.status}"
        right = arrived == expected and run.status == 0
        checks = [Check(f"{run.twin.name}: {count} arrived byte for byte", right, detail)]
    if session.security:
        checks.append(in_the_clear(session, run))
    return checks


def difference(expected: list[Delivery], arrived: list[Delivery]) -> str:
    """Where the first delivery that is not as expected differs; "" when all are."""
    if len(expected) != len(arrived):
        return f"{len(arrived)} of {len(expected)} arrived"
    for number, (one, other) in enumerate(zip(expected, arrived, strict=True), 1):
        if one.content != other.content:
            at = first_difference(one.content, other.content)
            want, have = one.content[at : at + 40], other.content[at : at + 40]
            return f"message {number} from byte {at}: expected {want!r}, arrived {have!r}"
        if one != other:
            return f"message {number}: envelope {other.sender} {other.recipients} {other.mechanism!r}"
    return ""


def first_difference(one: bytes, other: bytes) -> int:
    """The first index at which they differ; the shorter one's length when it begins the longer one."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def comparable(output: list[str], *, words: bool) -> list[str]:
    """The lines that two twins have to have in common.

    OpenSSL's own words change from one release to the next, so they are left out.  Without `words` so are
    PHP's: the errors come last, each behind an "E: ".
    """
    if not words:
        errors = (number for number, line in enumerate(output) if line.startswith("E: "))
        return output[: next(errors, None)]
    return ["error:..." if line.startswith("error:") else line for line in output]


def check_twins(session: Session, one: Run, other: Run) -> list[Check]:
    """Holds two twins to each other: what they printed, what they said, how they cut it into TLS records."""
    first, second = one.connection, other.connection
    words = one.twin.words and other.twin.words
    lines, others = comparable(one.output, words=words), comparable(other.output, words=words)
    pairs = (f"{a!r} and {b!r}" for a, b in zip(lines, others, strict=False) if a != b)
    at = next(pairs, f"{len(lines)} and {len(others)} lines")
    what = "dialogue and warnings" if words else "dialogue (warnings are worded as in PHP 8.4)"
    checks = [Check(f"both: the same {what}, line for line", lines == others, at)]
    if not session.security:
        same = first.sent == second.sent and first.answered == second.answered
        size = len(first.sent) + len(first.answered)
        checks.append(Check(f"both: the same bytes on the wire, there and back: {size:,}", same))
    elif not session.mistake:
        said = Check(f"both: the same bytes inside TLS: {len(first.heard):,}", first.heard == second.heard)
        checks += [said, same_records(one, other)]
    return checks


def same_records(one: Run, other: Run) -> Check:
    """Each fwrite becomes a TLS record: the same ones in both, or the twins did not write alike."""
    try:
        sizes, others = application_data(one.connection), application_data(other.connection)
    except ValueError as error:
        return Check("both: the same TLS records", False, str(error))
    detail = f"{one.twin.name} {len(sizes):,}, {other.twin.name} {len(others):,}"
    return Check(f"both: the same TLS records: {len(sizes):,}", sizes == others, detail)


def application_data(connection: Connection) -> list[int]:
    """The lengths of the encrypted records that the client sent."""
    _, records = split_tls(bytes(connection.sent))
    return [length for kind, length in records if kind == TLS_APPLICATION_DATA]

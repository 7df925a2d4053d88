"""The demo's messages: what tends to go wrong on the way, in three mails.

Each is a file as a PHP program would hand it over, and the bytes that have to arrive.  Dates, identifiers and
the attachment are the same in every run, so that two runs can be compared.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

SENDER = "ada@example.test"
RECIPIENTS = ("grace@example.test", "edsger@example.test")
ATTACHMENT_BYTES = 1024 * 1024
SMALL_ATTACHMENT_BYTES = 64 * 1024

# Every line here that begins with a dot would end or maim the message if nobody doubled the dot.
DOTS = """\
.
..
...
.htaccess is hidden
. a dot and a space
an honest line
.
the last line is one lone dot:
.
"""


@dataclass(frozen=True)
class Message:
    """A mail of the demo: the file to send, the bytes that have to arrive, and what is special about it."""

    name: str
    file: Path
    arrives: bytes
    special: str


def with_crlf(content: bytes) -> bytes:
    """The same lines, each ended by CRLF, whatever ended them before."""
    return b"".join(line + b"\r\n" for line in content.splitlines())


def headers(number: int, subject: str) -> EmailMessage:
    """A mail without a body; the subject is encoded as RFC 2047 wants it where it is not ASCII."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"Ada Lovelace <{SENDER}>"
    mail["To"] = ", ".join(RECIPIENTS)
    mail["Subject"] = subject
    mail["Date"] = "Thu, 01 Jan 2026 08:00:00 +0000"
    mail["Message-ID"] = f"<{number}@example.test>"
    return mail


def utf8_mail() -> bytes:
    """A subject in three scripts, and a body that goes out in 8 bit."""
    mail = headers(1, "Grüße aus Zürich – 你好, Κόσμε ✉")
    body = "Ein Kännchen Öl für 5 €.\nשלום. Привет.\n¡Adiós! 🐘 → 🐍\n"
    mail.set_content(body, cte="8bit")
    return mail.as_bytes()


def dotted_mail() -> bytes:
    """Lines that begin with dots; the file has bare LF, CR LF and a bare CR, as files of many hands do."""
    mail = headers(2, "Lines that begin with dots")
    mail.set_content(DOTS, cte="7bit")
    head, _, body = mail.as_bytes().partition(b"\r\n\r\n")
    first, second, rest = body.replace(b"\r\n", b"\n").split(b"\n", 2)
    return head + b"\r\n\r\n" + first + b"\r" + second + b"\n" + rest


def heavy_mail(size: int) -> bytes:
    """An attachment of `size` random bytes, each run the same."""
    mail = headers(3, "The drawings")
    mail.set_content("They are attached.\n")
    content = random.Random(size).randbytes(size)
    mail.add_attachment(content, maintype="application", subtype="octet-stream", filename="drawings.bin")
    mail.set_boundary("=-=-the-boundary-=-=")
    return mail.as_bytes()


def write_messages(folder: Path, *, attachment: int) -> dict[str, Message]:
    """Writes the messages into the folder; `attachment`: the size of the large one's attachment in bytes."""
    size = f"{attachment >> 20} MiB" if attachment >= 1 << 20 else f"{attachment >> 10} KiB"
    contents = {
        "utf-8": (utf8_mail(), "UTF-8 subject, 8-bit body"),
        "dots": (dotted_mail(), "lines that begin with dots, mixed line ends"),
        "attachment": (heavy_mail(attachment), f"an attachment of {size}"),
    }
    messages = {}
    for name, (content, special) in contents.items():
        file = folder / f"{name}.eml"
        file.write_bytes(content)
        messages[name] = Message(name, file, with_crlf(content), special)
    return messages

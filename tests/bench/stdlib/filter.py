import bz2
import codecs
import os
import string
import zlib
from binascii import b2a_base64, b2a_qp
from hashlib import md5
from pathlib import Path

LOWER, UPPER = string.ascii_lowercase, string.ascii_uppercase
ROT13 = bytes.maketrans((LOWER + UPPER).encode(), codecs.encode(LOWER + UPPER, "rot13").encode())


class Base64:
    """What a program keeps in mind between two writes: the bytes that make no triple yet."""

    held = b""

    def compress(self, data):
        data = self.held + data
        whole = len(data) // 3 * 3
        self.held = data[whole:]
        return b2a_base64(data[:whole], newline=False)

    def flush(self):
        return b2a_base64(self.held, newline=False)


class Latin1:
    """UTF-8 to ISO-8859-1; a character may lie in two writes."""

    def __init__(self):
        self.decode = codecs.getincrementaldecoder("utf-8")().decode

    def compress(self, data):
        return self.decode(data).encode("latin-1")

    def flush(self):
        return self.decode(b"", True).encode("latin-1")


SIMPLE = {
    "string.rot13": lambda data: data.translate(ROT13),
    "string.toupper": bytes.upper,
    "string.tolower": bytes.lower,
    "convert.quoted-printable-encode": lambda data: b2a_qp(data, istext=False).replace(b"=\r\n", b""),
    "convert.quoted-printable-encode lines": b2a_qp,  # whole lines are written
    "consumed": bytes,
}
WITH_STATE = {
    "convert.base64-encode": Base64,
    "convert.iconv.utf-8/iso-8859-1": Latin1,
    "zlib.deflate": lambda: zlib.compressobj(6, zlib.DEFLATED, -15, 9),
    "bzip2.compress": lambda: bz2.BZ2Compressor(4),
}


def work(host, port, n, cafile, name, source, target):
    block = Path(source).read_bytes()
    state = None if name in SIMPLE else WITH_STATE[name]()
    change = state.compress if state else SIMPLE[name]
    file = open(target, "wb", 0)
    written = 0
    for _ in range(n):
        file.write(change(block))
        written += len(block)
    file.write(state.flush() if state else b"")
    return [written, os.path.getsize(target)]


def proof(host, port, n, cafile, name, source, target):
    done = work(host, port, n, cafile, name, source, target)
    return [*done, md5(Path(target).read_bytes()).hexdigest()]

import codecs
import os
import string
import zlib
from binascii import b2a_base64

BLOCK = b"".join(b"The quick brown fox jumps over %d lazy dogs\r\n" % number for number in range(178))[:8192]
LOWER, UPPER = string.ascii_lowercase, string.ascii_uppercase
ROT13 = bytes.maketrans((LOWER + UPPER).encode(), codecs.encode(LOWER + UPPER, "rot13").encode())


class Base64:
    """What a program keeps in mind between two writes: the bytes that make no quartet yet."""

    held = b""

    def encode(self, data):
        data = self.held + data
        whole = len(data) // 3 * 3
        self.held = data[whole:]
        return b2a_base64(data[:whole], newline=False)


def work(host, port, n, cafile, name, source, target):
    encoder, compressor = Base64(), zlib.compressobj(6, zlib.DEFLATED, -15, 9)
    change = {
        "string.rot13": lambda data: data.translate(ROT13),
        "string.toupper": bytes.upper,
        "convert.base64-encode": encoder.encode,
        "zlib.deflate": compressor.compress,
    }[name]
    file = open(target, "wb", 0)
    written = 0
    for _ in range(n):
        file.write(change(BLOCK))
        written += len(BLOCK)
    file.write(compressor.flush() if name == "zlib.deflate" else b2a_base64(encoder.held, newline=False))
    return [written, os.path.getsize(target)]

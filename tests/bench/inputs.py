"""The files that rows read, by what ``input`` names; a block is 8 KiB of text."""

from __future__ import annotations

import bz2
import zlib
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Callable, Iterator

MIB = bytes(range(256)) * 4096
ASCII = b"".join(b"The quick brown fox jumps over %d lazy dogs\r\n" % number for number in range(178))[:8192]
# Lines of 64 bytes, each with what quoted-printable and iconv have to change, and none that has to be folded.
UTF8 = b"".join(
    b"Zw\xc3\xb6lf Boxk\xc3\xa4mpfer jagen Viktor durch den Deich = %03d ......\r\n" % i for i in range(128)
)
CHUNK = b"%x\r\n%b\r\n" % (len(ASCII), ASCII)


def deflated(n: int) -> Iterator[bytes]:
    """A raw stream, as zlib.inflate expects it."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    yield from (packer.compress(ASCII) for _ in range(n))
    yield packer.flush()


def bzipped(n: int) -> Iterator[bytes]:
    """One stream of bzip2."""
    packer = bz2.BZ2Compressor()
    yield from (packer.compress(ASCII) for _ in range(n))
    yield packer.flush()


def chunked(n: int) -> Iterator[bytes]:
    """Chunks of a block each, and the last one."""
    yield from (CHUNK for _ in range(n))
    yield b"0\r\n\r\n"


# What is in a file of n lines, MiB or blocks; "ascii" and "utf8" are one block, which is written n times.
KINDS: dict[str, Callable[[int], Iterator[bytes]]] = {
    "lines": lambda n: (b"%07d one two three four..\n" % number for number in range(n)),
    "mib": lambda n: (MIB for _ in range(n)),
    "ascii": lambda n: iter([ASCII]),
    "utf8": lambda n: iter([UTF8]),
    "base64": lambda n: iter([b64encode(ASCII * n)]),
    "quoted": lambda n: iter([b2a_qp(UTF8) * n]),
    "deflated": deflated,
    "bzipped": bzipped,
    "chunked": chunked,
}

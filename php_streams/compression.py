"""Compressed files and strings (the manual's book.zlib and book.bzip2).

The handles of gzopen and bzopen are streams like any other: most of their functions are fread and its like
under a second name.
"""

from __future__ import annotations

import bz2
import os
import zlib
from typing import Any, Literal

from php_streams._core.alias import alias
from php_streams._core.arguments import to_filename
from php_streams._core.bzio import BzipFile
from php_streams._core.deflate import ANY, Damaged, inflate, stored
from php_streams._core.diagnostics import argument_type_error, argument_value_error, warn
from php_streams._core.output import pass_through
from php_streams._core.resource import Resource
from php_streams._core.signals import from_system
from php_streams._core.stream import Stream, expect_resource, open_stream
from php_streams._core.values import to_bool, to_bytes, to_int, to_string, type_name
from php_streams._wrappers.compress import BzipRaw, bzip2_over, open_bzip2, open_gzip
from php_streams.constants import ZLIB_ENCODING_DEFLATE, ZLIB_ENCODING_GZIP, ZLIB_ENCODING_RAW
from php_streams.filesystem import (
    fclose,
    feof,
    fgetc,
    fgets,
    fpassthru,
    fread,
    fseek,
    ftell,
    fwrite,
    rewind,
)

__all__ = [
    "bzclose",
    "bzcompress",
    "bzdecompress",
    "bzerrno",
    "bzerror",
    "bzerrstr",
    "bzflush",
    "bzopen",
    "bzread",
    "bzwrite",
    "gzclose",
    "gzcompress",
    "gzdecode",
    "gzdeflate",
    "gzencode",
    "gzeof",
    "gzfile",
    "gzgetc",
    "gzgets",
    "gzinflate",
    "gzopen",
    "gzpassthru",
    "gzputs",
    "gzread",
    "gzrewind",
    "gzseek",
    "gztell",
    "gzuncompress",
    "gzwrite",
    "readgzfile",
    "zlib_decode",
    "zlib_encode",
]

Name = str | bytes | os.PathLike[str]

ENCODINGS = (ZLIB_ENCODING_RAW, ZLIB_ENCODING_GZIP, ZLIB_ENCODING_DEFLATE)
# The most memory that zlib can use, which is what PHP lets it: MAX_MEM_LEVEL.
MEMORY = 9
# gzfile cuts a line that is longer.
LINE = 8190

# --- gzip files ----------------------------------------------------------------------------------------


def gzopen(filename: Name, mode: str, use_include_path: int = 0) -> Stream | Literal[False]:
    """Open gz-file.  https://www.php.net/function.gzopen

    mode: as fopen's, r, w or a; then a level (wb9) and a strategy, f (filtered), h (Huffman only), R (runs),
    F (fixed codes).  A file that is not compressed is read as it is.
    """
    path = to_filename(filename)
    how = to_string(mode, 2, "mode")
    search = to_int(use_include_path, 3, "use_include_path")
    return open_gzip(path, how, None, search=bool(search)) or False


def gzfile(filename: Name, use_include_path: int = 0) -> list[bytes] | Literal[False]:
    """Read entire gz-file into an array.  https://www.php.net/function.gzfile

    A list of lines, each with its end; a line of more than 8190 bytes comes in pieces.
    """
    fp = _open_to_read(filename, use_include_path)
    if fp is None:
        return False
    lines = []
    with fp:
        while line := fp.readline(LINE) or fp.next_line(LINE):
            lines.append(line)
    return lines


def readgzfile(filename: Name, use_include_path: int = 0) -> int | Literal[False]:
    """Output a gz-file.  https://www.php.net/function.readgzfile

    To sys.stdout; returns the number of bytes that were unpacked.
    """
    fp = _open_to_read(filename, use_include_path)
    if fp is None:
        return False
    with fp:
        return pass_through(fp)


def _open_to_read(filename: Any, use_include_path: Any) -> Stream | None:
    path = to_filename(filename)
    search = to_int(use_include_path, 2, "use_include_path")
    return open_gzip(path, "rb", None, search=bool(search))


gzread = alias(fread, "gzread", __name__)
gzwrite = alias(fwrite, "gzwrite", __name__)
gzputs = alias(fwrite, "gzputs", __name__)
gzgets = alias(fgets, "gzgets", __name__)
gzgetc = alias(fgetc, "gzgetc", __name__)
gzeof = alias(feof, "gzeof", __name__)
gzseek = alias(fseek, "gzseek", __name__)
gztell = alias(ftell, "gztell", __name__)
gzrewind = alias(rewind, "gzrewind", __name__)
gzpassthru = alias(fpassthru, "gzpassthru", __name__)
gzclose = alias(fclose, "gzclose", __name__)

# --- strings, with zlib --------------------------------------------------------------------------------


def gzcompress(
    data: str | bytes, level: int = -1, encoding: int = ZLIB_ENCODING_DEFLATE
) -> bytes | Literal[False]:
    """Compress a string in the ZLIB format.  https://www.php.net/function.gzcompress

    level: 0 (none) to 9, -1 for zlib's default.
    """
    return _encode(to_bytes(data, 1, "data"), to_int(level, 2, "level"), to_int(encoding, 3, "encoding"))


def gzdeflate(
    data: str | bytes, level: int = -1, encoding: int = ZLIB_ENCODING_RAW
) -> bytes | Literal[False]:
    """Deflate a string.  https://www.php.net/function.gzdeflate

    level: 0 (none) to 9, -1 for zlib's default.
    """
    return _encode(to_bytes(data, 1, "data"), to_int(level, 2, "level"), to_int(encoding, 3, "encoding"))


def gzencode(
    data: str | bytes, level: int = -1, encoding: int = ZLIB_ENCODING_GZIP
) -> bytes | Literal[False]:
    """Create a gzip compressed string.  https://www.php.net/function.gzencode

    level: 0 (none) to 9, -1 for zlib's default.
    """
    return _encode(to_bytes(data, 1, "data"), to_int(level, 2, "level"), to_int(encoding, 3, "encoding"))


def zlib_encode(data: str | bytes, encoding: int, level: int = -1) -> bytes | Literal[False]:
    """Compress data with the specified encoding.  https://www.php.net/function.zlib-encode

    encoding: ZLIB_ENCODING_RAW, ZLIB_ENCODING_GZIP or ZLIB_ENCODING_DEFLATE.
    """
    text = to_bytes(data, 1, "data")
    how = to_int(encoding, 2, "encoding")
    return _encode(text, to_int(level, 3, "level"), how, level_at=3)


def _encode(data: bytes, level: int, encoding: int, level_at: int = 2) -> bytes:
    if not -1 <= level <= 9:
        raise argument_value_error(level_at, "level", "must be between -1 and 9")
    if encoding not in ENCODINGS:
        text = "must be one of ZLIB_ENCODING_RAW, ZLIB_ENCODING_GZIP, or ZLIB_ENCODING_DEFLATE"
        raise argument_value_error(5 - level_at, "encoding", text)
    packer = zlib.compressobj(level, zlib.DEFLATED, encoding, MEMORY)
    packed = packer.compress(data) + packer.flush()
    return packed if level else stored(packed, data, encoding)


def gzuncompress(data: str | bytes, max_length: int = 0) -> bytes | Literal[False]:
    """Uncompress a compressed string.  https://www.php.net/function.gzuncompress

    max_length: to give up, with a warning, when there is more; 0 for all.
    """
    return _decode(data, max_length, ZLIB_ENCODING_DEFLATE)


def gzinflate(data: str | bytes, max_length: int = 0) -> bytes | Literal[False]:
    """Inflate a deflated string.  https://www.php.net/function.gzinflate

    max_length: to give up, with a warning, when there is more; 0 for all.
    """
    return _decode(data, max_length, ZLIB_ENCODING_RAW)


def gzdecode(data: str | bytes, max_length: int = 0) -> bytes | Literal[False]:
    """Decodes a gzip compressed string.  https://www.php.net/function.gzdecode

    max_length: to give up, with a warning, when there is more; 0 for all.
    """
    return _decode(data, max_length, ZLIB_ENCODING_GZIP)


def zlib_decode(data: str | bytes, max_length: int = 0) -> bytes | Literal[False]:
    """Uncompress any raw/gzip/zlib encoded data.  https://www.php.net/function.zlib-decode

    max_length: to give up, with a warning, when there is more; 0 for all.
    """
    return _decode(data, max_length, ANY)


def _decode(data: Any, max_length: Any, encoding: int) -> bytes | Literal[False]:
    packed = to_bytes(data, 1, "data")
    most = to_int(max_length, 2, "max_length")
    if most < 0:
        raise argument_value_error(2, "max_length", "must be greater than or equal to 0")
    try:
        return inflate(packed, most, encoding)
    except Damaged as error:
        return warn(str(error))


# --- bzip2 files ---------------------------------------------------------------------------------------


def bzopen(file: Any, mode: str) -> Stream | Literal[False]:
    """Opens a bzip2 compressed file.  https://www.php.net/function.bzopen

    file: a path, or an open stream, which belongs to the new one from now on; mode: r or w.
    """
    how = to_string(mode, 2, "mode")
    if how not in ("r", "w"):
        raise argument_value_error(2, "mode", 'must be either "r" or "w"')
    if isinstance(file, (str, bytes, os.PathLike)):
        path = os.fsdecode(file)
        if not path:
            raise argument_value_error(1, "file", "must not be empty")
        if "\0" in path:
            raise argument_type_error(1, "file", "must not contain null bytes")
        return open_bzip2(path, how) or False
    if not isinstance(file, Resource):
        text = f"must be of type string or file-resource, {type_name(file)} given"
        raise argument_type_error(1, "file", text)
    below = open_stream(file)
    reason = _cannot_use(below.mode, how)
    return warn(reason) if reason else bzip2_over(below, how) or False


def _cannot_use(mode: str, wanted: str) -> str:
    """Why a stream that was opened so cannot be read, or written, by bzopen; "" when it can."""
    plain = mode.replace("b", "", 1) if len(mode) == 2 else mode
    if len(plain) != 1 or plain not in "rwax":
        return f"Cannot use stream opened in mode '{mode}'"
    if wanted == "r":
        return "" if plain == "r" else "Cannot read from a stream opened in write only mode"
    return "cannot write to a stream opened in read only mode" if plain == "r" else ""


def bzread(bz: Stream, length: int = 1024) -> bytes | Literal[False]:
    """Binary safe bzip2 file read.  https://www.php.net/function.bzread

    At most length bytes, unpacked; b"" at the end, False for damaged data.
    """
    expect_resource(bz, 1, "bz")
    size = to_int(length, 2, "length")
    source = open_stream(bz)
    if size < 0:
        raise argument_value_error(2, "length", "must be greater than or equal to 0")
    return (source.read(size) if size else b"") or source.no_bytes()


def bzwrite(bz: Stream, data: bytes | str, length: int | None = None) -> int | Literal[False]:
    """Binary safe bzip2 file write.  https://www.php.net/function.bzwrite

    As fwrite.  The bytes that were taken; they are in the file, all of them, when the stream is closed.
    """
    expect_resource(bz, 1, "bz")
    text = to_bytes(data, 2, "data")
    if length is not None:
        text = text[: max(to_int(length, 3, "length", "?int"), 0)]
    return open_stream(bz).write(text) if text else 0


def bzflush(bz: Stream) -> bool:
    """Do nothing.  https://www.php.net/function.bzflush"""
    return open_stream(bz, 1, "bz").flush()


def bzclose(bz: Stream) -> bool:
    """Close a bzip2 file.  https://www.php.net/function.bzclose"""
    open_stream(bz, 1, "bz").close()
    return True


# What libbz2 calls its errors, from 0 downwards.
ERRORS = (
    "OK SEQUENCE_ERROR PARAM_ERROR MEM_ERROR DATA_ERROR DATA_ERROR_MAGIC IO_ERROR UNEXPECTED_EOF"
    " OUTBUFF_FULL CONFIG_ERROR"
).split()


def bzerrno(bz: Stream) -> int:
    """Returns a bzip2 error number.  https://www.php.net/function.bzerrno

    0, or a negative number.
    """
    return _bzip2(bz).errno


def bzerrstr(bz: Stream) -> str:
    """Returns a bzip2 error string.  https://www.php.net/function.bzerrstr"""
    return ERRORS[-_bzip2(bz).errno]


def bzerror(bz: Stream) -> dict[str, int | str]:
    """Returns the bzip2 error number and error string in an array.  https://www.php.net/function.bzerror

    errno, errstr.
    """
    number = _bzip2(bz).errno
    return {"errno": number, "errstr": ERRORS[-number]}


def _bzip2(bz: Any) -> BzipFile:
    raw = open_stream(bz, 1, "bz").raw
    if not isinstance(raw, BzipRaw):
        raise argument_type_error(1, "bz", "must be a bz2 stream")
    return raw.file


# --- strings, with libbz2 ------------------------------------------------------------------------------

PARAM_ERROR, DATA_ERROR, DATA_ERROR_MAGIC = -2, -4, -5


def bzcompress(data: str | bytes, block_size: int = 4, work_factor: int = 0) -> bytes | int:
    """Compress a string into bzip2 encoded data.  https://www.php.net/function.bzcompress

    block_size: 1 to 9, in 100 kB.  work_factor: 0 to 250, how long libbz2 tries before it changes its way of
    sorting; the result is the same.  An error's number where one is out of range.
    """
    text = to_bytes(data, 1, "data")
    size = to_int(block_size, 2, "block_size")
    factor = to_int(work_factor, 3, "work_factor")
    if not 1 <= size <= 9 or not 0 <= factor <= 250:
        return PARAM_ERROR
    return bz2.compress(text, size)


def bzdecompress(data: str | bytes, use_less_memory: bool = False) -> bytes | int | Literal[False]:
    """Decompresses bzip2 encoded data.  https://www.php.net/function.bzdecompress

    What follows the compressed data is not looked at.  An error's number when they are damaged; what there is
    when they break off.
    """
    packed = to_bytes(data, 1, "data")
    to_bool(use_less_memory, 2, "use_less_memory")
    try:
        return bz2.BZ2Decompressor().decompress(packed)
    except from_system(OSError):
        known = packed.startswith(b"BZh") and b"1" <= packed[3:4] <= b"9"
        return DATA_ERROR if known else DATA_ERROR_MAGIC

"""Entries of zip archives as libzip's zip_fread gives them (under PHP's zip streams).

zipfile reads the directory and takes the encryption off.  Unpacking is done here, because errors show: one
stays, and a wrong checksum is found by the read behind the end.
"""

from __future__ import annotations

import bz2
import copy
import lzma
import os
import struct
import time
import zipfile
import zlib
from typing import Any

from php_streams._core.deflate import DATA_ERROR, TEXTS
from php_streams._core.gzio import error_number

INPUT = 8192
UTF8_NAME, ENCRYPTED = 0x800, 1
BROKEN = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    OverflowError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
EOCD = struct.Struct("<4s4H2LH")
SIGNATURES = (b"PK\1\2", b"PK\5\6", b"PK\6\6")


class ZipError(Exception):
    """What libzip calls the error."""


class ZipEntry:
    """One entry of an archive, open for reading."""

    def __init__(self, path: str, name: str, password: bytes | None) -> None:
        """OSError when there is no such archive or entry, or it cannot be read."""
        try:
            self.archive = zipfile.ZipFile(path)
        except BROKEN:
            raise OSError from None
        try:
            _check(self.archive)
            self.info = _find(self.archive, name)
            self.size, self.crc = self.info.file_size, self.info.CRC
            self.password = password or None
            self.seekable = (
                self.info.compress_type == zipfile.ZIP_STORED and not self.info.flag_bits & ENCRYPTED
            )
            self.error: str | None = None
            self.checks = True  # the checksum; not when somebody has jumped
            self._begin()
        except BROKEN:
            self.archive.close()
            raise OSError from None

    def _begin(self) -> None:
        packed = copy.copy(self.info)  # the same entry, as if what is packed were all there is to know
        packed.compress_type, packed.file_size = zipfile.ZIP_STORED, packed.compress_size
        self.packed: Any = self.archive.open(packed, pwd=self.password)
        vars(self.packed)["_expected_crc"] = None  # that of what is unpacked
        self.unpacker = _unpacker(self.info.compress_type, self.packed)
        self.rest = b""
        self.position = 0
        self.sum = 0

    def modified(self) -> int:
        """Seconds since 1970; the archive tells local time."""
        try:
            return int(time.mktime((*self.info.date_time, 0, 0, -1)))
        except (OverflowError, ValueError):
            return 0

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end; ZipError."""
        if self.error is not None:
            raise ZipError(self.error)
        try:
            data = self._read(size)
        except zlib.error as error:
            raise self._fail(f"Zlib error: {TEXTS.get(error_number(error), TEXTS[DATA_ERROR])}") from None
        except (*BROKEN, lzma.LZMAError):
            raise self._fail("Compressed data invalid") from None
        self.position += len(data)
        self.sum = zlib.crc32(data, self.sum)
        if size and not data and self.checks and (self.sum != self.crc or self.position != self.size):
            raise self._fail("CRC error")
        return data

    def _fail(self, text: str) -> ZipError:
        self.error = text
        return ZipError(text)

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._unpack(size)
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _unpack(self, size: int) -> bytes:
        """Some bytes; none at the end."""
        if self.unpacker is None:
            return bytes(self.packed.read(size))
        while not self.unpacker.eof:
            if not self.rest and getattr(self.unpacker, "needs_input", True):
                self.rest = self.packed.read(INPUT)
                if not self.rest:  # it breaks off, which the checksum will tell
                    break
            part = self.unpacker.decompress(self.rest, size)
            self.rest = getattr(self.unpacker, "unconsumed_tail", b"")
            if part:
                return bytes(part)
        return b""

    def seek(self, offset: int, whence: int) -> int:
        """Where that led, -1 when it cannot be: nothing can be read any more then."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.size}.get(whence)
        if self.error is not None or start is None or not 0 <= start + offset <= self.size:
            self.error = self.error or "Invalid argument"
            return -1
        self.checks = False
        self.position = self.packed.seek(start + offset)
        return self.position

    def close(self) -> None:
        """Closes the archive."""
        self.packed.close()
        self.archive.close()


def _check(archive: zipfile.ZipFile) -> None:
    """An archive behind something else is none: zipfile would find it, libzip does not."""
    file: Any = archive.fp
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(max(size - 65535 - EOCD.size, 0))
    tail = file.read()
    record = EOCD.unpack_from(tail, tail.rfind(b"PK\5\6"))
    offset = record[6]
    if offset != 0xFFFFFFFF:
        file.seek(offset)
        if file.read(4) not in SIGNATURES:
            raise zipfile.BadZipFile


def _find(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """The first entry of that name.  Names that are not said to be UTF-8 may be so, or in code page 437."""
    wanted = os.fsencode(name)
    for info in archive.infolist():
        shown = info.orig_filename
        raw = shown.encode("utf-8" if info.flag_bits & UTF8_NAME else "cp437", "replace")
        if wanted in (raw, shown.encode()):
            return info
    raise zipfile.BadZipFile


def _unpacker(kind: int, packed: Any) -> Any:
    """What unpacks; None for what is not packed."""
    if kind == zipfile.ZIP_STORED:
        return None
    if kind == zipfile.ZIP_DEFLATED:
        return zlib.decompressobj(-zlib.MAX_WBITS)
    if kind == zipfile.ZIP_BZIP2:
        return bz2.BZ2Decompressor()
    if kind != zipfile.ZIP_LZMA:
        raise NotImplementedError
    _, length = struct.unpack("<HH", packed.read(4))
    properties, size = struct.unpack("<BL", packed.read(length)[:5])
    rest, lc = divmod(properties, 9)
    pb, lp = divmod(rest, 5)
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": size, "lc": lc, "lp": lp, "pb": pb}]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)

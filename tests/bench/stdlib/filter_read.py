import bz2
import zlib
from binascii import a2b_base64, a2b_qp
from hashlib import md5


def pieces(file):
    while data := file.read(8192):
        yield data


def base64(file):
    held = b""
    for data in pieces(file):
        data = held + data
        whole = len(data) // 4 * 4
        held = data[whole:]
        yield a2b_base64(data[:whole])


def quoted(file):
    held = b""
    for data in pieces(file):
        data = held + data
        whole = data.rfind(b"\n") + 1
        held = data[whole:]
        yield a2b_qp(data[:whole])
    yield a2b_qp(held)


def inflate(file):
    return map(zlib.decompressobj(-15).decompress, pieces(file))


def bunzip(file):
    return map(bz2.BZ2Decompressor().decompress, pieces(file))


def dechunk(file):
    while size := int(file.readline(), 16):
        yield file.read(size)
        file.readline()


DECODERS = {
    "convert.base64-decode": base64,
    "convert.quoted-printable-decode": quoted,
    "zlib.inflate": inflate,
    "bzip2.decompress": bunzip,
    "dechunk": dechunk,
}


def work(host, port, n, cafile, name, source, target):
    return sum(map(len, DECODERS[name](open(source, "rb"))))


def proof(host, port, n, cafile, name, source, target):
    return md5(b"".join(DECODERS[name](open(source, "rb")))).hexdigest()

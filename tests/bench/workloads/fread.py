import hashlib

from php_streams import feof, fread, fsockopen, fwrite


def work(host, port, n, cafile):
    fp, errno, errstr = fsockopen(host, port, 30)
    fwrite(fp, f"{n}\n")
    bytes_ = 0
    while not feof(fp):
        bytes_ += len(fread(fp, 8192))
    return bytes_


def proof(host, port, n, cafile):
    fp, errno, errstr = fsockopen(host, port, 30)
    fwrite(fp, f"{n}\n")
    chunks = []
    while not feof(fp):
        chunks.append(fread(fp, 8192))
    return hashlib.sha256(b"".join(chunks)).hexdigest()

import hashlib

from php_streams import fsockopen, fwrite, stream_get_contents


def contents(host, port, n):
    fp, errno, errstr = fsockopen(host, port, 30)
    fwrite(fp, f"{n}\n")
    return stream_get_contents(fp)


def work(host, port, n, cafile):
    return len(contents(host, port, n))


def proof(host, port, n, cafile):
    return hashlib.sha256(contents(host, port, n)).hexdigest()

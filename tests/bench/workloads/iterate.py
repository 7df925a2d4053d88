import hashlib

from php_streams import fsockopen, fwrite


def work(host, port, n, cafile):
    fp, errno, errstr = fsockopen(host, port, 30)
    fwrite(fp, f"{n}\n")
    lines = 0
    for line in fp:
        last = line
        lines += 1
    return [lines, last.decode()]


def proof(host, port, n, cafile):
    fp, errno, errstr = fsockopen(host, port, 30)
    fwrite(fp, f"{n}\n")
    lines = list(fp)
    return [len(lines), hashlib.sha256(b"".join(lines)).hexdigest()]

import hashlib

from php_streams import feof, fgets, fsockopen, fwrite


def work(host, port, n, cafile):
    fp, errno, errstr = fsockopen(host, port, 30)
    fwrite(fp, f"{n}\n")
    lines = 0
    while not feof(fp):
        line = fgets(fp)
        if line is not False:
            last = line
            lines += 1
    return [lines, last.decode()]


def proof(host, port, n, cafile):
    fp, errno, errstr = fsockopen(host, port, 30)
    fwrite(fp, f"{n}\n")
    lines = []
    while not feof(fp):
        line = fgets(fp)
        if line is not False:
            lines.append(line)
    return [len(lines), hashlib.sha256(b"".join(lines)).hexdigest()]

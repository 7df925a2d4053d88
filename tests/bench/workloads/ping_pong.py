from php_streams import fgets, fsockopen, fwrite


def work(host, port, n, cafile):
    fp, errno, errstr = fsockopen(host, port, 30)
    same = 0
    for _ in range(n):
        fwrite(fp, b"NOOP just a line\r\n")
        same += fgets(fp) == b"NOOP just a line\r\n"
    return same

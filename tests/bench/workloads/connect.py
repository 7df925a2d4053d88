from php_streams import fclose, fsockopen


def work(host, port, n, cafile):
    for _ in range(n):
        fp, errno, errstr = fsockopen(host, port, 30)
        fclose(fp)
    return n

from php_streams import fgets, fsockopen, fwrite


def work(host, port, n, cafile):
    idle = []
    for _ in range(n):
        fp, errno, errstr = fsockopen(host, port, 30)
        fwrite(fp, b"hello\r\n")
        fgets(fp)
        idle.append(fp)
    return idle

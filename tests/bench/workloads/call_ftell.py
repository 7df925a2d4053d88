from php_streams import fgets, fsockopen, ftell, fwrite


def work(host, port, n, cafile):
    fp, errno, errstr = fsockopen(host, port, 30)
    fwrite(fp, b"100\n")
    fgets(fp)
    for _ in range(n):
        position = ftell(fp)
    return position

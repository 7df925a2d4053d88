from php_streams import feof, fgets, fsockopen, fwrite


def work(host, port, n, cafile):
    fp, errno, errstr = fsockopen(host, port, 30)
    fwrite(fp, b"100\n")
    fgets(fp)
    total = 0
    for _ in range(n):
        total += 1 if feof(fp) else 0
    return total

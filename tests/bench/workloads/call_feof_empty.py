from php_streams import feof, fgets, fsockopen, fwrite


def work(host, port, n, cafile):
    fp, errno, errstr = fsockopen(host, port, 30)
    fwrite(fp, b"1\n")
    for _ in range(n):
        end = feof(fp)
    return [end, len(fgets(fp))]

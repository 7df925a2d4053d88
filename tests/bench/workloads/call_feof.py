from php_streams import feof, fgets, fsockopen, fwrite


def work(host, port, n, cafile):
    fp, errno, errstr = fsockopen(host, port, 30)
    fwrite(fp, b"100\n")
    fgets(fp)
    for _ in range(n):
        end = feof(fp)
    return end

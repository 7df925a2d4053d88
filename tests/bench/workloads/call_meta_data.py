from php_streams import fgets, fsockopen, fwrite, stream_get_meta_data


def work(host, port, n, cafile):
    fp, errno, errstr = fsockopen(host, port, 30)
    fwrite(fp, b"100\n")
    fgets(fp)
    total = 0
    for _ in range(n):
        total += 1 if stream_get_meta_data(fp)["timed_out"] else 0
    return total

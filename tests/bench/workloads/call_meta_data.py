from php_streams import fgets, fsockopen, fwrite, stream_get_meta_data


def work(host, port, n, cafile):
    fp, errno, errstr = fsockopen(host, port, 30)
    fwrite(fp, b"100\n")
    fgets(fp)
    for _ in range(n):
        meta = stream_get_meta_data(fp)
    return meta["timed_out"]

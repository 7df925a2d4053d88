from php_streams import STREAM_FILTER_WRITE, fclose, filesize, fopen, fwrite, stream_filter_append

BLOCK = b"".join(b"The quick brown fox jumps over %d lazy dogs\r\n" % number for number in range(178))[:8192]


def work(host, port, n, cafile, name, source, target):
    fp = fopen(target, "w")
    stream_filter_append(fp, name, STREAM_FILTER_WRITE)
    written = 0
    for _ in range(n):
        written += fwrite(fp, BLOCK)
    fclose(fp)
    return [written, filesize(target)]

from php_streams import fgets, fsockopen, fwrite, stream_select

every = []  # opened before the clock starts


def work(host, port, n, cafile, count):
    while len(every) < int(count):
        fp, errno, errstr = fsockopen(host, port, 30)
        every.append(fp)
    echoes = 0
    for i in range(n):
        fwrite(every[i % len(every)], b"ping\r\n")
        found, read, write, except_ = stream_select(every, None, None, 30)
        for fp in read:
            echoes += fgets(fp) == b"ping\r\n"
    return [len(every), echoes]

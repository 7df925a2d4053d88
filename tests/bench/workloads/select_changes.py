from php_streams import fsockopen, stream_select

every = []  # opened before the clock starts


def work(host, port, n, cafile, count):
    while len(every) < int(count):
        fp, errno, errstr = fsockopen(host, port, 30)
        every.append(fp)
    ready = 0
    for i in range(n):
        without = i % len(every)
        read = every[:without] + every[without + 1 :]
        found, read, write, except_ = stream_select(read, [every[without]], None, 0)
        ready += found
    return [len(every), ready]

from php_streams import filesize, fopen, fwrite


def work(host, port, n, cafile, source, target):
    fp = fopen(target, "w")
    written = 0
    for _ in range(n):
        written += fwrite(fp, b"one two three four five six..\n")
    return [written, filesize(target)]

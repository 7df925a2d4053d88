from php_streams import fopen


def work(host, port, n, cafile, source, target):
    lines = 0
    for line in fopen(source, "r"):
        last = line
        lines += 1
    return [lines, last.decode()]

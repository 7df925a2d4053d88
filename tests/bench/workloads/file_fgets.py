from php_streams import fgets, fopen


def work(host, port, n, cafile, source, target):
    fp = fopen(source, "r")
    lines = 0
    while (line := fgets(fp)) is not False:
        last = line
        lines += 1
    return [lines, last.decode()]

def work(host, port, n, cafile, source, target):
    lines = 0
    for line in open(source, "rb"):
        last = line
        lines += 1
    return [lines, last.decode()]

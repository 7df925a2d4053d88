def work(host, port, n, cafile, source, target):
    file = open(source, "rb")
    lines = 0
    while line := file.readline():
        last = line
        lines += 1
    return [lines, last.decode()]

import os


def work(host, port, n, cafile, source, target):
    file = open(target, "wb", 0)
    written = 0
    for _ in range(n):
        written += file.write(b"one two three four five six..\n")
    return [written, os.path.getsize(target)]

import select
import socket

every = []  # opened before the clock starts


def work(host, port, n, cafile, count):
    while len(every) < int(count):
        every.append(socket.create_connection((host, port), 30))
    ready = 0
    for _ in range(n):
        read, write, except_ = select.select(every, [], [], 0)
        ready += len(read)
    return [len(every), ready]

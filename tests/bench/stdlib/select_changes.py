import select
import socket

every = []  # opened before the clock starts


def work(host, port, n, cafile, count):
    while len(every) < int(count):
        every.append(socket.create_connection((host, port), 30))
    ready = 0
    for i in range(n):
        without = i % len(every)
        read = every[:without] + every[without + 1 :]
        read, write, except_ = select.select(read, [every[without]], [], 0)
        ready += len(read) + len(write)
    return [len(every), ready]

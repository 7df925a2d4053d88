import selectors
import socket

every = selectors.DefaultSelector()  # filled before the clock starts


def work(host, port, n, cafile, count):
    while len(every.get_map()) < int(count):
        every.register(socket.create_connection((host, port), 30), selectors.EVENT_READ)
    ready = 0
    for _ in range(n):
        ready += len(every.select(0))
    return [len(every.get_map()), ready]

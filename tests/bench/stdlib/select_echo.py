import select
import socket

every = []  # opened before the clock starts


def work(host, port, n, cafile, count):
    while len(every) < int(count):
        every.append(socket.create_connection((host, port), 30))
    echoes = 0
    for i in range(n):
        every[i % len(every)].sendall(b"ping\r\n")
        read, write, except_ = select.select(every, [], [], 30)
        for sock in read:
            echoes += sock.recv(8192) == b"ping\r\n"
    return [len(every), echoes]

import socket


def work(host, port, n, cafile):
    for _ in range(n):
        sock = socket.create_connection((host, port), 30)
        sock.close()
    return n

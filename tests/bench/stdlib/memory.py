import socket


def work(host, port, n, cafile):
    idle = []
    for _ in range(n):
        sock = socket.create_connection((host, port), 30)
        file = sock.makefile("rb")
        sock.sendall(b"hello\r\n")
        file.readline()
        idle.append((sock, file))
    return idle

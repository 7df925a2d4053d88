import socket


def work(host, port, n, cafile):
    sock = socket.create_connection((host, port), 30)
    file = sock.makefile("rb")
    same = 0
    for _ in range(n):
        sock.sendall(b"NOOP just a line\r\n")
        same += file.readline() == b"NOOP just a line\r\n"
    return same

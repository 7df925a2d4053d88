import socket


def work(host, port, n, cafile, size):
    sock = socket.create_connection((host, port), 30)
    data = (b"one two three four five six..\n" * 2185)[: int(size)]
    written = 0
    for _ in range(n):
        sock.sendall(data)
        written += len(data)
    sock.shutdown(socket.SHUT_WR)
    return [written, int(sock.makefile("rb").readline())]

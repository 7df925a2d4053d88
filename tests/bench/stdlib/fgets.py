import hashlib
import socket


def work(host, port, n, cafile):
    sock = socket.create_connection((host, port), 30)
    file = sock.makefile("rb")
    sock.sendall(f"{n}\n".encode())
    lines = 0
    while line := file.readline():
        last = line
        lines += 1
    return [lines, last.decode()]


def proof(host, port, n, cafile):
    sock = socket.create_connection((host, port), 30)
    file = sock.makefile("rb")
    sock.sendall(f"{n}\n".encode())
    lines = []
    while line := file.readline():
        lines.append(line)
    return [len(lines), hashlib.sha256(b"".join(lines)).hexdigest()]

import hashlib
import socket


def contents(host, port, n):
    sock = socket.create_connection((host, port), 30)
    sock.sendall(f"{n}\n".encode())
    return sock.makefile("rb").read()


def work(host, port, n, cafile):
    return len(contents(host, port, n))


def proof(host, port, n, cafile):
    return hashlib.sha256(contents(host, port, n)).hexdigest()

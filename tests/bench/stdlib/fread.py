import hashlib
import socket


def work(host, port, n, cafile):
    sock = socket.create_connection((host, port), 30)
    sock.sendall(f"{n}\n".encode())
    bytes_ = 0
    while chunk := sock.recv(8192):
        bytes_ += len(chunk)
    return bytes_


def proof(host, port, n, cafile):
    sock = socket.create_connection((host, port), 30)
    sock.sendall(f"{n}\n".encode())
    chunks = []
    while chunk := sock.recv(8192):
        chunks.append(chunk)
    return hashlib.sha256(b"".join(chunks)).hexdigest()

import hashlib
import socket
import ssl


def contents(host, port, n, cafile):
    context = ssl.create_default_context(cafile=cafile)
    sock = context.wrap_socket(socket.create_connection((host, port), 30), server_hostname=host)
    sock.sendall(f"{n}\n".encode())
    while chunk := sock.recv(8192):
        yield chunk


def work(host, port, n, cafile):
    bytes_ = 0
    for chunk in contents(host, port, n, cafile):
        bytes_ += len(chunk)
    return bytes_


def proof(host, port, n, cafile):
    return hashlib.sha256(b"".join(contents(host, port, n, cafile))).hexdigest()

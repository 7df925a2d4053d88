import socket
import ssl


def work(host, port, n, cafile):
    ready = 0
    for _ in range(n):
        context = ssl.create_default_context(cafile=cafile)
        sock = context.wrap_socket(socket.create_connection((host, port), 30), server_hostname=host)
        ready += sock.makefile("rb").readline() == b"220 ready\r\n"
        sock.close()
    return ready

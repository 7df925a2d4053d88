import hashlib

from php_streams import (
    STREAM_CLIENT_CONNECT,
    feof,
    fread,
    fwrite,
    stream_context_create,
    stream_socket_client,
)


def contents(host, port, n, cafile):
    context = stream_context_create({"ssl": {"cafile": cafile}})
    fp, errno, errstr = stream_socket_client(f"tls://{host}:{port}", 30, STREAM_CLIENT_CONNECT, context)
    fwrite(fp, f"{n}\n")
    while not feof(fp):
        yield fread(fp, 8192)


def work(host, port, n, cafile):
    bytes_ = 0
    for chunk in contents(host, port, n, cafile):
        bytes_ += len(chunk)
    return bytes_


def proof(host, port, n, cafile):
    return hashlib.sha256(b"".join(contents(host, port, n, cafile))).hexdigest()

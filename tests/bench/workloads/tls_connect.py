from php_streams import STREAM_CLIENT_CONNECT, fclose, fgets, stream_context_create, stream_socket_client


def work(host, port, n, cafile):
    ready = 0
    for _ in range(n):
        context = stream_context_create({"ssl": {"cafile": cafile}})
        fp, errno, errstr = stream_socket_client(f"tls://{host}:{port}", 30, STREAM_CLIENT_CONNECT, context)
        ready += fgets(fp) == b"220 ready\r\n"
        fclose(fp)
    return ready

from php_streams import STREAM_SHUT_WR, fgets, fsockopen, fwrite, stream_socket_shutdown


def work(host, port, n, cafile, size):
    fp, errno, errstr = fsockopen(host, port, 30)
    data = (b"one two three four five six..\n" * 2185)[: int(size)]
    written = 0
    for _ in range(n):
        written += fwrite(fp, data)
    stream_socket_shutdown(fp, STREAM_SHUT_WR)
    return [written, int(fgets(fp))]

from php_streams import filesize, fopen, stream_copy_to_stream


def work(host, port, n, cafile, source, target):
    copied = stream_copy_to_stream(fopen(source, "r"), fopen(target, "w"))
    return [copied, filesize(target)]

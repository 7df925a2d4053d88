from hashlib import md5

from php_streams import (
    STREAM_FILTER_WRITE,
    fclose,
    file_get_contents,
    filesize,
    fopen,
    fwrite,
    stream_filter_append,
)

PARAMS = {"lines": [{"line-length": 76, "line-break-chars": "\r\n"}]}


def work(host, port, n, cafile, name, source, target):
    filter_, _, params = name.partition(" ")
    block = file_get_contents(source)
    fp = fopen(target, "w")
    stream_filter_append(fp, filter_, STREAM_FILTER_WRITE, *PARAMS.get(params, []))
    written = 0
    for _ in range(n):
        written += fwrite(fp, block)
    fclose(fp)
    return [written, filesize(target)]


def proof(host, port, n, cafile, name, source, target):
    done = work(host, port, n, cafile, name, source, target)
    return [*done, md5(file_get_contents(target)).hexdigest()]

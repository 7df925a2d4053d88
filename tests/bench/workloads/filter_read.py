from hashlib import md5

from php_streams import STREAM_FILTER_READ, feof, fopen, fread, stream_filter_append


def read(name, source):
    fp = fopen(source, "r")
    stream_filter_append(fp, name, STREAM_FILTER_READ)
    return fp


def work(host, port, n, cafile, name, source, target):
    fp = read(name, source)
    bytes_ = 0
    while not feof(fp):
        bytes_ += len(fread(fp, 8192))
    return bytes_


def proof(host, port, n, cafile, name, source, target):
    fp = read(name, source)
    seen = md5()
    while not feof(fp):
        seen.update(fread(fp, 8192))
    return seen.hexdigest()

from php_streams import feof, fopen, fread


def work(host, port, n, cafile, source, target):
    fp = fopen(source, "r")
    bytes_ = 0
    while not feof(fp):
        bytes_ += len(fread(fp, 1048576))
    return bytes_

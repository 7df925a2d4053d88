def work(host, port, n, cafile, source, target):
    file = open(source, "rb")
    bytes_ = 0
    while chunk := file.read(1048576):
        bytes_ += len(chunk)
    return bytes_

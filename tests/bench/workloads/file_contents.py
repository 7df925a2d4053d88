from php_streams import file_get_contents


def work(host, port, n, cafile, source, target):
    return len(file_get_contents(source))

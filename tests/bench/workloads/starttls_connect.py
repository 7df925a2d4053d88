from mailer import hello, quit


def work(host, port, n, cafile):
    for _ in range(n):
        quit(hello(host, port, cafile))
    return n

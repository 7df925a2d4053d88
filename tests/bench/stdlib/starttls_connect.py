from mailer import hello


def work(host, port, n, cafile):
    for _ in range(n):
        hello(host, port, cafile).quit()
    return n

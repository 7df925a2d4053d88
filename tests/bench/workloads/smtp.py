from mailer import command, hello, quit, reply

from php_streams import fwrite

fp = None  # the one connection is opened before the clock starts


def send(fp, body, lines):
    command(fp, b"MAIL FROM:<a@example.org>", b"250")
    command(fp, b"RCPT TO:<b@example.org>", b"250")
    command(fp, b"DATA", b"354")
    if body == "blob":
        fwrite(fp, b"\r\n".join(lines) + b"\r\n.\r\n")
    else:
        for line in lines:
            fwrite(fp, line + b"\r\n")
        fwrite(fp, b".\r\n")
    reply(fp)


def work(host, port, n, cafile, body, connections):
    lines = [b"Subject: bench", b"", *[b"seventy " * 9] * 60]
    global fp
    for _ in range(n):
        fp = fp or hello(host, port, cafile)
        send(fp, body, lines)
        if connections == "each":
            quit(fp)
            fp = None
    return n

from mailer import hello

smtp = None  # the one connection is opened before the clock starts


def send(smtp, body, lines):
    if body == "blob":
        smtp.sendmail("a@example.org", ["b@example.org"], b"\r\n".join(lines) + b"\r\n")
    else:
        smtp.mail("a@example.org")
        smtp.rcpt("b@example.org")
        smtp.docmd("DATA")
        for line in lines:
            smtp.send(line + b"\r\n")
        smtp.send(b".\r\n")
        smtp.getreply()


def work(host, port, n, cafile, body, connections):
    lines = [b"Subject: bench", b"", *[b"seventy " * 9] * 60]
    global smtp
    for _ in range(n):
        smtp = smtp or hello(host, port, cafile)
        send(smtp, body, lines)
        if connections == "each":
            smtp.quit()
            smtp = None
    return n

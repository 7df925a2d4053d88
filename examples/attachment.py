"""Streams a text and a file into an SMTP DATA phase. Line N of this file is line N of attachment.php."""

# Usage: python attachment.py host port from to text attachment

import sys
from os.path import basename

from php_streams import *


class dot_stuffing(php_user_filter):
    # A line that begins with a dot gets another one in front: a dot alone would end the mail.

    line_begins = True

    def filter(self, in_, out, consumed, closing):
        while bucket := stream_bucket_make_writeable(in_):
            consumed += bucket.datalen
            bucket.data = bucket.data.replace(b"\n.", b"\n..")
            if self.line_begins and bucket.data[:1] == b".":
                bucket.data = b"." + bucket.data
            self.line_begins = bucket.data[-1:] == b"\n"
            stream_bucket_append(out, bucket)

        return PSFS_PASS_ON, consumed


def reply(smtp, code):
    # Whether the server's reply, to its last line, has that code.
    line = fgets(smtp)
    while line is not False and line[3:4] == b"-":
        line = fgets(smtp)
    return line is not False and line[:3] == code


def command(smtp, line, code):
    fwrite(smtp, f"{line}\r\n")
    return reply(smtp, code)


def message(smtp, boundary, text, attachment):
    # What goes out is never held as a whole: the filters work on it while it passes.
    fwrite(smtp, f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n--{boundary}\r\n\r\n")
    filter = stream_filter_append(smtp, "dot_stuffing", STREAM_FILTER_WRITE)
    stream_copy_to_stream(fopen(text, "rb"), smtp)
    stream_filter_remove(filter)
    name = basename(attachment)
    fwrite(smtp, f"\r\n--{boundary}\r\nContent-Disposition: attachment; filename={name}\r\n")
    fwrite(smtp, "Content-Transfer-Encoding: base64\r\n\r\n")
    params = {"line-length": 76, "line-break-chars": "\r\n"}
    filter = stream_filter_append(smtp, "convert.base64-encode", STREAM_FILTER_WRITE, params)
    size = stream_copy_to_stream(fopen(attachment, "rb"), smtp)
    stream_filter_remove(filter)
    fwrite(smtp, f"\r\n--{boundary}--\r\n")
    return size


def main(host, port, sender, to, text, attachment):
    stream_filter_register("dot_stuffing", dot_stuffing)
    smtp, errno, errstr = fsockopen(host, port, 30)
    if not smtp:
        return f"Could not connect: [{errno}] {errstr}"
    if not reply(smtp, b"220") or not command(smtp, "EHLO client.example.org", b"250"):
        return "The server does not want to talk"
    if not command(smtp, f"MAIL FROM:<{sender}>", b"250") or not command(smtp, f"RCPT TO:<{to}>", b"250"):
        return "The server does not take the mail"
    if not command(smtp, "DATA", b"354"):
        return "The server does not take the data"
    size = message(smtp, "part", text, attachment)
    if not command(smtp, ".", b"250"):
        return "The server did not accept the mail"
    command(smtp, "QUIT", b"221")
    return f"Sent, with an attachment of {size} bytes"


fwrite(STDOUT, main(*sys.argv[1:]) + "\n")

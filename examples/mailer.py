"""An SMTP mailer on php_streams. Line N of this file is line N of mailer.php."""

# Usage: python mailer.py job.json (README.md shows a job)

import base64
import hmac
import json
import re
import sys

from php_streams import *


class Mailer:
    """One SMTP connection: connect, hello, start_tls, authenticate; mail, recipient, data; quit."""

    __slots__ = ("conn", "debug", "errors", "extensions", "reply", "timeout")

    def __init__(self, debug, timeout=30):
        # debug gets each line of the dialogue. timeout: seconds for the connect, and for each reply.
        self.conn = None
        self.debug = debug
        self.timeout = timeout
        self.extensions = {}
        self.reply = b""
        self.errors = []

    def connect(self, host, port, security, ssl, connector):
        # Security "ssl" and "tls": the TLS handshake is part of the connect. ssl: the context's options.
        address = f"{security}://{host}" if security in ["ssl", "tls"] else host
        set_error_handler(self.error_handler)
        if connector == "stream_socket_client":
            context = stream_context_create({"ssl": ssl})
            url = f"{address}:{port}"
            self.conn, errno, errstr = stream_socket_client(url, self.timeout, STREAM_CLIENT_CONNECT, context)
        else:
            self.conn, errno, errstr = fsockopen(address, port, self.timeout)

        restore_error_handler()
        if not self.conn:
            return self.set_error(f"Could not connect to {address}:{port}: [{errno}] {errstr}")
        for name, value in ssl.items():
            stream_context_set_option(self.conn, "ssl", name, value)
        stream_set_timeout(self.conn, self.timeout)
        self.log_encryption()
        return self.read_reply([b"220"])

    def hello(self, name):
        # EHLO, or HELO where the server knows nothing else. What it can do is in self.extensions.
        self.extensions = {}
        if not self.command(f"EHLO {name}", [b"250"]):
            return self.reply != b"" and self.command(f"HELO {name}", [b"250"])
        for line in self.reply.rstrip(b"\r\n").split(b"\r\n")[1:]:
            words = line[4:].upper().decode(errors="surrogateescape").split(" ")
            self.extensions[words[0]] = words[1:]

        return True

    def start_tls(self):
        # Asks for TLS, then switches to it. After a False nothing may be sent: it would go out in the clear.
        if "STARTTLS" not in self.extensions:
            return self.set_error("The server does not offer STARTTLS")
        if not self.command("STARTTLS", [b"220"]):
            return False
        method = STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT | STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT
        set_error_handler(self.error_handler)
        encrypted = stream_socket_enable_crypto(self.conn, True, method)
        restore_error_handler()
        if encrypted is not True:
            return self.set_error("The connection could not be encrypted")
        self.log_encryption()
        return True

    def authenticate(self, user, password, mechanism):
        # CRAM-MD5 proves that the password is known; LOGIN and PLAIN send it.
        if mechanism not in self.extensions.get("AUTH", []):
            return self.set_error(f"The server does not offer AUTH {mechanism}")
        match mechanism:
            case "PLAIN":
                token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
                return self.command(f"AUTH PLAIN {token}", [b"235"], "AUTH PLAIN (secret)")
            case "LOGIN":
                if not self.command("AUTH LOGIN", [b"334"]):
                    return False
                if not self.command(base64.b64encode(user.encode()).decode(), [b"334"]):
                    return False
                return self.command(base64.b64encode(password.encode()).decode(), [b"235"], "(secret)")
            case "CRAM-MD5":
                if not self.command("AUTH CRAM-MD5", [b"334"]):
                    return False
                letters = re.sub(rb"[^A-Za-z0-9+/]", b"", self.reply[4:])
                challenge = base64.b64decode(letters + b"/" * (-len(letters) % 4))[: len(letters) * 3 // 4]
                answer = f"{user} " + hmac.new(password.encode(), challenge, "md5").hexdigest()
                return self.command(base64.b64encode(answer.encode()).decode(), [b"235"])

        return self.set_error(f"AUTH {mechanism} is not known here")

    def mail(self, sender):
        # Begins a message.
        body = " BODY=8BITMIME" if "8BITMIME" in self.extensions else ""
        return self.command(f"MAIL FROM:<{sender}>{body}", [b"250"])

    def recipient(self, to):
        # Adds a recipient; 251 says that the server will forward.
        return self.command(f"RCPT TO:<{to}>", [b"250", b"251"])

    def data(self, message):
        # The message: CRLF at the end of each line, and a dot more before a line that begins with a dot.
        if not self.command("DATA", [b"354"]):
            return False
        lines = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        for line in lines:
            stuffing = b"." if line[:1] == b"." else b""
            if not self.client_send(stuffing + line + b"\r\n"):
                return False

        count = len(lines)
        return self.command(".", [b"250"], f"({count} lines) .")

    def quit(self):
        # Says goodbye, then closes.
        polite = self.command("QUIT", [b"221"])
        self.close()
        return polite

    def close(self):
        # Closes the connection if there is one.
        if is_resource(self.conn):
            fclose(self.conn)
        self.conn = None

    def error_handler(self, level, text, file="", line=0):
        # Collects the warnings: when TLS fails they alone say why; errno is 0 then, and errstr empty.
        self.errors.append(text)
        return True

    def set_error(self, text):
        # Collects an error of the mailer's own.
        self.errors.append(text)
        return False

    def command(self, text, expected, shown=None):
        # One line out, one reply in. The dialogue has shown in place of a text that holds a secret.
        self.debug("C: " + (shown or text))
        return self.client_send(f"{text}\r\n".encode()) and self.read_reply(expected)

    def client_send(self, data):
        # Writes all of it. When the connection is broken fwrite gives False, and its notice says why.
        if not is_resource(self.conn):
            return self.set_error("Not connected")
        set_error_handler(self.error_handler)
        written = 0
        while written < len(data):
            count = fwrite(self.conn, data[written:])
            if not count:
                break
            written += count

        restore_error_handler()
        return written == len(data) or self.set_error("The connection broke while sending")

    def read_reply(self, expected):
        # Reads one reply, and compares its code.
        self.reply = self.get_lines()
        if self.reply == b"":
            return False
        text = self.reply.rstrip(b"\r\n").decode(errors="surrogateescape")
        for line in text.split("\r\n"):
            self.debug("S: " + line)
        if self.reply[:3] in expected:
            return True
        return self.set_error(f"The server said: {text}")

    def get_lines(self):
        # Reads up to a line whose fourth byte is no hyphen. b"" when the connection or the time ends first.
        reply = b""
        while is_resource(self.conn) and not feof(self.conn):
            read = [self.conn]
            none = None
            ready, *_ = stream_select(read, none, none, self.timeout)
            if not ready:
                break
            line = fgets(self.conn)
            if line is False or stream_get_meta_data(self.conn)["timed_out"]:
                break
            reply += line
            if line[3:4] != b"-":
                return reply

        ended = stream_get_meta_data(self.conn)["eof"]
        self.set_error("The server hung up" if ended else f"No whole reply within {self.timeout} seconds")
        return b""

    def log_encryption(self):
        # Shows the protocol and the cipher, once there are any.
        crypto = stream_get_meta_data(self.conn).get("crypto")
        if crypto:
            self.debug(f"T: {crypto['protocol']} {crypto['cipher_name']}")


def send_messages(mailer, job):
    # Everything that the job asks for; False at the first thing that fails.
    if not mailer.connect(job["host"], job["port"], job["security"], job["ssl"], job["connector"]):
        return False
    if not mailer.hello(job["helo"]):
        return False
    if job["security"] == "starttls" and not (mailer.start_tls() and mailer.hello(job["helo"])):
        return False
    if job["auth"] and not mailer.authenticate(job["user"], job["password"], job["auth"]):
        return False
    for message in job["messages"]:
        if not mailer.mail(message["from"]):
            return False
        for to in message["to"]:
            if not mailer.recipient(to):
                return False

        if not mailer.data(file_get_contents(message["file"])):
            return False

    return mailer.quit()


def show(text):
    # The dialogue goes to standard output.
    fwrite(STDOUT, f"{text}\n")


def main(file):
    # Does one job. The exit status is 0 when every message was accepted.
    job = json.loads(file_get_contents(file))
    mailer = Mailer(show, job["timeout"])
    sent = send_messages(mailer, job)
    mailer.close()
    for error in mailer.errors:
        show(f"E: {error}")
    return 0 if sent else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

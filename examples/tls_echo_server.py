"""A TLS echo server on the event loop. Line N of this file is line N of tls_echo_server.php."""

# Usage: python tls_echo_server.py tcp://127.0.0.1:7007 certificate-and-key.pem

import sys

from event_loop import EventLoop

from php_streams import *

HANDSHAKE_TIME = 10
HIGH_WATER = 1000000


class TlsEchoServer:
    """Sends back what it gets, over TLS. No client waits for another one, whatever that one does."""

    __slots__ = ("connections", "loop", "server", "timers", "waiting")

    def __init__(self, loop):
        # By the stream's resource id: the streams, what waits to be sent, the timers of handshakes.
        self.loop = loop
        self.connections = {}
        self.waiting = {}
        self.timers = {}
        self.server = False

    def listen(self, address, certificate):
        # Begins to serve; False when the address cannot be had.
        context = stream_context_create({"ssl": {"local_cert": certificate}})
        flags = STREAM_SERVER_BIND | STREAM_SERVER_LISTEN
        self.server, errno, errstr = stream_socket_server(address, flags, context)
        if not self.server:
            return False
        stream_set_blocking(self.server, False)
        self.loop.read(self.server, self.accept)
        return stream_socket_get_name(self.server, False)

    def accept(self, server):
        # Accepts in plaintext: the handshake comes step by step, while the others are served.
        stream, peer = stream_socket_accept(server, 0)
        if not stream:
            return
        stream_set_blocking(stream, False)
        self.connections[int(stream)] = stream
        self.waiting[int(stream)] = b""
        timer = self.loop.after(HANDSHAKE_TIME, lambda: self.close(stream, "took too long"))
        self.timers[int(stream)] = timer
        self.loop.read(stream, self.shake_hands)

    def shake_hands(self, stream):
        # One step: True when it stands, False when it failed, 0 when more has to come.
        done = stream_socket_enable_crypto(stream, True, STREAM_CRYPTO_METHOD_TLS_SERVER)
        if done is False:
            return self.close(stream, "no handshake")
        if done == 0:
            return
        self.loop.cancel(self.timers[int(stream)])
        show(stream_get_meta_data(stream)["crypto"]["protocol"])
        self.loop.read(stream, self.receive)

    def receive(self, stream):
        # Takes what came, unless too much waits to be sent already.
        data = fread(stream, 65536)
        if data is not False and data != b"":
            self.waiting[int(stream)] += data
            self.loop.write(stream, self.send)

        if len(self.waiting[int(stream)]) > HIGH_WATER:
            self.loop.stop_reading(stream)
        if feof(stream):
            self.finish(stream)

    def send(self, stream):
        # Sends what the stream takes now.
        sent = fwrite(stream, self.waiting[int(stream)])
        if sent is False:
            return self.close(stream, "broken")
        self.waiting[int(stream)] = self.waiting[int(stream)][sent:]
        if self.waiting[int(stream)] == b"":
            return self.sent(stream)

    def sent(self, stream):
        # All is sent: on with reading, if only to see the end.
        self.loop.stop_writing(stream)
        self.loop.read(stream, self.receive)

    def finish(self, stream):
        # The client will send no more; what it sent is still sent back.
        self.loop.stop_reading(stream)
        if self.waiting[int(stream)] == b"":
            self.close(stream, "done")

    def close(self, stream, why):
        # Whatever the reason, nothing stays behind.
        self.loop.cancel(self.timers[int(stream)])
        self.loop.forget(stream)
        del self.connections[int(stream)]
        del self.waiting[int(stream)]
        del self.timers[int(stream)]
        fclose(stream)
        show(why)

    def error_handler(self, level, text, file="", line=0):
        # A client that knows no TLS is no reason to end: its warnings go to the log.
        show(f"! {text}")
        return True


def show(text):
    # The server's own log goes to standard output.
    fwrite(STDOUT, f"{text}\n")


def main(address, certificate):
    # Serves until the process is ended.
    loop = EventLoop()
    server = TlsEchoServer(loop)
    set_error_handler(server.error_handler)
    name = server.listen(address, certificate)
    if not name:
        return 1
    show(f"listening on {name}")
    loop.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

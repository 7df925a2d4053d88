"""A chat server on the event loop. Line N of this file is line N of chat_server.php."""

# Usage: python chat_server.py tcp://127.0.0.1:6667 [seconds of silence, 300]

import sys

from event_loop import EventLoop

from php_streams import *

LONGEST_LINE = 1000
LONGEST_QUEUE = 1000000


class Client:
    """Somebody who is connected: a stream, what came of a line so far, what waits to be sent."""

    __slots__ = ("incoming", "name", "outgoing", "peer", "stream", "timer")

    def __init__(self, stream, peer):
        # The first line will be the name.
        self.stream = stream
        self.peer = peer
        self.name = b""
        self.incoming = b""
        self.outgoing = b""
        self.timer = 0


class ChatServer:
    """Whoever connects says a name, and then reads what the others say."""

    __slots__ = ("clients", "loop", "patience", "server")

    def __init__(self, loop, patience):
        # patience: after how many seconds of silence a client is sent away.
        self.loop = loop
        self.patience = patience
        self.clients = {}
        self.server = False

    def listen(self, address):
        # Begins to serve; False when the address cannot be had.
        self.server, errno, errstr = stream_socket_server(address)
        if not self.server:
            return False
        stream_set_blocking(self.server, False)
        self.loop.read(self.server, self.accept)
        return stream_socket_get_name(self.server, False)

    def accept(self, server):
        # Somebody connected; or did, and is gone again.
        level = error_reporting(0)
        stream, peer = stream_socket_accept(server, 0)
        error_reporting(level)
        if not stream:
            return
        stream_set_blocking(stream, False)
        client = Client(stream, peer)
        self.clients[int(stream)] = client
        self.loop.read(stream, self.receive)
        self.wait_for(client)
        show(f"{peer} connected")
        self.send(client, b"What is your name?\n")

    def receive(self, stream):
        # Some bytes: the end of a line, or two lines, or a part of one.
        client = self.clients[int(stream)]
        data = fread(stream, 8192)
        if data is False or data == b"":
            return self.leave(client, b"left") if feof(stream) else None
        self.wait_for(client)
        lines = (client.incoming + data).split(b"\n")
        client.incoming = lines.pop()
        for line in lines:
            self.take_line(client, line.rstrip(b"\r"))
        if len(client.incoming) > LONGEST_LINE:
            self.leave(client, b"was sent away: too long a line")

    def take_line(self, client, line):
        # A line of somebody who may have left with the line before.
        if int(client.stream) not in self.clients:
            return
        if client.name == b"":
            return self.join(client, line)
        if line == b"/quit":
            return self.leave(client, b"left")
        if line == b"/who":
            return self.send(client, b"* " + self.who() + b"\n")
        self.broadcast(client.name + b": " + line + b"\n", client)

    def join(self, client, name):
        # The name must be new, and letters and digits.
        if not name.isalnum() or len(name) > 20 or name in self.names():
            return self.send(client, b"Another name, please.\n")
        client.name = name
        show(f"{client.peer} is {client.name.decode()}")
        self.broadcast(b"* " + client.name + b" joined\n")

    def leave(self, client, how):
        # Whatever the reason: the stream is closed, and the others are told.
        if int(client.stream) not in self.clients:
            return
        del self.clients[int(client.stream)]
        self.loop.cancel(client.timer)
        self.loop.forget(client.stream)
        fclose(client.stream)
        show(f"{client.peer} {how.decode()}")
        if client.name != b"":
            self.broadcast(b"* " + client.name + b" " + how + b"\n")

    def names(self):
        # Of all who have said theirs.
        clients = filter(lambda client: client.name != b"", self.clients.values())
        return [client.name for client in clients]

    def who(self):
        # The names in the order in which they connected.
        return b" ".join(self.names())

    def broadcast(self, line, but=None):
        # To all who have a name, but one.
        for client in self.clients.values():
            client.name != b"" and client is not but and self.send(client, line)

    def send(self, client, data):
        # Puts it in the queue, which is sent when the stream can take it.
        client.outgoing += data
        if len(client.outgoing) > LONGEST_QUEUE:
            self.loop.after(0, lambda: self.leave(client, b"was sent away: reads too slowly"))
        self.loop.write(client.stream, self.flush)

    def flush(self, stream):
        # Sends what the stream takes now.
        client = self.clients[int(stream)]
        level = error_reporting(0)
        sent = fwrite(stream, client.outgoing)
        error_reporting(level)
        if sent is False:
            return self.leave(client, b"left")
        client.outgoing = client.outgoing[sent:]
        if client.outgoing == b"":
            self.loop.stop_writing(stream)

    def wait_for(self, client):
        # From now on the patience counts anew.
        self.loop.cancel(client.timer)
        client.timer = self.loop.after(self.patience, lambda: self.leave(client, b"fell asleep"))


def show(text):
    # The server's own log goes to standard output.
    fwrite(STDOUT, f"{text}\n")


def main(address, patience=300):
    # Serves until the process is ended.
    loop = EventLoop()
    server = ChatServer(loop, float(patience))
    name = server.listen(address)
    if not name:
        return 1
    show(f"listening on {name}")
    loop.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""A name server for the tests: authoritative for what a ZONE section says, over UDP and TCP, on loopback."""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import struct
import threading
import traceback
from types import TracebackType

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.conformance.zone import Record, Zone

DATAGRAM = 512  # bytes, unless the query has an OPT record that allows more
TRIES = 20


class DnsServer:
    """Answers from its start until `stop`; `queries` says what came, `port` where."""

    def __init__(self, zone: Zone, port: int = 0) -> None:
        self.zone = zone
        self.queries: list[str] = []
        self.failures: list[str] = []
        self.asked: set[dns.name.Name] = set()
        self.selector = selectors.DefaultSelector()
        self.port = self._bind(port)
        self.wakeup, self.waker = socket.socketpair()
        self.selector.register(self.wakeup, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self._run, name="dns server", daemon=True)
        self.thread.start()

    def __enter__(self) -> DnsServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the thread and closes the sockets; a second call does nothing."""
        self.waker.close()
        self.thread.join()

    def _bind(self, port: int) -> int:
        """All servers have the same port, for both protocols; with 0 one that is free everywhere."""
        for _ in range(TRIES):
            found = port
            sockets = []
            try:
                for address in self.zone.servers:
                    family = socket.AF_INET6 if ":" in address else socket.AF_INET
                    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                        sockets.append(sock := socket.socket(family, kind))
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
                        sock.bind((address, found))
                        found = sock.getsockname()[1]
            except OSError as error:
                for sock in sockets:
                    sock.close()
                if port or error.errno != errno.EADDRINUSE:
                    raise
                continue
            for sock in sockets:
                if sock.type == socket.SOCK_STREAM:
                    sock.listen()
                self.selector.register(sock, selectors.EVENT_READ)
            return found
        raise OSError(errno.EADDRINUSE, "no port is free on all addresses")

    def _run(self) -> None:
        running = True
        while running:
            for key, _ in self.selector.select():
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if sock is self.wakeup:
                    running = False
                    continue
                try:
                    self._serve(sock)
                except Exception:
                    self.failures.append(f"name server: {traceback.format_exc()}")
        for key in list(self.selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self.selector.close()

    def _serve(self, sock: socket.socket) -> None:
        if sock.type == socket.SOCK_STREAM:
            self._serve_stream(sock)
        else:
            self._serve_datagram(sock)

    def _serve_datagram(self, sock: socket.socket) -> None:
        wire, client = sock.recvfrom(65535)
        for packet in self._replies(wire, "udp", sock.getsockname()[0]):
            with contextlib.suppress(OSError):  # the client may be gone
                sock.sendto(packet, client)

    def _serve_stream(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            with connection.makefile("rb") as file:
                wire = file.read(int.from_bytes(file.read(2), "big"))
            for packet in self._replies(wire, "tcp", listener.getsockname()[0]):
                connection.sendall(struct.pack("!H", len(packet)) + packet)

    def _replies(self, wire: bytes, protocol: str, server: str) -> list[bytes]:
        """The packets that come back for a query."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return []
        question = query.question[0]
        edns = f" edns {query.payload}" if query.edns >= 0 else ""
        kind = dns.rdatatype.to_text(question.rdtype)
        self.queries.append(f"{protocol} {server} {question.name.to_text(True)} {kind}{edns}")
        if self._silent(question.name, protocol, server):
            return []
        packet = self._render(query, protocol, server)
        if protocol == "udp" and question.name in self.zone.behaviour["spoof"]:
            return [*spoofed(query, packet), packet]
        return [packet]

    def _silent(self, name: dns.name.Name, protocol: str, server: str) -> bool:
        behaviour = self.zone.behaviour
        first = name not in self.asked
        self.asked.add(name)
        if name in behaviour["silent"] and (first or behaviour["silent"][name] != "once"):
            return True
        return self.zone.servers[server] == "silent" or (protocol == "tcp" and name in behaviour["hangup"])

    def _render(self, query: dns.message.Message, protocol: str, server: str) -> bytes:
        name = query.question[0].name
        behaviour = self.zone.behaviour
        response = dns.message.make_response(query, recursion_available=True, our_payload=DATAGRAM)
        assert isinstance(response, dns.message.QueryMessage)
        role = self.zone.servers[server] or self._rcode(query.question[0])
        if name in behaviour["lame"] or role == "lame":
            response.flags &= ~dns.flags.RA
        elif role:
            response.set_rcode(dns.rcode.from_text(role))
        else:
            self._fill(response)
        size = 65535 if protocol == "tcp" else max(DATAGRAM, query.payload)
        try:
            if protocol == "udp" and name in behaviour["truncate"]:
                raise dns.exception.TooBig
            wire = response.to_wire(max_size=size)
        except dns.exception.TooBig:
            for section in response.sections[1:]:
                section.clear()
            response.flags |= dns.flags.TC
            wire = response.to_wire(max_size=size)
        if name in behaviour["garble"]:
            wire = wire[:12] + b"\x41" + wire[13:]
        return wire[: len(wire) - int(behaviour["cut"].get(name, 0))]

    def _rcode(self, question: dns.rrset.RRset) -> str:
        """The code that this question is answered with, "" when it gets a true answer."""
        code, _, kind = self.zone.behaviour["rcode"].get(question.name, "").partition(" ")
        return code if kind in ("", dns.rdatatype.to_text(question.rdtype)) else ""

    def _fill(self, response: dns.message.QueryMessage) -> None:
        question = response.question[0]
        reply = self.zone.find(question.name, question.rdtype)
        response.flags |= dns.flags.AA
        response.set_rcode(reply.rcode)
        for section, records in (
            (response.answer, reply.answer),
            (response.authority, reply.authority),
            (response.additional, reply.additional),
        ):
            # One set for each: dnspython shuffles what is in a set.
            section.extend(as_set(record) for record in records)


def as_set(record: Record) -> dns.rrset.RRset:
    """A set of one record."""
    return dns.rrset.from_rdata(record.name, record.ttl, record.data)


def spoofed(query: dns.message.Message, packet: bytes) -> list[bytes]:
    """What somebody else might send: another id, and the answer to another question."""
    wrong_id = bytes([packet[0] ^ 1]) + packet[1:]
    other = dns.message.make_query("other.invalid", query.question[0].rdtype, id=query.id)
    return [wrong_id, dns.message.make_response(other).to_wire()]

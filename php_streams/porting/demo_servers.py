"""Real SMTP servers on loopback for the demo, each behind a tap that keeps every byte.

    mailer  <-- TCP -->  tap  <-- TCP -->  aiosmtpd, with or without TLS

The tap sees what went over the wire; the server, which takes TLS off, sees the commands and the messages.
A `Connection` holds both views of one TCP connection: whether anything was sent in the clear shows on the
wire, and two mailers can be compared by what they said, whatever the keys of their TLS sessions were.

Everything runs in one event loop in one thread.  Ports are chosen by the system, certificates come from a
throw-away authority, nothing leaves this machine.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import queue
import socket
import ssl
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

LOOPBACK = "127.0.0.1"
HOST = "localhost"  # the name in the certificate
SERVER_NAME = "mail.example.test"
USER = "ada@example.test"
PASSWORD = "correct horse, battery staple"
# Elsewhere a challenge is new each time; here it stays, so that two mailers have to give the same answer.
CHALLENGE = b"<20260101.0800@mail.example.test>"

T = TypeVar("T")


@dataclass(frozen=True)
class Delivery:
    """A message that a server accepted: envelope, bytes, and the AUTH mechanism used, "" without a login."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    mechanism: str


@dataclass
class Connection:
    """One TCP connection. The wire as the tap saw it, the talk as the server understood it."""

    sent: bytearray = field(default_factory=bytearray)  # on the wire, client to server
    answered: bytearray = field(default_factory=bytearray)  # on the wire, server to client
    heard: bytearray = field(default_factory=bytearray)  # what the client said, TLS taken off
    deliveries: list[Delivery] = field(default_factory=list)


class RecordingSMTP(SMTP):
    """aiosmtpd's server protocol, which also keeps what the client said in the connection's record."""

    def __init__(self, server: MailServer, **options: Any) -> None:
        """The options are aiosmtpd's."""
        super().__init__(server, hostname=SERVER_NAME, ident="ESMTP", authenticator=authenticate, **options)
        self._behind = server
        self.connection = Connection()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Looks up the tap's record; after STARTTLS this is called again, for the encrypted transport."""
        self.connection = self._behind.record(transport.get_extra_info("peername"))
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Called with plain bytes: TLS, if any, is off already."""
        self.connection.heard += data
        super().data_received(data)


def authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
) -> AuthResult:
    """Decides on LOGIN and PLAIN; keeps the mechanism's name for the delivery."""
    known = data.login == USER.encode() and data.password == PASSWORD.encode()
    return AuthResult(success=known, handled=False, auth_data=mechanism)


class MailServer:
    """An SMTP server and the tap in front of it; `port` is the tap's.

    aiosmtpd calls the methods handle_DATA and auth_CRAM__MD5.
    """

    def __init__(self, name: str, implicit_tls: ssl.SSLContext | None = None, **options: Any) -> None:
        """`implicit_tls`: TLS from the first byte, as on port 465. The options are aiosmtpd's."""
        self.name = name
        self.port = 0
        self.finished: queue.Queue[Connection] = queue.Queue()
        self.latest: Connection | None = None  # the connection under way, for a progress bar
        self._implicit_tls = implicit_tls
        self._options = options
        self._records: dict[tuple[str, int], Connection] = {}
        self._servers: list[asyncio.Server] = []
        self._server_port = 0

    async def start(self) -> None:
        """Listens; from here on `port` is known."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: RecordingSMTP(self, loop=loop, **self._options), LOOPBACK, 0, ssl=self._implicit_tls
        )
        tap = await asyncio.start_server(self._tap, LOOPBACK, 0)
        self._servers = [server, tap]
        self._server_port, self.port = (each.sockets[0].getsockname()[1] for each in self._servers)

    def stop(self) -> None:
        """Listens no more."""
        for server in self._servers:
            server.close()

    def record(self, peer: tuple[str, int]) -> Connection:
        """The record of the connection that the tap made from this address."""
        return self._records[peer]

    def forget(self) -> None:
        """Forgets connections that nobody has asked for, before a new one is expected."""
        self.latest = None
        while not self.finished.empty():
            self.finished.get_nowait()

    def next_connection(self, timeout: float) -> Connection:
        """The next connection that has come to its end; raises `queue.Empty` after `timeout` seconds."""
        return self.finished.get(timeout=timeout)

    async def _tap(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The record has to be in place before the server hears of the connection: bind first, connect then.
        connection = self.latest = Connection()
        loop = asyncio.get_running_loop()
        sock, address = bound_socket()
        self._records[address] = connection
        await loop.sock_connect(sock, (LOOPBACK, self._server_port))
        server_reader, server_writer = await asyncio.open_connection(sock=sock)
        try:
            await asyncio.gather(
                pump(reader, server_writer, connection.sent), pump(server_reader, writer, connection.answered)
            )
        except asyncio.CancelledError:
            # At the end of the demo.  Before Python 3.12 asyncio takes a cancelled handler for an accident.
            pass
        finally:
            writer.close()
            server_writer.close()
            del self._records[address]
        self.finished.put(connection)

    async def handle_DATA(self, server: RecordingSMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd has a whole message."""
        content = envelope.original_content or b""
        mechanism = str(session.auth_data or "")
        delivery = Delivery(str(envelope.mail_from), tuple(map(str, envelope.rcpt_tos)), content, mechanism)
        server.connection.deliveries.append(delivery)
        return f"250 OK, {len(content)} bytes"

    async def auth_CRAM__MD5(self, server: SMTP, args: list[str]) -> AuthResult:
        """RFC 2195: user name, space, HMAC-MD5 of the challenge under the password."""
        answer = await server.challenge_auth(CHALLENGE)
        digest = hmac.new(PASSWORD.encode(), CHALLENGE, "md5").hexdigest()
        right = answer == f"{USER} {digest}".encode()
        return AuthResult(success=right, handled=False, auth_data="CRAM-MD5")


def bound_socket() -> tuple[socket.socket, tuple[str, int]]:
    """A TCP socket that has its address already, but no connection."""
    sock = socket.socket()
    sock.setblocking(False)
    sock.bind((LOOPBACK, 0))
    return sock, sock.getsockname()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bytearray) -> None:
    """Passes bytes on until the end of the stream, keeps them, then passes the end on."""
    try:
        while data := await reader.read(65536):
            record += data
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        # One side has gone away: so shall the other, which ends the pump in the other direction.
        writer.close()


class MailServers:
    """Three servers as a provider runs them: `plain` (port 25), `implicit` (465) and `starttls` (587).

    Used in a `with` statement, which starts and stops them.  `cafile` is the authority's certificate, in PEM.
    """

    def __init__(self, folder: Path) -> None:
        """Makes the certificates; the authority's goes into the folder."""
        authority = trustme.CA()
        self.cafile = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.cafile))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(HOST, common_name=HOST).configure_cert(context)
        self.plain = MailServer("plain")
        # aiosmtpd does not count implicit TLS as TLS, hence auth_require_tls.
        self.implicit = MailServer("implicit", implicit_tls=context, auth_require_tls=False)
        self.starttls = MailServer("starttls", tls_context=context, require_starttls=True, auth_required=True)
        self.surprises: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="mail servers", daemon=True)

    def __enter__(self) -> MailServers:
        """Starts the thread and waits until all three listen."""
        # aiosmtpd logs what clients do wrong, which is the point of half of the demo.
        logging.getLogger("mail.log").addHandler(logging.NullHandler())
        self._loop.set_exception_handler(self._note)
        self._thread.start()
        for server in (self.plain, self.implicit, self.starttls):
            self._call(server.start())
        return self

    def __exit__(self, *exc: object) -> None:
        """Stops the servers, ends what is still connected, joins the thread."""
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10.0)

    async def _stop(self) -> None:
        for server in (self.plain, self.implicit, self.starttls):
            server.stop()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # The demo's mistakes make handshakes fail and clients hang up. Anything else is a defect.
        error = context.get("exception")
        if not isinstance(error, ssl.SSLError | ConnectionError):
            self.surprises.append(f"{context.get('message')}: {error!r}")

"""An FTP control connection: greeting, TLS, login, commands and replies (= php_ftp_fopen_connect)."""

from __future__ import annotations

import errno
import re

from php_streams._core import ini, notification
from php_streams._core.context import Context
from php_streams._core.diagnostics import warn
from php_streams._core.stream import Stream
from php_streams._core.values import to_text
from php_streams._core.wrapper import WrapperError
from php_streams._transports.connect import ConnectError, open_client
from php_streams._wrappers.url import Url, raw_decode
from php_streams.constants import (
    PHP_INT_MAX,
    PHP_INT_MIN,
    STREAM_NOTIFY_AUTH_REQUIRED,
    STREAM_NOTIFY_AUTH_RESULT,
    STREAM_NOTIFY_CONNECT,
    STREAM_NOTIFY_FAILURE,
    STREAM_CRYPTO_METHOD_SSLv23_CLIENT,
)

DEFAULT_PORT = 21
PASSIVE, EXTENDED_PASSIVE = 227, 229
OPENING = (125, 150)  # a data connection
# So much of a reply's line PHP looks at.
LINE_MAX = 510
# PHP's errno when something goes wrong is what connecting left there; TLS leaves none.
LEFT_OVER = errno.EINPROGRESS

_REPLY = re.compile(r"[0-9]{3} ")
_NUMBER = re.compile(r"[ \t\n\r\v\f]*([+-]?[0-9]+)")
_FIRST_DIGIT = re.compile("[0-9]")
_ADDRESS = re.compile(r"([0-9]*,[0-9]*,[0-9]*,[0-9]*),")
_ADDRESS_MAX = 45


class Refused(Exception):
    """The server did not do it; `line` of the connection is what it said, the text a reason of PHP's own."""


class Control:
    """A control connection that is logged in."""

    def __init__(self, url: Url, context: Context | None) -> None:
        self.url = url
        self.context = context
        self.line = ""  # the last reply, with its line end
        self.code = 0
        self.tls = url.scheme.lower().endswith("s")
        self.protects_data = False
        self.number = LEFT_OVER
        try:
            target = f"tcp://{url.host}:{url.port or DEFAULT_PORT}"
            self.stream = open_client(target, ini.socket_timeout(), context)
        except ConnectError as error:
            warn(f"connect() failed: {error.text or 'Unspecified error'}")
            raise WrapperError(number=self.number) from None
        try:
            self._begin()
        except BaseException:
            self.stream.close()
            raise

    # --- the dialogue ------------------------------------------------------------------------------

    def send(self, command: str) -> None:
        """Sends a command."""
        self.stream.write(command.encode("utf-8", "surrogateescape") + b"\r\n")

    def reply(self) -> int:
        """Reads a reply: its last line stays in `line`, its number is returned."""
        self.line = ""
        while line := self.stream.readline(LINE_MAX) or self.stream.next_line(LINE_MAX):
            self.line = to_text(line.partition(b"\0")[0])
            if _REPLY.match(self.line):
                break
        self.code = leading_number(self.line)
        return self.code

    def ask(self, command: str) -> int:
        """A command and its reply."""
        self.send(command)
        return self.reply()

    def wanted(self, command: str, hundreds: int = 2) -> None:
        """A command that has to be answered in its hundreds; Refused else."""
        if self.ask(command) // 100 != hundreds:
            raise Refused

    def close(self) -> None:
        """Hangs up, without a word."""
        self.stream.close()

    # --- beginning ---------------------------------------------------------------------------------

    def _begin(self) -> None:
        notification.watch(self.stream, self.context)
        notification.info(self.context, STREAM_NOTIFY_CONNECT)
        if self.reply() // 100 != 2:
            notification.error(self.context, STREAM_NOTIFY_FAILURE, self.line, self.code)
            raise WrapperError(number=self.number)
        if self.tls:
            self._encrypt()
        self._log_in()

    def _encrypt(self) -> None:
        old = False
        if self.ask("AUTH TLS") != 234:
            if self.ask("AUTH SSL") != 334:
                raise WrapperError("Server doesn't support FTPS.", self.number)
            old = True
        if self.stream.unread() and ini.get("php_streams.starttls_buffer") != "keep":
            raise WrapperError(
                "The server sent more in plaintext before the handshake (php_streams.starttls_buffer)",
                self.number,
            )
        self.number = 0
        if not begin_tls(self.stream, self.context):
            raise WrapperError("Unable to activate SSL mode", self.number)
        self.ask("PBSZ 0")
        self.protects_data = self.ask("PROT P") // 100 == 2 or old

    def _log_in(self) -> None:
        user = "anonymous" if self.url.user is None else self._plain(self.url.user, "login")
        if self.ask(f"USER {user}") // 100 == 3:
            notification.info(self.context, STREAM_NOTIFY_AUTH_REQUIRED, self.line)
            given = self.url.password
            password = sender() if given is None else self._plain(given, "password")
            self.ask(f"PASS {password}")
            told = notification.info if self.code // 100 == 2 else notification.error
            told(self.context, STREAM_NOTIFY_AUTH_RESULT, self.line, self.code)
        if self.code // 100 != 2:
            raise WrapperError(number=self.number)

    def _plain(self, part: str, name: str) -> str:
        """A part of the URL; what would begin another command is refused."""
        text = to_text(raw_decode(part))
        if re.search(r"[\x00-\x1f\x7f]", text):
            shown = text.partition("\0")[0]
            raise WrapperError(f"Invalid {name} {shown}", self.number)
        return text

    # --- the data connection -----------------------------------------------------------------------

    def passive(self) -> str:
        """Where the server waits for the data connection, host:port: EPSV, else PASV.  Refused else.

        Its replies do not count: `line` and `code` stay those of the command before.
        """
        if self.tls and not self.protects_data and ini.get("php_streams.ftps_data") != "plain":
            self.line = ""  # it has nothing to do with this
            raise Refused("The server does not protect data (php_streams.ftps_data)")
        line, code = self.line, self.code
        try:
            return self._extended() if self.ask("EPSV") == EXTENDED_PASSIVE else self._plain_passive()
        finally:
            self.line, self.code = line, code

    def _extended(self) -> str:
        """(|||6446|): a port of the same host."""
        parts = self.line[4:].split("|", 3)
        return _place(self.url.host, leading_number(parts[3]) if len(parts) > 3 else 0)

    def _plain_passive(self) -> str:
        """(127,0,0,1,25,46): the first number in the line begins it."""
        if self.ask("PASV") != PASSIVE:
            raise Refused
        first = _FIRST_DIGIT.search(self.line, 4)
        address = first and _ADDRESS.match(self.line, first.start())
        if not address:
            raise Refused
        high, comma, low = self.line[address.end() :].partition(",")
        if not comma or not re.fullmatch(r"\s*[+-]?[0-9]+|", high):
            raise Refused
        host = address[1].replace(",", ".")[:_ADDRESS_MAX]
        return _place(host, leading_number(high) * 256 + leading_number(low))


def _place(host: str, port: int) -> str:
    if not port & 0xFFFF:
        raise Refused
    return f"{host}:{port & 0xFFFF}"


def leading_number(text: str) -> int:
    """The number that the text begins with, in the limits of C's long; 0 without one."""
    number = _NUMBER.match(text)
    return max(PHP_INT_MIN, min(int(number[1]), PHP_INT_MAX)) if number else 0


def sender() -> str:
    """The password of the anonymous; `from` counts when it was set, even to nothing, up to a NUL as C has it."""
    given = ini.given("from")
    return (ini.get("from") or "anonymous" if given is None else given).partition("\0")[0]


def begin_tls(stream: Stream, context: Context | None) -> bool:
    """TLS on a connection of the dialogue or for data; without it nothing is sent any more."""
    stream.raw.require_tls(True)
    return bool(stream.raw.enable_crypto(context, True, STREAM_CRYPTO_METHOD_SSLv23_CLIENT, None))

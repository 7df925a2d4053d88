"""Between PHP's streams and Python's sockets and files: a port can move to plain Python function by function.

These are no functions of PHP's, and not in `from php_streams import *`: they are php_streams.to_socket,
php_streams.from_socket, to_file and from_file.  The first two stand where PHP programs use
socket_import_stream and socket_export_stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from php_streams._core.context import Context
from php_streams._core.diagnostics import called
from php_streams._core.signals import from_system
from php_streams._core.stream import Stream, open_stream
from php_streams._core.values import type_name

if TYPE_CHECKING:
    import io
    import socket

__all__ = ["from_file", "from_socket", "to_file", "to_socket"]


def to_socket(stream: Stream) -> socket.socket:
    """The live socket behind a stream: a socket.socket, or an ssl.SSLSocket while TLS is on.

    Stream and socket are one connection.  Both may be used, in any order: what the stream has received and
    not handed out is what the socket's recv gives first, and a timeout or blocking mode that is set on one is
    set on the other.  Closing either closes both; a stream that nobody refers to stays open as long as its
    socket is held.  `detach()` of a plain socket (as wrap_socket uses it) takes the connection away from the
    stream.  When TLS is switched on or off on the stream a socket from before is no longer connected to it.

    Whoever waits for the socket with select or asyncio has to know that bytes which the stream holds already
    are not seen there: look at stream_get_meta_data(stream)["unread_bytes"], or wait with stream_select.

    TypeError for what is no open stream.  ValueError for a stream that has no socket, whose TLS handshake is
    not finished, or whose TLS was asked for and failed.

    In the place of PHP's socket_import_stream: `to_socket(fp).setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)`.
    """
    from php_streams._transports import shared

    try:
        return shared.share(open_stream(stream))
    except shared.Unshareable as error:
        raise ValueError(f"{called()}(): {error}") from None


def from_socket(sock: socket.socket, context: Context | None = None) -> Stream:
    """A stream of a connected or listening socket, or of an ssl.SSLSocket whose handshake is done.

    The stream owns the connection: closing it, or dropping it, closes the connection.  A plain socket object
    that was passed is spent, as after ssl's wrap_socket; an SSLSocket must not be used beside the stream.
    to_socket gives a socket again.  The socket's timeout becomes the stream's (None: for ever), and its
    blocking mode, too.

    context: for the options of a TLS that is switched on later, as `peer_name` of `ssl`.

    TypeError for what is no socket; ValueError for one that is closed, or whose TLS cannot go on.
    """
    import socket

    from php_streams._transports import adopt

    if not isinstance(sock, socket.socket):
        raise TypeError(f"{called()}(): Argument #1 ($sock) must be a socket, {type_name(sock)} given")
    try:
        return adopt.adopt(sock, context)
    except ValueError as error:
        raise ValueError(f"{called()}(): {error}") from None


def to_file(stream: Stream) -> io.BufferedIOBase:
    """The stream as a binary file of Python's, of whatever kind it is: for csv, zipfile, shutil, email ...

    Stream and file are one: what one reads is gone for the other, and closing either closes both.  Text:
    `io.TextIOWrapper(to_file(fp), "utf-8")`.  TypeError for what is no open stream.
    """
    from php_streams._core.file_object import StreamFile

    return StreamFile(open_stream(stream))


def from_file(file: io.IOBase) -> Stream:
    """A stream on what a file of Python's is open on, from where that stands.

    What the file object holds back is written first.  The stream has a descriptor of its own, and is to be
    closed like any other; as the two share their position, only one of them should be read or written
    from now on.  TypeError for what is no file; ValueError for one that is closed or has no descriptor, as
    io.BytesIO: open php://memory for that.
    """
    import io

    from php_streams._wrappers import plain

    if not isinstance(file, io.IOBase):
        raise TypeError(f"{called()}(): Argument #1 ($file) must be a file, {type_name(file)} given")
    try:
        return plain.adopt(file)
    except ValueError as error:  # io.UnsupportedOperation is one, too
        raise ValueError(f"{called()}(): {error}") from None
    except from_system(OSError) as error:
        raise ValueError(f"{called()}(): {error}") from None

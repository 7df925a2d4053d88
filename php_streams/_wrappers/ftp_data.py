"""The data connection of an FTP transfer, and what its end says on the control connection."""

from __future__ import annotations

from typing import Any

from php_streams._core.diagnostics import warn
from php_streams._core.stream import Stream
from php_streams._transports.socket import SocketRaw
from php_streams._wrappers.ftp_control import Control

DONE = (226, 250)


def become_transfer(data: Stream, control: Control) -> None:
    """From now on the stream is a file's; the control connection ends with it."""
    raw: Any = data.raw
    raw.control = control
    raw.__class__ = TransferRaw


class TransferRaw(SocketRaw):
    """The data connection, which ends the control connection with its own close.

    A class, not a method of the object: that would know it weakly, and find nothing when it is in a cycle.
    """

    control: Control

    def stat(self) -> None:  # type: ignore[override]
        """PHP tells nothing of the connection's."""

    def close(self) -> None:
        """When the data's end is reached the server says whether it has all, or has sent all."""
        super().close()
        control = self.control
        try:
            if not control.stream.is_open:  # the collector may have come to it first
                return
            if control.reply() not in DONE:
                warn(f"FTP server error {control.code}:{control.line}")
            control.send("QUIT")
        finally:
            control.close()

"""An FTP server for tests, over pyftpdlib: python ftp_server.py ROOT CERTIFICATE

Prints its two ports, of ftp and of ftps, then each command that it gets.  ada's password is secret; the
anonymous may read.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer


def handler(base: type[FTPHandler], root: str, **settings: Any) -> type[FTPHandler]:
    """A handler class of pyftpdlib, which prints what it is asked."""

    class Handler(base):  # type: ignore[misc, valid-type]
        """One control connection."""

        def pre_process_command(self, line: str, command: str, argument: str) -> None:
            """A command as it came."""
            print(line, flush=True)
            super().pre_process_command(line, command, argument)

    authorizer = DummyAuthorizer()
    authorizer.add_user("ada", "secret", root, perm="elradfmwMT")
    authorizer.add_anonymous(root)
    Handler.authorizer, Handler.auth_failed_timeout = authorizer, 0
    for name, value in settings.items():
        setattr(Handler, name, value)
    return Handler


def main() -> None:
    """Serves until it is ended."""
    root, certificate = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    loop = IOLoop()
    plain = FTPServer(("127.0.0.1", 0), handler(FTPHandler, root), ioloop=loop)
    secure = handler(
        TLS_FTPHandler, root, certfile=certificate, tls_control_required=True, tls_data_required=True
    )
    print(plain.address[1], FTPServer(("127.0.0.1", 0), secure, ioloop=loop).address[1], flush=True)
    plain.serve_forever(handle_exit=False)


if __name__ == "__main__":
    main()

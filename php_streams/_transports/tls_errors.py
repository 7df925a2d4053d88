"""What PHP says when OpenSSL reports an error (= php_openssl_handle_ssl_error).

The errors are Python's: `ssl.SSLError` with `library`, `reason` and a text, or plain OSErrors of the socket
below.
"""

from __future__ import annotations

import os
import re
import ssl

from php_streams._transports.tls_reasons import NUMBERS

# "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"; a failed verification has its reason
# after the text, which OpenSSL's own line does not.
_MESSAGE = re.compile(r"(?:\[[^]]*\] )?(.*?)(?:: .*)? \(_ssl\.c:\d+\)", re.DOTALL)

# OpenSSL's libraries that speak up in a TLS connection: number and name.
_LIBRARIES = {
    "SYS": (2, "system library"),
    "RSA": (4, "rsa routines"),
    "EVP": (6, "digital envelope routines"),
    "PEM": (9, "PEM routines"),
    "X509": (11, "x509 certificate routines"),
    "ASN1": (13, "asn1 encoding routines"),
    "EC": (16, "elliptic curve routines"),
    "SSL": (20, "SSL routines"),
    "BIO": (32, "BIO routines"),
    "CRYPTO": (15, "common libcrypto routines"),
}

WRONG_VERSION = 267  # SSL's reason for what is no TLS at all
FIRST_ALERT = 1000  # SSL's reasons from here on are alerts that came

SYSCALL = 5  # SSL_get_error's code when the socket below failed

NO_REASON = f"SSL: {os.strerror(0)}"
VERIFY_FAILED = "certificate verify failed"
# A handshake in which the server finds no cipher: PHP has a text of its own for it.
NO_SHARED_CIPHER = (
    "SSL_R_NO_SHARED_CIPHER: no suitable shared cipher could be used.  This could be because the"
    " server is missing an SSL certificate (local_cert context option)"
)


def failed(*lines: str, code: int = 1) -> str:
    """PHP's warning around OpenSSL's error lines; `code` is SSL_get_error's."""
    return f"SSL operation failed with code {code}. OpenSSL Error messages:\n" + "\n".join(lines)


def verify_failed() -> str:
    """PHP's warning when a certificate does not verify."""
    return failed(openssl_line("SSL", VERIFY_FAILED))


def openssl_line(library: str, text: str) -> str:
    """An error as OpenSSL prints it: number, library, (no function,) reason."""
    number, name = _LIBRARIES.get(library, (0, f"lib({library})"))
    return f"error:{number << 23 | _reason(library, text):08X}:{name}::{text}"


def _reason(library: str, text: str) -> int:
    if library != "SSL":
        return 0  # only SSL's own reasons are known by number here
    # OpenSSL 3.2 renamed the alerts that SSL 3.0 had.
    return NUMBERS.get(text.replace("ssl/tls alert", "sslv3 alert"), 0)


def system_line(number: int) -> str:
    """An error of the operating system as OpenSSL prints it."""
    return f"error:{0x80000000 | number:08X}:system library::{os.strerror(number)}"


def read_message(error: OSError) -> str | None:
    """The warning for a handshake or a read that failed; None where PHP says nothing (the peer left)."""
    if not isinstance(error, ssl.SSLError):
        return f"SSL: {os.strerror(error.errno or 0)}"
    return None if is_end(error) else protocol_message(error)


def write_message(error: OSError) -> str | None:
    """The warning for a write that failed."""
    if not isinstance(error, ssl.SSLError):
        return failed(system_line(error.errno or 0), code=SYSCALL)
    return None if is_end(error) else protocol_message(error)


def protocol_message(error: ssl.SSLError) -> str:
    """The warning for an error of TLS itself."""
    if error.reason == "NO_SHARED_CIPHER":
        return NO_SHARED_CIPHER
    line = openssl_line(error.library or "SSL", _text(error))
    # Refused before the socket is used: SYSCALL is of an earlier error, which Python 3.13 left in the queue.
    unused = error.reason == "BAD_LENGTH"
    return failed(line, code=SYSCALL if error.errno == SYSCALL and not unused else 1)


def _text(error: ssl.SSLError) -> str:
    match = _MESSAGE.fullmatch(str(error.strerror))
    return match[1] if match else str(error.strerror)


def repeated(error: OSError) -> tuple[str, ...]:
    """What PHP says when a handshake that failed so is tried again.

    OpenSSL fails again without a reason after an error that it found itself; after an alert, or when the peer
    has gone, it looks for more to read and finds the end.
    """
    if not isinstance(error, ssl.SSLError) or is_end(error):
        return ()
    foreign = _reason(error.library or "", _text(error)) == WRONG_VERSION
    return () if foreign or is_alert(error) else (NO_REASON,)


def is_alert(error: ssl.SSLError) -> bool:
    """Whether it is an alert that came."""
    return _reason(error.library or "", _text(error)) >= FIRST_ALERT


def is_end(error: OSError) -> bool:
    """Whether the peer ended the connection, with TLS's goodbye or without."""
    # Until 3.11.2 an end without a goodbye was a plain SSLError.
    cut = getattr(error, "reason", None) == "UNEXPECTED_EOF_WHILE_READING"
    return cut or isinstance(error, (ssl.SSLZeroReturnError, ssl.SSLEOFError))

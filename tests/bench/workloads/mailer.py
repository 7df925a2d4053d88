"""The steps of a mailer in the style of PHP's: a command, then its reply, line by line."""

from php_streams import (
    STREAM_CRYPTO_METHOD_TLS_CLIENT,
    fclose,
    feof,
    fgets,
    fsockopen,
    fwrite,
    stream_context_set_option,
    stream_get_meta_data,
    stream_select,
    stream_set_timeout,
    stream_socket_enable_crypto,
)


def reply(fp):
    reply = b""
    while not feof(fp):
        found, read, write, except_ = stream_select([fp], None, None, 30)
        if not found:
            break
        line = fgets(fp, 512)
        reply += line
        if line[3:4] in (b"", b" "):
            break
        if stream_get_meta_data(fp)["timed_out"]:
            break
    return reply


def command(fp, command, code):
    fwrite(fp, command + b"\r\n")
    answer = reply(fp)
    if answer[:3] != code:
        raise RuntimeError(f"{command!r}: {answer!r}")


def hello(host, port, cafile):
    fp, errno, errstr = fsockopen(host, port, 30)
    stream_set_timeout(fp, 30)
    reply(fp)
    command(fp, b"EHLO localhost", b"250")
    if cafile:
        command(fp, b"STARTTLS", b"220")
        stream_context_set_option(fp, "ssl", "cafile", cafile)
        stream_context_set_option(fp, "ssl", "peer_name", host)
        stream_socket_enable_crypto(fp, True, STREAM_CRYPTO_METHOD_TLS_CLIENT)
        command(fp, b"EHLO localhost", b"250")
    return fp


def quit(fp):
    command(fp, b"QUIT", b"221")
    fclose(fp)

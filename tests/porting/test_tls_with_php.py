"""TLS between php-cli and Python, either of them the server, with certificates on both sides."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import php_streams
from php_streams.porting.demo import PHP_SETTINGS
from php_streams.porting.php_cli import PhpCli
from tests.places import CERTS
from tests.porting.servers import CA, PATIENCE

SERVER = """
$ssl = ['local_cert' => $argv[2], 'cafile' => $argv[3], 'verify_peer' => true, 'capture_peer_cert' => true];
$context = stream_context_create(['ssl' => $ssl]);
$flags = STREAM_SERVER_BIND | STREAM_SERVER_LISTEN;
$server = stream_socket_server("$argv[1]://127.0.0.1:0", $errno, $errstr, $flags, $context);
echo stream_socket_get_name($server, false), "\\n";
while ($fp = stream_socket_accept($server, 20)) {
    $options = stream_context_get_options($fp);
    $subject = openssl_x509_parse($options['ssl']['peer_certificate'])['subject']['CN'];
    fwrite($fp, "hello $subject\\n");
    echo fgets($fp);
    fclose($fp);
}
"""
CLIENT = """
$ssl = ['local_cert' => $argv[2], 'cafile' => $argv[3], 'peer_name' => 'localhost'];
$context = stream_context_create(['ssl' => $ssl]);
$fp = stream_socket_client($argv[1], $errno, $errstr, 20, STREAM_CLIENT_CONNECT, $context);
echo fgets($fp);
fwrite($fp, stream_get_meta_data($fp)['crypto']['protocol'] . "\\n");
"""
SCHEMES = {"tlsv1.2": "TLSv1.2", "tlsv1.3": "TLSv1.3", "ssl": "TLSv1.3"}


@pytest.fixture
def found(php_alike: PhpCli | None) -> PhpCli:
    if php_alike is None:
        pytest.skip("needs php-cli 8.4")
    return php_alike


@contextmanager
def running(php: PhpCli, script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A PHP script while the block runs."""
    command = [str(php.path), *PHP_SETTINGS, "-r", script, "--", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_php_is_the_server(found: PhpCli, scheme: str) -> None:
    options = {"local_cert": str(CERTS / "client.pem"), "cafile": str(CA), "peer_name": "localhost"}
    context = php_streams.stream_context_create({"ssl": options})
    with running(found, SERVER, scheme, str(CERTS / "good.pem"), str(CA)) as process:
        assert process.stdout is not None
        address = f"ssl://{process.stdout.readline().strip()}"
        flags = php_streams.STREAM_CLIENT_CONNECT
        with php_streams.stream_socket_client(address, PATIENCE, flags, context)[0] as fp:
            assert php_streams.stream_get_meta_data(fp)["crypto"]["protocol"] == SCHEMES[scheme]
            assert php_streams.fgets(fp) == b"hello client\n"
            php_streams.fwrite(fp, "bye\n")
            assert process.stdout.readline() == "bye\n"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_php_is_the_client(found: PhpCli, scheme: str) -> None:
    options = {"local_cert": str(CERTS / "good.pem"), "cafile": str(CA), "verify_peer": True}
    context = php_streams.stream_context_create({"ssl": {**options, "capture_peer_cert": True}})
    flags = php_streams.STREAM_SERVER_BIND | php_streams.STREAM_SERVER_LISTEN
    with php_streams.stream_socket_server(f"{scheme}://127.0.0.1:0", flags, context)[0] as server:
        address = f"ssl://{php_streams.stream_socket_get_name(server, False)}"
        with running(found, CLIENT, address, str(CERTS / "client.pem"), str(CA)) as process:
            fp, _ = php_streams.stream_socket_accept(server, PATIENCE)
            certificate = php_streams.stream_context_get_options(server)["ssl"]["peer_certificate"]
            php_streams.fwrite(fp, b"hello " + certificate.common_name + b"\n")
            assert php_streams.fgets(fp) == SCHEMES[scheme].encode() + b"\n"
            php_streams.fclose(fp)
            assert process.stdout is not None
            assert process.stdout.read() == "hello client\n"

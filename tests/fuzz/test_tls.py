"""TLS clients against php-cli: random ssl options and programs, mostly non-blocking, with the same peer.

After each step the result, what PHP said and the meta data are compared, and what the peer has received.

Not compared, each a decision: OpenSSL's own texts and numbers (tls-openssl-texts).  Not tried: payload
between the steps of a handshake (tls-unfinished-handshake), TLS that comes back on (tls-on-again), a further
call after garbage (tls-failed-again), sendto and recvfrom (tls-sendto, tls-recvfrom).  After a failure the
programs go on in plaintext, as PHP's do (tls-failed, by its switch).

The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one, PHP_STREAMS_FUZZ_PROGRAMS their number.
"""

from __future__ import annotations

import os
import random
import re
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import phpserialize

import php_streams
from php_streams.porting.php_cli import PhpCli
from tests.fuzz.report import first_difference, shortest
from tests.fuzz.test_pairs import as_array, plain
from tests.fuzz.tls_peer import CommandedPeer
from tests.places import CERTS

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ_PROGRAMS", "120"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20240717"))

Step = list[Any]
State = list[Any]

PHP = r"""
ini_set('default_socket_timeout', '2');

function state($fp) {
    if (!is_resource($fp)) {
        return null;
    }
    $meta = stream_get_meta_data($fp);
    return [
        $meta['timed_out'], $meta['blocked'], $meta['eof'], $meta['unread_bytes'],
        $meta['crypto']['protocol'] ?? null, $meta['crypto']['alpn_protocol'] ?? null
    ];
}

function handshake($fp, $method, $most) {
    for ($i = 0; $i < $most; $i++) {
        $on = stream_socket_enable_crypto($fp, true, $method);
        if ($on !== 0) {
            return $on;
        }
        usleep(2000);
    }
    return 'unfinished';
}

function step($fp, $control, $name, $arguments) {
    global $on;
    if ($on !== true && in_array($name, ['fread', 'fgets', 'fgetc', 'stream_get_contents'])) {
        return 'records';
    }
    switch ($name) {
        case 'peer':
            fwrite($control, $arguments[0] . "\n");
            return trim(fgets($control));
        case 'handshake':
            return $on = handshake($fp, ...$arguments);
        case 'off':
            $on = false;
            return stream_socket_enable_crypto($fp, false);
        case 'stream_select':
            $read = $write = [$fp];
            $except = null;
            return [stream_select($read, $write, $except, 0, 0), count($read), count($write)];
        case 'captured':
            $ssl = stream_context_get_options($fp)['ssl'];
            return [isset($ssl['peer_certificate']), count($ssl['peer_certificate_chain'] ?? [])];
    }
    return $name($fp, ...$arguments);
}

$said = [];
set_error_handler(function ($level, $message) use (&$said) {
    $said[] = [$level, $message];
});
$port = getenv('FUZZ_PORT');
$answers = [];
foreach (unserialize(file_get_contents(getenv('FUZZ_FILE'))) as [$words, $options, $steps]) {
    $control = stream_socket_client("tcp://127.0.0.1:$port");
    fwrite($control, "$words\n");
    $context = stream_context_create(['ssl' => $options, 'socket' => ['tcp_nodelay' => true]]);
    $fp = stream_socket_client("tcp://localhost:$port", $errno, $errstr, 2, STREAM_CLIENT_CONNECT, $context);
    stream_set_chunk_size($fp, 8192);
    stream_set_timeout($fp, 0, 30000);
    $states = [];
    $on = false;
    foreach ($steps as [$name, $arguments]) {
        $said = [];
        $result = step($fp, $control, $name, $arguments);
        $states[] = [$result, $said, state($fp)];
    }
    unset($fp);
    fclose($control);
    $answers[] = $states;
}
echo serialize($answers);
"""

# Not made where no TLS stands: what would come are records.
READS = ("fread", "fgets", "fgetc", "stream_get_contents")

# Pairs of which a program makes one only.  PHP's stream_select reads what feof, or a part of a large record,
# has left decrypted, which shows in unread_bytes alone; stream_get_contents reads once more after a failure.
APART = [
    ("stream_select", "feof"),
    ("stream_select", "large"),
    ("stream_get_contents", "plain"),
    ("stream_get_contents", "large"),
]

COMMANDS = {"large": "send 20000", "plain": "plain 421 closing down"}

Program = tuple[str, dict[str, Any], list[Step]]


def make_options(draw: random.Random) -> dict[str, Any]:
    """A context's ssl options, most of which let the connection stand."""
    good = {"cafile": str(CERTS / "ca.pem"), "peer_name": "localhost"}
    odd: dict[str, list[Any]] = {
        "peer_name": ["mail.example.test", "127.0.0.1", "other.test", "", None],
        "cafile": [str(CERTS / "other-ca.pem")],
        "verify_peer": [False, True, "0"],
        "verify_peer_name": [False],
        "verify_depth": ["5", -1],
        "allow_self_signed": [True],
        "peer_fingerprint": ["0" * 40, {"sha256": "ab"}, {}, 7],
        "alpn_protocols": ["h2,http/1.1", "smtp", "", "a,,b"],
        "ciphers": ["HIGH", "ECDHE-RSA-AES128-GCM-SHA256", "no such cipher"],
        "security_level": [0, 1, 3, -1],
        "crypto_method": [php_streams.STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT],
        "min_proto_version": [php_streams.STREAM_CRYPTO_PROTO_TLSv1_3],
        "max_proto_version": [php_streams.STREAM_CRYPTO_PROTO_TLSv1_2],
        "capture_peer_cert": [True],
        "capture_peer_cert_chain": [True],
        "no_ticket": [True],
        "SNI_enabled": [False],
        "disable_compression": [False],
        "local_cert": [str(CERTS / "client.pem"), "nowhere.pem"],
    }
    chosen = draw.sample(sorted(odd), draw.choice([0, 0, 0, 1, 1, 2, 3, 5]))
    return {**good, **{name: draw.choice(odd[name]) for name in chosen}}


def make_words(draw: random.Random) -> str:
    """The peer's certificate and versions."""
    name = draw.choice(
        ["good"] * 8 + ["ec", "chain", "wildcard", "wrongname", "selfsigned", "other", "expired"]
    )
    versions = draw.choice(["", "", "", "tls1.2", "tls1.3"])
    return f"{name} {versions} {draw.choice(['', '', 'alpn http/1.1'])}"


def make_call(draw: random.Random) -> Step:
    """One call on the stream, or one command to the peer."""
    length = draw.choice([1, 5, 16, 50, 1000, 9000])
    return draw.choices(
        [
            ["peer", [f"send {draw.choice([1, 5, 16, 40, 300, 5000])}"]],
            ["large", []],
            ["peer", ["report"]],
            ["peer", [draw.choice(["bye", "half", "reset", "close"])]],
            ["plain", []],
            ["fwrite", [b"line\n" * draw.choice([1, 1, 3, 1000, 5000])]],
            ["fread", [length]],
            ["fgets", []],
            ["fgetc", []],
            ["stream_get_contents", []],
            ["feof", []],
            ["stream_select", []],
            ["stream_set_blocking", [draw.random() < 0.3]],
            ["stream_socket_shutdown", [draw.choice([0, 1, 2])]],
            ["off", []],
            ["captured", []],
        ],
        [18, 4, 8, 4, 1, 20, 16, 12, 3, 2, 10, 5, 5, 2, 1, 1],
    )[0]


def make_program(draw: random.Random) -> Program:
    """The peer's words, the context's options, the steps."""
    method = draw.choice(
        [php_streams.STREAM_CRYPTO_METHOD_TLS_CLIENT] * 6
        + [
            php_streams.STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT,
            php_streams.STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT,
            None,
        ]
    )
    options = make_options(draw)
    if method is None:
        options.setdefault("crypto_method", php_streams.STREAM_CRYPTO_METHOD_ANY_CLIENT)
    steps: list[Step] = [["stream_set_blocking", [draw.random() < 0.2]], ["peer", ["tls"]]]
    steps += [["handshake", [method, 1000]], ["peer", ["ready"]]]
    calls = [make_call(draw) for _ in range(draw.randint(1, 15))]
    names = {call[0] for call in calls}
    left_out = [pair[draw.randrange(2)] for pair in APART if names.issuperset(pair)]
    steps += [call for call in calls if call[0] not in left_out]
    steps = [["peer", [COMMANDS[call[0]]]] if call[0] in COMMANDS else call for call in steps]
    steps.append(["peer", ["report"]])
    return make_words(draw), options, steps


def in_php(php: PhpCli, programs: list[Program], port: int, folder: Path) -> list[list[State]]:
    """What each step gave in php."""
    file = folder / "programs"
    file.write_bytes(phpserialize.dumps([list(program) for program in programs]))
    env = {**os.environ, "FUZZ_FILE": str(file), "FUZZ_PORT": str(port)}
    result = php.run(PHP, env=env, timeout=100)
    assert result.status == 0 and result.stdout.startswith(b"a:"), result.stdout[-500:] + result.stderr[-500:]
    return [[comparable(plain(state)) for state in states.values()] for states in result.value.values()]


def comparable(value: Any) -> Any:
    """Without what OpenSSL itself says, which its releases say in words of their own."""
    if isinstance(value, list):
        return [comparable(member) for member in value]
    if isinstance(value, bytes):
        return re.sub(rb"(SSL operation failed with code 1)\..*", rb"\1", value, flags=re.DOTALL)
    return value


def in_python(program: Program, port: int) -> Iterator[State]:
    """What each step gives here."""
    said: list[list[Any]] = []
    words, options, steps = program
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rwb") as control:
        control.write(f"{words}\n".encode())
        control.flush()
        context = php_streams.stream_context_create({"ssl": dict(options), "socket": {"tcp_nodelay": True}})
        address = f"tcp://localhost:{port}"
        fp = php_streams.stream_socket_client(address, 2, php_streams.STREAM_CLIENT_CONNECT, context)[0]
        php_streams.stream_set_chunk_size(fp, 8192)
        php_streams.stream_set_timeout(fp, 0, 30000)
        php_streams.set_error_handler(lambda level, message: said.append([level, message]))
        on: Any = False
        try:
            for name, arguments in steps:
                said.clear()
                if name in READS and on is not True:
                    yield comparable(plain({"": "records", "s": as_array(said), "m": state(fp)}))
                    continue
                result = step(fp, control, name, arguments)
                on = result if name in ("handshake", "off") else on
                yield comparable(plain({"": as_array(result), "s": as_array(said), "m": state(fp)}))
        finally:
            php_streams.restore_error_handler()
            fp.close()


def state(fp: Any) -> Any:
    """The meta data."""
    meta = php_streams.stream_get_meta_data(fp)
    crypto = meta.get("crypto", {})
    values = [meta[name] for name in ("timed_out", "blocked", "eof", "unread_bytes")]
    return as_array([*values, crypto.get("protocol"), crypto.get("alpn_protocol")])


def handshake(fp: Any, method: Any, most: int) -> Any:
    """Calls until it is done."""
    for _ in range(most):
        on = php_streams.stream_socket_enable_crypto(fp, True, method)
        if on is True or on is False:
            return on
        time.sleep(0.002)
    return "unfinished"


def step(fp: Any, control: Any, name: str, arguments: list[Any]) -> Any:
    """One step, as PHP's step() makes it."""
    if name == "peer":
        control.write(f"{arguments[0]}\n".encode())
        control.flush()
        return control.readline().strip()
    if name == "handshake":
        return handshake(fp, *arguments)
    if name == "off":
        return php_streams.stream_socket_enable_crypto(fp, False)
    if name == "stream_select":
        n, read, write, _ = php_streams.stream_select([fp], [fp], None, 0, 0)
        return [n, len(read), len(write)]
    if name == "captured":
        ssl = php_streams.stream_context_get_options(fp)["ssl"]
        return ["peer_certificate" in ssl, len(ssl.get("peer_certificate_chain") or [])]
    return getattr(php_streams, name)(fp, *arguments)


def test_tls_is_phps(php84: PhpCli) -> None:
    """The same results, messages and states for every random program."""
    draw = random.Random(SEED)
    programs = [make_program(draw) for _ in range(COUNT)]
    php_streams.ini_set("php_streams.failed_tls", "plaintext")
    php_streams.ini_set("default_socket_timeout", "2")
    with CommandedPeer() as peer, tempfile.TemporaryDirectory() as folder:
        expected = in_php(php84, programs, peer.port, Path(folder))
        differ = []
        for program, states in zip(programs, expected, strict=True):
            if difference := first_difference(program[2], list(in_python(program, peer.port)), states):
                differ.append(f"{program[0]} {program[1]}\n{difference}")
    php_streams.ini_restore("php_streams.failed_tls")
    php_streams.ini_restore("default_socket_timeout")
    assert not differ, shortest(differ, COUNT, SEED)

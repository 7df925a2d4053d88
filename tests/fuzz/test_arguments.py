"""Every function with every kind of wrong argument, in each place, against php-cli: the same error or result.

The functions and their parameters come from the recorded facts, so a new function is tried as soon as it is
in `__all__`.  One argument at a time is odd; the others are what the parameter's type asks for.
"""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path
from typing import Any

import phpserialize
import pytest

import php_streams
from php_streams._core.resource import Resource
from php_streams.porting.php_cli import PhpCli

FACTS = Path(__file__).parents[2] / "compat_matrix" / "facts" / "php-8.4.json"
# Left out: what would connect to odd hosts, change who listens, print, write to logs (openlog's and
# error_log's types have cases), answer with a new number or name, or take a class where php takes its name.
LEFT_OUT = """
    fsockopen pfsockopen fpassthru set_error_handler restore_error_handler error_clear_last error_reporting
    gethostname get_resource_id openlog syslog error_log readfile tempnam tmpfile disk_free_space
    disk_total_space diskfreespace gzpassthru readgzfile popen shell_exec mail get_headers
    stream_filter_register stream_wrapper_register stream_register_wrapper
""".split()
# A function, place and kind where Python answers otherwise, and why.
KNOWN = {
    ("gzencode", 0, "huge"): "the same bytes, which are no text and come out of php's json otherwise",
    ("fstat", 0, "open"): "another socket's number",
    ("stream_is_local", 0, "object"): "PHP's plain Error is a TypeError in Python",
    ("stream_context_set_option", 2, "null"): "null in the third place is the same as none there, in Python",
}

KINDS = {
    "null": "null",
    "false": "false",
    "true": "true",
    "int": "5",
    "negative": "-3",
    "float": "1.5",
    "huge": "1e30",
    "text": "'abc'",
    "number": "'7'",
    "empty": "''",
    "array": "[1]",
    "no members": "[]",
    "object": "new stdClass",
    "closed": "$closed",
    "context": "stream_context_create()",
    "open": "$open",
}
RESOURCES = {"stream": "open", "socket": "open", "stream_or_context": "open", "context": "context"}

PHP = r"""
function connection() {
    $server = stream_socket_server('tcp://127.0.0.1:0');
    $client = stream_socket_client(stream_socket_get_name($server, false));
    $peer = stream_socket_accept($server);
    fwrite($peer, "line one\nline two\n");
    return $client;
}
function shown($value) {
    return is_resource($value) || is_object($value) ? 'handle' : serialize($value);
}
function tidy() {
    umask(022);
    foreach (array_diff(scandir('.'), ['.', '..']) as $name) {
        is_dir($name) && !is_link($name) ? rmdir($name) : unlink($name);
    }
}
chdir(getenv('FUZZ_FOLDER'));
$said = [];
set_error_handler(function ($level, $message) use (&$said) { $said[] = "$level $message"; return true; });
"""
CALL = r"""
$said = []; $open = connection(); $closed = connection(); fclose($closed);
try { $answer = shown(%s(%s)); } catch (Throwable $e) { $answer = get_class($e) . ': ' . $e->getMessage(); }
echo json_encode([$answer, $said], JSON_INVALID_UTF8_SUBSTITUTE), "\n"; ini_restore('default_socket_timeout');
tidy();
"""


class stdClass:
    """PHP's plain object."""


Call = tuple[str, int, str, list[str]]


def calls() -> list[Call]:
    """(function, odd place, odd kind, kinds of all arguments)."""
    facts = json.loads(FACTS.read_text())["functions"]
    found: list[Call] = []
    for name in php_streams.__all__:
        parameters = facts.get(name, {}).get("parameters", [])
        if name in LEFT_OUT or any(parameter.get("by_reference") for parameter in parameters):
            continue
        needed = sum(not parameter.get("optional") for parameter in parameters)
        usual = [usual_kind(parameter) for parameter in parameters]
        for place in range(len(parameters)):
            for kind in KINDS:
                if place and kind == "open":
                    continue
                given = usual[: max(needed, place + 1)]
                found.append((name, place, kind, [*given[:place], kind, *given[place + 1 :]]))
    return found


def usual_kind(parameter: dict[str, Any]) -> str:
    """What the parameter's type asks for."""
    wanted = parameter["type"] or ""
    if parameter["name"] in RESOURCES:
        return RESOURCES[parameter["name"]]
    for part, kind in (("string", "text"), ("array", "no members"), ("int", "int"), ("bool", "true")):
        if part in wanted:
            return kind
    return "int"


def in_php(php: PhpCli, tried: list[Call], folder: Path) -> list[tuple[str, list[str]]]:
    """What php answers to each call."""
    code = PHP + "".join(
        CALL % (name, ", ".join(KINDS[kind] for kind in kinds)) for name, _, _, kinds in tried
    )
    script = folder / "calls.php"
    script.write_text(f"<?php {code}")
    place = folder / "place"
    place.mkdir()
    env = {**os.environ, "FUZZ_FOLDER": str(place)}
    result = php.run(f"include '{script}';", ini={"display_errors": "0"}, env=env, timeout=60)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(answers) == len(tried), result.stdout[-500:] + result.stderr[-500:]
    return [(settled(answer), [settled(text) for text in said]) for answer, said in answers]


def connection() -> Any:
    """A stream whose peer sent two lines and left."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        fp, _, _ = php_streams.stream_socket_client(f"127.0.0.1:{server.getsockname()[1]}")
        peer, _ = server.accept()
        with peer:
            peer.sendall(b"line one\nline two\n")
    return fp


def in_python(name: str, kinds: list[str]) -> tuple[str, list[str]]:  # long: set up, call, judge
    """What Python answers to the same call."""
    said: list[str] = []
    given = connection()
    closed = connection()
    php_streams.fclose(closed)
    values = {
        "null": None,
        "false": False,
        "true": True,
        "int": 5,
        "negative": -3,
        "float": 1.5,
        "huge": 1e30,
        "text": "abc",
        "number": "7",
        "empty": "",
        "array": [1],
        "no members": {},
        "object": stdClass(),
        "closed": closed,
        "context": php_streams.stream_context_create(),
        "open": given,
    }
    php_streams.set_error_handler(lambda level, message: said.append(f"{level} {message}"))
    try:
        answer = shown(getattr(php_streams, name)(*(values[kind] for kind in kinds)))
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    finally:
        php_streams.restore_error_handler()
        php_streams.ini_restore("default_socket_timeout")
        given.close()
        tidy()
    return settled(answer), [settled(text) for text in said]


def tidy() -> None:
    """Takes away what a call left in the working directory."""
    os.umask(0o022)
    for entry in os.scandir("."):
        os.rmdir(entry) if entry.is_dir(follow_symlinks=False) else os.unlink(entry)


def shown(value: Any) -> str:
    """A result as text."""
    if isinstance(value, Resource) or type(value).__name__ in ("OpenSSLCertificate", "StreamBucket"):
        return "handle"
    return phpserialize.dumps(value).decode("utf-8", "replace")


def settled(text: str) -> str:
    """Without what the system chose: ports, numbers of resources, the lines of the script."""
    text = re.sub(r"127\.0\.0\.1:\d+", "{address}", text)
    text = re.sub(r's:\d+:"\{address\}"', 's:"{address}"', text)
    text = re.sub(r"Resource id #\d+", "Resource id #", text)
    return re.sub(r's:4:"(?:file|line)";(?:s:\d+:"[^"]*"|i:\d+);', "", text)


# Two descriptors a call, and TLS's warnings among the answers.
@pytest.mark.timeout(120)
def test_every_wrong_argument_is_told_as_php_tells_it(
    php84: PhpCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same error, warnings and result for each function, place and kind."""
    tried = calls()
    assert len(tried) > 1000
    differ = []
    told = in_php(php84, tried, tmp_path)
    monkeypatch.chdir(tmp_path / "place")
    for (name, place, kind, kinds), expected in zip(tried, told, strict=True):
        found = in_python(name, kinds)
        if (name, place, kind) in KNOWN:
            assert found != expected, f"{name} {place} {kind} is known to differ, and does not"
        elif found != expected:
            differ.append(f"{name}({', '.join(kinds)})\n    php    {expected}\n    python {found}")
    assert not differ, f"{len(differ)} of {len(tried)} differ:\n" + "\n".join(differ)

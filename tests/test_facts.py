"""Signatures, constants, settings and registries, held to what php-cli says about itself.

`compat_matrix/record_facts.php` wrote `compat_matrix/facts/php-*.json` in each PHP; 8.4's is the law here.
Rules R2 and R3 say what Python spells differently: by-reference outputs leave the parameters and come back
in a tuple, and a keyword gets an underscore.
"""

from __future__ import annotations

import builtins
import inspect
import json
import keyword
import subprocess
import sys
import types
from collections import namedtuple
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

import php_streams
from php_streams._core.diagnostics import REQUIRED
from php_streams.porting.php_cli import find_php
from tests.places import ROOT

RECORDER = ROOT / "compat_matrix/record_facts.php"
RECORDED = sorted(
    path.stem.removeprefix("php-") for path in (ROOT / "compat_matrix/facts").glob("php-*.json")
)

# Parameters by reference that PHP also reads: they stay (rule R2), and come back too.
# To dns_get_record it matters whether they are given: it asks the name server once more for them.
IN_OUT = {
    "stream_select": {"read", "write", "except"},
    "dns_get_record": {"authoritative_name_servers", "additional_records"},
    "filter": {"consumed"},  # of php_user_filter: `consumed += bucket.datalen`, as filters of PHP say
}

# What the package promises today.  The other functions of the facts come later; nothing here is done by half.
PROMISED = """
    fsockopen pfsockopen gethostname gethostbyname gethostbynamel gethostbyaddr
    dns_get_record dns_check_record checkdnsrr dns_get_mx getmxrr
    getservbyname getservbyport getprotobyname getprotobynumber inet_pton inet_ntop ip2long long2ip
    net_get_interfaces openlog syslog closelog
    stream_socket_client stream_socket_enable_crypto stream_socket_get_name stream_socket_shutdown
    stream_socket_pair stream_socket_recvfrom stream_socket_sendto stream_isatty
    stream_get_transports stream_select stream_set_timeout socket_set_timeout
    stream_set_blocking socket_set_blocking
    stream_set_read_buffer stream_set_write_buffer set_file_buffer stream_set_chunk_size stream_get_meta_data
    socket_get_status stream_get_contents stream_get_line stream_is_local stream_supports_lock
    stream_context_create stream_context_get_options stream_context_set_option stream_context_set_options
    stream_context_get_params stream_context_set_params stream_context_get_default stream_context_set_default
    fgets fgetc fread fwrite fputs feof fclose fflush ftell fpassthru fprintf vfprintf
    is_resource get_resource_type get_resource_id
    error_get_last error_clear_last error_reporting set_error_handler restore_error_handler trigger_error
    error_log
    ini_get ini_set ini_restore
""".split()
PROMISED_CONSTANTS = (
    *("DNS_", "E_", "LOG_", "STREAM_CLIENT_", "STREAM_CRYPTO_", "STREAM_SHUT_"),
    *("STREAM_PF_", "STREAM_SOCK_", "STREAM_IPPROTO_", "STREAM_PEEK", "STREAM_OOB"),
)

FUNCTION = Callable[..., Any]


@cache
def facts(series: str = "8.4") -> dict[str, Any]:
    return json.loads((ROOT / f"compat_matrix/facts/php-{series}.json").read_text("utf-8"))  # type: ignore[no-any-return]


# Functions that have the names of Python's builtins: they are attributes, and do not come with the star (R1).
BUILTINS = ("dir", "exec")


def public(kind: str) -> list[str]:
    """The public names that are functions, constants or classes of PHP's."""
    return [name for name in (*php_streams.__all__, *BUILTINS) if name in facts()[kind]]


def python_name(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def by_reference(fact: dict[str, Any]) -> list[str]:
    return [parameter["name"] for parameter in fact["parameters"] if parameter.get("by_reference")]


def outputs(name: str, fact: dict[str, Any]) -> list[str]:
    """The parameters that PHP only writes to."""
    return [parameter for parameter in by_reference(fact) if parameter not in IN_OUT.get(name, ())]


def same_default(found: object, wanted: object) -> bool:
    if isinstance(found, bytes):
        found = found.decode("latin-1")
    return found == wanted and type(found) is type(wanted)


def parameter_faults(found: inspect.Parameter, fact: dict[str, Any]) -> list[str]:
    name = python_name(fact["name"])
    kind = found.VAR_POSITIONAL if fact.get("variadic") else found.POSITIONAL_OR_KEYWORD
    if found.name != name:
        return [f"{found.name} should be {name}"]
    if found.kind is not kind:
        return [f"{name} is {found.kind.description}, should be {kind.description}"]
    if fact.get("variadic"):
        return []
    if bool(fact.get("optional")) != (found.default is not found.empty and found.default is not REQUIRED):
        return [f"{name} is {'optional' if fact.get('optional') else 'required'} in PHP"]
    # PHP itself has no value for a few: there, given or not is what counts.
    if "default" in fact and not same_default(found.default, fact["default"]):
        return [f"{name} is {found.default!r} by default, {fact['default']!r} in PHP"]
    return []


def signature_faults(name: str, function: FUNCTION, fact: dict[str, Any]) -> list[str]:
    gone = outputs(name, fact)
    wanted = [parameter for parameter in fact["parameters"] if parameter["name"] not in gone]
    found = list(inspect.signature(function).parameters.values())
    if gone and found and (found[-1].name, found[-1].kind) == ("by_reference", found[-1].VAR_POSITIONAL):
        found.pop()  # takes what was left in PHP's places, to say how to write it
    if len(found) != len(wanted):
        names = [python_name(parameter["name"]) for parameter in wanted]
        return [f"{name}: takes {[parameter.name for parameter in found]}, should take {names}"]
    return [
        f"{name}: {fault}" for pair in zip(found, wanted, strict=True) for fault in parameter_faults(*pair)
    ]


def result_faults(name: str, module: object, fact: dict[str, Any]) -> list[str]:
    """Is there a tuple in the function's module with PHP's names, as true as its first member?"""
    if any(parameter.get("variadic") for parameter in fact["parameters"] if parameter.get("by_reference")):
        return []  # fscanf: without variables PHP returns the values themselves, as we do
    fields = [python_name(parameter) for parameter in by_reference(fact)]
    for thing in vars(module).values():
        if (
            isinstance(thing, type)
            and issubclass(thing, tuple)
            and list(getattr(thing, "_fields", ()))[1:] == fields
        ):
            results = [thing(*[first, *fields]) for first in (False, 0, 1, object())]
            truths = [bool(result) for result in results]
            return [] if truths == [False, False, True, True] else [f"{name}: its result is {truths}"]
    return [f"{name}: no tuple of a result and {fields}"]


def class_faults(found: type, name: str) -> list[str]:
    fact = facts()["classes"][name]
    members = [*fact["properties"], *fact["methods"]]
    faults = [f"{name} has no {member}" for member in members if not hasattr(found, member)]
    for method, signature in fact["methods"].items():
        if hasattr(found, method):
            with_self = {"parameters": [{"name": "self"}, *signature["parameters"]]}
            faults += signature_faults(method, getattr(found, method), with_self)
    return faults


# The package


@pytest.mark.parametrize("name", public("functions"))
def test_signature(name: str) -> None:
    assert signature_faults(name, getattr(php_streams, name), facts()["functions"][name]) == []


@pytest.mark.parametrize(
    "name", [name for name in public("functions") if by_reference(facts()["functions"][name])]
)
def test_result(name: str) -> None:
    module = sys.modules[getattr(php_streams, name).__module__]
    assert result_faults(name, module, facts()["functions"][name]) == []


def test_constants_have_phps_values() -> None:
    wanted = {name: facts()["constants"][name] for name in public("constants")}
    found = {name: getattr(php_streams, name) for name in wanted}
    assert {name: (type(value), value) for name, value in found.items()} == {
        name: (type(value), value) for name, value in wanted.items()
    }


def test_classes() -> None:
    assert [
        fault for name in public("classes") for fault in class_faults(getattr(php_streams, name), name)
    ] == []


def test_exceptions() -> None:
    for name in public("exceptions"):
        parent = facts()["exceptions"][name]
        assert issubclass(
            getattr(php_streams, name), getattr(php_streams, parent, getattr(builtins, parent, ()))
        )


def test_everything_promised_is_there() -> None:
    constants = [name for name in facts()["constants"] if name.startswith(PROMISED_CONSTANTS)]
    assert [name for name in (*PROMISED, *constants) if name not in php_streams.__all__] == []


def test_settings_have_phps_defaults() -> None:
    assert {name: php_streams.ini_get(name) for name in facts()["ini"]} == facts()["ini"]


def test_transports_wrappers_and_filters_are_phps() -> None:
    assert php_streams.stream_get_transports() == facts()["stream_get_transports"]
    for name in {"stream_get_wrappers", "stream_get_filters"} & set(php_streams.__all__):
        assert sorted(getattr(php_streams, name)()) == facts()[name]


@pytest.mark.parametrize("series", RECORDED)
def test_an_alias_takes_and_gives_what_its_function_does(series: str) -> None:
    known = facts(series)["functions"]
    pairs = [(fact, known[fact["alias_of"]]) for fact in known.values() if "alias_of" in fact]
    assert len(pairs) > 20
    for alias, function in pairs:
        assert (nameless(alias), alias["returns"]) == (nameless(function), function["returns"])


def nameless(fact: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters without their names: gzread and fread call the same thing differently."""
    return [{key: part[key] for key in part if key != "name"} for part in fact["parameters"]]


# The check itself

EXAMPLE = {
    "parameters": [
        {"name": "host", "type": "string"},
        {"name": "code", "type": None, "by_reference": True, "optional": True, "default": None},
        {"name": "from", "type": "int", "optional": True, "default": 4},
        {"name": "rest", "type": "mixed", "optional": True, "variadic": True},
    ]
}


def test_a_right_signature_passes() -> None:
    def right(host: str, from_: int = 4, *rest: object) -> None: ...

    assert signature_faults("right", right, EXAMPLE) == []


def test_a_wrong_signature_is_found() -> None:
    def output_stays(host: str, code: object = None, from_: int = 4, *rest: object) -> None: ...
    def other_name(hostname: str, from_: int = 4, *rest: object) -> None: ...
    def other_default(host: str, from_: int = 5, *rest: object) -> None: ...
    def other_type(host: str, from_: float = 4.0, *rest: object) -> None: ...
    def required(host: str, from_: int, *rest: object) -> None: ...
    def optional(host: str = "", from_: int = 4, *rest: object) -> None: ...
    def keyword_only(host: str, *, from_: int = 4, rest: object) -> None: ...
    def positional_only(host: str, /, from_: int = 4, *rest: object) -> None: ...
    def too_few(host: str) -> None: ...

    wrong = [
        output_stays,
        other_name,
        other_default,
        other_type,
        required,
        optional,
        keyword_only,
        positional_only,
        too_few,
    ]
    assert [function.__name__ for function in wrong if not signature_faults("f", function, EXAMPLE)] == []


def test_a_wrong_result_is_found() -> None:
    class Right(namedtuple("Right", "result code")):
        def __bool__(self) -> bool:
            return bool(self[0])

    assert result_faults("f", types.SimpleNamespace(Result=Right), EXAMPLE) == []
    untrue = types.SimpleNamespace(Result=namedtuple("Result", "result code"))
    names = types.SimpleNamespace(Result=namedtuple("Result", "result errno"))
    assert result_faults("f", untrue, EXAMPLE) == ["f: its result is [True, True, True, True]"]
    assert result_faults("f", names, EXAMPLE) == ["f: no tuple of a result and ['code']"]


def test_a_wrong_class_is_found() -> None:
    class Filter:
        filtername = stream = ""

        def filter(self, in_: object, out: object) -> int: ...
        def onCreate(self) -> bool: ...

    assert class_faults(Filter, "php_user_filter") == [
        "php_user_filter has no params",
        "php_user_filter has no onClose",
        "filter: takes ['self', 'in_', 'out'], should take ['self', 'in_', 'out', 'consumed', 'closing']",
    ]


# The record

PHP = {php.series: php for php in find_php([])}


@pytest.mark.parametrize("series", RECORDED)
def test_the_record_is_what_php_says(series: str) -> None:
    if series not in PHP:
        pytest.skip(f"no php-cli {series} here to ask")
    said = subprocess.run([PHP[series].path, RECORDER], check=True, capture_output=True, timeout=30).stdout
    fresh, recorded = json.loads(said), facts(series)
    if fresh["php"] != recorded["php"]:
        pytest.skip(f"php {fresh['php']} is another release than {recorded['php']}, which was recorded")
    # An extension may not be loaded here; what is loaded has to agree.
    for kind in ("functions", "constants", "classes", "exceptions", "stream_wrapper_methods"):
        assert fresh[kind].keys() <= recorded[kind].keys()
        assert fresh[kind] == {name: recorded[kind][name] for name in fresh[kind]}
    assert {"fsockopen", "stream_select", "fgets"} <= fresh["functions"].keys()

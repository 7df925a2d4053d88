"""Rule R3: by-reference outputs come back in a tuple that is as true as its first member."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import php_streams as php


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    """A socket that listens and never accepts."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def refused(port: int) -> Any:
    with php.silence():
        return php.fsockopen("127.0.0.1", port, 2)


def test_fields_bear_phps_names(server: tuple[str, int]) -> None:
    opened = php.fsockopen(*server)
    assert opened._fields == ("result", "error_code", "error_message")
    host, port = server
    assert php.stream_socket_client(f"tcp://{host}:{port}")._fields == opened._fields
    assert php.is_resource(opened.result) and (opened.error_code, opened.error_message) == (0, "")
    assert php.stream_select([opened.result], None, None, 0)._fields == ("result", "read", "write", "except_")


def test_truth_is_that_of_the_first_member(server: tuple[str, int], closed_port: int) -> None:
    assert php.fsockopen(*server)
    failed = refused(closed_port)
    assert not failed
    assert (failed.result, failed.error_code, failed.error_message) == (False, 111, "Connection refused")
    fp, _, _ = php.fsockopen(*server)
    assert not php.stream_select([fp], None, None, 0), "nothing is ready: PHP's result is 0"
    assert php.stream_select(None, [fp], None, 0)


def test_it_unpacks_as_any_tuple(server: tuple[str, int], closed_port: int) -> None:
    fp, errno, errstr = php.fsockopen(*server)
    assert (php.get_resource_type(fp), errno, errstr) == ("stream", 0, "")
    fp, *reason = refused(closed_port)
    assert (fp, reason) == (False, [111, "Connection refused"])
    n, read, write, except_ = php.stream_select(None, {"key": php.fsockopen(*server)[0]}, None, 0)
    assert (n, read, list(write), except_) == (1, None, ["key"], None)


STREAM_FUNCTIONS: list[Callable[[Any], Any]] = [
    php.fclose,
    php.feof,
    php.fgetc,
    php.fgets,
    lambda whole: php.fread(whole, 1),
    lambda whole: php.fwrite(whole, b"x"),
    lambda whole: php.fputs(whole, ""),
    lambda whole: php.fprintf(whole, "x"),
    lambda whole: php.stream_set_timeout(whole, 1),
    lambda whole: php.stream_socket_enable_crypto(whole, True, php.STREAM_CRYPTO_METHOD_TLS_CLIENT),
    php.stream_get_meta_data,
    php.stream_context_get_options,
    php.get_resource_type,
    lambda whole: php.stream_select([whole], None, None, 0),
]


@pytest.mark.parametrize("function", STREAM_FUNCTIONS)
def test_a_whole_result_in_place_of_a_stream_is_explained(
    function: Callable[[Any], Any], server: tuple[str, int]
) -> None:
    whole = php.fsockopen(*server)
    with pytest.raises(TypeError, match=r"unpack it \(result, error_code, error_message = \.\.\.\)"):
        function(whole)
    assert not php.is_resource(whole)
    assert php.is_resource(whole.result)


def test_a_plain_tuple_is_explained_too(server: tuple[str, int]) -> None:
    with pytest.raises(TypeError, match=r"array given.*unpack it \(fp, errno, errstr = \.\.\.\)"):
        php.fgets(tuple(php.fsockopen(*server)))


PLACEHOLDERS = [(None, None), (0, ""), (0, None), ("", "")]


@pytest.mark.parametrize(("errno", "errstr"), PLACEHOLDERS)
def test_fsockopen_explains_outputs_in_their_old_places(errno: Any, errstr: Any) -> None:
    for rest in [(), (5,), (2.5,), ("30",), (None,)]:
        with pytest.raises(TypeError, match=r"fp, errno, errstr = fsockopen\(hostname, port, timeout\)"):
            php.fsockopen("127.0.0.1", 25, errno, errstr, *rest)
        with pytest.raises(TypeError, match=r"fp, errno, errstr = pfsockopen\("):
            php.pfsockopen("127.0.0.1", 25, errno, errstr, *rest)


@pytest.mark.parametrize(("errno", "errstr"), PLACEHOLDERS)
def test_stream_socket_client_explains_outputs_in_their_old_places(errno: Any, errstr: Any) -> None:
    context = php.stream_context_create()
    for rest in [(), (5,), (2.5,), (5, php.STREAM_CLIENT_CONNECT), (5, php.STREAM_CLIENT_CONNECT, context)]:
        with pytest.raises(TypeError, match=r"fp, errno, errstr = stream_socket_client\(address, timeout,"):
            php.stream_socket_client("tcp://127.0.0.1:25", errno, errstr, *rest)


def test_zeros_in_the_old_places_are_seen_by_the_timeout_in_the_contexts_place() -> None:
    with pytest.raises(TypeError, match="come back as results"):
        php.stream_socket_client("tcp://127.0.0.1:25", 0, 0, 5)


def test_what_is_no_old_call_keeps_phps_own_errors() -> None:
    with pytest.raises(TypeError, match=r"Argument #5 \(\$flags\) must be of type int, string given"):
        php.stream_socket_client("tcp://127.0.0.1:25", 5, "")
    with pytest.raises(TypeError, match=r"Argument #6 \(\$context\) must be of type resource or null, array"):
        php.stream_socket_client("tcp://127.0.0.1:25", 5, 4, {})


def test_the_result_of_select_is_as_true_as_phps() -> None:
    near, far = socket.socketpair()
    with near, far:
        far.sendall(b"x")
        fp, _, _ = php.stream_socket_client("udp://127.0.0.1:9")
        assert bool(php.stream_select([fp], [fp], None, 0)) is True

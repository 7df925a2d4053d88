"""Rule R5: who hears PHP's messages, where they come from, and that nothing breaks when a handler raises."""

from __future__ import annotations

import asyncio
import functools
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import php_streams as php


@pytest.fixture
def peer() -> Iterator[tuple[Any, socket.socket]]:
    """A stream and the socket at its other end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        fp, _, _ = php.fsockopen(*server.getsockname())
        connection, _ = server.accept()
        with connection:
            yield fp, connection
        if php.is_resource(fp):
            php.fclose(fp)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def messages_of(function: Callable[..., Any], *arguments: Any) -> list[tuple[type, str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*arguments)
    return [(warning.category, str(warning.message)) for warning in caught]


# --- what is shown -------------------------------------------------------------------------------------


def test_the_levels_have_categories() -> None:
    def all_levels() -> None:
        for level in (php.E_USER_NOTICE, php.E_USER_WARNING, php.E_USER_DEPRECATED):
            php.trigger_error("x", level)

    assert messages_of(all_levels) == [
        (php.PhpNotice, "x"),
        (php.PhpWarning, "x"),
        (php.PhpDeprecated, "x"),
    ]
    assert issubclass(php.PhpNotice, php.PhpDiagnostic) and issubclass(php.PhpDiagnostic, UserWarning)


def test_a_warning_carries_its_level() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        php.trigger_error("x", php.E_USER_WARNING)
        php.gethostbyaddr("x")
    assert [warning.message.level for warning in caught] == [php.E_USER_WARNING, php.E_WARNING]


@pytest.mark.parametrize("action", ["default", "always", "module", "once"])
def test_a_message_is_shown_every_time(action: Any) -> None:
    def same_line() -> None:
        for _ in range(3):
            php.trigger_error("again")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter(action)
        same_line()
    assert len(caught) == (1 if action == "once" else 3), "only who asks for `once` gets it"


def test_python_shows_it_by_default_at_the_callers_line(tmp_path: Path) -> None:
    script = tmp_path / "port.py"
    script.write_text(
        "from php_streams import *\n\n"
        "def connect():\n"
        "    return fsockopen('127.0.0.1', 1, 2)\n\n"
        "for n in range(2):\n"
        "    connect()\n"
        "trigger_error('old', E_USER_DEPRECATED)\n"
    )
    shown = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=30, check=True)
    refused = "PhpWarning: fsockopen(): Unable to connect to 127.0.0.1:1 (Connection refused)"
    lines = [line for line in shown.stderr.splitlines() if not line.startswith(" ")]
    assert lines == [
        f"{script}:4: {refused}",
        f"{script}:4: {refused}",
        f"{script}:8: PhpDeprecated: old",
    ]


def test_the_reported_place_is_the_callers() -> None:
    lines = []
    php.set_error_handler(lambda level, message, file, line: lines.append((file, line)))
    php.gethostbyaddr("x")
    here = sys._getframe().f_lineno
    php.pfsockopen("127.0.0.1", 1, 2)
    assert lines == [(__file__, here - 1), (__file__, here + 1)]


def test_the_last_error_tells_the_callers_place() -> None:
    with php.silence():
        php.gethostbyaddr("x")
    here = sys._getframe().f_lineno
    assert php.error_get_last() == {
        "type": php.E_WARNING,
        "message": "gethostbyaddr(): Address is not a valid IPv4 or IPv6 address",
        "file": __file__,
        "line": here - 1,
    }


def test_the_prefix_is_the_name_that_was_called(peer: tuple[Any, socket.socket]) -> None:
    fp, connection = peer
    reset(connection)
    heard: list[str] = []
    php.set_error_handler(lambda level, message: heard.append(message))
    php.fwrite(fp, "x")
    php.fputs(fp, "x")
    php.fprintf(fp, "x")
    assert [message.partition(":")[0] for message in heard] == ["fwrite()", "fputs()", "fprintf()"]
    php.fclose(fp)
    for name in ("stream_set_timeout", "socket_set_timeout"):
        with pytest.raises(TypeError, match=rf"^{name}\(\): supplied resource"):
            getattr(php, name)(fp, 1)
    for name in ("stream_get_meta_data", "socket_get_status"):
        with pytest.raises(TypeError, match=rf"^{name}\(\): supplied resource"):
            getattr(php, name)(fp)


def test_inside_a_handler_a_message_bears_the_inner_name() -> None:
    def handler(level: int, message: str) -> None:
        with pytest.raises(ValueError, match=r"^trigger_error\(\): Argument #2"):
            php.trigger_error("x", 0)

    php.set_error_handler(handler)
    assert php.gethostbyaddr("x") is False


def test_users_of_a_stream_in_python_cause_messages_without_a_prefix(
    peer: tuple[Any, socket.socket],
) -> None:
    fp, connection = peer
    reset(connection)
    shown = messages_of(lambda: fp.write(b"x"))
    assert shown == [(php.PhpNotice, "Send of 1 bytes failed with errno=104 Connection reset by peer")]


# --- -W error, and handlers that raise -----------------------------------------------------------------


def test_warnings_as_errors_raise_and_leave_the_stream_whole(peer: tuple[Any, socket.socket]) -> None:
    fp, connection = peer
    connection.sendall(b"last words\n")
    assert php.fgets(fp) == b"last words\n"
    reset(connection)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(php.PhpNotice, match=r"^fwrite\(\): Send of 1 bytes failed"):
            php.fwrite(fp, "x")
        assert php.is_resource(fp)
        last = php.error_get_last()
        assert last is not None and str(last["message"]).startswith("fwrite(): Send of 1 bytes failed")
        assert php.fgets(fp) is False
        assert php.feof(fp)
        with pytest.raises(php.PhpWarning, match=r"^fsockopen\(\): Unable to connect"):
            php.fsockopen("127.0.0.1", 1, 2)
        assert php.fclose(fp)


class Stop(BaseException):
    """What a handler may raise, too."""


@pytest.mark.parametrize("exception", [RuntimeError, KeyError, AttributeError, TypeError, OSError, Stop])
def test_whatever_a_handler_raises_comes_out(
    exception: type[BaseException], peer: tuple[Any, socket.socket]
) -> None:
    fp, connection = peer
    reset(connection)

    def handler(level: int, message: str) -> None:
        raise exception("from the handler")

    php.set_error_handler(handler)
    for call in (
        lambda: php.fwrite(fp, "x"),
        lambda: php.fsockopen("127.0.0.1", 1),
        lambda: php.fread(fp, 1.5),
    ):
        with pytest.raises(exception) as caught:
            call()
        assert caught.value.args == ("from the handler",)
    assert php.error_get_last() is None
    assert php.is_resource(fp)
    assert php.set_error_handler(None) is handler, "it is in its place again"


def test_a_handler_that_raises_inside_a_handler_leaves_both_in_place() -> None:
    def inner(level: int, message: str) -> None:
        raise RuntimeError("inner")

    def outer(level: int, message: str) -> None:
        php.set_error_handler(inner)
        try:
            php.trigger_error("again")
        finally:
            php.restore_error_handler()

    php.set_error_handler(outer)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="inner"):
            php.trigger_error("x")
    assert php.set_error_handler(None) is outer


def test_no_descriptor_stays_open_when_a_handler_raises_out_of_connect() -> None:
    def handler(level: int, message: str) -> None:
        raise RuntimeError(message)

    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("this system does not show a process's descriptors in /proc")
    php.set_error_handler(handler)
    before = len(list(descriptors.iterdir()))
    for address in ("tcp://127.0.0.1:1", "tcp://no-such-host.invalid:1", "ssl://127.0.0.1:1"):
        with pytest.raises(RuntimeError):
            php.stream_socket_client(address, 2)
    assert len(list(descriptors.iterdir())) == before


def test_silence_ends_with_what_was_raised() -> None:
    with pytest.raises(RuntimeError), php.silence():
        raise RuntimeError
    assert php.error_reporting() == php.E_ALL


def test_a_fatal_error_that_nobody_takes_ends_the_program() -> None:
    php.set_error_handler(lambda level: level != php.E_USER_ERROR)
    with pytest.raises(php.PhpFatalError, match=r"^over$"):
        php.trigger_error("over", php.E_USER_ERROR)
    last = php.error_get_last()
    assert last is not None and last["type"] == php.E_USER_ERROR


# --- callbacks -----------------------------------------------------------------------------------------


class Callbacks:
    """A method, a class method, a static one, and a callable object."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def method(self, level: int, message: str) -> None:
        self.heard.append(message)

    def __call__(self, level: int) -> None:
        self.heard.append(level)


def test_callbacks_are_called_with_what_they_take() -> None:
    heard: list[Any] = []
    target = Callbacks()
    for handler in (
        lambda: heard.append(()),
        lambda level: heard.append((level,)),
        lambda level, message, *, unused=None: heard.append((level, message)),
        lambda *all_of_it: heard.append(len(all_of_it)),
        functools.partial(lambda first, level: heard.append((first, level)), "first"),
        target.method,
        target,
        (target, "method"),
    ):
        php.set_error_handler(handler)
        php.trigger_error("x")
    level = php.E_USER_NOTICE
    assert heard == [(), (level,), (level, "x"), 4, ("first", level)]
    assert target.heard == ["x", level, "x"]


def test_a_builtin_without_a_signature_gets_all() -> None:
    php.set_error_handler(min)  # raises: the arguments are of different types
    with pytest.raises(TypeError, match="'<' not supported"):
        php.trigger_error("x")


def test_a_handler_that_wants_more_is_told_by_python() -> None:
    php.set_error_handler(lambda level, message, file, line, context: None)
    with pytest.raises(TypeError, match="context"):
        php.trigger_error("x")


# --- threads and tasks ---------------------------------------------------------------------------------


def warn_in_a_thread(name: str, together: threading.Barrier) -> Any:
    """What a thread finds, hears and leaves; it meets the others while it is silenced."""
    heard: list[str] = []
    before = (php.error_reporting(), php.error_get_last(), php.ini_get("default_socket_timeout"))
    php.set_error_handler(lambda level, message: heard.append(message) or False)
    with php.silence():
        together.wait()
        php.trigger_error(name)
        php.ini_set("default_socket_timeout", len(name))
        together.wait()
        inside = php.error_reporting()
    last = php.error_get_last()
    return before, heard, inside, last and last["message"], php.ini_get("default_socket_timeout")


def test_threads_do_not_disturb_each_other() -> None:
    seen: dict[str, Any] = {}
    together = threading.Barrier(2, timeout=10)

    def work(name: str) -> None:
        seen[name] = warn_in_a_thread(name, together)

    php.set_error_handler(lambda: False)
    with php.silence():
        php.trigger_error("main")
    php.error_reporting(php.E_WARNING)
    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    for name in ("one", "three"):
        assert seen[name] == ((php.E_ALL, None, "60"), [name], 4437, name, str(len(name)))
    last = php.error_get_last()
    assert last is not None and last["message"] == "main"
    assert (php.error_reporting(), php.ini_get("default_socket_timeout")) == (php.E_WARNING, "60")


def test_default_contexts_are_one_for_each_thread() -> None:
    found = []
    php.stream_context_set_default({"ssl": {"peer_name": "main"}})
    thread = threading.Thread(
        target=lambda: found.append(php.stream_context_get_options(php.stream_context_get_default()))
    )
    thread.start()
    thread.join(10)
    assert found == [{}]


def test_tasks_do_not_disturb_each_other() -> None:
    async def work(name: str, order: asyncio.Event, done: asyncio.Event) -> Any:
        heard: list[str] = []
        php.set_error_handler(lambda level, message: heard.append(message) or False)
        with php.silence():
            await order.wait()
            php.trigger_error(name)
            done.set()
            await asyncio.sleep(0.01)
            last = php.error_get_last()
            return heard, php.error_reporting(), last and last["message"]

    async def both() -> Any:
        start, first, second = asyncio.Event(), asyncio.Event(), asyncio.Event()
        tasks = [
            asyncio.create_task(work("one", start, first)),
            asyncio.create_task(work("two", first, second)),
        ]
        await asyncio.sleep(0)
        outside = php.error_reporting(), php.error_get_last()
        start.set()
        return [await task for task in tasks], outside, php.error_get_last()

    results, outside, last = asyncio.run(both())
    assert results == [(["one"], 4437, "one"), (["two"], 4437, "two")]
    assert outside == (php.E_ALL, None)
    assert last is None


def test_a_handler_of_the_surrounding_code_is_heard_in_its_tasks() -> None:
    heard: list[str] = []
    php.set_error_handler(lambda level, message: heard.append(message))

    async def warns() -> None:
        php.trigger_error("from a task")

    async def main() -> None:
        await asyncio.create_task(warns())

    asyncio.run(main())
    assert heard == ["from a task"]

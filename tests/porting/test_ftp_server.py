"""ftp:// and ftps:// with a real server, pyftpdlib: php-cli does the same by the same commands."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import php_streams
from php_streams._core.context import Context
from php_streams.porting.demo import PHP_SETTINGS
from php_streams.porting.php_cli import PhpCli
from tests.porting.servers import CA, CERTS, PATIENCE

SERVER = Path(__file__).with_name("ftp_server.py")
NEEDED = {"ftp": ["pyftpdlib"], "ftps": ["pyftpdlib", "OpenSSL"]}

TWIN = r"""
[, $u] = $argv;
$context = stream_context_create(['ftp' => ['overwrite' => true]]);
$rest = stream_context_create(['ftp' => ['resume_pos' => 6]]);
$told = [];
$listen = function (...$all) use (&$told) {
    if ($all[0] !== STREAM_NOTIFY_PROGRESS) $told[] = array_slice($all, 0, 4); // as often as data came
};
$heard = stream_context_create([], ['notification' => $listen]);
$large = str_repeat("0123456789abcde\n", 20000);
$lines = function () use ($u, $context) {
    $fp = fopen("$u/a.txt", 'r', false, $context);
    while (($line = fgets($fp)) !== false) {
        $all[] = $line;
    }
    return [$all, feof($fp), fclose($fp)];
};
$did = [
    file_put_contents("$u/a.txt", "hello\nworld\n"),
    file_put_contents("$u/a.txt", 'again'),
    file_put_contents("$u/a.txt", "hello\nthere\n", 0, $context),
    file_put_contents("$u/a.txt", "more\n", FILE_APPEND),
    file_get_contents("$u/a.txt"),
    file_get_contents("$u/a.txt", false, $rest),
    file_get_contents("$u/none.txt"),
    $lines(),
    file_put_contents("$u/large", $large),
    file_get_contents("$u/large") === $large,
    filesize("$u/large"),
    is_dir("$u/a.txt"),
    file_exists("$u/none.txt"),
    mkdir("$u/one/two/three", 0777, true),
    mkdir("$u/one"),
    is_dir("$u/one/two"),
    copy("$u/a.txt", "$u/one/b.txt"),
    rename("$u/one/b.txt", "$u/one/c d.txt"),
    rename("$u/one/b.txt", "$u/one/d.txt"),
    scandir("$u/one"),
    scandir("$u/none"),
    unlink("$u/one/c d.txt"),
    unlink("$u/one/c d.txt"),
    rmdir("$u/one"),
    rmdir("$u/one/two/three"),
    file_get_contents("$u/a.txt", false, $heard),
    file_get_contents(str_replace('secret', 'wrong', "$u/a.txt")),
    file_get_contents(str_replace('ada:secret@', '', "$u/a.txt")),
    file_put_contents(str_replace('ada:secret@', '', "$u/b.txt"), 'data'),
];
echo json_encode([$did, $told]);
"""


def steps(u: str) -> list[object]:
    """What TWIN does."""
    told: list[object] = []

    def listen(*everything: object) -> None:
        if everything[0] != php_streams.STREAM_NOTIFY_PROGRESS:  # that comes as often as data came
            told.append(everything[:4])

    heard = php_streams.stream_context_create({}, {"notification": listen})
    did = [
        *files(u),
        *folders(u),
        php_streams.file_get_contents(f"{u}/a.txt", False, heard),
        php_streams.file_get_contents(f"{u}/a.txt".replace("secret", "wrong")),
        php_streams.file_get_contents(f"{u}/a.txt".replace("ada:secret@", "")),
        php_streams.file_put_contents(f"{u}/b.txt".replace("ada:secret@", ""), "data"),
    ]
    return [did, told]


def files(u: str) -> list[object]:
    """Writing and reading."""
    context = php_streams.stream_context_create({"ftp": {"overwrite": True}})
    rest = php_streams.stream_context_create({"ftp": {"resume_pos": 6}})
    large = b"0123456789abcde\n" * 20000
    return [
        php_streams.file_put_contents(f"{u}/a.txt", "hello\nworld\n"),
        php_streams.file_put_contents(f"{u}/a.txt", "again"),
        php_streams.file_put_contents(f"{u}/a.txt", "hello\nthere\n", 0, context),
        php_streams.file_put_contents(f"{u}/a.txt", "more\n", php_streams.FILE_APPEND),
        php_streams.file_get_contents(f"{u}/a.txt"),
        php_streams.file_get_contents(f"{u}/a.txt", False, rest),
        php_streams.file_get_contents(f"{u}/none.txt"),
        lines(f"{u}/a.txt", context),
        php_streams.file_put_contents(f"{u}/large", large),
        php_streams.file_get_contents(f"{u}/large") == large,
        php_streams.filesize(f"{u}/large"),
        php_streams.is_dir(f"{u}/a.txt"),
        php_streams.file_exists(f"{u}/none.txt"),
    ]


def lines(url: str, context: Context) -> list[object]:
    """A file line by line."""
    fp = php_streams.fopen(url, "r", False, context)
    all_lines = list(iter(lambda: php_streams.fgets(fp), False))
    return [all_lines, php_streams.feof(fp), php_streams.fclose(fp)]


def folders(u: str) -> list[object]:
    """Names, and what changes them."""
    return [
        php_streams.mkdir(f"{u}/one/two/three", 0o777, True),
        php_streams.mkdir(f"{u}/one"),
        php_streams.is_dir(f"{u}/one/two"),
        php_streams.copy(f"{u}/a.txt", f"{u}/one/b.txt"),
        php_streams.rename(f"{u}/one/b.txt", f"{u}/one/c d.txt"),
        php_streams.rename(f"{u}/one/b.txt", f"{u}/one/d.txt"),
        php_streams.scandir(f"{u}/one"),
        php_streams.scandir(f"{u}/none"),
        php_streams.unlink(f"{u}/one/c d.txt"),
        php_streams.unlink(f"{u}/one/c d.txt"),
        php_streams.rmdir(f"{u}/one"),
        php_streams.rmdir(f"{u}/one/two/three"),
    ]


def session(scheme: str, root: Path, act: Callable[[str], object]) -> tuple[object, list[str]]:
    """What `act` returns when it is given the URL of a server's empty root, and the commands of it."""
    root.mkdir()
    command = [sys.executable, str(SERVER), str(root), str(CERTS / "good.pem")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            plain, secure = process.stdout.readline().split()
            result = act(f"{scheme}://ada:secret@localhost:{secure if scheme == 'ftps' else plain}")
        finally:
            process.terminate()
        # QUIT is not answered: it may come after what the next connection begins with.
        return result, [line for line in process.stdout.read().splitlines() if line != "QUIT"]


def by_php(found: PhpCli) -> Callable[[str], object]:
    """TWIN, run by php-cli."""

    def act(url: str) -> object:
        settings = [*PHP_SETTINGS, "-d", f"openssl.cafile={CA}", "-d", "error_reporting=0"]
        command = [str(found.path), *settings, "-r", TWIN, "--", url]
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=True)
        return json.loads(ran.stdout)

    return act


def by_python(url: str) -> object:
    """The steps, as JSON makes PHP's of them."""
    php_streams.ini_set("openssl.cafile", str(CA))
    try:
        with php_streams.silence():
            result = steps(url)
    finally:
        php_streams.ini_restore("openssl.cafile")
    return json.loads(json.dumps(result, default=bytes.decode))


@pytest.fixture(params=["ftp", "ftps"])
def scheme(request: pytest.FixtureRequest) -> str:
    """Both, where there is a server for them."""
    missing = [name for name in NEEDED[request.param] if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}, of the extra `test`")
    return str(request.param)


def test_files_come_and_go(scheme: str, tmp_path: Path) -> None:
    (did, told), commands = session(scheme, tmp_path / "root", by_python)  # type: ignore[misc]
    assert did[:8] == [
        12,
        False,
        12,
        5,
        "hello\nthere\nmore\n",
        "there\nmore\n",
        False,
        [["hello\n", "there\n", "more\n"], True, True],
    ]
    assert did[8:13] == [320000, True, 320000, False, False]
    assert did[13:25] == [
        True,
        False,
        True,
        True,
        True,
        False,
        ["c d.txt", "two"],
        False,
        True,
        False,
        False,
        True,
    ]
    assert did[25:] == ["hello\nthere\nmore\n", False, "hello\nthere\nmore\n", False]
    assert told[0] == [php_streams.STREAM_NOTIFY_CONNECT, php_streams.STREAM_NOTIFY_SEVERITY_INFO, None, 0]
    assert (commands.count("AUTH TLS") > 0) == (scheme == "ftps")


def test_php_asks_for_the_same(php: PhpCli | None, scheme: str, tmp_path: Path) -> None:
    if php is None:
        pytest.skip("needs php-cli 8.4")
    ours, our_commands = session(scheme, tmp_path / "python", by_python)
    theirs, their_commands = session(scheme, tmp_path / "php", by_php(php))
    assert ours == theirs
    assert our_commands == their_commands

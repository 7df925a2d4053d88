"""Names against php-cli: random programs that make, change, move and ask about names in one folder.

php_streams answers with PHP's stat cache (the setting php_streams.stat_cache): what is forgotten shows, too.
The cache of resolved paths is off in php (decision realpath-cache).

The seed is fixed; PHP_STREAMS_FUZZ_SEED chooses another one, PHP_STREAMS_FUZZ_PROGRAMS their number.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import php_streams
from php_streams.porting.php_cli import PhpCli

COUNT = int(os.environ.get("PHP_STREAMS_FUZZ_PROGRAMS", "120"))
SEED = int(os.environ.get("PHP_STREAMS_FUZZ_SEED", "20240717"))
STEPS = 40

Step = list[Any]

PHP = r"""
error_reporting(0);
umask(022);
$folder = getenv('FUZZ_FOLDER');
function shown($value) {
    return isset($value['mode']) ? [$value['size'], $value['mode'] & 0170000, $value['nlink']] : $value;
}
function cut($name, $size) {
    $fp = fopen($name, 'c');
    return $fp ? ftruncate($fp, $size) : false;
}
function recent($name) {
    $time = filemtime($name);
    return $time > 1000000000 ? 1 : $time;
}
$answers = [];
foreach (json_decode(file_get_contents("$folder/programs")) as $number => $steps) {
    mkdir("$folder/$number");
    chdir("$folder/$number");
    clearstatcache(true);
    $told = [];
    foreach ($steps as $step) {
        $name = array_shift($step);
        $told[] = shown($name(...$step));
    }
    $answers[] = $told;
}
echo json_encode($answers);
"""


def make_step(draw: random.Random) -> Step:
    """One call."""
    name, other = draw.choice(["a", "b", "d", "l", "d/x"]), draw.choice(["a", "b", "d", "l", "d/x"])
    size = draw.choice([0, 1, 5, 9])
    changes: list[Step] = [
        ["file_put_contents", name, "x" * size],
        ["file_put_contents", name, "yy", php_streams.FILE_APPEND],
        ["unlink", name],
        ["rename", name, other],
        ["mkdir", name],
        ["mkdir", f"{name}/../{other}/m", 0o777, True],
        ["rmdir", name],
        ["symlink", name, other],
        ["link", name, other],
        ["touch", name, 1_000_000 * (size + 1)],
        ["chmod", name, 0o600 + size],
        ["copy", name, other],
        ["cut", name, size],
        ["clearstatcache"],
    ]
    asks = "is_file is_dir is_link file_exists recent fileperms lstat stat filetype is_writable realpath"
    questions: list[Step] = [[ask, name] for ask in [*asks.split(), "readlink"]]
    return draw.choice(changes if draw.random() < 0.45 else questions)


def cut(name: str, size: int) -> bool:
    """ftruncate on a file that is opened for it, and closed."""
    fp = php_streams.fopen(name, "c")
    return bool(fp) and bool(php_streams.ftruncate(fp, size))


def recent(name: str) -> Any:
    """filemtime, the present as 1."""
    found = php_streams.filemtime(name)
    return 1 if found > 1_000_000_000 else found


def shown(value: Any) -> Any:
    """What is compared of an answer."""
    if isinstance(value, dict):
        return [value["size"], value["mode"] & 0o170000, value["nlink"]]
    return value.decode() if isinstance(value, bytes) else value


@pytest.fixture
def phps_answers() -> Iterator[None]:
    """PHP's stat cache, and no warnings."""
    mask = os.umask(0o022)
    php_streams.ini_set("php_streams.stat_cache", "php")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    php_streams.ini_restore("php_streams.stat_cache")
    os.umask(mask)


@pytest.mark.usefixtures("phps_answers")
def test_every_answer_is_phps(php84: PhpCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answer to every step of every program."""
    draw = random.Random(SEED)
    programs = [[make_step(draw) for _ in range(STEPS)] for _ in range(COUNT)]
    (tmp_path / "programs").write_text(json.dumps(programs))
    environment = {**os.environ, "FUZZ_FOLDER": str(tmp_path)}
    result = php84.run(PHP, ini={"realpath_cache_size": "0"}, env=environment, timeout=50)
    assert result.status == 0, result.stderr[-500:]
    own = {"cut": cut, "recent": recent}
    differ = []
    for number, (steps, expected) in enumerate(zip(programs, json.loads(result.stdout), strict=True)):
        shutil.rmtree(tmp_path / str(number))
        (tmp_path / str(number)).mkdir()
        monkeypatch.chdir(tmp_path / str(number))
        php_streams.clearstatcache(True)
        for at, ((name, *arguments), there) in enumerate(zip(steps, expected, strict=True)):
            call = own.get(name) or getattr(php_streams, name)
            here = shown(call(*arguments))
            if here != there:
                told = "\n".join(
                    f"    {step} {answer}" for step, answer in zip(steps[: at + 1], expected, strict=False)
                )
                differ.append(f"{told}\n    python {here}")
                break
    assert not differ, f"{len(differ)} of {COUNT} programs differ (seed {SEED})\n" + "\n\n".join(differ[:2])

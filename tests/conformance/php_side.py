"""Runs the PHP section of a case in php-cli."""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path

import phpserialize

from php_streams.porting.php_cli import PhpCli, settings
from tests.conformance import namespace
from tests.conformance.case import Case
from tests.conformance.stage import Stage
from tests.conformance.transcript import Transcript, escape, render

PRELUDE = Path(__file__).resolve().parent / "prelude.php"
TIMEOUT = 40.0  # seconds; more than a peer's deadline, so that the peer's reason is the one reported

#: PHP's own defaults, whatever php.ini says, and every diagnostic displayed as plain text.  (Not `from`: set
#: to nothing it is a From header without an address, and not set there is none.)
SETTINGS = {
    "allow_url_fopen": "1",
    "auto_detect_line_endings": "0",
    "date.timezone": "UTC",
    "default_charset": "UTF-8",
    "default_socket_timeout": "60",
    "display_errors": "1",
    "error_reporting": "E_ALL",
    "html_errors": "0",
    "ignore_repeated_errors": "0",
    "log_errors": "0",
    "memory_limit": "256M",
    "open_basedir": "",
    "openssl.cafile": "",
    "openssl.capath": "",
    "output_buffering": "0",
    "precision": "14",
    "serialize_precision": "-1",
    "user_agent": "",
    "zend.assertions": "-1",
    "xdebug.mode": "off",
}


def run_php(case: Case, php: PhpCli) -> Transcript:
    """The transcript of one run of the PHP twin, peers and all."""
    if case.zone and not namespace.inside():
        return namespace.run(case, php)
    with Stage(case) as stage:
        file = os.path.join(stage.root, "case.php")
        Path(file).write_text("<?php " + case.php.text, encoding="utf-8")
        token = secrets.token_hex(8)
        given = {"token": token, "file": file, "variables": stage.variables}
        env = environment(case, stage) | {"PHP_STREAMS_CASE": phpserialize.dumps(given).decode()}
        ini = SETTINGS | {name: stage.expand(value) for name, value in case.ini.items()}
        command = [str(php.path), *settings(ini), str(PRELUDE)]
        status = execute(command, stage, env)
        printed, errors = (Path(stage.root, name).read_bytes() for name in ("stdout", "stderr"))
        stage.peers.finish()  # now, so that the addresses of all clients are known
        known = stage.known(file)
        transcript = render(printed, token, known)
        stage.finish(transcript, known)
        transcript.lines += [f"2> {escape(known.replace(line))}" for line in errors.splitlines()]
        # 255 is PHP's status after a fatal error or an uncaught exception: both are in the transcript.
        if status not in ("0", "70", "255"):
            transcript.problems.append(f"php {php.version} ended with {status}")
    return transcript


def environment(case: Case, stage: Stage) -> dict[str, str]:
    """A small environment, the same everywhere, and the case's own."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ
    }
    return (
        kept | {"LC_ALL": "C", "TZ": "UTC"} | {name: stage.expand(value) for name, value in case.env.items()}
    )


def execute(command: list[str], stage: Stage, env: dict[str, str]) -> str:
    """Runs php with its outputs in files; the exit status, or why there is none, as text."""
    # Files and not pipes: a stream over descriptor 1 is then of the same kind in both twins.
    with (
        open(os.path.join(stage.root, "stdout"), "ab") as out,
        open(os.path.join(stage.root, "stderr"), "ab") as err,
    ):
        try:
            done = subprocess.run(
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=env,
                cwd=stage.dir,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            return f"a timeout of {TIMEOUT:g} s"
    return str(done.returncode)

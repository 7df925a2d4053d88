"""Takes out one option or setting after the other, and runs the cases that are about it.

    python -m tests.mutation.options                        every option of a context, every setting
    python -m tests.mutation.options ssl ini                those of some groups
    python -m tests.mutation.options -v socket.tcp_nodelay  one, with what became of each case

An option is taken out of what the package reads; `stream_context_get_options` and `ini_get` still show it.
Of the cases that cite it (`context.ssl#options.cafile`), lie in its folder (context/ssl.cafile) or set it (a
setting), one at least has to print something else then.  Offline: Python against the recorded EXPECT.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from compat_matrix import CASES
from compat_matrix.manual import pages
from php_streams._core.ini import DEFAULTS
from tests.conformance import python_side
from tests.conformance.case import Case, read_case

GROUPS = ("socket", "ssl", "http", "ftp", "zlib", "ini")
# What no case can notice, and why, or what holds it instead.
EXCUSED = {
    "ssl.disable_compression": "OpenSSL compresses nothing since 1.1.0, whatever is asked for",
    "ssl.ecdh_curve": "PHP does not read it with OpenSSL 1.1 or later, as its cases show",
    "ssl.single_dh_use": "OpenSSL makes a new key for each handshake since 1.1.0, whatever is asked for",
    "ini.SMTP": "PHP obeys it on Windows only; ini_get tells it",
    "ini.smtp_port": "PHP obeys it on Windows only; ini_get tells it",
    "ini.sendmail_from": "PHP obeys it on Windows only; ini_get tells it",
    "ini.php_streams.failed_tls": "php-cli has none: tests/fault/test_no_plaintext.py",
    "ini.php_streams.ftps_data": "php-cli has none: tests/fault/test_ftp.py",
    "ini.php_streams.http_header_limit": "php-cli has none: tests/fault/test_http.py",
    "ini.syslog.facility": "needs a log daemon: tests/unit/test_syslog.py",
    "ini.syslog.ident": "needs a log daemon: tests/unit/test_syslog.py",
}
SET_INI = python_side.set_ini
# Whom a setting is still shown to, though it is not obeyed.
SHOWS = ("php_streams.settings",)


class Hiding(dict[str, Any]):
    """The options of one wrapper, of which one is not found."""

    hidden = ""

    def get(self, key: str, default: Any = None) -> Any:
        """As of a dict."""
        return default if key == self.hidden else super().get(key, default)

    def __contains__(self, key: object) -> bool:
        return key != self.hidden and super().__contains__(key)

    def __getitem__(self, key: str) -> Any:
        if key == self.hidden:
            raise KeyError(key)
        return super().__getitem__(key)


def hide(group: str, name: str) -> None:
    """Takes the option out of the php_streams that is imported now."""
    if group == "ini":
        _hide_setting(name)
        return
    context = importlib.import_module("php_streams._core.context")
    copy = importlib.import_module("php_streams._core.values").array_copy
    hiding = type("Hiding", (Hiding,), {"hidden": name})

    def merge(self: Any, options: dict[str, dict[str, Any]]) -> None:
        for wrapper, values in options.items():
            kind = hiding if wrapper == group else dict
            self.options.setdefault(wrapper, kind()).update(copy(values))

    context.Context.merge = merge  # type: ignore[attr-defined]


def _hide_setting(name: str) -> None:
    ini: Any = importlib.import_module("php_streams._core.ini")
    get, given, obey, default = ini.get, ini.given, ini._obey, DEFAULTS[name]

    def shown() -> bool:
        return sys._getframe(2).f_globals["__name__"] in SHOWS

    ini.get = lambda asked: get(asked) if asked != name or shown() else default
    ini.given = lambda asked: given(asked) if asked != name or shown() else None
    ini._obey = lambda changed: None if changed == name else obey(changed)


@contextmanager
def without(group: str, name: str) -> Iterator[None]:
    """The cases that run meanwhile find a package that does not know the option."""

    def set_ini(settings: dict[str, str]) -> None:
        SET_INI(settings)
        hide(group, name)

    with mock.patch.object(python_side, "set_ini", set_ini):
        yield


def options(groups: Sequence[str] = GROUPS) -> list[tuple[str, str]]:
    """(group, name) of each option that the manual has or that has cases of its own, and of each setting."""
    found = []
    for group in groups:
        if group == "ini":
            found += [(group, name) for name in DEFAULTS]
            continue
        claims = pages()[f"context.{group}"].claims
        names = [claim.partition(".")[2] for claim in claims if claim.startswith("options.")]
        names += [folder.name.partition(".")[2] for folder in sorted(CASES.glob(f"context/{group}.*"))]
        found += [(group, name) for name in dict.fromkeys(names)]
    return found


def cases_of(group: str, name: str, cases: Sequence[Case]) -> list[Case]:
    """Those that have to notice, the likeliest first."""
    if group == "ini":
        quoted = (f"'{name}'", f'"{name}"')
        return [case for case in cases if name in case.ini or any(text in case.php.text for text in quoted)]
    folder, claim = CASES / "context" / f"{group}.{name}", f"context.{group}#options.{name}"
    own = [case for case in cases if case.path.parent == folder]
    return own + [case for case in cases if claim in case.see and case not in own]


def notices(case: Case, group: str, name: str) -> bool:
    """Whether the case prints something else without the option."""
    with without(group, name):
        transcript = python_side.run_python(case)
    assert case.newest is not None
    return tuple(transcript.lines) != case.newest.lines or bool(transcript.problems)


def usable_cases() -> list[Case]:
    """Those that run in this process, and have something to compare with."""
    every = [read_case(path) for path in sorted(CASES.rglob("*.case"))]
    return [case for case in every if case.newest is not None and case.zone is None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Reports the options that no case would miss."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.options", description=__doc__)
    parser.add_argument("which", nargs="*", metavar="GROUP|GROUP.NAME")
    parser.add_argument("-v", "--verbose", action="store_true", help="every case, not only up to the first")
    given = parser.parse_args(arguments)
    every = usable_cases()
    chosen = [
        (group, name)
        for group, name in options()
        if not given.which or group in given.which or f"{group}.{name}" in given.which
    ]
    missed = 0
    for group, name in chosen:
        found = cases_of(group, name, every)
        seen = False
        for case in found:
            noticed = notices(case, group, name)
            seen = seen or noticed
            if given.verbose:
                print(f"  {'fails ' if noticed else 'passes'}  {case.path.relative_to(CASES)}", flush=True)
            elif seen:
                break
        excuse = EXCUSED.get(f"{group}.{name}")
        missed += not seen and not excuse
        how = "noticed" if seen else excuse or f"NOT NOTICED by any of {len(found)} cases"
        print(f"{group}.{name}: {how}", flush=True)
    print(f"{missed} of {len(chosen)} not noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

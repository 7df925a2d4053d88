"""``python -m compat_matrix new CLAIM``: the skeleton of a case, in the folder of its subject.

The skeleton fails until it is filled in: its --TEST-- is empty, which the harness refuses.
"""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from compat_matrix import CASES, MatrixError
from compat_matrix.automatic import Fact, reflection
from compat_matrix.manual import Page, find_claim

CHAPTER_FOLDERS = {"transports": "transports", "wrappers": "wrappers", "filters": "filters"}
#: Parameters that are streams: the skeleton opens one at the peer.
STREAMS = {"stream", "fp", "stream_or_context"}

#: What a case of a context option or a transport opens: the peer's script, and the address on both sides.
TLS = 'tls good\nsend "hello\\r\\n"\nclose\n', '"tls://localhost:$port"', 'f"tls://localhost:{port}"'
TCP = 'send "hello\\r\\n"\nclose\n', '"tcp://$host:$port"', 'f"tcp://{host}:{port}"'
UNIX = 'unix\nsend "hello\\r\\n"\nclose\n', '"unix://$unix"', 'f"unix://{unix}"'
OPENED = {"context.ssl": TLS, "context.socket": TCP, "transports.inet": TCP, "transports.unix": UNIX}

#: What PHP reads and writes stays a parameter (rule R2).
IN_OUT = {"stream_select"}


def new_case(name: str, peer: bool, slug: str | None, root: Path = CASES) -> Path:
    """Writes the skeleton for a claim; `MatrixError` when there is no such claim, or the file is there."""
    page, claim = find_claim(name)
    slug = slug or re.sub(r"\W+", "_", claim)
    if not re.fullmatch(r"\w+", slug):
        raise MatrixError(f"--name {slug}: letters, digits and _ only")
    path = root / folder(page, claim) / f"{slug}.case"
    if path.exists():
        raise MatrixError(f"{path} is there already; --name gives another one")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(skeleton(page, name, peer), "utf-8")
    return path


def folder(page: Page, claim: str) -> str:
    """functions/fgets, context/ssl.cafile, transports/tcp ..."""
    if page.kind == "function":
        return f"functions/{page.name}"
    if page.kind == "context":
        option = claim.partition(".")[2] if claim.startswith("options.") else "any"
        return f"context/{page.id.removeprefix('context.')}.{option}"
    if page.kind == "transports":
        return "transports/unix" if page.id.endswith("unix") else "transports/tcp"
    if page.kind in CHAPTER_FOLDERS:
        return f"{CHAPTER_FOLDERS[page.kind]}/{page.id.partition('.')[2]}"
    return f"functions/{'stream_filter_register' if 'filter' in page.id else 'stream_wrapper_register'}"


def skeleton(page: Page, claim: str, peer: bool) -> str:
    """The file's text, with a call in PHP and in Python where it is known what to call."""
    if page.id in OPENED:
        return f"--TEST--\n\n--SEE--\n{claim}\n{connection(page, claim)}"
    fact = reflection(page.name) if page.kind == "function" else None
    peer = peer or bool(fact and {p["name"] for p in fact["parameters"]} & STREAMS)
    php, python = calls(page.name, fact) if fact else ("", "")
    opens = ("$stream = fsockopen($host, $port);\n", "stream, errno, errstr = fsockopen(host, port)\n")
    script = '--PEER--\nsend "hello\\r\\n"\nclose\n' if peer else ""
    return (
        f"--TEST--\n\n--SEE--\n{claim}\n{script}"
        f"--PHP--\n{opens[0] if peer else ''}{php}--PYTHON--\n{opens[1] if peer else ''}{python}"
    )


def connection(page: Page, claim: str) -> str:
    """The peer and the twins of a case about a transport, or about an option, which it sets."""
    script, php, python = OPENED[page.id]
    wrapper, option = page.id.partition(".")[2], claim.partition("#options.")[2]
    setting = f"$context = stream_context_create(['{wrapper}' => ['{option}' => null]]);\n"
    twin = f"context = stream_context_create({{'{wrapper}': {{'{option}': None}}}})\n"
    flags = ", STREAM_CLIENT_CONNECT, {}context"
    if option:
        php_more, python_more = flags.format("$"), flags.format("")
    else:
        setting = twin = php_more = python_more = ""
    return (
        f"--PEER--\n{script}"
        f"--PHP--\n{setting}$stream = stream_socket_client({php}, $errno, $errstr, 5{php_more});\n"
        "see('line', fgets($stream));\n"
        f"--PYTHON--\n{twin}stream, errno, errstr = stream_socket_client({python}, 5{python_more})\n"
        "see('line', fgets(stream))\n"
    )


def calls(name: str, fact: Fact) -> tuple[str, str]:
    """The call with what it requires, and with its outputs, on both sides (rules R2 and R3)."""
    required = [p for p in fact["parameters"] if not p.get("optional")]
    outputs = [p["name"] for p in fact["parameters"] if p.get("by_reference")]
    given = [p for p in required if not p.get("by_reference") or name in IN_OUT]
    php = ", ".join(f"${p['name']}" for p in fact["parameters"] if p in required or p.get("by_reference"))
    python = ", ".join(safe(p["name"]) for p in given)
    if not outputs:
        return f"see('result', {name}({php}));\n", f"see('result', {name}({python}))\n"
    results = ", ".join(["result", *map(safe, outputs)])
    # Reflection has no type for resources, which `see` does not take.
    what = "{}" if fact["returns"] else "is_resource({})"
    shown = f"see('result', {what});\n", f"see('result', {what})\n"
    return (
        f"$result = {name}({php});\n{shown[0].format('$result')}",
        f"{results} = {name}({python})\n{shown[1].format('result')}",
    )


def safe(name: str) -> str:
    """Rule R2: a keyword gets an underscore."""
    return f"{name}_" if keyword.iskeyword(name) else name

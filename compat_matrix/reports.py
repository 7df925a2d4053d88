"""The results of a run as files: JSON for programs, JUnit XML for CI servers."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from compat_matrix import MatrixError
from compat_matrix.coverage import label

if TYPE_CHECKING:
    from compat_matrix.run import Result
    from php_streams.porting.php_cli import PhpCli

#: What XML 1.0 cannot carry.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_json(path: Path, php: Sequence[PhpCli], results: Sequence[Result]) -> None:
    """Every result; the transcript where it is not the expected one.

    `agrees` is null for what could not be run, and `not_run` says why.  `another_release` says that the php
    is a newer or an older release than the one that was recorded.
    """
    rows = []
    for result in results:
        row: dict[str, object] = {
            "case": label(result.job.case),
            "with": result.job.who,
            "agrees": None if result.not_run else result.good,
            "seconds": round(result.seconds, 3),
        }
        if result.not_run:
            row["not_run"] = result.not_run
        if result.changed:
            row["another_release"] = result.changed.reason
        if result.wrong or result.older:
            row |= {
                "expected": result.job.expect.lines,
                "printed": result.printed,
                "problems": result.problems,
            }
        rows.append(row)
    found = [{"version": each.version, "path": str(each.path)} for each in php]
    replace(path, json.dumps({"php": found, "results": rows}, indent=1, ensure_ascii=False).encode() + b"\n")


def write_junit(path: Path, results: Sequence[Result]) -> None:
    """A suite for each php and one for Python."""
    root = ElementTree.Element("testsuites", name="php_streams conformance")
    for who in dict.fromkeys(result.job.who for result in results):
        own = [result for result in results if result.job.who == who]
        sums = {
            "tests": str(len(own)),
            "failures": str(sum(result.wrong for result in own)),
            "errors": "0",
            "skipped": str(sum(bool(result.not_run) or result.older for result in own)),
            "time": f"{sum(result.seconds for result in own):.3f}",
        }
        suite = ElementTree.SubElement(root, "testsuite", name=who, **sums)
        for result in own:
            folder, _, name = label(result.job.case).rpartition("/")
            at = f"{result.seconds:.3f}"
            case = ElementTree.SubElement(
                suite, "testcase", classname=folder.replace("/", "."), name=name, time=at
            )
            if result.not_run:
                ElementTree.SubElement(case, "skipped", message=result.not_run)
            if result.changed and result.older:
                ElementTree.SubElement(case, "skipped", message=result.changed.reason)
            if result.wrong:
                text = NOT_XML.sub("?", result.report)
                failure = ElementTree.SubElement(case, "failure", message=result.job.case.title)
                failure.text = text
    ElementTree.indent(root)
    replace(path, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def replace(path: Path, data: bytes) -> None:
    """Puts the whole file there, or leaves what was there."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise MatrixError(f"{path} cannot be written: {error.strerror}") from None

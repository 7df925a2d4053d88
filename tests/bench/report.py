"""The table of results, for people and as JSON."""

from __future__ import annotations

import json
import os
import platform
import re
import ssl
import sys
from dataclasses import asdict
from pathlib import Path
from statistics import quantiles
from typing import Any

from .rows import Row
from .runner import Column, Result, cpus

HEAD = ["workload", "per", "", "stdlib", "php_streams", "goal", "", "/ stdlib", "goal", ""]
US = "php_streams"


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """First quartile, median, third quartile."""
    if len(values) < 2:
        return (values[0],) * 3
    first, middle, third = quantiles(values, n=4, method="inclusive")
    return first, middle, third


def amount(row: Row, value: float | None) -> str:
    """A measured value with its unit."""
    if value is None:
        return "-"
    if row.measure == "rss":
        return f"{value:.1f} KiB"
    for unit, size in ("s", 1e9), ("ms", 1e6), ("us", 1e3):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} ns"


def ratio(values: list[float]) -> str:
    """The median of paired ratios with its quartiles."""
    if not values:
        return "-"
    first, middle, third = quartiles(values)
    return f"{middle:.2f} ({first:.2f}-{third:.2f})"


def mark(values: list[float], goal: float | None) -> str:
    """hold or miss; with ~ when the goal lies between the quartiles."""
    if goal is None or not values:
        return ""
    first, middle, third = quartiles(values)
    return ("hold" if middle <= goal else "miss") + ("~" if first <= goal <= third and first < third else "")


def line(result: Result, php: str | None) -> list[str]:
    """One line of the table."""
    row = result.row
    ours, to_stdlib = result.ratios(US, php) if php else [], result.ratios(US, "stdlib")
    failed = dict.fromkeys(result.failures, "failed")
    base = php or "stdlib"
    cells = [row.label, row.unit, failed.get(base) or amount(row, result.median(base))]
    if row.goal_kib is not None:
        kept = result.values.get(US, [])
        shown = [amount(row, result.median(name)) for name in ("stdlib", US)]
        return [*cells, *shown, f"{row.goal_kib:g} KiB", mark(kept, row.goal_kib), "", "", ""]
    if row.php or not php:
        shown = [ratio(result.ratios("stdlib", base)), ratio(ours or to_stdlib)]
    else:
        shown = [amount(row, result.median(name)) for name in ("stdlib", US)]
    cells += [failed.get(name) or cell for name, cell in zip(("stdlib", US), shown, strict=True)]
    cells += [f"{row.goal:g}" if row.goal is not None else "", mark(ours, row.goal)]
    cells += [ratio(to_stdlib).split(" ")[0], f"{row.goal_stdlib:g}" if row.goal_stdlib is not None else ""]
    return [*cells, mark(to_stdlib, row.goal_stdlib)]


def machine() -> dict[str, Any]:
    """What this was measured on, and with."""
    try:
        model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        model = None
    return {
        "cpu": model.group(1) if model else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "pinned": len(cpus()) > 0,
        "system": platform.platform(),
        "python": platform.python_version(),
        "openssl of python": ssl.OPENSSL_VERSION,
    }


def summary(results: list[Result], php: str | None) -> str:
    """How many goals hold."""
    marks = [mark_ for result in results for mark_ in (line(result, php)[6], line(result, php)[9]) if mark_]
    held = sum(mark_.startswith("hold") for mark_ in marks)
    return f"{held} of {len(marks)} goals hold (~: the goal lies between the quartiles)"


def show(results: list[Result], php: str | None) -> None:
    """Print the table, with rich when it is there."""
    head = HEAD.copy()
    head[2] = php or "stdlib"
    lines = [line(result, php) for result in results]
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
        for cells in [head, *lines]:
            print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
        return
    table = Table(header_style="bold")
    for i, name in enumerate(head):
        table.add_column(name, no_wrap=True, justify="left" if i in (0, 1, 6, 9) else "right")
    styles = {"hold": "green", "miss": "red", "fail": "bold red"}
    for cells in lines:
        table.add_row(*[Text(cell, style=styles.get(cell[:4], "")) for cell in cells])
    Console(width=None if sys.stdout.isatty() else 170).print(table)


def as_json(results: list[Result], about: dict[str, Any], columns: list[Column]) -> str:
    """Everything, with the value of every round."""
    php = next((column.name for column in columns if column.folder == "php"), None)
    rows = []
    for result in results:
        cells = line(result, php)
        entry: dict[str, Any] = asdict(result.row)
        entry |= {"label": result.row.label, "mark": cells[6], "mark_stdlib": cells[9]}
        rows.append(entry | {"values": result.values, "failures": result.failures, "work": result.work})
    names = [column.name for column in columns]
    return json.dumps({"about": about, "columns": names, "rows": rows}, indent=1)

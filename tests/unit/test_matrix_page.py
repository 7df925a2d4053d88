"""The matrix page in a real Chromium: search, filter, sort, open a case; on a phone; without JavaScript."""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.places import ROOT

pytest.importorskip("sphinx", reason="the documentation's tools are not installed here (extra docs)")
playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed (tox -e matrix has it)"
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync""".split()

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt install chromium)"),
    pytest.mark.timeout(180),
]


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation, built with warnings as errors from a copy."""
    root = tmp_path_factory.mktemp("site")
    for name in ("docs", "tests/conformance", "compat_matrix"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("_build", "__pycache__"))
    (root / "tests/__init__.py").touch()
    html = root / "html"
    command = [sys.executable, "-m", "sphinx", "-n", "-W", "-q", "-b", "html", "docs", str(html)]
    subprocess.run(command, cwd=root, check=True, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})
    return html


@pytest.fixture(scope="module")
def site(html: Path) -> Iterator[str]:
    """The documentation, served on loopback."""
    handler = functools.partial(Quiet, directory=str(html))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test's output is no place for requests."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as tool:
        found = tool.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield found
        found.close()


@pytest.fixture
def page(browser: Any, site: str) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request", lambda request: faults.append(request.url) if not request.url.startswith(site) else None
    )
    page.goto(f"{site}/matrix.html")
    yield page
    page.close()
    assert faults == []


def names(page: Any) -> list[str]:
    """The rows to be seen, by their names."""
    cells = page.locator("table.matrix-table tbody tr:visible td:first-child").all_inner_texts()
    return [cell.split()[0] for cell in cells]


def test_search_finds_by_parts_of_names_and_tells_how_many(page: Any) -> None:
    every = names(page)
    texts = page.locator("table.matrix-table tbody tr:visible").all_inner_texts()
    wanted = [text.split()[0] for text in texts if "stream_socket" in text and "name" in text]
    assert "stream_socket_get_name" in wanted and len(wanted) < len(every) // 10
    page.get_by_label("search", exact=True).fill("stream_socket name")
    assert names(page) == wanted
    assert page.locator(".matrix-tools output").inner_text() == f"{len(wanted)} of {len(every)}"
    page.get_by_label("search", exact=True).fill("")
    assert names(page) == every


def test_filters_by_chapter_and_state_combine_and_stay_in_the_address(page: Any) -> None:
    page.get_by_label("chapter", exact=True).select_option("Network")
    network = names(page)
    assert "fsockopen" in network and "setcookie" in network and "fgets" not in network
    page.get_by_label("state", exact=True).select_option("not wanted")
    assert "setcookie" in names(page) and "fsockopen" not in names(page)
    assert page.locator("h2:visible").all_inner_texts()[0].startswith("Network")
    assert page.locator("h2:visible").count() == 1
    page.reload()
    assert "setcookie" in names(page) and "fsockopen" not in names(page)


def test_states_are_three(page: Any) -> None:
    states = page.get_by_label("state", exact=True).locator("option").all_inner_texts()
    assert sorted(states) == ["done", "every state", "not wanted", "wanted"]


def test_columns_sort_by_number(page: Any) -> None:
    table = page.locator("table.matrix-table").first
    header = table.locator("th", has_text="8.4")
    header.click()
    table.locator("th[aria-sort=descending]", has_text="8.4").wait_for()
    column = [text or "0" for text in table.locator("tbody tr td:nth-child(6)").all_inner_texts()]
    counts = [int(text.split(",")[0]) for text in column if text[0].isdigit()]
    assert counts[0] > 9 and counts == sorted(counts, reverse=True)
    header.get_by_role("button").press("Enter")
    table.locator("th[aria-sort=ascending]", has_text="8.4").wait_for()


def test_a_case_opens_from_the_matrix_with_both_twins_side_by_side(page: Any) -> None:
    page.get_by_label("search", exact=True).fill("fgets")
    page.locator("tbody tr:visible", has_text="fgets").first.locator("td:nth-child(6) a").click()
    page.wait_for_url("**/matrix/functions/fgets.html*")
    pair = page.locator(".twins").first.locator(":scope > div")
    assert pair.count() == 2
    assert "$fp" in pair.nth(0).inner_text() and "fgets(fp" in page.locator(".twins").first.inner_text()
    left, right = pair.nth(0).bounding_box(), pair.nth(1).bounding_box()
    assert left["y"] == right["y"] and left["x"] < right["x"]
    assert page.locator(r"text=/PHP 8\.4\.\d+ printed/").count() > 5


def test_every_row_leads_to_the_manual(page: Any) -> None:
    links = page.locator(
        "table.matrix-table tbody tr td:first-child a[href^='https://www.php.net/manual/en/']"
    )
    assert links.count() > 300
    fgets = page.locator("td:first-child a[href='https://www.php.net/manual/en/function.fgets.php']")
    assert fgets.count() == 1


@pytest.mark.parametrize("width", [1000, 1300, 1900])
def test_on_a_screen_the_tools_are_in_sight(browser: Any, site: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(f"{site}/matrix.html")
    box = page.get_by_label("state", exact=True).bounding_box()
    assert box["x"] > 0 and box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_on_a_phone_nothing_runs_out_of_the_page(browser: Any, site: str) -> None:
    phone = browser.new_page(viewport={"width": 390, "height": 800}, is_mobile=True, has_touch=True)
    for path in ("matrix.html", "matrix/functions/fgets.html"):
        phone.goto(f"{site}/{path}")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    pair = phone.locator(".twins").first.locator(":scope > div")
    assert pair.nth(0).bounding_box()["y"] < pair.nth(1).bounding_box()["y"]
    phone.close()


def test_opened_from_disk_it_works_too(browser: Any, html: Path) -> None:
    page = browser.new_page()
    page.goto(f"{html.as_uri()}/matrix.html?q=fgets&state=done")
    assert names(page) == ["fgets"]
    page.close()


def test_without_javascript_the_tables_are_there(browser: Any, site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/matrix.html")
    assert page.locator("table").count() > 10
    assert page.locator("td", has_text="stream_select").first.is_visible()
    assert page.locator(".matrix-tools").count() == 0
    context.close()

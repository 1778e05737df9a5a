"""A headless Chromium that opens a page from disk: what its document holds, and what it asked for."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu"),
    *("--disable-background-networking", "--disable-component-update", "--no-first-run"),
)
REPORT = """<script>
const wrong = [];
const note = (event) => wrong.push(String(event.message || event.target.src || event.target.href));
window.addEventListener("error", note, true);
window.addEventListener("load", () => setTimeout(() => {
  %s
  const report = document.createElement("pre");
  report.id = "report";
  report.textContent = JSON.stringify({
    resources: performance.getEntriesByType("resource").map((one) => one.name), wrong,
    pictures: [...document.querySelectorAll("img.levelworks-picture")].map((one) => [one.alt, one.naturalWidth]),
  });
  document.body.appendChild(report);
}, 600));
</script>"""


@dataclass(frozen=True)
class Opened:
    """The document after its scripts ran, what it loaded, its errors, and its pictures with their widths."""

    document: str
    resources: list[str]
    wrong: list[str]
    pictures: dict[str, int]

    @property
    def text(self) -> str:
        """Return the text of the document's body without its scripts."""
        body = self.document.partition("<body")[2]
        return html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<script.*?</script>", " ", body)))


def open_page(page: Path, profile: Path, script: str = "") -> Opened:
    """Open a page in Chromium, run a script in it once it has loaded, and return what it became.

    Skip where there is no Chromium; fail where CI=true.
    """
    found = _browser()
    copy = page.with_name(f"opened_{page.name}")
    copy.write_text(page.read_text(encoding="utf-8").replace("<head>", "<head>" + REPORT % script, 1), encoding="utf-8")
    command = [found, *FLAGS, f"--user-data-dir={profile}", "--window-size=1300,850"]
    command += ["--virtual-time-budget=8000", "--dump-dom", copy.as_uri()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    finally:
        copy.unlink()
    told = re.search(r'<pre id="report">(.*?)</pre>', done.stdout, re.DOTALL)
    assert told, "the page's scripts did not come to their end"
    report = json.loads(html.unescape(told.group(1)))
    return Opened(done.stdout, report["resources"], report["wrong"], dict(report["pictures"]))


@contextmanager
def driven() -> Iterator[Any]:
    """Start a Chromium that Playwright drives, for pages that people use: keys, clicks, what they see afterwards.

    Skip where there is neither; fail where CI=true.
    """
    program = _browser()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _lacks("no Playwright here to drive a browser with")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def _browser() -> str:
    return next(filter(None, map(shutil.which, NAMES)), None) or _lacks("no Chromium here to open pages with")


def _lacks(message: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
